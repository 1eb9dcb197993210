export { rewardNames } from './check-scene.ts';
export { type CompiledScene, compileScene } from './compile-scene.ts';
export type { Component, PhysicsOptions } from './component.ts';
export { editScene, sceneFromJson, sceneToJson } from './json.ts';
export { registerComponent } from './kinds.ts';
export {
  defineScene,
  edgeName,
  type Observer,
  type RewardTerm,
  type Scene,
  type SceneAgent,
  type SceneComponent,
  type SceneEdge,
} from './scene.ts';
export { type AgentView, makeScene, SceneEnv } from './scene-env.ts';
export { antChase, antPush, antRun, halfCheetahRun, humanoidRun, octopusRun } from './scenes.ts';
