// What an adapter asks of a model, be it a decoder or an encoder-decoder: its matrices, how each is used, and PEFT's words
// for it.
import type { WeightLayout } from '@gimbal/tensor-core';
import type { DecoderConfig } from '../decoder/config.ts';
import { families } from '../decoder/families/index.ts';
import type { ParameterSpec } from '../decoder/family.ts';
import type { Seq2SeqConfig } from '../seq2seq/config.ts';
import { seq2seqLayout, seq2seqParameters } from '../seq2seq/parameters.ts';

/** The config of a model that takes adapters. */
export type AdaptableConfig = DecoderConfig | Seq2SeqConfig;

/** A model as adapters see it. */
export interface Adaptable {
  /** Names it in messages. */
  readonly family: string;
  readonly parameters: readonly ParameterSpec[];
  /** PEFT's `task_type`. */
  readonly taskType: 'CAUSAL_LM' | 'SEQ_2_SEQ_LM';
  /** How the weight of a path is used; undefined where it is no matrix of a linear layer inside a block. */
  layoutOf(path: string): WeightLayout | undefined;
}

/** The model of a config. */
export function adaptable(c: AdaptableConfig): Adaptable {
  if (!('family' in c)) {
    return { family: 't5', parameters: seq2seqParameters(c), taskType: 'SEQ_2_SEQ_LM', layoutOf: seq2seqLayout };
  }
  const { parameters, weightLayout } = families[c.family];
  return { family: c.family, parameters: parameters(c), taskType: 'CAUSAL_LM', layoutOf: weightLayout };
}
