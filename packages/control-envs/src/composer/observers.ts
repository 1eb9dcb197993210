/**
 * What is observed of a component, or of a pair. Kinds have names, so that scenes stay plain data: `state` or
 * `{ use: 'body', params: { name: 'torso', of: 'pos' } }`; `registerObserver` adds kinds of one's own.
 */
import { ConfigError, nearest } from '@gimbal/tensor-core';
import { clamp } from '../base/angles.ts';
import type { ModelInfo } from '../mujoco/model-info.ts';
import type { PhysicsSimulation } from '../physics/contract.ts';
import type { PartIndices } from './parts.ts';
import type { RootState } from './reward-terms.ts';
import type { Observer } from './scene.ts';

/** A component as its observers see it. */
export interface ObservedPart {
  /** its name in the scene */
  readonly name: string;
  /** the compiled model's constants */
  readonly info: ModelInfo;
  /** where its bodies, joints and motors are in the model's arrays */
  readonly indices: PartIndices;
  /** position and velocity of its root, filled anew each step */
  readonly root: RootState;
}

/** What one observer adds to the observation. */
export interface BoundObserver {
  /** numbers it writes */
  readonly size: number;
  /** name in the layout, after `component.`; default: the kind's name */
  readonly name?: string;
  /** where its numbers fall into several named runs: these in place of `name` */
  readonly parts?: readonly { readonly name: string; readonly size: number }[];
  /** whether it reads `sim.cfrcExt` */
  readonly contactForces?: boolean;
  /** Writes its numbers from index `from` on; creates nothing. */
  write(sim: PhysicsSimulation, out: Float64Array | Float32Array, from: number): void;
}

/**
 * Binds an observer to a component, or to a pair.
 * @param params as the scene gives them; {} where it gives none
 * @param other of a pair: the second component, undefined for the ground
 */
export type ObserverKind = (part: ObservedPart, params: never, other?: ObservedPart) => BoundObserver;

const ofComponents = new Map<string, ObserverKind>([
  ['state', state],
  ['root', root],
  ['contacts', contacts],
  ['body', body as ObserverKind],
  ['joint', joint as ObserverKind],
]);
const ofEdges = new Map<string, ObserverKind>([
  ['rootVector', rootVector],
  ['rootVelocity', rootVelocity],
]);

/**
 * Adds a kind of observer; scenes that name it need it registered wherever they are made.
 * @param of what it observes: a component (the default), or a pair
 * @throws ConfigError if the name is taken
 * @example registerObserver('height', (part) => ({ size: 1, write: (_, out, i) => { out[i] = part.root.pos[2]; } }));
 */
export function registerObserver(name: string, kind: ObserverKind, of: 'component' | 'edge' = 'component'): void {
  const kinds = of === 'component' ? ofComponents : ofEdges;
  if (kinds.has(name)) throw new ConfigError({ where: 'registerObserver', what: 'the name is taken', got: name });
  kinds.set(name, kind);
}

/** Names of the known kinds. */
export const observerNames = (of: 'component' | 'edge'): string[] => [
  ...(of === 'component' ? ofComponents : ofEdges).keys(),
];

/** One observer of a component (or of a pair), bound; its block is called `part.name`. */
export function bindObserver(observer: Observer, owner: string, part: ObservedPart, other?: ObservedPart): Block {
  const { use, params = {} } = typeof observer === 'string' ? { use: observer } : observer;
  const kind = (owner.includes('~') ? ofEdges : ofComponents).get(use) as ObserverKind; // checked with the scene
  const bound = kind(part, params as never, other);
  const runs = bound.parts ?? [{ name: bound.name ?? use, size: bound.size }];
  return { owner, runs: runs.map(({ name, size }) => ({ name: `${owner}.${name}`, size })), bound };
}

/** What one observer writes, and for whom. */
export interface Block {
  /** component or edge */
  readonly owner: string;
  readonly runs: readonly { readonly name: string; readonly size: number }[];
  readonly bound: BoundObserver;
}

/** Positions without what only says where the body is, then velocities. */
function state({ indices: { observedQpos, qvel } }: ObservedPart): BoundObserver {
  return {
    size: observedQpos.length + qvel.length,
    parts: [
      { name: 'qpos', size: observedQpos.length },
      { name: 'qvel', size: qvel.length },
    ],
    write(sim, out, from) {
      const { qpos, qvel: velocities } = sim;
      let n = from;
      for (let i = 0; i < observedQpos.length; i++) out[n++] = qpos[observedQpos[i] as number] as number;
      for (let i = 0; i < qvel.length; i++) out[n++] = velocities[qvel[i] as number] as number;
    },
  };
}

