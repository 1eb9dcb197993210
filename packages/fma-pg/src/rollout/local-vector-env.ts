/**
 * Copies of an environment, stepped one after the other in this thread, with same-step autoreset: enough for agents to
 * be given a function that makes an `Env`. (control-envs has the ones that step on worker threads.)
 */
import {
  type Action,
  CheckpointError,
  ConfigError,
  type Env,
  type EnvStep,
  type Info,
  NumericalError,
  type Obs,
  type VectorEnv,
  type VectorStep,
} from '@gimbal/tensor-core';
import { checkResult, madeBy, threw } from './env-faults.ts';

type Leaf = Float32Array | Float64Array | Uint8Array;

export class LocalVectorEnv implements VectorEnv {
  readonly autoresetMode = 'same-step';
  readonly numEnvs: number;
  readonly #envs: readonly Env[];
  readonly #obs: Obs;
  readonly #finalObs: Obs;
  readonly #reward: Float32Array;
  readonly #terminated: Uint8Array;
  readonly #truncated: Uint8Array;
  readonly #infos: Info[];
  // what `step` returns: the arrays are the same from step to step
  readonly #last: VectorStep;
  readonly #lastOfSome: VectorStep;
  /** steps of every copy so far, in messages; who goes on with a run says how many went before */
  steps = 0;

