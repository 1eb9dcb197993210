// Which options of an on-policy agent are of no use beside others.
import { ConfigError } from '@gimbal/tensor-core';
import { refuseUnused } from '../internal/unused.ts';
import type { OnPolicyOptions } from './on-policy-options.ts';

/** Of minibatch steps on a surrogate; one natural-gradient step on the linear term has none of them. */
const ofGradientSteps = [
  'surrogate',
  'epochs',
  'minibatches',
  'targetKl',
  'adaptiveKl',
  'innerGuard',
  'entropyCoef',
  'returns',
] as const satisfies readonly (keyof OnPolicyOptions)[];

/** What is true of a natural-gradient step. */
const idle = { epochs: 1, minibatches: 1, innerGuard: 'off', entropyCoef: 0, returns: 'gae' };

/**
 * Of a new agent; a checkpoint holds every option, used or not.
 * @param o as the caller gave them, each of them valid
 * @throws ConfigError naming an option that would change nothing
 */
export function refuseUnusedOnPolicy(o: OnPolicyOptions): void {
  const { method = 'gradient', critic, surrogate, adaptiveKl } = o;
  if (method === 'gradient') refuseUnused(o, ['trustRegion'], 'a method of gradient steps');
  else {
    refuseUnused(
      { ...o, ...(surrogate && { surrogate: surrogate.surrogate }) },
      ofGradientSteps,
      `method ${method}`,
      idle,
    );
    // the policy's step has a length of its own; the critic may be told its rate
    const isOfCritic = critic !== undefined && critic.learningRate === undefined;
    if (!isOfCritic)
      refuseUnused(o, ['learningRate'], `method ${method}, whose critic has its own (critic.learningRate),`);
  }
  if (method !== 'gradient' || critic !== undefined) refuseUnused(o, ['valueCoef'], 'a critic trained apart');
  if (adaptiveKl === undefined || surrogate === undefined) return;
  if (surrogate.surrogate !== 'ppoKl')
    throw new ConfigError({
      where: 'adaptiveKl',
      what: 'the surrogate has no penalty that could be adapted',
      got: surrogate.surrogate,
      wanted: 'ppoKl',
      fix: 'Leave one of them out',
    });
  refuseUnused(
    { 'surrogate.klCoef': surrogate.options.klCoef },
    ['surrogate.klCoef'],
    'adaptiveKl (its first is adaptiveKl.initial)',
  );
}
