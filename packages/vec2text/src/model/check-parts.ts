// What is read from files, before a model is made of it.
import { Tokenizer, type TokenizerConfig, type TokenizerJson } from '@gimbal/language-models';
import { type FloatDtype, flatten, type Params } from '@gimbal/tensor-core';
import { checkKnown, checkName } from '../internal/check-names.ts';
import { refusal } from '../internal/refuse.ts';
import type { Vec2Text } from './module.ts';
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

/** @throws ConfigError (`CONFIG`) for what is no trained model */
export function checkModel(where: string, model: Vec2Text): void {
  if (
    typeof model?.module?.encode === 'function' &&
    model.params != null &&
    model.tokenizer != null &&
    model.stats != null
  )
    return;
  const wanted = 'of loadVec2Text, of a trainer, or of trainedModel';
  throw refusal('CONFIG', { where, what: 'no trained model', got: model === null ? 'null' : typeof model, wanted });
}

/** @throws ConfigError (`CONFIG`) for what is no path */
export function checkFolder(where: string, folder: string): void {
  if (typeof folder === 'string' && folder !== '') return;
  throw refusal('CONFIG', {
    where,
    what: 'no path of a folder',
    got: folder === '' ? folder : typeof folder,
    fix: 'The folder comes first',
  });
}

/** The dtypes that weights are written with. */
const dtypes: readonly FloatDtype[] = ['F32', 'F16', 'BF16'];

/** How weights are written. @throws ConfigError (`CONFIG`) for another option, or another dtype */
export function checkWriting(where: string, o: { dtype?: FloatDtype }): void {
  checkKnown(where, o, ['dtype']);
  if (o.dtype !== undefined) checkName(`${where}.dtype`, o.dtype, dtypes);
}

/**
 * What `make` gives of a file's content.
 * @throws CheckpointError (`CHECKPOINT`) naming the file where it gives an error: what is in a file is no option of the caller's
 */
export function madeOf<T>(file: string, make: () => T): T {
  try {
    return make();
  } catch (cause) {
    if ((cause as { reason?: string }).reason === 'CHECKPOINT') throw cause;
    const what = `the file is damaged, or another model’s: ${(cause as Error).message}`;
    throw refusal('CHECKPOINT', { where: file, what, fix: 'Copy the model again', cause });
  }
}

/**
 * The tokenizer of its two files; the second may be missing.
 * @throws CheckpointError (`CHECKPOINT`) for what is none or cannot be built
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
  return madeOf(where, () => new Tokenizer(json as TokenizerJson, (config ?? {}) as TokenizerConfig));
}
