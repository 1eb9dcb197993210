import { type FamilyName, familyNames } from '../config.ts';
import type { Family } from '../family.ts';
import { gpt2 } from './gpt2.ts';
import { llamaLike } from './llama.ts';

/** Every family a decoder can have. */
export const families: Readonly<Record<FamilyName, Family>> = Object.fromEntries(
  familyNames.map((name) => [name, name === 'gpt2' ? gpt2 : llamaLike(name)]),
) as Record<FamilyName, Family>;
