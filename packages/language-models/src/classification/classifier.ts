// Classification heads: scores of labels for a text or a pair, from an encoder's first token (BERT, RoBERTa, DeBERTa) or a
// decoder's last one. One label makes it a regression or a reward.
import { type Activation, activate, ConfigError, embedding, linear, type Params, type Rng } from '@gimbal/tensor-core';
import { reshape, slice, type Tensor, type Tensor2D, tensor1d, tensor2d, tidy } from '@tensorflow/tfjs-core';
import { isAdapted, project } from '../adapters/project.ts';
import type { DecoderConfig } from '../decoder/config.ts';
import { decoder, type ForwardOptions } from '../decoder/decoder.ts';
import { families } from '../decoder/families/index.ts';
import type { ParameterSpec } from '../decoder/family.ts';
import { branchAt, initParams, tensorAt } from '../decoder/params.ts';
import type { EncoderConfig } from '../encoder/config.ts';
import { type EncoderBatch, encoder } from '../encoder/encoder.ts';
import { denseSpecs, encoderParameters, prefixOf } from '../encoder/parameters.ts';

/** What a classifier answers: one class of several, any number of them, or values. It chooses the loss. */
export type ClassificationProblem = 'single-label' | 'multi-label' | 'regression';

/** A classifier as pure functions on a tree of parameters; it holds no weights. */
export interface Classifier {
  /** The body's description. */
  readonly config: EncoderConfig | DecoderConfig;
  /** Names of the classes, by index. */
  readonly labels: readonly string[];
  /** What it answers. */
  readonly problem: ClassificationProblem;
  /** Names and shapes of the parameters, in the order they are made. */
  readonly parameters: readonly ParameterSpec[];
  /** Fresh parameters. The caller disposes the tree. */
  init(rng: Rng): Params;
  /** Scores before the softmax [B,L], differentiable in `params`; the caller disposes them. */
  logits(params: Params, batch: EncoderBatch, o?: ForwardOptions): Tensor2D;
}

/** Whether a config is an encoder's. */
export const isEncoderConfig = (c: EncoderConfig | DecoderConfig): c is EncoderConfig => 'typeVocabulary' in c;

/** The head's parameters, by the names of a Hugging Face checkpoint. */
function headParameters(c: EncoderConfig | DecoderConfig, labels: number): ParameterSpec[] {
  const { width: d, initializerRange: std } = c;
  if (!isEncoderConfig(c)) return [{ path: 'score.weight', shape: [labels, d], init: { std } }];
  switch (prefixOf(c)) {
    case 'bert':
      return [...denseSpecs('bert.pooler.dense', d, d, std), ...denseSpecs('classifier', labels, d, std)];
    case 'roberta':
      return [...denseSpecs('classifier.dense', d, d, std), ...denseSpecs('classifier.out_proj', labels, d, std)];
    case 'deberta':
      return [...denseSpecs('pooler.dense', d, d, std), ...denseSpecs('classifier', labels, d, std)];
  }
}

/**
 * Makes a classifier on a body.
 * @param labels names of the classes; one of them makes a regression or a reward
 * @param o.problem what it answers (`single-label`; with one label `regression`)
 * @throws ConfigError without labels or with one given twice
 */
export function classifier(
  config: EncoderConfig | DecoderConfig,
  labels: readonly string[],
  o: { problem?: ClassificationProblem } = {},
): Classifier {
  const { problem = labels.length === 1 ? 'regression' : 'single-label' } = o;
  if (labels.length === 0 || new Set(labels).size < labels.length) {
    const what = labels.length === 0 ? 'there are no labels' : 'a label is given twice';
    throw new ConfigError({ where: 'classifier', what, got: labels, wanted: 'different names' });
  }
  return { ...(isEncoderConfig(config) ? onEncoder(config, labels) : onDecoder(config, labels)), problem };
}

function onEncoder(c: EncoderConfig, labels: readonly string[]): Omit<Classifier, 'problem'> {
  const body = encoder(c);
  const parameters = [...encoderParameters(c), ...headParameters(c, labels.length)];
  const dense = (x: Tensor, p: Params, activation: Activation = 'linear'): Tensor =>
    isAdapted(p)
      ? activate(project(p, x, 'out-in'), activation)
      : linear(x, tensorAt(p, 'weight'), { bias: tensorAt(p, 'bias'), weightLayout: 'out-in', activation });
  const head = (params: Params, x: Tensor): Tensor => {
    const at = (...keys: string[]): Params => branchAt(params, ...keys);
    switch (prefixOf(c)) {
      case 'bert':
        return dense(dense(x, at('bert', 'pooler', 'dense'), 'tanh'), at('classifier'));
      case 'roberta':
        return dense(dense(x, at('classifier', 'dense'), 'tanh'), at('classifier', 'out_proj'));
      case 'deberta':
        return dense(dense(x, at('pooler', 'dense'), c.poolerActivation ?? 'gelu-erf'), at('classifier'));
    }
  };
  return {
    config: c,
    labels,
    parameters,
    init: (rng) => initParams(parameters, rng),
    logits: (params, batch, o) =>
      tidy(() => {
        const first = slice(body.states(params, batch, o), [0, 0, 0], [-1, 1, -1]);
        return head(params, reshape(first, [batch.lengths.length, c.width])) as Tensor2D;
      }),
  };
}

function onDecoder(config: DecoderConfig, labels: readonly string[]): Omit<Classifier, 'problem'> {
  const c: DecoderConfig = { ...config, tieEmbeddings: true }; // no output matrix
  const body = decoder(c);
  const parameters = [...families[c.family].parameters(c), ...headParameters(c, labels.length)];
  return {
    config: c,
    labels,
    parameters,
    init: (rng) => initParams(parameters, rng),
    logits: (params, batch, o) =>
      tidy(() => {
        const { width, lengths, ids } = batch;
        const rows = lengths.length;
        const states = body.states(params, tensor2d(ids, [rows, width], 'int32'), o);
        // the reference looks at ids: the last one that is not the padding's, be it a true end of text
        const last = Int32Array.from(lengths, (length, b) => {
          let t = length - 1;
          while (t > 0 && ids[b * width + t] === c.padId) t--;
          return b * width + t;
        });
        const picked = embedding(tensor1d(last, 'int32'), reshape(states, [rows * width, c.width]));
        return linear(picked, tensorAt(params, 'score', 'weight'), { weightLayout: 'out-in' }) as Tensor2D;
      }),
  };
}
