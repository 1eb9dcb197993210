/** Options of distillation, and their defaults. What is refused stands in check-options.ts. */

import type { LoraOptions, PromptCompletionRow } from '@gimbal/language-models';
import type { LogitPolicy, LoopOptions, Params, Prompt, RewardFn, Schedule } from '@gimbal/tensor-core';
import type { LossReduction } from '../divergence/distill-loss.ts';
import type { Divergence, Temperatures } from '../divergence/divergence.ts';
import type { Teacher } from '../teachers/teacher.ts';
import type { Vocabulary } from '../teachers/vocabulary.ts';
import type { AdaptiveLambda } from './adaptive-share.ts';
import type { ReplayOptions } from './replay-buffer.ts';
import type { SelfTeacherOptions } from './self-teacher.ts';

/**
 * What is minimised at each token: a divergence; 'nll', −log q of fixed completions (fine-tuning, SeqKD), which needs no
 * teacher beside its samples; 'sampled-rkl', log q/p of the sampled token as a negative advantage, for teachers that give
 * no more: the reverse KL in expectation; 'uld', with `alignment: 'uld'`, the distance of sorted probabilities.
 */
export type Objective = Divergence | 'nll' | 'sampled-rkl' | 'uld';

/** Those that are no divergence of two distributions over the same tokens. */
export const isOwn = (o: Objective): o is 'nll' | 'sampled-rkl' | 'uld' =>
  o === 'nll' || o === 'sampled-rkl' || o === 'uld';

/** Completions that the student did not write. */
export type OffPolicy =
  /** rows of prompts and completions; default: the prompts' own `completion` columns */
  | { source: 'dataset'; data?: readonly PromptCompletionRow[] }
  /** the teacher's own, sampled anew each time at this temperature (1), or with `greedy` its likeliest tokens */
  | { source: 'teacher'; temperature?: number; greedy?: boolean };

/** Reinforcement beside distillation (eq. 5): maximise (1 − α) E[r] − α E[D]. */
export interface RewardOptions {
  /** of the student's completions */
  fn: RewardFn;
  /** α, weight of the divergence, in [0, 1] */
  alpha: number;
  /** completions of each prompt, which are each other's baseline; ≥ 2 */
  samplesPerPrompt: number;
}

