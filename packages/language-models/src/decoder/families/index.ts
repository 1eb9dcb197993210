import type { FamilyName } from '../config.ts';
import type { Family } from '../family.ts';
import { gpt2 } from './gpt2.ts';
import { llama } from './llama.ts';

/** Every family a decoder can have. */
export const families: Readonly<Record<FamilyName, Family>> = { llama, gpt2 };
