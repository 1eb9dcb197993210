// What trainers refuse of model, tokenizer and lengths before a row is read.
import { ConfigError } from '@gimbal/tensor-core';

/** @throws ConfigError where the tokenizer has more tokens than the model */
export function checkVocabulary(
  where: string,
  tokenizer: { readonly size: number },
  { vocabularySize }: { readonly vocabularySize: number },
): void {
  if (tokenizer.size <= vocabularySize) return;
  throw new ConfigError({
    where,
    what: 'the tokenizer has more tokens than the model',
    got: tokenizer.size,
    wanted: `at most ${vocabularySize}`,
    fix: 'Use the tokenizer that the model was made for, or make the model with vocabularySize: tokenizer.size',
  });
}

/** @throws ConfigError for a longest row, by the option's name, of less than 2 tokens or beyond the model's context */
export function checkLengths(
  where: string,
  lengths: { readonly [option: string]: number },
  { contextLength }: { readonly contextLength: number },
): void {
  for (const [option, got] of Object.entries(lengths)) {
    if (Number.isSafeInteger(got) && got >= 2 && got <= contextLength) continue;
    const wanted = `2 to the model’s context, ${contextLength}`;
    throw new ConfigError({ where: `${where}.${option}`, what: 'out of range', got, wanted });
  }
}
