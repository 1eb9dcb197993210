// A reward model: the body of a language model and one linear unit on one hidden state, r(x, y). It is a classifier with
// one label, so Python's transformers opens it as …ForSequenceClassification with num_labels 1.
//
// A decoder is read at its last token that is no padding, as the reference does; where padding and end of text are one
// token that is the last token before it. Padding never changes a score.

import {
  type Classifier,
  classifier,
  type DecoderConfig,
  type EncoderConfig,
  type ForwardOptions,
} from '@gimbal/language-models';
import { ConfigError, type Params, type Rng } from '@gimbal/tensor-core';
import { reshape, type Tensor1D, tidy } from '@tensorflow/tfjs-core';
import { alignRows, type ScoredBatch } from './align-rows.ts';

/** A reward model as pure functions on a tree of parameters; it holds no weights. */
export interface RewardModel {
  /** Tells it from a preference model. */
  readonly kind: 'bradley-terry';
  /** Body and head. */
  readonly classifier: Classifier;
  /** Fresh parameters. The caller disposes the tree. */
  init(rng: Rng): Params;
  /**
   * r(x, y) of each row [B], differentiable in `params`; without `o.rng` nothing is dropped. The caller disposes it.
   * @throws DataError for an empty row or one longer than the context
   */
  score(params: Params, batch: ScoredBatch, o?: ForwardOptions): Tensor1D;
}

/**
 * Makes a reward model on a body.
 * @param body the description of an encoder or a decoder, or a classifier with one label
 * @throws ConfigError for a classifier with more labels
 * @example
 * const model = rewardModel(decoderConfig({ vocabularySize: tokenizer.size, width: 64 }));
 */
export function rewardModel(body: EncoderConfig | DecoderConfig | Classifier): RewardModel {
  const heads = 'logits' in body ? body : classifier(body, ['reward']);
  if (heads.labels.length !== 1) {
    throw new ConfigError({
      where: 'rewardModel',
      what: 'a reward is one number',
      got: `${heads.labels.length} labels: ${heads.labels.join(', ')}`,
      wanted: 'one label',
      fix: "Load the body with labels: ['reward'], which gives it a new head",
    });
  }
  return {
    kind: 'bradley-terry',
    classifier: heads,
    init: (rng) => heads.init(rng),
    score: (params, batch, o) =>
      tidy(() => reshape(heads.logits(params, alignRows(batch, heads.config.padId), o), [-1]) as Tensor1D),
  };
}
