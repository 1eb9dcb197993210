export { AgentEnv, type AgentPolicy } from './agent-env.ts';
export type { AgentView } from './agents.ts';
export { rewardNames } from './check-scene.ts';
export { type CompiledScene, compileScene } from './compile-scene.ts';
export type { Component, PhysicsOptions } from './component.ts';
export { editScene, sceneFromJson, sceneToJson } from './json.ts';
export { registerComponent } from './kinds.ts';
export { type BoundObserver, type ObservedPart, type ObserverKind, registerObserver } from './observers.ts';
export type { PartIndices } from './parts.ts';
export {
  type RawReward,
  type RewardKind,
  type RootState,
  registerReward,
  type TermContext,
} from './reward-terms.ts';
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
export { makeScene, SceneEnv } from './scene-env.ts';
export { antChase, antOnBall, antPush, antRun, halfCheetahRun, humanoidRun, octopusRun } from './scenes.ts';
export { antFollow, antHunt, antSumo, type GroupOptions } from './scenes-groups.ts';
