/** The ten MuJoCo tasks, v5, and Reacher with goals. */
import { ConfigError } from '@gimbal/tensor-core';
import * as bodies from '../composer/bodies/index.ts';
import type { Component } from '../composer/component.ts';
import { taskModel } from '../mjcf/model.ts';
import { owning, type PhysicsModel } from '../physics/contract.ts';
import { findEngine } from '../physics/engines.ts';
import { AntEnv, type AntTaskOptions, antDefaults } from '../tasks/ant.ts';
import {
  PusherEnv,
  type PusherOptions,
  pusherDefaults,
  ReacherEnv,
  type ReacherOptions,
  reacherDefaults,
} from '../tasks/arms.ts';
import { HumanoidEnv, type HumanoidTaskOptions, humanoidDefaults } from '../tasks/humanoid.ts';
import type { MujocoEnv, MujocoOptions } from '../tasks/mujoco-env.ts';
import {
  type DoublePendulumOptions,
  doublePendulumDefaults,
  InvertedDoublePendulumEnv,
  InvertedPendulumEnv,
  invertedPendulumDefaults,
  type PendulumTaskOptions,
} from '../tasks/pendulums.ts';
import { ReacherGoalEnv, type ReacherGoalOptions, reacherGoalDefaults } from '../tasks/reacher-goal.ts';
import {
  type HealthyRunnerOptions,
  halfCheetahDefaults,
  hopperDefaults,
  Runner,
  type RunnerDefaults,
  type RunnerOptions,
  swimmerDefaults,
  walker2dDefaults,
} from '../tasks/runners.ts';
import { type EnvRegistration, registration } from './registration.ts';

export interface MujocoOptionsById {
  'Ant-v5': AntTaskOptions;
  'HalfCheetah-v5': RunnerOptions;
  'Hopper-v5': HealthyRunnerOptions;
  'Humanoid-v5': HumanoidTaskOptions;
  'InvertedDoublePendulum-v5': DoublePendulumOptions;
  'InvertedPendulum-v5': PendulumTaskOptions;
  'Pusher-v5': PusherOptions;
  'Reacher-v5': ReacherOptions;
  'ReacherGoal-v0': ReacherGoalOptions;
  'Swimmer-v5': RunnerOptions;
  'Walker2d-v5': HealthyRunnerOptions;
}

const common = {
  maxSteps: 1000,
  xml: undefined,
  xmlFile: undefined,
  engine: 'mujoco',
  obsDtype: 'float64' as const,
  randomize: undefined,
};

/** The user's model, or the task's own. */
async function modelFor(o: MujocoOptions, component: () => Component): Promise<PhysicsModel> {
  const { xml, xmlFile } = o;
  if (xml !== undefined && xmlFile !== undefined) {
    throw new ConfigError({ where: 'makeEnv', what: 'both xml and xmlFile are given', fix: 'Give one' });
  }
  const engine = findEngine(o.engine);
  if (xmlFile !== undefined) {
    const { readMjcf } = await import('../mujoco/load-mjcf.node.ts');
    const { mjcf, files } = await readMjcf(xmlFile);
    return engine.compile(mjcf, { source: xmlFile, files });
  }
  return engine.compile(xml ?? taskModel(component()), { source: xml === undefined ? 'built-in model' : 'xml' });
}

const runnerDefaults = (d: RunnerDefaults): { [K in keyof Required<RunnerOptions>]: RunnerOptions[K] } => ({
  ...common,
  frameSkip: d.frameSkip,
  forwardRewardWeight: d.forwardRewardWeight,
  ctrlCostWeight: d.ctrlCostWeight,
  resetNoiseScale: d.resetNoiseScale,
  excludeCurrentPositionsFromObservation: true,
});

const healthyDefaults = (
  d: RunnerDefaults,
): { [K in keyof Required<HealthyRunnerOptions>]: HealthyRunnerOptions[K] } => ({
  ...runnerDefaults(d),
  healthyReward: d.healthy?.reward,
  terminateWhenUnhealthy: true,
  healthyZRange: d.healthy?.z,
  healthyAngleRange: d.healthy?.angle,
  healthyStateRange: d.healthy?.state,
});

