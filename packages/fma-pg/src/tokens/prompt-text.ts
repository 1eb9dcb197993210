import type { Prompt } from '@gimbal/tensor-core';

/** The text of a prompt, with or without other columns. */
export const promptText = (p: Prompt): string => (typeof p === 'string' ? p : p.prompt);
