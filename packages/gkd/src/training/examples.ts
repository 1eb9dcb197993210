/** What a step learns from, as rows of tokens in plain arrays, and the micro-batches they make. */
import { padBatch } from '@gimbal/language-models';
import type { Prompt, TokenBatch } from '@gimbal/tensor-core';
import type { AlignedRows } from '../rows/aligned-rows.ts';
import type { TeacherRows } from '../teachers/teacher.ts';

/** A prompt and a completion of it. */
export interface Example {
  /** ids as the student reads them */
  prompt: Int32Array;
  /** ids, the end included where there is one */
  completion: Int32Array;
  /** the completion ended by itself */
  ended: boolean;
  /** the student wrote it */
  own: boolean;
  /** where the prompt came from */
  row: Prompt;
  /** number of the prompt: samples of one prompt share it */
  group: number;
  /** r − b; 0 without a reward */
  advantage: number;
  /** what each token counts, where the completion was sampled from a mixture and that is corrected; else 1 */
  counts?: Float32Array;
}

/** Rows of one teacher within a micro-batch. */
export interface Part {
  /** which rows (tokens) of the micro-batch's are the teacher's; undefined: all */
  rows: Int32Array | undefined;
  /** what it says of them; their tensors belong to the micro-batch */
  teacher: TeacherRows | AlignedRows;
}

/** Examples that go through the student together. */
export interface MicroBatch {
  prompts: TokenBatch;
  completions: TokenBatch;
  examples: readonly Example[];
  /** b·T + t of each token `[R]` */
  places: Int32Array;
  /** number of the example of each token `[R]` */
  owners: Int32Array;
  /** its id `[R]` */
  ids: Int32Array;
  /** empty where there is no teacher */
  parts: readonly Part[];
  /** of log q of each token, from rewards `[R]`; none without */
  rewardCoefficients?: Float32Array;
}

/** Totals of a step: what its means divide by. */
export interface StepTotals {
  /** completions */
  sequences: number;
  /** tokens that count */
  tokens: number;
  /** of them, those that the student wrote */
  ownTokens: number;
}

export function totalsOf(examples: readonly Example[]): StepTotals {
  const count = (kept: readonly Example[]): number => kept.reduce((n, e) => n + e.completion.length, 0);
  return {
    sequences: examples.length,
    tokens: count(examples),
    ownTokens: count(examples.filter(({ own }) => own)),
  };
}

/** A micro-batch without a teacher's answers. */
export function microBatch(examples: readonly Example[], padId: number): MicroBatch {
  const [places, owners, ids]: [number[], number[], number[]] = [[], [], []];
  const completions = padBatch(
    examples.map((e) => e.completion),
    padId,
  );
  for (const [b, { completion }] of examples.entries())
    for (const [t, id] of completion.entries()) {
      places.push(b * completions.width + t);
      owners.push(b);
      ids.push(id);
    }
  return {
    prompts: padBatch(
      examples.map((e) => e.prompt),
      padId,
    ),
    completions: { ...completions, ended: Uint8Array.from(examples, (e) => Number(e.ended)) },
    examples,
    places: Int32Array.from(places),
    owners: Int32Array.from(owners),
    ids: Int32Array.from(ids),
    parts: [],
  };
}
