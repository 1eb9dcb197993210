/**
 * N copies of one environment behind one call, in this thread or on workers. Observations, actions, rewards and flags
 * live in one typed array each; the numbers are the same for any number of workers.
 */
import {
  type AutoresetMode,
  ConfigError,
  DataError,
  type Env,
  type EnvSpec,
  type Info,
  ShapeError,
  type Space,
  type VecObs,
  type VectorEnv,
  type VectorStep,
} from '@gimbal/tensor-core';
import { actionFault, areActions } from '../base/action-fault.ts';
import { hashText, hex } from '../base/hash.ts';
import type { AgentView } from '../composer/agents.ts';
import { cloneObs } from '../spaces/value.ts';
import { hasState } from '../wrappers/wrapper.ts';
import { actionSize, agentsOf, readReason, type VectorArrays } from './arrays.ts';
import { readMasks } from './masks.ts';
import type { RowSet } from './row-set.ts';
import { isWholeState } from './rows.ts';
import { seedsOf } from './seeds.ts';

export interface VectorDescription {
  template: Env;
  numEnvs: number;
  mode: AutoresetMode;
  arrays: VectorArrays;
  rows: RowSet;
  seed: number;
  /** whether results are copies, or the arrays that the next call overwrites */
  copies: boolean;
}

const nothing: Info = Object.freeze({});

/** Copies of one environment that step together, here or on worker threads: what `makeVectorEnv` returns. */
export class RowsVectorEnv implements VectorEnv {
  readonly numEnvs: number;
  readonly autoresetMode: AutoresetMode;
  readonly spec: EnvSpec;
  readonly observationSpace: Space;
  readonly actionSpace: Space;
  /** Whether the copies have a state to save. */
  readonly hasState: boolean;
  /** Of a scene with several agents: who owns which elements of actions and observations; else empty. */
  readonly agents: readonly AgentView[];
  /** Rewards of each agent in the last step, `[numEnvs * agents]`; the next step overwrites them. */
  readonly agentRewards: Float32Array;
  readonly #arrays: VectorArrays;
  readonly #rows: RowSet;
  readonly #copies: boolean;
  readonly #actionRows: (Float32Array | undefined)[];
  readonly #infos: Info[];
  readonly #result: VectorStep;
  readonly #template: Env;
  /** of the environment and its model: states of others are refused */
  readonly #origin: number;
  #seed: number | undefined;
  #phase: 'new' | 'running' | 'busy' | 'closed' = 'new';
  /** the phase that a call which changes nothing goes back to */
  #before: 'new' | 'running' = 'new';

