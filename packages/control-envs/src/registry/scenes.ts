/** Composed environments by id. */
import type { Scene } from '../composer/scene.ts';
import { makeScene } from '../composer/scene-env.ts';
import { antChase, antOnBall, antPush, antRun, halfCheetahRun, humanoidRun, octopusRun } from '../composer/scenes.ts';
import { antFollow, antHunt, antSumo, type GroupOptions } from '../composer/scenes-groups.ts';
import { type EnvRegistration, registration } from './registration.ts';

export interface SceneOptions {
  maxSteps?: number;
  /** physics library, by the name it was registered with; default 'mujoco' */
  engine?: string;
}

export interface LeggedOptions extends SceneOptions {
  /** of each ant; default 4 */
  legs?: number;
}

export interface AntGroupOptions extends SceneOptions, GroupOptions {}

export interface SceneOptionsById {
  'AntChase-v0': LeggedOptions;
  'AntFollow-v0': AntGroupOptions;
  'AntHunt-v0': AntGroupOptions;
  'AntOnBall-v0': LeggedOptions;
  'AntPush-v0': LeggedOptions;
  'AntRun-v0': LeggedOptions;
  'AntSumo-v0': LeggedOptions;
  'HalfCheetahRun-v0': SceneOptions;
  'HumanoidRun-v0': SceneOptions;
  'OctopusRun-v0': SceneOptions;
}

/** The registration of a scene, or of a function of options that returns one. */
export function sceneRegistration<O extends SceneOptions>(
  id: string,
  summary: string,
  scene: Scene | ((options: O) => Scene),
  defaults: EnvRegistration<O>['defaults'],
): EnvRegistration {
  return registration<O>({
    id,
    summary,
    defaults,
    make: (o) => {
      const made = typeof scene === 'function' ? scene(o) : scene;
      return makeScene(o.maxSteps === undefined ? made : { ...made, maxSteps: o.maxSteps }, id, o.engine);
    },
  });
}

const plain = { maxSteps: 1000, engine: 'mujoco' };
const legged = { ...plain, legs: 4 };
const group = { ...legged, count: 2 };

export const sceneEnvs: readonly EnvRegistration[] = [
  sceneRegistration<LeggedOptions>('AntChase-v0', 'one ant flees, another chases: two agents', antChase, legged),
  sceneRegistration<AntGroupOptions>('AntFollow-v0', 'one ant leads, others follow: an agent each', antFollow, group),
  sceneRegistration<AntGroupOptions>('AntHunt-v0', 'predators hunt one prey: an agent each', antHunt, group),
  sceneRegistration<LeggedOptions>('AntOnBall-v0', 'drive a ball of 3 m by walking on it', antOnBall, legged),
  sceneRegistration<LeggedOptions>('AntPush-v0', 'push a ball towards a velocity', antPush, legged),
  sceneRegistration<LeggedOptions>('AntRun-v0', 'run on any number of legs', antRun, legged),
  sceneRegistration<LeggedOptions>('AntSumo-v0', 'push the other ant out of the ring: two agents', antSumo, legged),
  sceneRegistration<SceneOptions>('HalfCheetahRun-v0', 'composed: run in the plane', halfCheetahRun(), plain),
  sceneRegistration<SceneOptions>('HumanoidRun-v0', 'composed: run on two legs', humanoidRun(), plain),
  sceneRegistration<SceneOptions>('OctopusRun-v0', 'composed: run on eight legs', octopusRun(), plain),
];
