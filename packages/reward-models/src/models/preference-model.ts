// A preference model: P(a ≻ b | prompt) of two answers, cycles included, where a reward model can only rank.

import {
  type Classifier,
  classifier,
  type DecoderConfig,
  type EncoderBatch,
  type EncoderConfig,
  type ForwardOptions,
} from '@gimbal/language-models';
import type { Params, Rng } from '@gimbal/tensor-core';
import { ConfigError, checkName } from '@gimbal/tensor-core';
import { reshape, slice, type Tensor1D, type Tensor2D, tidy } from '@tensorflow/tfjs-core';
import { antisymmetricLogits, skewSymmetricLogits } from '../losses/preference.ts';

/**
 * `antisymmetric` reads both answers together, in both orders (two passes a pair); `skew-symmetric` reads each answer
 * alone and compares embeddings (one pass an answer, so all pairs of n answers cost n).
 */
export type PreferenceForm = 'antisymmetric' | 'skew-symmetric';

/** A preference model as pure functions on a tree of parameters; it holds no weights. */
export interface PreferenceModel {
  /** Tells it from a reward model. */
  readonly kind: 'pairwise';
  /** How it compares. */
  readonly form: PreferenceForm;
  /** Body and head: one label, or one for each number of an embedding. */
  readonly classifier: Classifier;
  /** Fresh parameters. The caller disposes the tree. */
  init(rng: Rng): Params;
  /**
   * z of P(first ≻ second) = σ(z) [B], differentiable in `params`; the caller disposes it.
   * @param rows [2B]: (x, a, b) and then (x, b, a), or for the skew-symmetric form (x, a) and then (x, b)
   */
  logits(params: Params, rows: EncoderBatch, o?: ForwardOptions): Tensor1D;
}

/** How a preference model is made. */
export interface PreferenceModelOptions {
  /** How it compares (`antisymmetric`). */
  form?: PreferenceForm;
  /** Numbers in an embedding of the skew-symmetric form: even (8). */
  embedding?: number;
}

/**
 * Makes a preference model on a body.
 * @param body the description of an encoder or a decoder, or a classifier whose labels fit the form
 * @throws ConfigError for an unknown form, an odd embedding, or a classifier that does not fit
 */
export function preferenceModel(
  body: EncoderConfig | DecoderConfig | Classifier,
  { form = 'antisymmetric', embedding = 8 }: PreferenceModelOptions = {},
): PreferenceModel {
  const where = 'preferenceModel';
  checkName(`${where}.form`, form, ['antisymmetric', 'skew-symmetric']);
  const outputs = form === 'antisymmetric' ? ['preference'] : Array.from({ length: embedding }, (_, i) => `v${i}`);
  const heads = 'logits' in body ? body : classifier(body, outputs);
  const count = heads.labels.length;
  if (form === 'antisymmetric' ? count !== 1 : count < 2 || count % 2 !== 0) {
    const wanted = form === 'antisymmetric' ? 'one label' : 'an even number of labels';
    throw new ConfigError({ where, what: `the head does not fit the form ${form}`, got: `${count} labels`, wanted });
  }
  return {
    kind: 'pairwise',
    form,
    classifier: heads,
    init: (rng) => heads.init(rng),
    logits: (params, rows, o) =>
      tidy(() => {
        const out = heads.logits(params, rows, o); // [2B,L]
        const half = out.shape[0] / 2;
        const part = (at: number): Tensor2D => slice(out, [at, 0], [half, count]);
        if (form === 'skew-symmetric') return skewSymmetricLogits(part(0), part(half));
        const flat = (at: number): Tensor1D => reshape(part(at), [half]);
        return antisymmetricLogits(flat(0), flat(half));
      }),
  };
}
