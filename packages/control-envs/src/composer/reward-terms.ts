/** Reward terms of components and edges, evaluated on root positions and velocities; `registerReward` adds kinds. */
import { ConfigError } from '@gimbal/tensor-core';
import type { PhysicsSimulation } from '../physics/contract.ts';
import type { RewardTerm } from './scene.ts';

/** What a term reads; filled anew each step, in place. */
export interface RootState {
  /** x, y, z in metres */
  pos: Float64Array;
  /** metres a second over the last step */
  vel: Float64Array;
}

export interface TermResult {
  reward: number;
  done: boolean;
}

/** A term bound to its roots; writes into one result object of its own. */
export type BoundTerm = (action: Float32Array, sim: PhysicsSimulation) => TermResult;

/** What a term is bound to. */
export interface TermContext {
  /** root of the component, or of the edge's first one */
  readonly a: RootState;
  /** root of the edge's second one */
  readonly b: RootState | undefined;
  /** the component's motors: indices into the action; none for an edge */
  readonly actuators: readonly number[];
  /** name of the component, or of the edge's two */
  readonly names: readonly string[];
}

/** The raw value of a step, before offset and scale; `done` ends the episode. */
export type RawReward = (action: Float32Array, sim: PhysicsSimulation) => number | { value: number; done: boolean };
/** Binds a reward of one's own. */
export type RewardKind = (context: TermContext, params: never) => RawReward;

const kinds = new Map<string, RewardKind>();

/**
 * Adds a kind of reward, which scenes use as `{ type: 'custom', use: name, params }`; they need it registered wherever
 * they are made.
 * @throws ConfigError if the name is taken
 * @example registerReward('jump', ({ a }) => () => a.vel[2]);
 */
export function registerReward(name: string, kind: RewardKind): void {
  if (kinds.has(name)) throw new ConfigError({ where: 'registerReward', what: 'the name is taken', got: name });
  kinds.set(name, kind);
}

/** Names of registered rewards. */
export const customRewards = (): string[] => [...kinds.keys()];

/** Binds one term of a scene. */
export function bindTerm(term: RewardTerm, context: TermContext): BoundTerm {
  const { offset = 0, scale = 1, doneBonus = 0 } = term;
  const raw = rawTerm(term, context);
  const isDistance = term.type === 'rootDistance' || term.type === 'rootGoal';
  const least = isDistance ? (term.minDistance ?? 0) : 0;
  const most = isDistance ? (term.maxDistance ?? Number.POSITIVE_INFINITY) : Number.POSITIVE_INFINITY;
  const result: TermResult = { reward: 0, done: false };
  return (action, sim) => {
    const found = raw(action, sim);
    const value = typeof found === 'number' ? found : found.value;
    result.done = typeof found === 'number' ? isDistance && (-value < least || -value > most) : found.done;
    result.reward = (value + offset) * scale + (result.done ? doneBonus : 0);
    return result;
  };
}

function rawTerm(term: RewardTerm, context: TermContext): RawReward {
  const { a, b, actuators } = context;
  switch (term.type) {
    case 'rootGoal': {
      const { target } = term;
      const dims = term.dims ?? [0, 1, 2].slice(0, target.length);
      const x = term.of === 'pos' ? a.pos : a.vel;
      return () => -norm(dims, (d, i) => (x[d] as number) - (target[i] as number));
    }
    case 'rootNear': {
      const { target, width = 1 } = term;
      const dims = term.dims ?? [0, 1, 2].slice(0, target.length);
      return () => Math.exp(-norm(dims, (d, i) => (a.pos[d] as number) - (target[i] as number)) / width);
    }
    case 'rootDistance':
      return () => -norm([0, 1, 2], (d) => (a.pos[d] as number) - (b?.pos[d] ?? 0));
    case 'approach': {
      // how fast the mover nears the other: its velocity along the line between them
      const [mover, other] = term.mover === context.names[1] ? [b, a] : [a, b];
      const axes = [0, 1, 2];
      return () => {
        const away = (d: number): number => (other?.pos[d] ?? 0) - (mover?.pos[d] ?? 0);
        const distance = norm(axes, away);
        if (distance === 0) return 0;
        let speed = 0;
        for (const d of axes) speed += ((mover?.vel[d] ?? 0) * away(d)) / distance;
        return speed;
      };
    }
    case 'control':
      return (action) => -norm(actuators, (d) => action[d] as number);
    case 'constant':
      return () => term.value ?? 0;
    case 'speed': {
      const dims = term.dims ?? [0, 1];
      return () => norm(dims, (d) => a.vel[d] as number);
    }
    case 'along': {
      const length = Math.hypot(...term.direction);
      return () => term.direction.reduce((sum, x, d) => sum + (x / length) * (a.vel[d] as number), 0);
    }
    case 'custom':
      return (kinds.get(term.use) as RewardKind)(context, (term.params ?? {}) as never);
  }
}

function norm(dims: readonly number[], of: (d: number, i: number) => number): number {
  let sum = 0;
  for (let i = 0; i < dims.length; i++) sum += of(dims[i] as number, i) ** 2;
  return Math.sqrt(sum);
}