/** Options of `GkdTrainer`, beside those of every training loop. */
export interface GkdOptions extends Omit<LoopOptions, 'overflow' | 'gradientCheckpointing'>, Temperatures {
  /** what is trained: any policy with next-token logits, decoder or encoder-decoder; not disposed */
  student: LogitPolicy;
  /** where training starts; not kept, but with `lora`: there it stays as it is, and must stay there */
  params: Params;
  /** of the student: prompts to tokens, completions to the texts that are rewarded */
  tokenizer: Vocabulary;
  /** frozen; or several, named: a row with `teacher: 'name'` is that one's, any other the first's. Not needed for 'nll' on a data set */
  teacher?: Teacher | Readonly<Record<string, Teacher>>;
  /**
   * instead of `teacher`: an exponential average of the student's own weights; with `teacherPrompt` it knows more than the
   * student does. Default none
   */
  selfTeacher?: SelfTeacherOptions;
  /** what is minimised */
  divergence: Objective;
  /** λ, the share of completions that the student writes itself, in [0, 1]; TRL calls it `lmbda`; default 1 */
  lambda?: Schedule;
  /**
   * λ begins at `lambda`, a number below 1, and rises where the loss on held-out rows' own completions does (DistiLLM);
   * needs `heldOut` rows with completions, `evalEvery` and `offPolicy`. Default: λ is what `lambda` says
   */
  adaptiveLambda?: AdaptiveLambda;
  /** completions of earlier steps are learned from again, which saves sampling (DistiLLM); default none */
  replay?: ReplayOptions;
  /** one coin for a whole step, as in the paper, or one for each completion, which varies less; default 'batch' */
  mixing?: 'batch' | 'sequence';
  /** default 'sequence' (eq. 2) */
  reduction?: LossReduction;
  /** at least one, unless λ is 0; a step takes `batchSize` · `accumulate` of them */
  prompts: readonly Prompt[];
  /** told what is allowed and seldom meant, such as a jsd of a tiny β, once; default nobody */
  warn?: (message: string) => void;
  /** needed for λ below 1 */
  offPolicy?: OffPolicy;
  /**
   * prompts that are not trained on. Each `evalEvery` steps, and after the last, the student writes their completions (the
   * same random numbers each time; with λ 0 or `adaptiveLambda` the rows' own are read), and the objective there is the evaluation's loss:
   * evalLoss, evalFkl, … in the log, and what `keepBest` and `earlyStop` go by. Default none
   */
  heldOut?: readonly Prompt[];
  /** rows that are longer than the student's context or their teacher's: refused (default), or left out */
  overflow?: 'error' | 'drop';
  /** at which the student's completions are sampled; other than 1 the prefixes are no longer its own; default 1 */
  temperature?: number;
  /** the student's completions are its likeliest tokens: `temperature` is then 0, which is refused without; default false */
  greedy?: boolean;
  /**
   * α: the student's completions are sampled from (1 − α) q + α p, which keeps a weak one's prefixes from running away
   * (MiniLLM); they are then not its own, which `mixWeights` corrects. For a `modelTeacher` alone; default 0
   */
  teacherMix?: number;
  /**
   * What a token of a mixed completion counts, p̃ the mixture: 'token', its own q/p̃, at most 1/(1 − α), as MiniLLM does;
   * 'exact', the product of q/p̃ over the tokens in front of it (with `reduction: 'sequence'` over the whole completion, as
   * its length depends on all), which makes expectations those of the student's own completions, with a variance that
   * grows with their length; 'none' (default), 1. At temperature 1
   */
  mixWeights?: 'none' | 'token' | 'exact';
  /** most tokens of a completion, ≥ 1 */
  maxNewTokens: number;
  /** the teacher gives only so many tokens, and the sum of the others: a lower bound of D; default all */
  teacherTopK?: number;
  /**
   * whose likeliest tokens those are: 'teacher' (default), or 'student', of which a reverse KL sees more, for one more pass of
   * the student and a teacher that answers `at`
   */
  topKOf?: 'teacher' | 'student';
  /**
   * ids at which nothing is compared: where a completion has one of them, its D is 0, such as for special tokens that
   * the teacher writes otherwise. Means are over all tokens still; default none
   */
  ignoreTokens?: readonly number[];
  /**
   * γ: also the gradient of how the prefixes come about: of later tokens' D, discounted. 0 (default) leaves it out, as the
   * paper does; 1 is the exact gradient. Below 1 it needs `reduction: 'token'`
   */
  futureDiscount?: number;
  /** reads the same prompt to the teacher in other words: with an instruction, with the answer; default as it is */
  teacherPrompt?: (prompt: Prompt) => string;
  /**
   * of teachers with another tokenizer, compared on the stretches of text that both have: 'spans' by their log-probabilities
   * (`divergence: 'sampled-rkl'`); 'uld' by the sorted probabilities of their first tokens (`divergence: 'uld'`); 'hybrid' by
   * distributions over parts that both vocabularies have and the stretch itself (any `divergence` of those). With 'nll' any: the teacher's completions are read again in the student's tokens. Default 'none', refused
   */
  alignment?: 'none' | 'spans' | 'uld' | 'hybrid';
  /** one tokenizer, but logits of different widths (padded to a round number): compare the tokenizer's ids only; default refused */
  alignVocab?: boolean;
  /** the teacher is the student's start, or an earlier state of it; default refused as a mistake */
  selfDistillation?: boolean;
  /** default none */
  reward?: RewardOptions;
  /** −log q of further rows, beside the loss, with this weight (MiniLLM's pre-training loss); default none */
  auxiliary?: { data: readonly PromptCompletionRow[]; weight: number };
  /** train an adapter beside the student's weights, which stay as they are; of `decoder` and `seq2seq`; default none */
  lora?: LoraOptions;
  /** rows (tokens) whose logits are there at a time; default as many as fit 64 MB */
  rowsPerChunk?: number;
  /**
   * columns of those rows' logits that are there at a time: of a vocabulary so large that few rows fit, for twice the products
   * with both heads. With whole distributions of one of the named divergences; default all
   */
  vocabularyPerChunk?: number;
  /**
   * prompts and completions go through the student one after the other in one line, each of which sees only itself, so that
   * padding costs nothing; the same loss. Of decoders whose head is one matrix; default false
   */
  packing?: boolean;
}

/** What is used for options that are not given. */
export const gkdDefaults = {
  optimizer: { name: 'adamw' },
  accumulate: 1,
  precision: 'float32',
  lambda: 1,
  mixing: 'batch',
  reduction: 'sequence',
  temperature: 1,
  greedy: false,
  teacherTemperature: 1,
  studentTemperature: 1,
  teacherMix: 0,
  mixWeights: 'none',
  futureDiscount: 0,
  alignment: 'none',
  alignVocab: false,
  selfDistillation: false,
  overflow: 'error',
  packing: false,
  topKOf: 'teacher',
} as const satisfies Partial<GkdOptions>;

/** Options with every default filled in. */
export type ResolvedGkd = GkdOptions & Required<Pick<GkdOptions, keyof typeof gkdDefaults>>;
