/** Environments that are a table: for each state and action the possible outcomes, open to exact solvers. */
import { type Action, DataError, type Info, NumericalError, type Rng } from '@gimbal/tensor-core';
import { DrawnEnv } from '../base/drawn-env.ts';
import type { Sketch } from '../render/sketch.ts';
import { discrete } from '../spaces/spaces.ts';

/** One possible result of an action. */
export interface Outcome {
  /** of this outcome; those of one action sum to 1 */
  probability: number;
  /** index of the next state */
  next: number;
  /** of this step */
  reward: number;
  /** whether the episode ends here */
  terminated: boolean;
}

/** `table[state][action]`: the outcomes, whose probabilities sum to 1. */
export type TransitionTable = readonly (readonly (readonly Outcome[])[])[];

export interface TabularDescription {
  id: string;
  maxSteps: number;
  rewardThreshold?: number;
  table: TransitionTable;
  /** states an episode starts in, each equally likely */
  starts: readonly number[];
  /** for pictures, where the states are the cells of a grid, row by row: its width, and the colour of a cell, 0 to 1 */
  grid?: { columns: number; color(state: number): readonly [number, number, number] };
}

/** An environment that steps through a table of outcomes; state and observation are the index of the row. */
export class TabularEnv extends DrawnEnv {
  /** The table, open to exact solvers. */
  readonly transitions: TransitionTable;
  /** States an episode starts in, each equally likely. */
  readonly starts: readonly number[];
  readonly #grid: TabularDescription['grid'];
  #probability = 1;

  constructor({ id, maxSteps, rewardThreshold, table, starts, grid }: TabularDescription) {
    super(
      {
        spec: { id, dtSeconds: 1, maxSteps, ...(rewardThreshold !== undefined && { rewardThreshold }) },
        observationSpace: discrete(table.length),
        actionSpace: discrete(table[0]?.length ?? 1),
      },
      1,
    );
    for (const [s, actions] of table.entries()) {
      for (const [a, outcomes] of actions.entries()) {
        const bad = outcomes.find(({ probability }) => !(probability >= 0 && probability <= 1));
        if (bad !== undefined) {
          const where = `${id}: state ${s}, action ${a}`;
          throw new NumericalError({ where, what: 'no probability', got: bad.probability, wanted: '0 to 1' });
        }
        const sum = outcomes.reduce((total, { probability }) => total + probability, 0);
        if (Math.abs(sum - 1) < 1e-9) continue;
        const where = `${id}: state ${s}, action ${a}`;
        throw new NumericalError({ where, what: 'probabilities do not sum to 1', got: sum });
      }
    }
    this.transitions = table;
    this.starts = starts;
    this.#grid = grid;
  }

  protected override restoreState(state: Float64Array): void {
    const [s = Number.NaN] = state;
    if (this.transitions[s] === undefined) {
      const wanted = `a whole number from 0 to ${this.transitions.length - 1}`;
      throw new DataError({ where: `${this.spec.id}: setState`, what: 'no such state', got: s, wanted });
    }
    super.restoreState(state);
  }

  protected resetTask(stream: Rng): void {
    this.state[0] = stream.choice(this.starts);
    this.#probability = 1 / this.starts.length;
  }

  protected stepTask(action: Action, stream: Rng): void {
    const outcomes = this.transitions[this.state[0] as number]?.[action as number] as readonly Outcome[];
    let chosen = outcomes[outcomes.length - 1] as Outcome;
    if (outcomes.length > 1) {
      let left = stream.uniform();
      for (const outcome of outcomes) {
        left -= outcome.probability;
        if (left >= 0) continue;
        chosen = outcome;
        break;
      }
    }
    this.state[0] = chosen.next;
    this.reward = chosen.reward;
    this.terminated = chosen.terminated;
    this.#probability = chosen.probability;
  }

  protected override taskInfo(): Info {
    return { probability: this.#probability };
  }
  protected sketch(): Sketch {
    if (this.#grid === undefined) {
      const fix = 'Give it a grid: its columns and the colour of each cell';
      throw new DataError({ where: this.spec.id, what: 'nothing to show', fix });
    }
    const { columns, color } = this.#grid;
    const place = (s: number): readonly [number, number] => [s % columns, -Math.floor(s / columns)];
    const cells = this.transitions.map((_, s) => {
      return { kind: 'box', size: [0.47, 0.05, 0.47], color: color(s), at: place(s) } as const;
    });
    return {
      frameSeconds: 0.25,
      shapes: [...cells, { kind: 'sphere', size: [0.3], color: [0.85, 0.45, 0.15], before: 0.3 }],
      place: (put, [s = 0]) => put(cells.length, ...place(s)),
    };
  }
}
