/** A frozen language model as a teacher, in this process: whole precision, bf16, or weights read back from 4 bits. */
import {
  ConfigError,
  checkKnown,
  checkName,
  checkOption,
  hashTree,
  type LogitPolicy,
  type PackedWeights,
  type Params,
  type SampleOptions,
  type TokenBatch,
  withPrecision,
} from '@gimbal/tensor-core';
import { clone, keep, tidy } from '@tensorflow/tfjs-core';
import type { DenseRows } from '../rows/aligned-rows.ts';
import { ownLogProbs } from '../rows/own-log-probs.ts';
import { packs } from '../rows/packed-states.ts';
import { placesOf } from '../rows/places.ts';
import { disposeRows, teacherWidth } from '../rows/teacher-logits.ts';
import { studentRows } from '../training/student-rows.ts';
import type { Teacher, TeacherRows, Wanted } from './teacher.ts';
import { atTokens, checkTopK, topKOf, topKOfStates } from './top-k.ts';
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
  /** it reads prompts and completions one after the other in one line, so that padding costs nothing; default false */
  packing?: boolean;
  /**
   * only the first so many columns of its logits, where what lies behind is no token (padded to a round number): its
   * distributions are those of the tokens alone. Default all
   */
  columns?: number;
}

type Configured = LogitPolicy & {
  readonly config?: { readonly vocabularySize?: number; readonly contextLength?: number };
  readonly readsWholePrompts?: boolean;
  pack?(params: Params): PackedWeights;
};

/**
 * A model as a teacher. Its weights are packed at its first completion, until it is disposed.
 * @param params neither copied nor disposed: they must stay as they are
 * @returns a teacher; the caller disposes it, which frees the packed weights and not `params`
 * @throws ConfigError for a misspelt option, more columns than there are, `packing` of a model that is no decoder with one
 * matrix as its head
 * @example const teacher = modelTeacher(large, largeParams, tokenizer, { precision: 'bf16' })
 */
export function modelTeacher(
  policy: LogitPolicy,
  params: Params,
  vocabulary: Vocabulary,
  o: ModelTeacherOptions = {},
): ModelTeacher {
  checkKnown('modelTeacher', o, ['precision', 'identity', 'packing', 'columns']);
  const model = policy as Configured;
  const { precision = 'float32', packing = false, columns } = o;
  checkName('modelTeacher, precision', precision, ['float32', 'bf16']);
  const V = model?.config?.vocabularySize ?? vocabulary.size;
  if (columns !== undefined)
    checkOption(
      'modelTeacher, columns',
      columns,
      Number.isSafeInteger(columns) && columns > 0 && columns <= V,
      `1 to ${V}`,
    );
  if (packing && !packs(policy))
    throw new ConfigError({
      where: 'modelTeacher, packing',
      what: 'this model does not read rows one after the other in one line',
      wanted: 'a decoder whose head is one matrix (no capped logits)',
    });
  let packed: PackedWeights | undefined;
  let identity = o.identity;
  let hash: string | undefined;
  // an encoder-decoder reads both apart
  const context = model.readsWholePrompts ? undefined : model.config?.contextLength;
  return {
    ...(context !== undefined && { contextLength: context }),
    ...{ policy, params, vocabulary, whole: true, vocabSize: columns ?? V },
    get tokenizerHash() {
      hash ??= tokenizerHash(vocabulary);
      return hash;
    },
    get identity() {
      identity ??= `${hashTree(params)}${precision === 'float32' ? '' : `-${precision}`}${columns === undefined ? '' : `-${columns}`}`;
      return identity;
    },
    async score(prompts, completions, { want }) {
      return withPrecision(precision, () => scored(policy, params, prompts, completions, want, { packing, columns }));
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
  form: { packing: boolean; columns: number | undefined },
): TeacherRows {
  const places = placesOf(completions);
  const { packing, columns } = form;
  if (want === 'sampled' && !packing && columns === undefined) {
    const all = tidy(() => policy.logProbs(params, prompts, completions).dataSync<'float32'>().slice());
    return { sampled: Float32Array.from(places, (i) => all[i] as number) };
  }
  const rows = tidy((): DenseRows => {
    const found = studentRows(policy, params, { prompts, completions, places }, form);
    // out of every scope: they live until the update is done
    return 'logits' in found
      ? { full: keep(found.logits) }
      : { hidden: keep(found.hidden), head: keep(packing ? clone(found.head) : found.head) };
  });
  if (want === 'full') return rows;
  try {
    if (want === 'sampled') return { sampled: ownLogProbs(rows, idsOf(completions)) };
    if ('at' in want) return { topK: atTokens(rows, want.at, want.each) };
    checkTopK(want.topK, teacherWidth(rows) as number);
    return { topK: 'full' in rows ? topKOf(rows.full, want.topK) : topKOfStates(rows.hidden, rows.head, want.topK) };
  } finally {
    disposeRows(rows);
  }
}

/** Of every token that counts, completion after completion. */
const idsOf = (completions: TokenBatch): Int32Array =>
  Int32Array.from(placesOf(completions), (i) => completions.ids[i] as number);
