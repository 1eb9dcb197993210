/**
 * A student that is its own teacher: an exponential average of its weights, which varies less than they do, and may read
 * the prompt in other words (`teacherPrompt`): with the answer, with an instruction.
 */
import { cloneTree, disposeTree, flatten, type LogitPolicy, type Params, variables } from '@gimbal/tensor-core';
import { add, mul, type Tensor, tidy, type Variable } from '@tensorflow/tfjs-core';
import { type ModelTeacher, modelTeacher } from '../teachers/model-teacher.ts';
import type { Vocabulary } from '../teachers/vocabulary.ts';

/** How the average follows the student. */
export interface SelfTeacherOptions {
  /** share of it that stays at each step, in [0, 1]: 1 is the start for ever, 0 the student of the step before */
  decay: number;
}

export class SelfTeacher {
  /** asked as any other */
  readonly teacher: ModelTeacher;
  /** the average: variables, saved with the run */
  readonly params: Params;
  readonly #decay: number;

  constructor(
    policy: LogitPolicy,
    start: Params,
    vocabulary: Vocabulary,
    { decay }: SelfTeacherOptions,
    { packing = false }: { packing?: boolean } = {},
  ) {
    const copy = cloneTree(start);
    this.params = variables(copy);
    disposeTree(copy);
    this.#decay = decay;
    const base = modelTeacher(policy, this.params, vocabulary, { packing });
    const { tokenizerHash, vocabSize } = base;
    this.teacher = {
      ...{ policy, params: this.params, vocabulary, tokenizerHash, vocabSize, whole: true },
      score: (...a) => base.score(...a),
      // not packed: the weights change
      sample: (prompts, o) => policy.sample(this.params, prompts, o),
    };
  }

  /** w̄ ← decay · w̄ + (1 − decay) · w. What it said before is not changed by it. */
  follow(student: Params): void {
    const now = flatten(student);
    for (const [i, [, leaf]] of flatten(this.params).entries())
      tidy(() => {
        const [, w] = now[i] as [string, Tensor];
        (leaf as Variable).assign(add(mul(leaf, this.#decay), mul(w, 1 - this.#decay)));
      });
  }

  dispose(): void {
    disposeTree(this.params);
  }
}
