/** Composed environments by id. */
import type { Scene } from '../composer/scene.ts';
import { makeScene } from '../composer/scene-env.ts';
import { antChase, antPush, antRun, halfCheetahRun, humanoidRun, octopusRun } from '../composer/scenes.ts';
import { type EnvRegistration, registration } from './registration.ts';

export interface LeggedOptions {
  maxSteps?: number;
  /** of each ant; default 4 */
  legs?: number;
}

export interface SceneOptions {
  maxSteps?: number;
}

export interface SceneOptionsById {
  'AntChase-v0': LeggedOptions;
  'AntPush-v0': LeggedOptions;
  'AntRun-v0': LeggedOptions;
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
      return makeScene(o.maxSteps === undefined ? made : { ...made, maxSteps: o.maxSteps }, id);
    },
  });
}

const legged = { maxSteps: 1000, legs: 4 };
const plain = { maxSteps: 1000 };

export const sceneEnvs: readonly EnvRegistration[] = [
  sceneRegistration<LeggedOptions>('AntChase-v0', 'one ant flees, another chases: two agents', antChase, legged),
  sceneRegistration<LeggedOptions>('AntPush-v0', 'push a ball towards a velocity', antPush, legged),
  sceneRegistration<LeggedOptions>('AntRun-v0', 'run on any number of legs', antRun, legged),
  sceneRegistration<SceneOptions>('HalfCheetahRun-v0', 'composed: run in the plane', halfCheetahRun(), plain),
  sceneRegistration<SceneOptions>('HumanoidRun-v0', 'composed: run on two legs', humanoidRun(), plain),
  sceneRegistration<SceneOptions>('OctopusRun-v0', 'composed: run on eight legs', octopusRun(), plain),
];
