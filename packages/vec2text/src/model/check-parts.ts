// What is read from files, before a model is made of it.
import { Tokenizer, type TokenizerConfig, type TokenizerJson } from '@gimbal/language-models';
import { flatten, type Params } from '@gimbal/tensor-core';
import { refusal } from '../internal/refuse.ts';
import type { ParameterSpec } from './parameters.ts';

/** @throws CheckpointError (`CHECKPOINT`) naming the first tensor that is missing, too many, or of another shape */
export function checkShapes(
  where: string,
  params: Params,
  specs: readonly Pick<ParameterSpec, 'path' | 'shape'>[],
): void {
  const there = new Map(flatten(params));
  for (const { path, shape } of specs) {
    const got = there.get(path)?.shape;
    if (String(got) === String(shape)) continue;
    const what = got === undefined ? `tensor ${path} is missing` : `tensor ${path} has another shape`;
    throw refusal('CHECKPOINT', {
      where,
      what,
      got,
      wanted: shape,
      fix: 'Weights and config belong to different models',
    });
  }
  const known = new Set(specs.map(({ path }) => path));
  const extra = [...there.keys()].find((path) => !known.has(path));
  if (extra !== undefined) throw refusal('CHECKPOINT', { where, what: 'a tensor that the model has not', got: extra });
}

/**
 * The tokenizer of its two files; the second may be missing.
 * @throws CheckpointError (`CHECKPOINT`) for what is none, DataError for one that cannot be built
 */
export function tokenizerOf(where: string, json: unknown, config: unknown): Tokenizer {
  const isObject = (x: unknown): boolean => typeof x === 'object' && x !== null && !Array.isArray(x);
  const bad = !isObject(json) ? 'tokenizer.json' : config === undefined || isObject(config) ? undefined : 'its config';
  if (bad !== undefined)
    throw refusal('CHECKPOINT', {
      where,
      what: `the tokenizer is damaged: ${bad} is no object`,
      got: bad === 'its config' ? config : json,
      fix: 'Copy the model again',
    });
  return new Tokenizer(json as TokenizerJson, (config ?? {}) as TokenizerConfig);
}
