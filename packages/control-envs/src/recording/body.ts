/** What recordings and the viewer show of an environment: its shapes and where they are. */
import { DataError, type Env } from '@gimbal/tensor-core';
import type { DrawnEnv } from '../base/drawn-env.ts';
import type { GeomPoses, ShapeInfo } from '../render/canvas.ts';
import type { MujocoEnv } from '../tasks/mujoco-env.ts';
import { contactPoints } from './shapes.ts';

/** The shapes of an environment. */
export interface Body {
  readonly shapes: ShapeInfo;
  /** seconds between two frames */
  readonly frameSeconds: number;
  /** Where the shapes are now. */
  poses(): GeomPoses;
  /** `[x, y, z, force]` of each contact, one after another. */
  contacts(): number[];
  /** A picture of the present state, `[height * width * 3]`. */
  render(o?: { width?: number; height?: number; out?: Uint8Array }): Uint8Array;
}

/**
 * The body inside wrappers; found by its shape, since a page may have loaded the package twice.
 * @throws DataError for an environment without a body to show
 */
export function bodyOf(env: Env, where: string): Body {
  const { dtSeconds } = env.spec;
  let at: unknown = env;
  while (typeof at === 'object' && at !== null) {
    if ('sim' in at && 'model' in at) return simulated(at as MujocoEnv, dtSeconds);
    if ('drawing' in at) return drawn(at as DrawnEnv, dtSeconds);
    at = (at as { env?: unknown }).env;
  }
  const fix =
    'Environments of your own are shown if they are MuJoCo tasks, composed scenes, or a TabularEnv with a grid';
  throw new DataError({ where: `${where} ${env.spec.id}`, what: 'nothing to show', fix });
}

const simulated = (env: MujocoEnv, frameSeconds: number): Body => ({
  shapes: env.model.info,
  frameSeconds,
  poses() {
    env.sim.refresh();
    return env.sim;
  },
  contacts: () => contactPoints(env.sim),
  render: (o) => env.render(o),
});

const drawn = (env: DrawnEnv, dtSeconds: number): Body => ({
  shapes: env.drawing().shapes,
  frameSeconds: env.drawing().frameSeconds ?? dtSeconds,
  poses: () => env.drawing(),
  contacts: () => [],
  render: (o) => env.render(o),
});
