/**
 * Ready-made scenes of several agents, after Composer's multi-agent tasks: ants on a circle of 2 m. Each agent sees
 * itself first, then the others as vectors between roots.
 */
import { ConfigError } from '@gimbal/tensor-core';
import type { RewardTerm, Scene, SceneAgent, SceneComponent, SceneEdge } from './scene.ts';

/** Of the scenes with groups of ants. */
export interface GroupOptions {
  /** of each ant; default 4 */
  legs?: number;
  /** ants that follow or hunt; default 2, at most 8 */
  count?: number;
}

const speed = (scale = 1): RewardTerm => ({ type: 'speed', scale });

/** Ants evenly spaced on a circle of 2 m, looking along +x. */
function onCircle(names: readonly string[], legs: number): { [name: string]: SceneComponent } {
  const place = (i: number): [number, number, number] => {
    const angle = (2 * Math.PI * i) / names.length;
    return [round(2 * Math.cos(angle)), round(2 * Math.sin(angle)), 0];
  };
  return Object.fromEntries(names.map((name, i) => [name, { use: 'ant', params: { legs }, pos: place(i) }]));
}

const round = (x: number): number => Math.round(x * 1e6) / 1e6 + 0;

const edge = (a: string, b: string): string => [a, b].sort().join('~');

/** What one of them sees: itself, then its edges. */
const seenBy = (name: string, others: readonly string[]): string[] => [
  name,
  ...others.filter((other) => other !== name).map((other) => edge(name, other)),
];

const pairs = (names: readonly string[]): [string, string][] =>
  names.flatMap((a, i) => names.slice(i + 1).map((b): [string, string] => [a, b]));

/**
 * One ant leads along +x at 3 m/s (5 − ‖v − (3, 0)‖); the others are paid 21 − their distance to it, and the episode
 * ends when one is left behind by 20 m.
 */
export function antFollow({ legs = 4, count = 2 }: GroupOptions = {}): Scene {
  const followers = named('follower', count);
  const ants = onCircle(['leader', ...followers], legs);
  const leads: RewardTerm = { type: 'rootGoal', of: 'vel', target: [3, 0], dims: [0, 1], offset: 5 };
  const near: RewardTerm = { type: 'rootDistance', offset: 21, maxDistance: 20 };
  return {
    components: { ...ants, leader: { ...(ants.leader as SceneComponent), rewards: { lead: leads } } },
    edges: pairs(['leader', ...followers]).map(([a, b]) => ({
      between: [a, b],
      observe: ['rootVector'],
      ...(a === 'leader' && { rewards: { near } }),
    })),
    agents: {
      leader: { acts: ['leader'], rewards: ['leader'], observes: seenBy('leader', followers) },
      ...Object.fromEntries(
        followers.map((name): [string, SceneAgent] => [
          name,
          { acts: [name], rewards: [edge('leader', name)], observes: seenBy(name, ['leader', ...followers]) },
        ]),
      ),
    },
  };
}

/**
 * Predators hunt one prey: they are paid 21 − distance, and 20 000 for a catch (nearer than 0.5 m); the prey is paid its
 * distance, and 20 000 for getting 20 m away. All are paid for their speed. Catch and escape end the episode.
 */
export function antHunt({ legs = 4, count = 2 }: GroupOptions = {}): Scene {
  const predators = named('predator', count);
  const all = ['prey', ...predators];
  const ants = onCircle(all, legs);
  const caught: RewardTerm = { type: 'rootDistance', offset: 21, minDistance: 0.5, doneBonus: 20_000 };
  const away: RewardTerm = { type: 'rootDistance', scale: -1, maxDistance: 20, doneBonus: 20_000 };
  return {
    components: Object.fromEntries(
      Object.entries(ants).map(([name, ant]) => [name, { ...ant, rewards: { run: speed() } }]),
    ),
    edges: pairs(all).map(
      ([a, b]): SceneEdge => ({
        between: [a, b],
        observe: ['rootVector', 'rootVelocity'],
        ...(a === 'prey' && { rewards: { caught, away } }),
      }),
    ),
    agents: Object.fromEntries(
      all.map((name): [string, SceneAgent] => {
        const hunted =
          name === 'prey' ? predators.map((p) => `${edge(p, 'prey')}.away`) : [`${edge(name, 'prey')}.caught`];
        return [name, { acts: [name], rewards: [name, ...hunted], observes: seenBy(name, all) }];
      }),
    ),
  };
}

/**
 * Two ants in a ring of 3 m. Each is paid exp(−distance to the centre) and loses what the other gets, is paid for
 * closing in and pays 0.1 ‖action‖; leaving the ring loses 1, the other wins 1, and the episode ends.
 */
export function antSumo({ legs = 4 }: { legs?: number } = {}): Scene {
  const ring = { type: 'rootGoal', of: 'pos', target: [0, 0], dims: [0, 1], maxDistance: 3, scale: 0 } as const;
  const centre = { type: 'rootNear', target: [0, 0], dims: [0, 1] } as const;
  const wrestler = (x: number, yaw: number): SceneComponent => ({
    use: 'ant',
    params: { legs },
    pos: [x, 0, 0],
    yaw,
    terminates: false, // on its back it may still be pushed out
    rewards: {
      centre,
      yielded: { ...centre, scale: -1 },
      out: { ...ring, doneBonus: -1 },
      beaten: { ...ring, doneBonus: 1 },
      effort: { type: 'control', scale: 0.1 },
    },
  });
  const agent = (own: string, other: string): SceneAgent => ({
    acts: [own],
    rewards: [
      ...['centre', 'out', 'effort'].map((name) => `${own}.${name}`),
      ...['yielded', 'beaten'].map((name) => `${other}.${name}`),
      `east~west.${own}`,
    ],
    observes: [own, 'east~west', other],
  });
  return {
    components: { east: wrestler(1, Math.PI), west: wrestler(-1, 0) },
    edges: [
      {
        between: ['east', 'west'],
        observe: ['rootVector', 'rootVelocity'],
        rewards: {
          east: { type: 'approach', mover: 'east', scale: 0.1 },
          west: { type: 'approach', mover: 'west', scale: 0.1 },
        },
      },
    ],
    agents: { east: agent('east', 'west'), west: agent('west', 'east') },
  };
}

function named(role: string, count: number): string[] {
  if (!Number.isSafeInteger(count) || count < 1 || count > 8) {
    throw new ConfigError({ where: `ants: ${role}s`, what: 'bad count', got: count, wanted: '1 to 8' });
  }
  return Array.from({ length: count }, (_, i) => `${role}${i + 1}`);
}
