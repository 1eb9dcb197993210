// A trained model: the module, its weights, its tokenizer and how its codes are spread.
import { packMatrices, type Tokenizer } from '@gimbal/language-models';
import { disposeTree, type PackedWeights, type Params } from '@gimbal/tensor-core';
import { refusal, type Vec2TextReason } from '../internal/refuse.ts';
import { type SpaceStats, statsFor } from '../space/stats.ts';
import { specialIds } from '../text/tokenizers.ts';
import type { Vec2TextConfig } from './config.ts';
import type { Vec2Text, Vec2TextModule } from './module.ts';

/** Weights stay packed while a model lives: encoding and decoding go on with what the last call left. */
const packings = new WeakMap<Vec2Text, PackedWeights>();

/**
 * A model of its parts.
 * @param parts.params owned by the model from now on
 * @throws CheckpointError (`CHECKPOINT`) for a tokenizer of another vocabulary or other special tokens; ConfigError (`NO_STATS`) for
 * statistics of another space; the parameters stay the caller's then
 */
export function trainedModel(parts: {
  module: Vec2TextModule;
  params: Params;
  tokenizer: Tokenizer;
  stats: SpaceStats;
}): Vec2Text {
  const { module, params, tokenizer, stats } = parts;
  checkTokenizer('vec2text', tokenizer, module.config);
  statsFor('vec2text', module.space, stats);
  let live = true;
  const dispose = (): void => {
    if (!live) return;
    live = false;
    packings.get(model)?.dispose();
    disposeTree(params);
  };
  const model: Vec2Text = { module, params, tokenizer, stats, dispose, [Symbol.dispose]: dispose };
  return model;
}

/** Packs a model's matrices, once, until it is disposed. */
export function holdPacked(model: Vec2Text): void {
  if (!packings.has(model)) packings.set(model, packModel(model.params));
}

/** Packs the matrices of a tree; the caller disposes the handle. */
export const packModel = (params: Params): PackedWeights =>
  packMatrices(params, (path) => (/^(?:embedding|positions)\./.test(path) ? undefined : 'in-out'));

/**
 * @param reason of a tokenizer of another size: of files that do not belong together, or of options
 * @throws CheckpointError (`CHECKPOINT`) or ConfigError (`CONFIG`) where tokenizer and config do not belong together
 */
export function checkTokenizer(
  where: string,
  tokenizer: Tokenizer,
  c: Vec2TextConfig,
  reason: Vec2TextReason = 'CHECKPOINT',
): void {
  if (tokenizer.size !== c.vocabSize) {
    const what = 'the tokenizer is of another vocabulary than the model, in tokens';
    const fix = 'Give the tokenizer that the model was made for: vocabSize is its size';
    throw refusal(reason, { where, what, got: tokenizer.size, wanted: c.vocabSize, fix });
  }
  for (const [name, id] of Object.entries(specialIds(tokenizer))) {
    const wanted = c[name as 'padId'];
    if (id === wanted) continue;
    const what = `${name} of the tokenizer is not the model’s`;
    throw refusal(reason, { where, what, got: id, wanted, fix: 'Make the module with specialIds(tokenizer)' });
  }
}
