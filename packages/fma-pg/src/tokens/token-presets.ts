// RL on tokens by the methods' names.
import { requireOptions } from '@gimbal/tensor-core';
import { markedPresets } from '../internal/marked-presets.ts';
import { surrogates } from '../surrogates/surrogates.ts';
import type { TokenPolicyOptions } from './token-options.ts';

type TokenPreset = (o?: Partial<TokenPolicyOptions>) => Partial<TokenPolicyOptions>;

const presets = {
  reinforce: (o: Partial<TokenPolicyOptions> = {}) => ({
    surrogate: surrogates.reinforce({ aggregate: 'row-mean' }),
    baseline: 'batch',
    ...o,
  }),
  // one ratio a completion, as TRL's; tokens that are credited apart have their own
  rloo: (o: Partial<TokenPolicyOptions> = {}) => ({
    surrogate: surrogates.ppoClip(o.credit === 'token' ? { aggregate: 'row-mean' } : { ratioLevel: 'sequence' }),
    credit: 'sequence',
    baseline: 'leave-one-out',
    samplesPerPrompt: 2,
    klCoef: 0.05,
    ...o,
  }),
  grpo: (o: Partial<TokenPolicyOptions> = {}) => ({
    surrogate: surrogates.ppoClip(),
    credit: 'sequence',
    baseline: 'group',
    normalizeAdvantage: 'group',
    samplesPerPrompt: 8,
    klIn: 'loss',
    klCoef: 0,
    ...o,
  }),
  ppo: (o: Partial<TokenPolicyOptions> = {}) => ({
    surrogate: surrogates.ppoClip(),
    baseline: 'value',
    ...((o.baseline ?? 'value') === 'value' && { value: { learningRate: 1e-3, gaeLambda: 0.95 } }),
    normalizeAdvantage: 'batch',
    epochs: 4,
    klCoef: 0.05,
    ...o,
  }),
  smdpo: (o: Partial<TokenPolicyOptions> = {}) => ({
    surrogate: surrogates.smdpo(),
    normalizeAdvantage: 'batch',
    epochs: 4,
    ...o,
  }),
  sppo: (o: Partial<TokenPolicyOptions> = {}) => ({
    surrogate: surrogates.sppo({ clipEpsilon: 0.3, pessimistic: false }),
    normalizeAdvantage: 'batch',
    epochs: 4,
    ...o,
  }),
} satisfies { [name: string]: TokenPreset };

const checked = ([name, preset]: [string, TokenPreset]): [string, TokenPreset] => [
  name,
  (o = {}) => {
    requireOptions(`tokenPresets.${name}`, o);
    return preset(o);
  },
];

/** Methods by the names users know. `sppo` is FMA-PG's clipped surrogate, not Self-Play Preference Optimisation. */
export const tokenPresets = markedPresets(
  Object.fromEntries(Object.entries(presets).map(checked)) as Record<keyof typeof presets, TokenPreset>,
  'tokenPresets.',
);
