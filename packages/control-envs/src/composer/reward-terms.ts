/** Reward terms of components and edges, evaluated on root positions and velocities. */
import type { RewardTerm } from './scene.ts';

/** What a term reads; filled anew each step, in place. */
export interface RootState {
  pos: Float64Array;
  /** metres a second over the last step */
  vel: Float64Array;
}

export interface TermResult {
  reward: number;
  done: boolean;
}

/** A term bound to its roots; writes into one result object of its own. */
export type BoundTerm = (action: Float32Array) => TermResult;

/**
 * @param a root of the component, or of the edge's first one
 * @param b root of the edge's second one
 * @param actuators motors of the component, for `control`
 */
export function bindTerm(
  term: RewardTerm,
  a: RootState,
  b: RootState | undefined,
  actuators: readonly number[],
): BoundTerm {
  const { offset = 0, scale = 1, doneBonus = 0 } = term;
  const raw = rawTerm(term, a, b, actuators);
  const [least, most] =
    term.type === 'rootDistance'
      ? [term.minDistance ?? 0, term.maxDistance ?? Number.POSITIVE_INFINITY]
      : [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  const result: TermResult = { reward: 0, done: false };
  return (action) => {
    const value = raw(action);
    result.done = term.type === 'rootDistance' && (-value < least || -value > most);
    result.reward = (value + offset) * scale + (result.done ? doneBonus : 0);
    return result;
  };
}

function rawTerm(
  term: RewardTerm,
  a: RootState,
  b: RootState | undefined,
  actuators: readonly number[],
): (action: Float32Array) => number {
  switch (term.type) {
    case 'rootGoal': {
      const { target } = term;
      const dims = term.dims ?? [0, 1, 2].slice(0, target.length);
      const x = term.of === 'pos' ? a.pos : a.vel;
      return () => -norm(dims, (d, i) => (x[d] as number) - (target[i] as number));
    }
    case 'rootDistance':
      return () => -norm([0, 1, 2], (d) => (a.pos[d] as number) - (b?.pos[d] ?? 0));
    case 'control':
      return (action) => -norm(actuators, (d) => action[d] as number);
    case 'constant':
      return () => term.value ?? 0;
    case 'speed': {
      const dims = term.dims ?? [0, 1];
      return () => norm(dims, (d) => a.vel[d] as number);
    }
  }
}

function norm(dims: readonly number[], of: (d: number, i: number) => number): number {
  let sum = 0;
  for (let i = 0; i < dims.length; i++) sum += of(dims[i] as number, i) ** 2;
  return Math.sqrt(sum);
}
