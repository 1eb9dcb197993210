// Flags of `gimbal rl` for the surrogate: which, and each option that one of them has.
import {
  type Aggregate,
  type RatioLevel,
  type Surrogate,
  type SurrogateName,
  surrogates,
  tokenPresets,
} from '@gimbal/fma-pg';
import { ConfigError } from '@gimbal/tensor-core';
import { z } from 'zod';
import { kebab } from '../options/kind.ts';

/** What is undefined is the preset's. */
export const surrogateFlags = {
  surrogate: z
    .enum(Object.keys(surrogates) as [SurrogateName, ...SurrogateName[]])
    .optional()
    .describe("another surrogate than the preset's, averaged as that is"),
  clipEpsilon: z
    .number()
    .positive()
    .optional()
    .describe('how far the ratio may be from 1 before it is clipped (ppoClip, sppo; default 0.2)'),
  clipEpsilonHigh: z
    .number()
    .positive()
    .optional()
    .describe('how far it may rise above 1, if not as far as it falls (ppoClip)'),
  ratioLevel: z
    .enum(['token', 'sequence', 'geometric'])
    .optional()
    .describe(
      'whose ratio is clipped: each token’s, the whole completion’s (TRL’s RLOO), or its geometric mean (GSPO) (ppoClip, ratio, sppo)',
    ),
  pessimistic: z
    .boolean()
    .optional()
    .describe('take the minimum with the unclipped term (sppo; default: the preset’s, no)'),
  eta: z.number().positive().optional().describe('step size of the surrogate’s KL (mdpo, smdpo, spma; default 1)'),
  klEstimator: z
    .enum(['analytic', 'k1', 'k3'])
    .optional()
    .describe('how that KL is estimated (smdpo; default analytic, which is k3 of tokens)'),
  negativeWeight: z
    .enum(['clamp', 'keep', 'error'])
    .optional()
    .describe('advantages below −1/η: raised to it, kept, or an error (smdpo; default clamp)'),
  klPenalty: z
    .number()
    .min(0)
    .optional()
    .describe(
      'weight of the KL to the policy that sampled; --kl-coef is of the one to the reference (ppoKl; default 1)',
    ),
  weightTemperature: z.number().positive().optional().describe('λ of the weights exp(advantage/λ) (mpo; default 1)'),
  aggregate: z
    .enum(['token-mean', 'sequence-mean', 'row-mean'])
    .optional()
    .describe(
      'tokens to a loss: their mean, the mean of completions’ means, or of completions’ sums (all but mpo; default: the preset’s)',
    ),
};

/** The flags as they were given. */
export type SurrogateSettings = z.output<z.ZodObject<typeof surrogateFlags>>;

type Flag = Exclude<keyof SurrogateSettings, 'surrogate'>;

const clipped = ['ppoClip', 'sppo'] as const;
const all = Object.keys(surrogates) as SurrogateName[];

/** Which surrogates have what, and its name there. */
const options: { readonly [flag in Flag]: { of: readonly SurrogateName[]; name?: string } } = {
  clipEpsilon: { of: clipped },
  clipEpsilonHigh: { of: ['ppoClip'] },
  ratioLevel: { of: [...clipped, 'ratio'] },
  pessimistic: { of: ['sppo'] },
  eta: { of: ['mdpo', 'smdpo', 'spma'] },
  klEstimator: { of: ['smdpo'] },
  negativeWeight: { of: ['smdpo'] },
  klPenalty: { of: ['ppoKl'], name: 'klCoef' },
  weightTemperature: { of: ['mpo'], name: 'temperature' },
  aggregate: { of: all.filter((name) => name !== 'mpo') },
};

/** What averages a preset's surrogate. */
interface Average {
  aggregate?: Aggregate;
  ratioLevel?: RatioLevel;
}

/**
 * The surrogate that a preset and flags give: the preset's with other options, or another one that averages as the
 * preset's does, over the same ratios where it knows them.
 * @param command in messages: `gimbal rl`
 * @throws ConfigError naming the flag, for an option that the surrogate does not have, before any work
 */
export function surrogateOf(
  command: string,
  flags: Partial<SurrogateSettings> & { preset: keyof typeof tokenPresets; credit?: 'token' | 'sequence' | undefined },
): Surrogate {
  const preset = tokenPresets[flags.preset](flags.credit === undefined ? {} : { credit: flags.credit });
  const own = preset.surrogate as Surrogate;
  const average = own.options as Average;
  const name = flags.surrogate ?? (own.surrogate as SurrogateName);
  const has = (flag: Flag): boolean => options[flag].of.includes(name);
  const given = (Object.keys(options) as Flag[]).filter((flag) => flags[flag] !== undefined);
  const other = given.find((flag) => !has(flag));
  if (other !== undefined)
    throw new ConfigError({
      where: `${command} --${kebab(other)}`,
      what: `the surrogate ${name} has no such option`,
      got: flags[other],
      fix: `It is of --surrogate ${options[other].of.join(', ')}`,
    });
  const ratioLevel = has('ratioLevel') ? (flags.ratioLevel ?? average.ratioLevel ?? 'token') : 'token';
  if (ratioLevel !== 'token' && preset.credit !== 'sequence')
    throw new ConfigError({
      where: `${command} --ratio-level`,
      what: 'a ratio of the whole completion goes with an advantage of the whole',
      got: ratioLevel,
      fix: 'Give --credit sequence, or leave it out',
    });
  const aggregate = flags.aggregate ?? aggregateFor(ratioLevel, average);
  const { clipEpsilon = 0.2, clipEpsilonHigh: high } = flags;
  const made = {
    ...(name === own.surrogate && own.options),
    ...Object.fromEntries(given.map((flag) => [options[flag].name ?? flag, flags[flag]])),
    ratioLevel,
    aggregate,
    ...(high !== undefined && { clipEpsilon: { low: clipEpsilon, high } }),
    clipEpsilonHigh: undefined,
  };
  const known = Object.entries(made).filter(
    ([key, value]) =>
      value !== undefined && (key !== 'aggregate' || has(key)) && (key !== 'ratioLevel' || value !== 'token'),
  );
  return surrogates[name](Object.fromEntries(known) as never);
}

/** A mean over completions of one ratio each has the gradient of a sum over their tokens, where the ratios are 1. */
function aggregateFor(level: RatioLevel, { aggregate, ratioLevel = 'token' }: Average): Aggregate | undefined {
  if (level === ratioLevel) return aggregate;
  return level === 'token' && ratioLevel === 'sequence' ? 'row-mean' : undefined;
}