/** Position, orientation (w, x, y, z) and velocity of the root. */
function root({ indices, root: at }: ObservedPart): BoundObserver {
  return {
    size: 10,
    parts: [
      { name: 'pos', size: 3 },
      { name: 'quat', size: 4 },
      { name: 'vel', size: 3 },
    ],
    write({ xpos, xquat }, out, from) {
      for (let i = 0; i < 3; i++) out[from + i] = xpos[3 * indices.root + i] as number;
      for (let i = 0; i < 4; i++) out[from + 3 + i] = xquat[4 * indices.root + i] as number;
      for (let i = 0; i < 3; i++) out[from + 7 + i] = at.vel[i] as number;
    },
  };
}

/** Contact forces on each body, clipped to ±1. */
function contacts({ indices: { bodies } }: ObservedPart): BoundObserver {
  return {
    size: 6 * bodies.length,
    contactForces: true,
    write({ cfrcExt }, out, from) {
      let n = from;
      for (const b of bodies) for (let i = 0; i < 6; i++) out[n++] = clamp(cfrcExt[6 * b + i] as number, -1, 1);
    },
  };
}

/** One body: `pos`, `quat`, or its velocity about the tree's centre of mass, `vel` or `ang`. */
function body(part: ObservedPart, { name, of = 'pos' }: { name: string; of?: string }): BoundObserver {
  const b = indexIn(part, 'body', name);
  const [array, stride, offset, size] = choose(part, of, {
    pos: ['xpos', 3, 0, 3],
    quat: ['xquat', 4, 0, 4],
    ang: ['cvel', 6, 0, 3],
    vel: ['cvel', 6, 3, 3],
  } as const);
  return {
    size,
    name: `${name}.${of}`,
    write(sim, out, from) {
      const values = sim[array];
      for (let i = 0; i < size; i++) out[from + i] = values[stride * b + offset + i] as number;
    },
  };
}

/** One joint: its `pos` or `vel`. */
function joint(part: ObservedPart, { name, of = 'pos' }: { name: string; of?: string }): BoundObserver {
  const { info } = part;
  const j = indexIn(part, 'joint', name);
  const [addresses, all, array] = choose(part, of, {
    pos: [info.jointQpos, info.nq, 'qpos'],
    vel: [info.jointDof, info.nv, 'qvel'],
  } as const);
  const first = addresses[j] as number;
  const size = (addresses[j + 1] ?? all) - first;
  return {
    size,
    name: `${name}.${of}`,
    write(sim, out, from) {
      for (let i = 0; i < size; i++) out[from + i] = sim[array][first + i] as number;
    },
  };
}

/** From the second root to the first. */
function rootVector(a: ObservedPart, _: never, b?: ObservedPart): BoundObserver {
  return difference('rootVector', a.root.pos, b?.root.pos);
}

/** Velocity of the first root as the second sees it. */
function rootVelocity(a: ObservedPart, _: never, b?: ObservedPart): BoundObserver {
  return difference('rootVelocity', a.root.vel, b?.root.vel);
}

const difference = (name: string, a: Float64Array, b: Float64Array | undefined): BoundObserver => ({
  size: 3,
  name,
  write(_, out, from) {
    for (let i = 0; i < 3; i++) out[from + i] = (a[i] as number) - (b?.[i] ?? 0);
  },
});

function indexIn({ name: part, info }: ObservedPart, kind: 'body' | 'joint', name: string): number {
  const prefix = `${part}/`;
  const index = info.names[kind].indexOf(`${prefix}${name}`);
  if (index >= 0) return index;
  const known = info.names[kind].filter((n) => n.startsWith(prefix)).map((n) => n.slice(prefix.length));
  const guess = nearest(String(name), known);
  const fix = guess === undefined ? `There are ${known.join(', ')}` : `Did you mean ${guess}?`;
  throw new ConfigError({ where: `scene.components.${part}.observe`, what: `no such ${kind}`, got: name, fix });
}

function choose<T>({ name }: ObservedPart, of: string, choices: { readonly [of: string]: T }): T {
  if (Object.hasOwn(choices, of)) return choices[of] as T;
  const wanted = Object.keys(choices).join(', ');
  throw new ConfigError({ where: `scene.components.${name}.observe`, what: 'no such quantity', got: of, wanted });
}
