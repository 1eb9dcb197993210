/** Methods of the literature as options of one trainer: what each fills in where nothing is given. */
import { teachersOf } from './check-options.ts';
import type { GkdOptions } from './gkd-options.ts';

type Filled = Partial<GkdOptions> & Pick<GkdOptions, 'divergence'>;
type Preset = (o: Partial<GkdOptions>) => Filled;

/** Names of the presets. */
export type PresetName =
  | 'sft'
  | 'seqkd'
  | 'supervised-kd'
  | 'imitkd'
  | 'f-distill'
  | 'gkd'
  | 'minillm'
  | 'distillm'
  | 'sampled-opd'
  | 'local-support';

const filling =
  (defaults: Filled): Preset =>
  (o) => ({ ...defaults, ...o });

/** Data that is given is what the method is to learn from; else the teacher writes it. */
const dataOf = ({ offPolicy }: Partial<GkdOptions>): NonNullable<GkdOptions['offPolicy']> =>
  offPolicy ?? { source: 'teacher' };

/** V of the teachers. */
const narrowest = ({ teacher }: Partial<GkdOptions>): number =>
  Math.min(...Object.values(teachersOf(teacher === undefined ? {} : { teacher })).map(({ vocabSize }) => vocabSize));

/**
 * Options filled in by method; whatever is given stays.
 * sft: −log q of the data. seqkd (Kim & Rush 2016): of the teacher's completions, greedy ones with `offPolicy: { source:
 * 'teacher', greedy: true }`. supervised-kd: forward KL on the data. imitkd (Lin et al. 2020): forward KL, half of the completions the student's.
 * f-distill (Wen et al. 2023): total variation, half the student's, half the teacher's. gkd (Agarwal et al. 2024): all the
 * student's, a divergence of one's choice. minillm (Gu et al. 2024), in its style: reverse KL with the gradient of later
 * tokens, a fifth of the teacher, where it is a model, mixed into sampling, tokens weighed by q/p̃; one update a sample, so
 * that its clipping never acts; its pre-training loss is `auxiliary`. distillm (Ko et al. 2024): skewed forward KL, α .1,
 * half of the student's completions from the last thousand (its authors' `constant` ratio); with `offPolicy`, `heldOut` and
 * `evalEvery` the data's at first, and λ rises by .1 where the loss on held-out rows has risen by .1. sampled-opd: log q/p
 * of the sampled tokens as the advantage. local-support (arXiv 2603.25562, in its style): reverse KL on the student's 32 likeliest
 * tokens and a bucket for the rest; special tokens are named as `ignoreTokens`.
 * @example new GkdTrainer({ ...presets.gkd({ divergence: 'rkl' }), student, params, tokenizer, … })
 */
export const presets: Readonly<Record<PresetName, Preset>> = {
  sft: filling({ divergence: 'nll', lambda: 0, offPolicy: { source: 'dataset' } }),
  seqkd: (o) => ({ divergence: 'nll', lambda: 0, ...o, offPolicy: dataOf(o) }),
  'supervised-kd': filling({ divergence: 'fkl', lambda: 0, offPolicy: { source: 'dataset' } }),
  imitkd: filling({ divergence: 'fkl', lambda: 0.5, mixing: 'sequence', offPolicy: { source: 'dataset' } }),
  'f-distill': (o) => ({ divergence: 'tvd', lambda: 0.5, mixing: 'sequence', ...o, offPolicy: dataOf(o) }),
  gkd: filling({ divergence: 'fkl', lambda: 1 }),
  // only a model can be mixed into sampling
  minillm: (o) => ({
    ...{ divergence: 'rkl', lambda: 1, futureDiscount: 1, reduction: 'sequence' },
    ...(o.teacher !== undefined && 'policy' in o.teacher && { teacherMix: 0.2, mixWeights: 'token' as const }),
    ...o,
  }),
  distillm: (o) => {
    const adapts = o.lambda === undefined && o.offPolicy !== undefined && o.heldOut !== undefined && o.evalEvery;
    // a score function needs completions of the student as it is
    const replays = o.reward === undefined && !o.futureDiscount && (o.mixWeights ?? 'none') === 'none';
    return {
      divergence: { kind: 'skew-fkl', alpha: 0.1 },
      ...(replays && { replay: { capacity: 1000, fresh: 0.5 } }),
      ...(adapts ? { lambda: 0, adaptiveLambda: { raise: 0.1, tolerance: 0.1 } } : { lambda: 1 }),
      ...o,
    };
  },
  'sampled-opd': filling({ divergence: 'sampled-rkl', lambda: 1 }),
  'local-support': (o) => ({
    ...{ divergence: 'rkl', lambda: 1, topKOf: 'student', teacherTopK: Math.min(32, narrowest(o)) },
    ...o,
  }),
};
