/** What an agent needs to know of an action space. */
import { ConfigError, type Space } from '@gimbal/tensor-core';
import { boxSize, elementsOf } from './box.ts';

/** Whole numbers, one or several at once. */
export interface DiscreteActions {
  readonly kind: 'discrete';
  /** number of choices of each component */
  readonly nvec: readonly number[];
  /** added to the first component's choice before the environment gets it */
  readonly start: number;
  /** true: the space is one number, not a list */
  readonly single: boolean;
}

/** A box of floats. */
export interface ContinuousActions {
  readonly kind: 'continuous';
  readonly size: number;
  readonly low: Float64Array;
  readonly high: Float64Array;
}

export type ActionSpec = DiscreteActions | ContinuousActions;

/**
 * @throws ConfigError for spaces that are no action of an agent: tuples, dictionaries, an empty box, no choice at all; and
 * for bounds that are none
 */
export function actionSpec(space: Space): ActionSpec {
  const where = 'action space';
  switch (space?.kind) {
    case 'discrete':
      checkChoices([space.n]);
      if (!Number.isSafeInteger(space.start ?? 0))
        throw new ConfigError({ where, what: 'bad start', got: space.start, wanted: 'a whole number' });
      return { kind: 'discrete', nvec: [space.n], start: space.start ?? 0, single: true };
    case 'multi-discrete':
      checkChoices(space.nvec);
      return { kind: 'discrete', nvec: space.nvec, start: 0, single: false };
    case 'multi-binary': {
      const size = elementsOf(space.shape, where);
      const nvec = new Array<number>(size).fill(2);
      checkChoices(nvec);
      return { kind: 'discrete', nvec, start: 0, single: false };
    }
    case 'box': {
      const size = boxSize(space, where);
      if (size > 0) return { kind: 'continuous', size, low: space.low, high: space.high };
      break;
    }
    default:
  }
  throw new ConfigError({
    where,
    what: 'agents cannot act in it',
    got: (space as Space | null | undefined)?.kind ?? String(space),
    wanted: 'discrete, multi-discrete, multi-binary or a box',
    fix: 'Flatten the action space with a wrapper',
  });
}

/** @throws ConfigError where there is nothing to choose */
function checkChoices(nvec: readonly number[]): void {
  if (nvec.length > 0 && nvec.every((n) => Number.isSafeInteger(n) && n >= 1)) return;
  throw new ConfigError({
    where: 'action space',
    what: 'there is no action to choose',
    got: nvec.length === 1 ? `${nvec[0]} actions` : `components of ${nvec.join(', ') || 'nothing'}`,
    wanted: 'at least one action in each component',
  });
}

/** Refuses a space of the other kind. */
export function requireActions<K extends ActionSpec['kind']>(
  algorithm: string,
  spec: ActionSpec,
  kind: K,
): Extract<ActionSpec, { kind: K }> {
  if (spec.kind === kind) return spec as Extract<ActionSpec, { kind: K }>;
  throw new ConfigError({
    where: `${algorithm}, action space`,
    what: `${algorithm} needs ${kind} actions`,
    got: spec.kind,
    wanted: kind,
    fix: kind === 'discrete' ? 'Use ppo, sac or td3' : 'Use ppo or dqn',
  });
}

/**
 * Refuses a box without finite bounds, which squashed and deterministic policies need.
 */
export function requireBounds(algorithm: string, { low, high, size }: ContinuousActions): void {
  for (let i = 0; i < size; i++) {
    if (Number.isFinite(low[i]) && Number.isFinite(high[i]) && (low[i] as number) < (high[i] as number)) continue;
    throw new ConfigError({
      where: `${algorithm}, action component ${i}`,
      what: 'the bounds are no finite interval',
      got: `[${low[i]}, ${high[i]}]`,
      wanted: 'low < high, both finite',
      fix: 'Rescale the action space with a wrapper',
    });
  }
}