  private constructor(envs: readonly Env[]) {
    this.#envs = envs;
    this.numEnvs = envs.length;
    const { obs } = this.#begin(0, { seed: 0 });
    this.#obs = stackOf(obs, envs.length);
    this.#finalObs = stackOf(obs, envs.length);
    this.#reward = new Float32Array(envs.length);
    this.#terminated = new Uint8Array(envs.length);
    this.#truncated = new Uint8Array(envs.length);
    this.#infos = envs.map(() => ({}));
    this.#last = {
      obs: this.#obs,
      reward: this.#reward,
      terminated: this.#terminated,
      truncated: this.#truncated,
      infos: this.#infos,
    };
    this.#lastOfSome = { ...this.#last, finalObs: this.#finalObs };
  }

  /**
   * @throws ConfigError where `make` throws or makes no environment, or the copies have different spaces
   */
  static async create(make: () => Env | Promise<Env>, numEnvs: number): Promise<LocalVectorEnv> {
    const envs: Env[] = [];
    try {
      for (let i = 0; i < numEnvs; i++) envs.push(await madeBy(make, `env ${i}`));
      return LocalVectorEnv.#of(envs);
    } catch (error) {
      for (const env of envs) env.close();
      throw error;
    }
  }

  static #of(envs: readonly Env[]): LocalVectorEnv {
    const spaces = envs.map((env) => JSON.stringify([env.observationSpace, env.actionSpace]));
    const other = spaces.findIndex((s) => s !== spaces[0]);
    if (other > 0) {
      throw new ConfigError({
        where: `env ${other}`,
        what: 'its spaces differ from those of env 0',
        fix: 'Give a function that makes equal environments',
      });
    }
    return new LocalVectorEnv(envs);
  }

  get spec(): Env['spec'] {
    return (this.#envs[0] as Env).spec;
  }

  get observationSpace(): Env['observationSpace'] {
    return (this.#envs[0] as Env).observationSpace;
  }

  get actionSpace(): Env['actionSpace'] {
    return (this.#envs[0] as Env).actionSpace;
  }

  async reset(
    o: { seed?: number | readonly (number | null)[]; mask?: Uint8Array; options?: object } = {},
  ): Promise<{ obs: Obs; infos: Info[] }> {
    const infos = this.#envs.map((_, i): Info => {
      if (o.mask !== undefined && o.mask[i] !== 1) return {};
      const seed = typeof o.seed === 'number' ? o.seed + i : o.seed?.[i];
      const { obs, info } = this.#begin(i, {
        ...(seed !== undefined && seed !== null && { seed }),
        ...(o.options && { options: o.options }),
      });
      put(this.#obs, obs, i, this.numEnvs, () => `${this.spec.id}, reset, env ${i}`);
      return info;
    });
    return { obs: this.#obs, infos };
  }

  async step(actions: Float32Array | Int32Array): Promise<VectorStep> {
    const width = actions.length / this.numEnvs;
    const whole = this.actionSpace.kind === 'discrete';
    let ended = false;
    for (let i = 0; i < this.numEnvs; i++) {
      const env = this.#envs[i] as Env;
      // a copy: an environment may keep its last action
      const action: Action = whole ? (actions[i] as number) : floatsOf(actions, i * width, (i + 1) * width);
      let result: EnvStep;
      try {
        result = env.step(action);
      } catch (error) {
        throw threw(error, this.#where(i));
      }
      const at = (): string => this.#where(i);
      checkResult(result, at, '{ obs, reward, terminated, truncated, info }');
      const { obs, reward, terminated, truncated, info } = result;
      this.#reward[i] = checkedReward(reward, at);
      this.#terminated[i] = flag(terminated, at);
      this.#truncated[i] = flag(truncated, at);
      this.#infos[i] = info;
      if (!terminated && !truncated) {
        put(this.#obs, obs, i, this.numEnvs, at);
        continue;
      }
      ended = true;
      put(this.#finalObs, obs, i, this.numEnvs, at);
      const next = this.#begin(i);
      put(this.#obs, next.obs, i, this.numEnvs, at);
      // what the last observation allowed is not what the first one of the next episode allows
      const { actionMask, ...others } = info;
      this.#infos[i] = { ...others, ...next.info, ...(actionMask !== undefined && { finalInfo: info }) } as Info;
    }
    this.steps++;
    return ended ? this.#lastOfSome : this.#last;
  }

  readonly #where = (i: number): string => `${this.spec.id}, step ${this.steps}, env ${i}`;

  /** The first observation of an episode of copy i. */
  #begin(i: number, o?: { seed?: number; options?: object }): ReturnType<Env['reset']> {
    const env = this.#envs[i] as Env;
    const where = (): string =>
      this.steps === 0
        ? `${this.spec.id}, reset, env ${i}`
        : `${this.spec.id}, reset after step ${this.steps}, env ${i}`;
    let result: ReturnType<Env['reset']>;
    try {
      result = o === undefined ? env.reset() : env.reset(o);
    } catch (error) {
      throw threw(error, where());
    }
    checkResult(result, where, '{ obs, info }');
    return result;
  }

  /** Whether every copy can be saved and restored. */
  get hasState(): boolean {
    if (this.#snapshots) return this.#envs.every((env) => env.snapshot?.() !== undefined);
    return this.#envs.every((env) => env.getState !== undefined && env.setState !== undefined);
  }

  /** Whether a state has all that these copies' next steps depend on: before snapshots, clocks were lost. */
  isWhole(bytes: Uint8Array): boolean {
    return !this.#snapshots || numbersOf(bytes)[0] === snapshotsFollow;
  }

  /** The copies' snapshots, or the states of those that have no more: their lengths, then their numbers. */
  getState(): Uint8Array {
    const states = this.#envs.map((env) => {
      const state = this.#snapshots ? env.snapshot?.() : env.getState?.('full');
      if (state !== undefined) return state;
      throw new CheckpointError({ where: `${this.spec.id}, getState`, what: 'the environment has no state to save' });
    });
    const head = this.#snapshots ? [snapshotsFollow] : [];
    const all = Float64Array.from([...head, ...states.map((s) => s.length), ...states.flatMap((s) => [...s])]);
    return new Uint8Array(all.buffer);
  }

  /** @throws CheckpointError for a state that is not whole, or of environments that offered more or less, or have none */
  setState(bytes: Uint8Array): void {
    const all = numbersOf(bytes);
    const isSnapshots = all[0] === snapshotsFollow;
    if (!this.hasState)
      throw new CheckpointError({
        where: `${this.spec.id}, setState`,
        what: 'the environment has nothing that takes a state back, and the checkpoint has one',
        wanted: isSnapshots ? 'snapshot() and restore()' : 'getState() and setState()',
        fix: 'Resume with the environment that the run began with',
      });
    if (isSnapshots !== this.#snapshots)
      throw new CheckpointError({
        where: `${this.spec.id}, setState`,
        what: 'the state is of an environment of another kind',
        got: isSnapshots ? 'snapshots' : 'states of the physics',
        wanted: this.#snapshots ? 'snapshots' : 'states of the physics',
      });
    const lengths = all.subarray(isSnapshots ? 1 : 0);
    let at = this.numEnvs;
    for (const [i, env] of this.#envs.entries()) {
      const length = lengths[i] as number;
      const state = lengths.slice(at, at + length);
      if (isSnapshots) env.restore?.(state);
      else env.setState?.(state);
      at += length;
    }
  }

  /** whether the copies save clocks and random streams, too */
  get #snapshots(): boolean {
    return this.#envs.every((env) => env.snapshot !== undefined && env.restore !== undefined);
  }

  /** Every copy, those after one that throws among them. */
  close(): void {
    const failed: Error[] = [];
    for (const [i, env] of this.#envs.entries())
      try {
        env.close();
      } catch (error) {
        failed.push(threw(error, `${this.spec.id}, close, env ${i}`));
      }
    if (failed[0] !== undefined) throw failed[0];
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** before the lengths of states that are snapshots */
const snapshotsFollow = -1;

const numbersOf = (bytes: Uint8Array): Float64Array => new Float64Array(bytes.slice().buffer);

const floatsOf = (xs: Float32Array | Int32Array, from: number, to: number): Float32Array =>
  xs instanceof Float32Array ? xs.slice(from, to) : Float32Array.from(xs.subarray(from, to));

/** terminated and truncated, not the old `done`. */
function flag(value: unknown, where: () => string): 0 | 1 {
  if (typeof value === 'boolean') return value ? 1 : 0;
  throw new ConfigError({
    where: where(),
    what: 'terminated and truncated must be booleans',
    got: typeof value,
    fix: 'An environment that returns `done` needs a wrapper that tells ends from time limits',
  });
}

function checkedReward(value: unknown, where: () => string): number {
  if (typeof value === 'number') {
    if (Number.isFinite(Math.fround(value))) return value;
    const what = Number.isFinite(value) ? 'the reward is beyond float32' : 'the reward is not finite';
    const wanted = Number.isFinite(value) ? 'a number up to 3.4e38' : 'a finite number';
    throw new NumericalError({ where: where(), what, got: value, wanted });
  }
  throw new ConfigError({ where: where(), what: 'the reward is no number', got: typeof value });
}

function stackOf(obs: Obs, n: number): Obs {
  if (ArrayBuffer.isView(obs)) {
    const leaf = obs as Leaf;
    return new (leaf.constructor as new (size: number) => Leaf)(leaf.length * n);
  }
  return Object.fromEntries(
    Object.entries(obs as { [key: string]: Obs }).map(([key, child]) => [key, stackOf(child, n)]),
  );
}

function put(stack: Obs, obs: Obs, i: number, n: number, where: () => string): void {
  if (!ArrayBuffer.isView(stack)) {
    for (const [key, child] of Object.entries(stack as { [key: string]: Obs }))
      put(child, (obs as { [key: string]: Obs })[key] as Obs, i, n, where);
    return;
  }
  const [to, from] = [stack as Leaf, obs as Leaf | undefined];
  // numbers of another kind would be cut to fit
  if (
    from === undefined ||
    (from.constructor !== to.constructor && from[Symbol.toStringTag] !== to[Symbol.toStringTag])
  )
    throw new ConfigError({
      where: where(),
      what: 'the observation’s dtype changed',
      got: from?.[Symbol.toStringTag] ?? typeof from,
      wanted: to[Symbol.toStringTag],
    });
  const width = to.length / n;
  if (from.length !== width)
    throw new ConfigError({
      where: where(),
      what: 'the observation’s length changed',
      got: from.length,
      wanted: String(width),
    });
  to.set(from, i * width);
}
