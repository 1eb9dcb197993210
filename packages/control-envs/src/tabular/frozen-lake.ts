/**
 * FrozenLake-v1, after Gymnasium 1.3: from S over frozen (F) cells to G, around the holes (H), on ice that may lead
 * sideways. Actions: left, down, right, up.
 */
import { ConfigError } from '@gimbal/tensor-core';
import { colors, type Moves, moved, slips } from './grid.ts';
import { type Outcome, TabularEnv } from './tabular-env.ts';

export interface FrozenLakeOptions {
  maxSteps?: number;
  /** rows of S, F, H, G; default: the map of `mapName` */
  map?: readonly string[];
  /** default '4x4' */
  mapName?: '4x4' | '8x8';
  /** default true */
  isSlippery?: boolean;
  /** probability that a slippery move goes where it was meant; default 1/3 */
  successRate?: number;
  /** rewards for reaching the goal, a hole, a frozen cell; default [1, 0, 0] */
  rewardSchedule?: readonly [goal: number, hole: number, frozen: number];
}

const maps = {
  '4x4': ['SFFF', 'FHFH', 'FFFH', 'HFFG'],
  '8x8': ['SFFFFFFF', 'FFFFFFFF', 'FFFHFFFF', 'FFFFFHFF', 'FFFHFFFF', 'FHHFFFHF', 'FHFFHFHF', 'FFFHFFFG'],
} as const;

const colorOf = { S: colors.plain, F: colors.ice, H: colors.pit, G: colors.goal };

const moves: Moves = [
  [0, -1],
  [1, 0],
  [0, 1],
  [-1, 0],
];

export class FrozenLake extends TabularEnv {
  constructor(options: FrozenLakeOptions = {}) {
    const { mapName = '4x4', isSlippery = true, successRate = 1 / 3, rewardSchedule = [1, 0, 0] } = options;
    const large = mapName === '8x8' && options.map === undefined;
    if (!(mapName in maps)) {
      const [got, wanted] = [mapName, Object.keys(maps).join(', ')];
      throw new ConfigError({ where: 'FrozenLake: mapName', what: 'no such map', got, wanted });
    }
    if (!(successRate >= 0 && successRate <= 1)) {
      throw new ConfigError({ where: 'FrozenLake: successRate', what: 'no probability', got: successRate });
    }
    const cells = checkedMap(options.map ?? maps[mapName]);
    const [rows, columns] = [cells.length, (cells[0] as string).length];
    const letter = (s: number): string => cells[Math.floor(s / columns)]?.[s % columns] as string;

    const reach = (next: number, probability: number): Outcome => {
      const kind = 'GH'.indexOf(letter(next));
      const reward = rewardSchedule[kind < 0 ? 2 : kind] as number;
      return { probability, next, reward, terminated: kind >= 0 };
    };
    const outcomes = (s: number, action: number): Outcome[] => {
      if ('GH'.includes(letter(s))) return [{ probability: 1, next: s, reward: 0, terminated: true }];
      const rate = (a: number): number => (a === action ? successRate : (1 - successRate) / 2);
      const taken = isSlippery ? slips(action) : [action];
      return taken.map((a) => reach(moved(s, moves[a] as Moves[number], rows, columns), isSlippery ? rate(a) : 1));
    };
    const states = Array.from({ length: rows * columns }, (_, s) => s);
    super({
      id: large ? 'FrozenLake8x8-v1' : 'FrozenLake-v1',
      maxSteps: options.maxSteps ?? (large ? 200 : 100),
      rewardThreshold: large ? 0.85 : 0.7,
      table: states.map((s) => moves.map((_, a) => outcomes(s, a))),
      starts: states.filter((s) => letter(s) === 'S'),
      grid: { columns, color: (s) => colorOf[letter(s) as keyof typeof colorOf] },
    });
  }
}

function checkedMap(map: readonly string[]): readonly string[] {
  const where = 'FrozenLake: map';
  if (!Array.isArray(map)) throw new ConfigError({ where, what: 'no list of rows', got: map });
  const bad = map.find((row) => !/^[SFHG]+$/.test(row) || row.length !== map[0]?.length);
  if (map.length === 0 || bad !== undefined) {
    throw new ConfigError({ where, what: 'bad row', got: bad ?? map, wanted: 'rows of one length, of S, F, H and G' });
  }
  if (!map.some((row) => row.includes('S'))) throw new ConfigError({ where, what: 'no start S', got: map });
  return map;
}
