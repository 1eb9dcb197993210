/**
 * Completions from a mixture of student and teacher, (1 − α) q + α p at every token (MiniLLM, arXiv 2306.08543, section
 * 2.2): prefixes of a weak student are kept from running away, with both models' caches.
 */
import { sampleCompletions } from '@gimbal/language-models';
import {
  type DecodeState,
  type LogitPolicy,
  logSumExp,
  type Params,
  type TokenBatch,
  type TokenPolicy,
} from '@gimbal/tensor-core';
import { add, exp, log, mul, sub, type Tensor, type Tensor2D, tidy } from '@tensorflow/tfjs-core';
import type { ModelTeacher } from '../teachers/model-teacher.ts';
import { described } from './check-options.ts';

class BothStates implements DecodeState {
  constructor(
    readonly student: DecodeState,
    readonly teacher: DecodeState,
  ) {}

  get length(): number {
    return this.student.length;
  }

  [Symbol.dispose](): void {
    this.student[Symbol.dispose]();
    this.teacher[Symbol.dispose]();
  }
}

const normal = (z: Tensor2D): Tensor => exp(sub(z, logSumExp(z, -1, true)));

/**
 * Samples from the mixture; its `params` are the student's.
 * @param share α, the teacher's part, in (0, 1)
 */
export function mixedSampling(
  student: LogitPolicy,
  { policy, params: fixed }: ModelTeacher,
  share: number,
  ends: { eosIds: readonly number[]; padId: number },
): TokenPolicy {
  const mixture: LogitPolicy & { pack(params: Params): Disposable } = {
    logits: student.logits.bind(student),
    logProbs: student.logProbs.bind(student),
    begin: (params, prompts, o) => new BothStates(student.begin(params, prompts, o), policy.begin(fixed, prompts, o)),
    next: (params, state, append) =>
      tidy(() => {
        const both = state as BothStates;
        const [q, p] = [student.next(params, both.student, append), policy.next(fixed, both.teacher, append)];
        return log(add(mul(normal(q), 1 - share), mul(normal(p), share))) as Tensor2D;
      }),
    pack(params: Params): Disposable {
      const packed = [packing(student, params), packing(policy, fixed)];
      return {
        [Symbol.dispose]() {
          for (const each of packed) each?.[Symbol.dispose]();
        },
      };
    },
    sample: (params, prompts: TokenBatch, o) => sampleCompletions(mixture, params, prompts, { ...o, ...ends }),
  };
  return mixture;
}

const packing = (policy: LogitPolicy, params: Params): Disposable | undefined =>
  (policy as { pack?(params: Params): Disposable }).pack?.(params);

/** Ends of the student's completions. */
export const endsOf = (student: LogitPolicy, eos: number | undefined): { eosIds: readonly number[]; padId: number } => {
  const { eosIds, padId } = (described(student).config ?? {}) as { eosIds?: readonly number[]; padId?: number };
  return { eosIds: eosIds ?? (eos === undefined ? [] : [eos]), padId: padId ?? 0 };
};
