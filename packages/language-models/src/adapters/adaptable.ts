// What an adapter asks of a model, be it a decoder or an encoder-decoder: its matrices, how each is used, and PEFT's words
// for it.
import type { WeightLayout } from '@gimbal/tensor-core';
import { type Classifier, isEncoderConfig } from '../classification/classifier.ts';
import type { DecoderConfig } from '../decoder/config.ts';
import { families } from '../decoder/families/index.ts';
import type { ParameterSpec } from '../decoder/family.ts';
import { encoderLayout } from '../encoder/parameters.ts';
import type { Seq2SeqConfig } from '../seq2seq/config.ts';
import { seq2seqLayout, seq2seqParameters } from '../seq2seq/parameters.ts';

/** The config of a model that takes adapters. */
export type AdaptableConfig = DecoderConfig | Seq2SeqConfig;

/** What says which layers an adapter may have: a model's config, or a classifier itself, whose head its body's config lacks. */
export type AdapterBase = AdaptableConfig | Classifier;

/** A model as adapters see it. */
export interface Adaptable {
  /** Names it in messages. */
  readonly family: string;
  readonly parameters: readonly ParameterSpec[];
  /** PEFT's `task_type`. */
  readonly taskType: 'CAUSAL_LM' | 'SEQ_2_SEQ_LM' | 'SEQ_CLS';
  /** The table of the input that is the output matrix too, where there is one. */
  readonly tied?: string;
  /** A classifier's head: PEFT wants it whole in the adapter's file. */
  readonly head?: readonly string[];
  /** How the weight of a path is used; undefined where it is no matrix of a linear layer inside a block. */
  layoutOf(path: string): WeightLayout | undefined;
}

/** The model of a config. */
export function adaptable(c: AdapterBase): Adaptable {
  if ('labels' in c) return ofClassifier(c);
  if (!('family' in c)) {
    return {
      family: 't5',
      parameters: seq2seqParameters(c),
      taskType: 'SEQ_2_SEQ_LM',
      layoutOf: seq2seqLayout,
      ...(c.tieEmbeddings && { tied: 'shared.weight' }),
    };
  }
  const { parameters, weightLayout, embeddingPath } = families[c.family];
  return {
    family: c.family,
    parameters: parameters(c),
    taskType: 'CAUSAL_LM',
    layoutOf: weightLayout,
    ...(c.tieEmbeddings && { tied: embeddingPath }),
  };
}

/** The body takes the adapter; the head stands whole in the adapter's file. */
function ofClassifier({ config, parameters }: Classifier): Adaptable {
  const { family } = config;
  const layoutOf = isEncoderConfig(config) ? encoderLayout : families[config.family].weightLayout;
  const head = parameters.map(({ path }) => path).filter((path) => /^(?:classifier|score)\./.test(path));
  return { family, parameters, taskType: 'SEQ_CLS', layoutOf, head };
}
