/** What a step of distillation tells. */
import type { TrainerStep } from '@gimbal/tensor-core';

/** One completion of a step. */
export interface GkdPreview {
  /** what was answered */
  prompt: string;
  /** the student's, the data's or the teacher's */
  completion: string;
  /** whose it is */
  source: 'student' | 'dataset' | 'teacher';
}

/** One step; every numeric field but `step` is a metric. Means over tokens, in nats, at the temperatures of the loss. */
export interface GkdStep extends TrainerStep {
  readonly step: number;
  /** who wrote the completions */
  readonly source: 'student' | 'dataset' | 'teacher' | 'mixed';
  /** of the objective, by its reduction; with a reward α D alone, as the reward's part is a gradient without a value */
  readonly loss: number;
  /** mean D over tokens, without α */
  readonly divergence?: number;
  /** KL(p‖q); with top-k a lower bound, as is the next */
  readonly fkl?: number;
  /** KL(q‖p) */
  readonly rkl?: number;
  /** Σ min(p, q): how often the teacher would accept the student's token as a draft; with top-k an upper bound */
  readonly acceptance?: number;
  /** with top-k, the probability that the student gives to tokens that are not compared one by one */
  readonly studentTail?: number;
  /** with top-k, the same of the teacher */
  readonly teacherTail?: number;
  /** of the student's next token */
  readonly studentEntropy?: number;
  /** mean log p of the completions' tokens; of the student's own, where there are any */
  readonly teacherLogProb?: number;
  /** share of completions that end by themselves */
  readonly eosRate: number;
  /** mean tokens of a completion */
  readonly meanLength: number;
  /** λ of this step */
  readonly lambda: number;
  /** share of completions that the student wrote */
  readonly studentShare: number;
  /** share of completions that it wrote in earlier steps, of `studentShare`; with `replay` */
  readonly replayShare?: number;
  /** completions that a teacher with another tokenizer cannot read, which count nothing; with `alignment` */
  readonly unread?: number;
  /** mean, without the baseline */
  readonly reward?: number;
  /** −log q of the auxiliary rows, mean over tokens */
  readonly auxiliaryLoss?: number;
  /** global norm of the gradient before clipping */
  readonly gradNorm: number;
  /** of this update */
  readonly learningRate: number;
  /** tokens that the loss counts */
  readonly tokens: number;
  /** another temperature, or the teacher mixed in: the prefixes are not what the student would write by itself */
  readonly offPolicySampling?: true;
  /** a few of the completions */
  readonly samples: readonly GkdPreview[];
  /** what else the loop measures: stepsPerSecond, secondsLeft, tensors, memoryBytes */
  readonly [metric: string]: unknown;
}
