// What a damaged tokenizer.json says wrong, found before it is used: the pipeline would take it and encode nonsense.
import { CheckpointError, DataError } from '@gimbal/tensor-core';
import type { TokenizerJson } from './tokenizer-json.ts';

const refuse = (what: string, got: unknown, wanted: string): never => {
  throw new DataError({ where: 'tokenizer.json', what, got, wanted, fix: 'Copy the file again from where it came' });
};

/**
 * @throws DataError for ids that are no whole numbers ≥ 0, and merges that are no pairs of tokens or make none
 */
export function checkTokenizerJson(json: TokenizerJson): void {
  for (const { id, content } of json.added_tokens ?? []) checkId(content, id);
  const { vocab, merges } = json.model ?? {};
  if (typeof vocab !== 'object' || vocab === null || Array.isArray(vocab)) return;
  const tokens = vocab as { readonly [token: string]: unknown };
  for (const [token, id] of Object.entries(tokens)) checkId(token, id);
  if (merges === undefined) return;
  if (!Array.isArray(merges)) refuse('its merges are no list', typeof merges, '[["a", "b"], …]');
  const prefix = json.model.continuing_subword_prefix;
  const skipped = typeof prefix === 'string' ? prefix.length : 0;
  for (const [i, merge] of (merges as unknown[]).entries()) {
    const pair: unknown = typeof merge === 'string' ? merge.split(' ') : merge;
    if (!Array.isArray(pair) || pair.length !== 2 || !pair.every((part) => typeof part === 'string')) {
      refuse(`merge ${i} is no pair of tokens`, merge, '["a", "b"] or "a b"');
    }
    const [a, b] = pair as [string, string];
    for (const part of [a, b, a + b.slice(skipped)]) {
      if (!Object.hasOwn(tokens, part))
        refuse(`merge ${i} names a token that the vocabulary has not`, part, 'its tokens');
    }
  }
}

function checkId(token: string, id: unknown): void {
  if (Number.isSafeInteger(id) && (id as number) >= 0) return;
  refuse(`the id of token ${JSON.stringify(token)} is out of range`, id, 'a whole number ≥ 0');
}

/**
 * Refuses a vocabulary that goes beyond the model's. Tokens that were added may: Gemma 3 has one for images, which its text
 * models do not know.
 * @param size rows of the model's embedding
 * @throws CheckpointError naming the first such token
 */
export function refuseForeignIds(json: TokenizerJson, size: number, where: string): void {
  const { vocab } = json.model;
  if (typeof vocab !== 'object' || vocab === null) return;
  const added = new Set((json.added_tokens ?? []).map(({ content }) => content));
  // a unigram model lists pairs of token and score: its ids are their places
  const ids = Array.isArray(vocab)
    ? (vocab as unknown[][]).map((pair, id) => [String(pair?.[0]), id] as const)
    : Object.entries(vocab as { [token: string]: number });
  for (const [token, id] of ids) {
    if (id < size || added.has(token)) continue;
    const what = `token ${JSON.stringify(token)} has an id that the model has no embedding for`;
    const fix = 'Check that tokenizer.json and config.json belong together';
    throw new CheckpointError({ where, what, got: id, wanted: `ids below ${size}`, fix });
  }
}
