// Options of gimbal gkd that say how it is trained, beside the method; and what the trainer is given for them.
import type { GkdOptions } from '@gimbal/gkd';
import { ConfigError, type Schedule } from '@gimbal/tensor-core';
import { z } from 'zod';
import { adapterFlags } from '../options/adapter-flags.ts';
import { moves, readMoving } from '../options/moving.ts';

const count = z.int().min(1);
const share = z.number().min(0).max(1);

/** The table of them. */
export const trainerFlags = {
  lambda: z
    .union([share, z.string()])
    .optional()
    .describe(
      'share of completions that the student writes itself; 0..1 rises from 0 to 1 over the run, 0..1@100 in 100 updates; TRL: lmbda (default: the preset’s; gkd: 1)',
    ),
  reduction: z
    .enum(['sequence', 'token'])
    .optional()
    .describe(
      'mean over each completion’s tokens and then completions, or over all tokens (default: the preset’s; sequence)',
    ),
  studentTemperature: z.number().positive().default(1).describe('of the student’s softmax in the divergence'),
  futureDiscount: share
    .optional()
    .describe('also the gradient of how prefixes come about: later tokens’ divergence, discounted; 1 is exact'),
  teacherMix: z
    .number()
    .min(0)
    .lt(1)
    .optional()
    .describe(
      'share of the teacher in the distribution that the student’s completions are sampled from (default: the preset’s; 0)',
    ),
  mixWeights: z
    .enum(['none', 'token', 'exact'])
    .optional()
    .describe(
      'what corrects for that: each token’s weight, or the product of those before it (default: the preset’s; none)',
    ),
  replay: count.optional().describe('completions that are kept and learned from again (default: the preset’s)'),
  replayFresh: share
    .optional()
    .describe('share that is written anew once there are so many (default: the preset’s; with --replay .5)'),
  auxiliary: z
    .string()
    .min(1)
    .optional()
    .describe('file of prompts and completions that are learned beside it, as they are'),
  auxiliaryWeight: z.number().positive().default(1).describe('weight of their −log q'),
  ignoreTokens: z.array(z.int().min(0)).optional().describe('ids at which nothing is compared'),
  rowsPerChunk: count.optional().describe('tokens whose logits are there at a time (default: what fits 64 MB)'),
  vocabularyPerChunk: count
    .optional()
    .describe('columns of the logits that are there at a time, for large vocabularies (default: all)'),
  accumulate: count.default(1).describe('batches in one update'),
  maxGradNorm: z.number().positive().default(1).describe('clips the norm of the gradient'),
  warmup: z.int().min(0).default(0).describe('updates in which the learning rate rises'),
  ...adapterFlags,
};

/** What the trainer calls options, and how they are typed here: what it refuses is said in these words. */
export const flagsOfOptions = {
  ...{ lambda: '--lambda', reduction: '--reduction', futureDiscount: '--future-discount' },
  ...{ teacherMix: '--teacher-mix', mixWeights: '--mix-weights', temperature: '--temperature' },
  ...{ replay: '--replay', ignoreTokens: '--ignore-tokens', vocabularyPerChunk: '--vocabulary-per-chunk' },
  ...{ 'auxiliary.data': '--auxiliary', teacherTopK: '--teacher-top-k', packing: '--packing' },
  'lora.targetModules': '--lora-targets',
};

/** A row that is learned as it is. */
export type CompletedRow = NonNullable<GkdOptions['auxiliary']>['data'][number];

/** Their values. */
export type TrainerFlags = z.output<z.ZodObject<typeof trainerFlags>>;

/** λ as it is written. @throws ConfigError for what is neither a share nor moves between two */
export function lambdaOf(written: number | string | undefined, steps: number): Schedule | undefined {
  if (typeof written !== 'string') return written;
  const moving = readMoving(written);
  if (moving === undefined || [moving.start, moving.end].some((x) => x < 0 || x > 1))
    throw new ConfigError({
      where: 'gimbal gkd --lambda',
      what: 'no share',
      got: written,
      wanted: 'a number from 0 to 1, or two of them: 0..1, 0..1@100',
    });
  return moves(moving, moving.steps ?? steps);
}

/** What the trainer is given for them, λ left out, which the method must know; an option that is not given leaves the method's. */
export function trainerOptions(
  o: TrainerFlags & { lora: number; learningRate?: number | undefined },
  rows: readonly CompletedRow[] | undefined,
): Partial<GkdOptions> & Pick<GkdOptions, 'learningRate'> {
  const rate = o.learningRate ?? (o.lora > 0 ? 1e-4 : 1e-5);
  const { warmup } = o;
  return {
    learningRate: warmup === 0 ? rate : (step) => rate * Math.min(1, (step + 1) / warmup),
    ...given(o, ['reduction', 'futureDiscount', 'teacherMix', 'mixWeights', 'ignoreTokens', 'rowsPerChunk']),
    ...given(o, ['vocabularyPerChunk']),
    ...{ studentTemperature: o.studentTemperature, accumulate: o.accumulate, maxGradNorm: o.maxGradNorm },
    ...(o.replay !== undefined && { replay: { capacity: o.replay, fresh: o.replayFresh ?? 0.5 } }),
    ...(rows !== undefined && { auxiliary: { data: rows, weight: o.auxiliaryWeight } }),
    ...(o.lora > 0 && {
      lora: {
        ...{ rank: o.lora, dora: o.dora },
        ...(o.loraAlpha !== undefined && { alpha: o.loraAlpha }),
        ...(o.loraTargets !== undefined && { targetModules: o.loraTargets }),
      },
    }),
  };
}

/** Those that have a value. */
function given<O extends object, K extends keyof O>(o: O, names: readonly K[]): { [N in K]?: NonNullable<O[N]> } {
  const some = names.filter((name) => o[name] !== undefined).map((name) => [name, o[name]]);
  return Object.fromEntries(some) as { [N in K]?: NonNullable<O[N]> };
}