  constructor({ template, numEnvs, mode, arrays, rows, seed, copies }: VectorDescription) {
    this.numEnvs = numEnvs;
    this.#template = template;
    this.autoresetMode = mode;
    this.spec = template.spec;
    this.hasState = hasState(template);
    this.observationSpace = template.observationSpace;
    this.actionSpace = template.actionSpace;
    this.agents = agentsOf(template)?.agents ?? [];
    this.agentRewards = arrays.agentReward;
    this.#arrays = arrays;
    this.#rows = rows;
    this.#copies = copies;
    this.#seed = seed;
    this.#origin = hashText(`${this.spec.id} ${this.spec.modelHash}`);
    const size = actionSize(template.actionSpace);
    this.#actionRows = Array.from({ length: numEnvs }, (_, i) =>
      template.actionSpace.kind === 'discrete'
        ? undefined
        : (arrays.actions as Float32Array).subarray(i * size, (i + 1) * size),
    );
    this.#infos = Array.from({ length: numEnvs }, () => nothing);
    const { obs, reward, terminated, truncated } = arrays;
    this.#result = { obs, reward, terminated, truncated, infos: this.#infos };
  }

  /** Workers that died and were replaced. */
  get restarts(): number {
    return this.#rows.restarts;
  }

  /** The worker threads, none in this one: for diagnosis. */
  get workers(): RowSet['workers'] {
    return this.#rows.workers;
  }

  /** Episodes that diverged, all copies together. */
  get divergences(): number {
    return this.#arrays.divergences.reduce((a, b) => a + b, 0);
  }

  /**
   * Resets all copies, or those of `mask`. Without a seed, the first reset uses the one of `makeVectorEnv` and later
   * ones go on with each copy's stream.
   */
  async reset(
    o: { seed?: number | readonly (number | null)[]; mask?: Uint8Array; options?: object } = {},
  ): Promise<{ obs: VecObs; infos: readonly Info[] }> {
    this.#begin('reset');
    try {
      if (o.mask !== undefined && !(ArrayBuffer.isView(o.mask) && o.mask.length === this.numEnvs)) {
        const wanted = this.numEnvs;
        throw new ShapeError({
          where: `${this.spec.id}: reset`,
          what: 'mask does not fit',
          got: (o.mask as Uint8Array | null)?.length,
          wanted: `a Uint8Array of ${wanted}`,
        });
      }
      const seeds = seedsOf(o.seed ?? this.#seed, this.numEnvs);
      await this.#rows.reset({ seeds, mask: o.mask, options: o.options });
      this.#seed = undefined;
      this.#before = 'running';
      for (let i = 0; i < this.numEnvs; i++) this.#infos[i] = readMasks(this.#arrays.masks, i) ?? nothing;
      const obs = this.#copies ? cloneObs(this.#arrays.obs) : this.#arrays.obs;
      return { obs, infos: this.#copies ? [...this.#infos] : this.#infos };
    } finally {
      this.#finish();
    }
  }

  /** @param actions `[numEnvs * size]`; Int32Array for Discrete */
  async step(actions: Float32Array | Int32Array): Promise<VectorStep> {
    if (this.#phase === 'new') {
      throw new ConfigError({ where: `${this.spec.id}: step`, what: 'never reset', fix: 'Call reset() first' });
    }
    this.#check(actions);
    this.#begin('step');
    try {
      (this.#arrays.actions as Float32Array).set(actions as Float32Array);
      await this.#rows.step();
      const ended = this.#collectInfos();
      return this.#answer(ended);
    } finally {
      this.#finish();
    }
  }

  /** All copies: states, clocks, random streams and pending resets. */
  getState(): Uint8Array {
    this.#begin('getState');
    try {
      const states = this.#rows.save();
      const header = Float64Array.from([this.numEnvs, this.#origin, ...states.map((s) => s.length)]);
      const parts = [header, ...states];
      const all = new Float64Array(parts.reduce((n, part) => n + part.length, 0));
      let at = 0;
      for (const part of parts) {
        all.set(part, at);
        at += part.length;
      }
      return new Uint8Array(all.buffer);
    } finally {
      this.#finish();
    }
  }

  /** Whether a state has clocks and random streams of wrapped copies, too: those of older versions lack them. */
  isWhole(state: Uint8Array): boolean {
    return this.#statesOf(state).every((own) => isWholeState(this.#template, own));
  }

  /** @throws DataError for a state of another environment or model, or of another number of copies */
  setState(state: Uint8Array): void {
    this.#begin('setState');
    try {
      this.#rows.load(this.#statesOf(state));
      this.#before = 'running';
    } finally {
      this.#finish();
    }
  }

  /** The states of the copies in one of all. */
  #statesOf(state: Uint8Array): Float64Array[] {
    const where = `${this.spec.id}: setState`;
    if (!ArrayBuffer.isView(state)) {
      throw new DataError({ where, what: 'no state', got: state, wanted: 'a Uint8Array' });
    }
    const all = new Float64Array(state.slice(0, state.length - (state.length % 8)).buffer);
    const [count = 0, origin] = all;
    const lengths = [...all.subarray(2, 2 + count)];
    if (
      count !== this.numEnvs ||
      state.length !== 8 * all.length ||
      all.length !== 2 + count + lengths.reduce((a, b) => a + b, 0)
    ) {
      const wanted = `the state of ${this.numEnvs} copies`;
      throw new DataError({ where, what: 'no such state', got: `of ${count}`, wanted });
    }
    if (origin !== this.#origin) {
      const [got, wanted] = [hex(origin as number), `${hex(this.#origin)} (${this.spec.id})`];
      const what = 'the state is of another environment or model';
      throw new DataError({ where, what, got, wanted });
    }
    let at = 2 + count;
    return lengths.map((length) => {
      at += length;
      return all.slice(at - length, at);
    });
  }

  close(): void {
    if (this.#phase === 'closed') return;
    this.#phase = 'closed';
    this.#rows.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #begin(call: string): void {
    const where = `${this.spec.id}: ${call}`;
    if (this.#phase === 'closed') {
      throw new ConfigError({ where, what: 'the environments are closed', fix: 'Make new ones' });
    }
    if (this.#phase === 'busy') {
      throw new ConfigError({ where, what: 'the last call is not finished', fix: 'Await it first' });
    }
    this.#before = this.#phase;
    this.#phase = 'busy';
  }

  /** A call that has ended; one that closed the environments meanwhile stays. */
  #finish(): void {
    if (this.#phase === 'busy') this.#phase = this.#before;
  }

  /** @throws ShapeError, ConfigError that name the copy and the element */
  #check(actions: Float32Array | Int32Array): void {
    const where = `${this.spec.id}: step`;
    const wanted = this.#arrays.actions.length;
    const isList = ArrayBuffer.isView(actions) || Array.isArray(actions);
    if (!isList || actions.length !== wanted) {
      throw new ShapeError({
        where,
        what: 'actions of wrong shape',
        got: (actions as Float32Array | null)?.length,
        wanted,
      });
    }
    if (this.actionSpace.kind === 'box' && areActions(actions)) return;
    const size = wanted / this.numEnvs;
    for (let row = 0; row < this.numEnvs; row++) {
      const view = this.#actionRows[row];
      const found = actionFault(
        this.actionSpace,
        view === undefined ? (actions[row] as number) : (actions.slice(row * size, (row + 1) * size) as Float32Array),
      );
      if (found === undefined) continue;
      const { what, index, got, wanted } = found;
      const of = index === undefined ? `copy ${row}: ` : `copy ${row}: action[${index}] `;
      throw new ConfigError({ where, what: `${of}${what}`, got, wanted });
    }
  }

  /** Infos of copies whose episode ended, and masks; the others share one empty object. */
  #collectInfos(): boolean {
    const { terminated, truncated, reason, episodeReturn, episodeLength, masks } = this.#arrays;
    let ended = false;
    for (let i = 0; i < this.numEnvs; i++) {
      if (terminated[i] === 0 && truncated[i] === 0) {
        this.#infos[i] = readMasks(masks, i) ?? nothing;
        continue;
      }
      ended = true;
      const info: Info = { episode: { return: episodeReturn[i], length: episodeLength[i], ...this.#agentReturns(i) } };
      if (truncated[i] === 1) info.truncatedReason = readReason(reason, i);
      this.#infos[i] = { ...info, ...readMasks(masks, i) };
    }
    return ended;
  }

  #agentReturns(row: number): { agentReturns: { [agent: string]: number } } | undefined {
    const { agents } = this;
    if (agents.length === 0) return undefined;
    const { agentReturn } = this.#arrays;
    const of = (a: number): number => agentReturn[row * agents.length + a] as number;
    return { agentReturns: Object.fromEntries(agents.map(({ name }, a) => [name, of(a)])) };
  }

  #answer(ended: boolean): VectorStep {
    const { obs, finalObs, reward, terminated, truncated } = this.#arrays;
    const final = ended && this.autoresetMode === 'same-step';
    if (!this.#copies) {
      if (final) this.#result.finalObs = finalObs;
      else delete this.#result.finalObs;
      return this.#result;
    }
    return {
      obs: cloneObs(obs),
      reward: reward.slice(),
      terminated: terminated.slice(),
      truncated: truncated.slice(),
      infos: [...this.#infos],
      ...(final && { finalObs: cloneObs(finalObs) }),
    };
  }
}