const registrations: readonly EnvRegistration[] = [
  registration<AntTaskOptions>({
    id: 'Ant-v5',
    summary: 'run on four legs (or more)',
    defaults: { ...common, ...antDefaults, legs: 4 },
    make: async (o) =>
      owning(await modelFor(o, () => bodies.ant({ legs: o.legs ?? 4 })), (model) => new AntEnv(model, o)),
  }),
  registration<RunnerOptions>({
    id: 'HalfCheetah-v5',
    summary: 'run on two legs in the plane',
    defaults: runnerDefaults(halfCheetahDefaults),
    make: async (o) =>
      owning(await modelFor(o, bodies.halfCheetah), (model) => new Runner(model, halfCheetahDefaults, o)),
  }),
  registration<HealthyRunnerOptions>({
    id: 'Hopper-v5',
    summary: 'hop on one leg without falling',
    defaults: healthyDefaults(hopperDefaults),
    make: async (o) => owning(await modelFor(o, bodies.hopper), (model) => new Runner(model, hopperDefaults, o)),
  }),
  registration<HumanoidTaskOptions>({
    id: 'Humanoid-v5',
    summary: 'walk on two legs without falling',
    defaults: { ...common, ...humanoidDefaults },
    make: async (o) => owning(await modelFor(o, bodies.humanoid), (model) => new HumanoidEnv(model, o)),
  }),
  registration<DoublePendulumOptions>({
    id: 'InvertedDoublePendulum-v5',
    summary: 'balance two poles on a cart',
    defaults: { ...common, ...doublePendulumDefaults },
    make: async (o) =>
      owning(await modelFor(o, bodies.invertedDoublePendulum), (model) => new InvertedDoublePendulumEnv(model, o)),
  }),
  registration<PendulumTaskOptions>({
    id: 'InvertedPendulum-v5',
    summary: 'balance a pole on a cart',
    defaults: { ...common, ...invertedPendulumDefaults },
    make: async (o) => owning(await modelFor(o, bodies.invertedPendulum), (model) => new InvertedPendulumEnv(model, o)),
  }),
  registration<PusherOptions>({
    id: 'Pusher-v5',
    summary: 'push an object to a place with an arm of seven joints',
    defaults: { ...common, maxSteps: 100, ...pusherDefaults },
    make: async (o) => owning(await modelFor(o, bodies.pusher), (model) => new PusherEnv(model, o)),
  }),
  registration<ReacherOptions>({
    id: 'Reacher-v5',
    summary: 'reach a target with an arm of two joints',
    defaults: { ...common, maxSteps: 50, ...reacherDefaults },
    make: async (o) => owning(await modelFor(o, bodies.reacher), (model) => new ReacherEnv(model, o)),
  }),
  registration<ReacherGoalOptions>({
    id: 'ReacherGoal-v0',
    summary: 'reach a goal that can be replaced (hindsight)',
    defaults: { ...common, maxSteps: 50, ...reacherDefaults, ...reacherGoalDefaults },
    make: async (o) => owning(await modelFor(o, bodies.reacher), (model) => new ReacherGoalEnv(model, o)),
  }),
  registration<RunnerOptions>({
    id: 'Swimmer-v5',
    summary: 'swim with three links',
    defaults: runnerDefaults(swimmerDefaults),
    make: async (o) => owning(await modelFor(o, bodies.swimmer), (model) => new Runner(model, swimmerDefaults, o)),
  }),
  registration<HealthyRunnerOptions>({
    id: 'Walker2d-v5',
    summary: 'walk on two legs in the plane without falling',
    defaults: healthyDefaults(walker2dDefaults),
    make: async (o) => owning(await modelFor(o, bodies.walker2d), (model) => new Runner(model, walker2dDefaults, o)),
  }),
];

/** The tasks, with constants that are drawn anew at each reset where `randomize` says so. */
export const mujocoEnvs: readonly EnvRegistration[] = registrations.map((task) => ({
  ...task,
  async make(options) {
    const env = (await task.make(options)) as MujocoEnv;
    const { randomize } = options as MujocoOptions;
    if (randomize === undefined) return env;
    try {
      env.randomize(randomize);
      return env;
    } catch (error) {
      env.close();
      throw error;
    }
  },
}));
