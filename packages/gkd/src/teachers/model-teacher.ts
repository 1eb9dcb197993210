/** A frozen language model as a teacher, in this process: whole precision, bf16, or weights read back from 4 bits. */
import {
  hashTree,
  type LogitPolicy,
  type PackedWeights,
  type Params,
  type SampleOptions,
  type TokenBatch,
  withPrecision,
} from '@gimbal/tensor-core';
import { keep, type Tensor2D, type Tensor3D, tidy } from '@tensorflow/tfjs-core';
import { takeRows } from '../rows/chunked-distill-loss.ts';
import { placesOf } from '../rows/places.ts';
import type { Teacher, TeacherRows, Wanted } from './teacher.ts';
import { checkTopK, topKOf, topKOfStates } from './top-k.ts';
import { tokenizerHash, type Vocabulary } from './vocabulary.ts';

/** A teacher whose next-token distributions can be walked token by token, so that sampling can be mixed with it. */
export interface ModelTeacher extends Teacher {
  /** the model */
  readonly policy: LogitPolicy;
  /** its parameters: the caller's */
  readonly params: Params;
  /** its tokenizer */
  readonly vocabulary: Vocabulary;
}

/** How the teacher computes. */
export interface ModelTeacherOptions {
  /** of its matrix products; default float32 */
  precision?: 'float32' | 'bf16';
  /** what a cache of its answers is named after; default a hash of its parameters, and the precision other than float32 */
  identity?: string;
}

type Configured = LogitPolicy & {
  readonly config?: { readonly vocabularySize?: number };
  pack?(params: Params): PackedWeights;
};

/**
 * A model as a teacher. Its weights are packed at its first completion, until it is disposed.
 * @param params neither copied nor disposed: they must stay as they are
 */
export function modelTeacher(
  policy: LogitPolicy,
  params: Params,
  vocabulary: Vocabulary,
  o: ModelTeacherOptions = {},
): ModelTeacher {
  const model = policy as Configured;
  const { precision = 'float32' } = o;
  let packed: PackedWeights | undefined;
  let identity = o.identity;
  let hash: string | undefined;
  return {
    ...{ policy, params, vocabulary, vocabSize: model.config?.vocabularySize ?? vocabulary.size },
    get tokenizerHash() {
      hash ??= tokenizerHash(vocabulary);
      return hash;
    },
    get identity() {
      identity ??= `${hashTree(params)}${precision === 'float32' ? '' : `-${precision}`}`;
      return identity;
    },
    async score(prompts, completions, { want }) {
      return withPrecision(precision, () => scored(policy, params, prompts, completions, want));
    },
    sample(prompts: TokenBatch, options: SampleOptions) {
      packed ??= model.pack?.(params);
      return policy.sample(params, prompts, options);
    },
    dispose() {
      packed?.dispose();
      packed = undefined;
    },
  };
}

function scored(
  policy: LogitPolicy,
  params: Params,
  prompts: TokenBatch,
  completions: TokenBatch,
  want: Wanted,
): TeacherRows {
  const places = placesOf(completions);
  if (want === 'sampled') {
    const all = tidy(() => policy.logProbs(params, prompts, completions).dataSync<'float32'>().slice());
    return { sampled: Float32Array.from(places, (i) => all[i] as number) };
  }
  if (want === 'full' && policy.hidden !== undefined) {
    const { hidden } = policy;
    return tidy(() => {
      const { states, head } = hidden(params, prompts, completions);
      return { hidden: keepRows(takeRows(states, places)), head: keepRows(head) };
    });
  }
  if (want !== 'full' && policy.hidden !== undefined) {
    const { hidden } = policy;
    return tidy(() => {
      const { states, head } = hidden(params, prompts, completions);
      checkTopK(want.topK, head.shape[0]);
      return { topK: { ...topKOfStates(takeRows(states, places), head, want.topK) } };
    });
  }
  const full = tidy(() => keepRows(takeRows(policy.logits(params, prompts, completions) as Tensor3D, places)));
  if (want === 'full') return { full };
  try {
    checkTopK(want.topK, full.shape[1]);
    return { topK: topKOf(full, want.topK) };
  } finally {
    full.dispose();
  }
}

/** Out of every scope: they live until the update is done. */
const keepRows = (x: Tensor2D): Tensor2D => keep(x);
