/** Actions changed on their way in. The caller's array stays as it is: it is what a buffer should hold. */
import { type Action, type BoxSpace, ConfigError, type Env, type EnvStep, type Space } from '@gimbal/tensor-core';
import { clamp } from '../base/angles.ts';
import { box } from '../spaces/spaces.ts';
import { EnvWrapper } from './wrapper.ts';

/** A change of each element of an action, and the actions that it takes. */
export interface ActionMap {
  /** of the actions before the change */
  readonly space: BoxSpace;
  /** @param i index into the action, or into the actions of several copies behind one another */
  readonly map: (a: number, i: number) => number;
}

/** Clips each element into the bounds; takes any number. @throws ConfigError for actions that are no Box */
export function clipping(env: Pick<Env, 'actionSpace'>, where: string): ActionMap {
  const { low, high, shape } = continuous(env, where);
  const size = low.length;
  return {
    space: box(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, shape),
    map: (a, i) => clamp(a, low[i % size] as number, high[i % size] as number),
  };
}

/**
 * Maps [min, max] linearly onto the bounds.
 * @throws ConfigError for actions that are no Box or unbounded, and if min is not below max
 */
export function rescaling(env: Pick<Env, 'actionSpace'>, where: string, min: number, max: number): ActionMap {
  const { low, high, shape } = continuous(env, where);
  const size = low.length;
  if (!(min < max) || !Number.isFinite(max - min))
    throw new ConfigError({ where, what: 'min is not below max, both finite', got: [min, max] });
  if ([...low, ...high].some((bound) => !Number.isFinite(bound))) {
    const fix = 'Clip outside of it: ClipAction takes any number, whatever is inside';
    throw new ConfigError({ where, what: 'the environment has unbounded actions', fix });
  }
  return {
    space: box(min, max, shape),
    map: (a, i) => {
      const [l, h] = [low[i % size] as number, high[i % size] as number];
      return clamp(l + ((h - l) * (a - min)) / (max - min), l, h);
    },
  };
}

/** Each element changed, in a new array; what is no array is passed on, for the environment to refuse. */
export const mapped = <A extends Action | Int32Array>(actions: A, { map }: ActionMap): A | Float32Array =>
  ArrayBuffer.isView(actions) || Array.isArray(actions) ? Float32Array.from(actions as Float32Array, map) : actions;

/** Clips each element into the environment's bounds; the outer action space is unbounded. */
export class ClipAction extends EnvWrapper {
  readonly #actions: ActionMap;

  /** @throws ConfigError for actions that are no Box */
  constructor(env: Env) {
    super(env);
    this.#actions = clipping(env, 'ClipAction');
  }

  override get actionSpace(): Space {
    return this.#actions.space;
  }

  override step(action: Action): EnvStep {
    return this.env.step(mapped(action, this.#actions));
  }
}

/** Maps [min, max] linearly onto the environment's bounds. */
export class RescaleAction extends EnvWrapper {
  readonly #actions: ActionMap;

  /** @throws ConfigError for actions that are no Box or unbounded, and if min is not below max */
  constructor(env: Env, min = -1, max = 1) {
    super(env);
    this.#actions = rescaling(env, 'RescaleAction', min, max);
  }

  override get actionSpace(): Space {
    return this.#actions.space;
  }

  override step(action: Action): EnvStep {
    return this.env.step(mapped(action, this.#actions));
  }
}

function continuous(env: Pick<Env, 'actionSpace'>, where: string): BoxSpace {
  if (env.actionSpace.kind === 'box') return env.actionSpace;
  throw new ConfigError({ where, what: 'needs continuous actions', got: env.actionSpace.kind, wanted: 'box' });
}
