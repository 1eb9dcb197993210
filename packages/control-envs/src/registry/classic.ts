/** The environments that need no physics engine. */
import { Acrobot, type AcrobotOptions } from '../classic/acrobot.ts';
import { CartPole, type CartPoleOptions } from '../classic/cart-pole.ts';
import { MountainCar, MountainCarContinuous, type MountainCarOptions } from '../classic/mountain-car.ts';
import { Pendulum, type PendulumOptions } from '../classic/pendulum.ts';
import { CliffWalking, type CliffWalkingOptions } from '../tabular/cliff-walking.ts';
import { DeepSea, type DeepSeaOptions } from '../tabular/deep-sea.ts';
import { FrozenLake, type FrozenLakeOptions } from '../tabular/frozen-lake.ts';
import { type EnvRegistration, registration } from './registration.ts';

export interface ClassicOptions {
  'Acrobot-v1': AcrobotOptions;
  'CartPole-v1': CartPoleOptions;
  'MountainCar-v0': MountainCarOptions;
  'MountainCarContinuous-v0': MountainCarOptions;
  'Pendulum-v1': PendulumOptions;
  'CliffWalking-v1': CliffWalkingOptions;
  'CliffWalkingSlippery-v1': CliffWalkingOptions;
  'DeepSea-v0': DeepSeaOptions;
  'FrozenLake-v1': FrozenLakeOptions;
  'FrozenLake8x8-v1': FrozenLakeOptions;
}

const lake = { map: undefined, isSlippery: true, successRate: 1 / 3, rewardSchedule: [1, 0, 0] as const };

export const classicEnvs: readonly EnvRegistration[] = [
  registration<AcrobotOptions>({
    id: 'Acrobot-v1',
    summary: 'swing the tip of two links above the bar',
    defaults: { maxSteps: 500 },
    make: (o) => new Acrobot(o),
  }),
  registration<CartPoleOptions>({
    id: 'CartPole-v1',
    summary: 'keep a pole upright on a cart',
    defaults: { maxSteps: 500, suttonBartoReward: false },
    make: (o) => new CartPole(o),
  }),
  registration<MountainCarOptions>({
    id: 'MountainCar-v0',
    summary: 'rock a weak car up a hill',
    defaults: { maxSteps: 200, goalVelocity: 0 },
    make: (o) => new MountainCar(o),
  }),
  registration<MountainCarOptions>({
    id: 'MountainCarContinuous-v0',
    summary: 'the same with a continuous motor',
    defaults: { maxSteps: 999, goalVelocity: 0 },
    make: (o) => new MountainCarContinuous(o),
  }),
  registration<PendulumOptions>({
    id: 'Pendulum-v1',
    summary: 'swing up a pendulum and hold it',
    defaults: { maxSteps: 200, g: 10 },
    make: (o) => new Pendulum(o),
  }),
  registration<CliffWalkingOptions>({
    id: 'CliffWalking-v1',
    summary: 'walk along a cliff',
    defaults: { maxSteps: Number.POSITIVE_INFINITY, isSlippery: false },
    make: (o) => new CliffWalking(o),
  }),
  registration<CliffWalkingOptions>({
    id: 'CliffWalkingSlippery-v1',
    summary: 'walk along a slippery cliff',
    defaults: { maxSteps: Number.POSITIVE_INFINITY, isSlippery: true },
    make: (o) => new CliffWalking({ isSlippery: true, ...o }),
  }),
  registration<DeepSeaOptions>({
    id: 'DeepSea-v0',
    summary: 'a treasure that only planned exploration finds',
    defaults: { size: 10, moveCost: 0.01, mappingSeed: undefined },
    make: (o) => new DeepSea(o),
  }),
  registration<FrozenLakeOptions>({
    id: 'FrozenLake-v1',
    summary: 'cross slippery ice with holes, 4 × 4',
    defaults: { maxSteps: 100, mapName: '4x4', ...lake },
    make: (o) => new FrozenLake(o),
  }),
  registration<FrozenLakeOptions>({
    id: 'FrozenLake8x8-v1',
    summary: 'cross slippery ice with holes, 8 × 8',
    defaults: { maxSteps: 200, mapName: '8x8', ...lake },
    make: (o) => new FrozenLake({ mapName: '8x8', ...o }),
  }),
];
