/**
 * CliffWalking-v1, after Gymnasium 1.3: 4 × 12 cells, from the lower left to the lower right corner, a cliff between:
 * −1 a step, −100 and back to the start for a fall. Actions: up, right, down, left. No time limit.
 */
import { colors, type Moves, moved, slips } from './grid.ts';
import { type Outcome, TabularEnv } from './tabular-env.ts';

export interface CliffWalkingOptions {
  maxSteps?: number;
  /** each move goes to either side with probability 1/3; default false */
  isSlippery?: boolean;
}

const [rows, columns] = [4, 12];
const [start, goal] = [36, 47];
const moves: Moves = [
  [-1, 0],
  [0, 1],
  [1, 0],
  [0, -1],
];

const grid = {
  columns,
  color: (s: number) => (s === goal ? colors.goal : s > start && s < goal ? colors.pit : colors.plain),
};

export class CliffWalking extends TabularEnv {
  constructor({ maxSteps = Number.POSITIVE_INFINITY, isSlippery = false }: CliffWalkingOptions = {}) {
    const outcomes = (cell: number, action: number): Outcome[] => {
      const taken = isSlippery ? slips(action) : [action];
      return taken.map((a) => outcome(moved(cell, moves[a] as Moves[number], rows, columns), 1 / taken.length));
    };
    const table = Array.from({ length: rows * columns }, (_, s) => moves.map((_, a) => outcomes(s, a)));
    super({ id: isSlippery ? 'CliffWalkingSlippery-v1' : 'CliffWalking-v1', maxSteps, table, starts: [start], grid });
  }
}

function outcome(next: number, probability: number): Outcome {
  const fell = next > start && next < goal;
  return fell
    ? { probability, next: start, reward: -100, terminated: false }
    : { probability, next, reward: -1, terminated: next === goal };
}
