/**
 * DeepSea-v0 (Osband et al., Behaviour Suite, arXiv 1908.03568): an N × N sea; each step sinks one row and drifts
 * left or right. The treasure (+1) lies at the lower right and needs N moves to the right in a row, each of which
 * costs 0.01 / N: random exploration finds it in 2^N episodes.
 */
import { ConfigError, rng } from '@gimbal/tensor-core';
import { colors } from './grid.ts';
import { type Outcome, TabularEnv } from './tabular-env.ts';

export interface DeepSeaOptions {
  /** N; default 10 */
  size?: number;
  /** cost of all moves to the right together; default 0.01 */
  moveCost?: number;
  /** which of the two actions is "right" is drawn for each cell from this seed; default: action 1 everywhere */
  mappingSeed?: number;
}

/** its table has a row for each of the N² cells */
const largest = 1000;

export class DeepSea extends TabularEnv {
  constructor({ size = 10, moveCost = 0.01, mappingSeed }: DeepSeaOptions = {}) {
    if (!Number.isSafeInteger(size) || size < 2 || size > largest) {
      const wanted = `a whole number from 2 to ${largest}`;
      throw new ConfigError({ where: 'DeepSea', what: 'bad size', got: size, wanted });
    }
    const mapping = mappingSeed === undefined ? undefined : rng(mappingSeed).split('mapping');
    const cell = (s: number): Outcome[][] => {
      const right = mapping === undefined ? 1 : mapping.int(2);
      return [0, 1].map((action) => [drift(s, action === right, size, moveCost)]);
    };
    const grid = { columns: size, color: (s: number) => (s === size * size - 1 ? colors.goal : colors.ice) };
    const table = Array.from({ length: size * size }, (_, s) => cell(s));
    super({ id: 'DeepSea-v0', maxSteps: Number.POSITIVE_INFINITY, rewardThreshold: 0.99, table, starts: [0], grid });
  }
}

function drift(s: number, isRight: boolean, size: number, moveCost: number): Outcome {
  const [row, column] = [Math.floor(s / size), s % size];
  const terminated = row === size - 1;
  const treasure = isRight && terminated && column === size - 1 ? 1 : 0;
  const beside = Math.min(Math.max(column + (isRight ? 1 : -1), 0), size - 1);
  const next = (terminated ? row : row + 1) * size + beside;
  return { probability: 1, next, reward: treasure - (isRight ? moveCost / size : 0), terminated };
}
