/** Ready-made scenes, after Composer's registered tasks. */
import type { RewardTerm, Scene, SceneComponent } from './scene.ts';

/** −‖velocity − (speed, 0)‖ + offset. */
const runForward = (speed = 4, offset = 5): RewardTerm => ({
  type: 'rootGoal',
  of: 'vel',
  target: [speed, 0],
  dims: [0, 1],
  offset,
});

const run = (use: string, params: { [name: string]: unknown } = {}): Scene => ({
  components: { agent1: { use, params, rewards: { run: runForward() } } },
});

/** An ant of 2 to 12 legs (default 4) runs along +x; its reward is 5 − ‖v − (4, 0)‖, v in m/s. */
export const antRun = ({ legs = 4 }: { legs?: number } = {}): Scene => run('ant', { legs });
/** An ant of eight legs runs along +x; its reward is 5 − ‖v − (4, 0)‖, v in m/s. */
export const octopusRun = (): Scene => run('octopus');
/** The humanoid runs along +x; its reward is 5 − ‖v − (4, 0)‖, v in m/s. */
export const humanoidRun = (): Scene => run('humanoid');
/** The half-cheetah runs along +x; its reward is 5 − ‖v − (4, 0)‖, v in m/s. */
export const halfCheetahRun = (): Scene => run('half-cheetah');

/** One ant runs, the other follows; caught (nearer than 1 m): the end. */
export const antChase = ({ legs = 4 }: { legs?: number } = {}): Scene => {
  const ant: SceneComponent = { use: 'ant', params: { legs } };
  return {
    components: {
      chaser: ant,
      runner: { ...ant, pos: [0, 2, 0], rewards: { run: runForward() } },
    },
    edges: [
      {
        between: ['chaser', 'runner'],
        observe: ['rootVector'],
        rewards: { near: { type: 'rootDistance', offset: 5, minDistance: 1 } },
      },
    ],
    agents: {
      chaser: { acts: ['chaser'], rewards: ['chaser~runner'], observes: ['chaser', 'chaser~runner', 'runner'] },
      runner: { acts: ['runner'], rewards: ['runner'], observes: ['runner', 'chaser~runner', 'chaser'] },
    },
  };
};

/** An ant pushes a sphere towards a velocity. */
export const antPush = ({ legs = 4 }: { legs?: number } = {}): Scene => ({
  components: {
    agent1: { use: 'ant', params: { legs } },
    ball: {
      use: 'sphere',
      params: { radius: 0.5, density: 5 },
      pos: [1.5, 0, 0],
      rewards: { goal: { type: 'rootGoal', of: 'vel', target: [5, 5], dims: [0, 1], offset: 5 } },
    },
  },
  edges: [
    {
      between: ['agent1', 'ball'],
      observe: ['rootVector'],
      rewards: { near: { type: 'rootDistance', offset: 5 } },
    },
  ],
});

/** An ant on a ball of 3 m radius drives it along +x by walking: 4 − ‖v − (3, 0)‖ of the ant, in m/s. */
export const antOnBall = ({ legs = 4 }: { legs?: number } = {}): Scene => ({
  components: {
    agent1: {
      use: 'ant',
      params: { legs },
      pos: [0, 0, 6],
      terminates: { z: [6.2, 7], up: 0 },
      rewards: { run: runForward(3, 4) },
    },
    ball: { use: 'sphere', params: { radius: 3, density: 1 }, observe: ['root'] },
  },
  edges: [{ between: ['agent1', 'ball'], observe: ['rootVector'] }],
});
