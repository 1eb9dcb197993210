/**
 * Domain randomisation: factors on constants of a model, drawn anew for each episode, so that a policy learns to do with
 * bodies that are a little heavier, more slippery or weaker than the model says (Tobin et al., arXiv 1703.06907).
 */
import { checkKnown, checkOption, type Rng } from '@gimbal/tensor-core';
import type { ModelInfo } from '../mujoco/model-info.ts';

/** Bounds of a factor. */
export type FactorRange = readonly [low: number, high: number];

/** Which constants are multiplied, each by a factor drawn uniformly from its range; left out: as they are. */
export interface Randomize {
  /** mass and inertia, of every body its own */
  mass?: FactorRange;
  /** sliding, torsional and rolling friction, one factor for all shapes */
  friction?: FactorRange;
  /** damping, of every degree of freedom its own */
  damping?: FactorRange;
  /** strength, of every actuator its own */
  gear?: FactorRange;
  /** one factor */
  gravity?: FactorRange;
}

/** What a model's constants are multiplied by; all 1: as it was compiled. */
export interface PhysicsFactors {
  /** `[nbody]`; of the world, which does not move, it is ignored */
  readonly mass: Float64Array;
  /** `[1]` */
  readonly friction: Float64Array;
  /** `[nv]` */
  readonly damping: Float64Array;
  /** `[nu]` */
  readonly gear: Float64Array;
  /** `[1]` */
  readonly gravity: Float64Array;
}

const names = ['mass', 'friction', 'damping', 'gear', 'gravity'] as const;

/** @throws ConfigError for an unknown name, and for bounds that are no range of factors */
export function checkRandomize(where: string, o: Randomize): void {
  checkKnown(where, o, names);
  for (const name of names) {
    const range = o[name];
    if (range === undefined) continue;
    const [low, high] = Array.isArray(range) && range.length === 2 ? (range as [unknown, unknown]) : [];
    // a body without mass does not move
    const least = (x: number): boolean => (name === 'mass' ? x > 0 : x >= 0);
    const good =
      typeof low === 'number' && typeof high === 'number' && least(low) && low <= high && Number.isFinite(high);
    const wanted = `[low, high], factors ${name === 'mass' ? 'above' : 'from'} 0 in order`;
    checkOption(`${where}.${name}`, range, good, wanted);
  }
}

/** Factors of 1, as views of one array: what a state holds of them. */
export function unitFactors({ bodyMass, nv, nu }: ModelInfo): { all: Float64Array; factors: PhysicsFactors } {
  const sizes = { mass: bodyMass.length, friction: 1, damping: nv, gear: nu, gravity: 1 };
  const all = new Float64Array(names.reduce((n, name) => n + sizes[name], 0)).fill(1);
  let at = 0;
  const views = names.map((name): [string, Float64Array] => {
    at += sizes[name];
    return [name, all.subarray(at - sizes[name], at)];
  });
  return { all, factors: Object.fromEntries(views) as unknown as PhysicsFactors };
}

/** Draws factors; those without a range stay as they are, and take nothing from the stream. */
export function drawFactors(o: Randomize, stream: Rng, out: PhysicsFactors): void {
  for (const name of names) {
    const range = o[name];
    if (range === undefined) continue;
    const [low, high] = range;
    const values = out[name];
    for (let i = 0; i < values.length; i++) values[i] = low + (high - low) * stream.uniform();
  }
}
