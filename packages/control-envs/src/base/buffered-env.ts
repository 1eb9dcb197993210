/**
 * The base of every environment here. A task says how to reset, step and observe; this class keeps Gymnasium's order
 * of calls, checks actions, counts the time limit and owns the random stream. It offers the contract twice: `step`
 * returns objects that the caller may keep, `stepInto` writes into arrays and creates nothing.
 */
import {
  type Action,
  ConfigError,
  type Env,
  type EnvSpec,
  type EnvStep,
  type Info,
  type Obs,
  type Rng,
  type RngState,
  rng,
  rngFromState,
  ShapeError,
  type Space,
} from '@gimbal/tensor-core';
import { allocate } from '../spaces/value.ts';
import { type ActionFault, actionFault } from './action-fault.ts';

type Phase = 'new' | 'running' | 'ended' | 'closed';
const phases: readonly Phase[] = ['new', 'running', 'ended', 'closed'];

/** What a task's constructor says about itself. */
export interface EnvDescription {
  /** id, time limit and seconds between steps */
  readonly spec: EnvSpec;
  /** what `observe` writes */
  readonly observationSpace: Space;
  /** what `step` takes; other actions are refused */
  readonly actionSpace: Space;
  /** names of the action's elements, for messages */
  readonly actionNames?: readonly string[];
}

/** Whether an environment offers the calls that create nothing. */
export const isBuffered = (env: Env): env is BufferedEnv => 'stepInto' in env;

const header = 7; // elapsed, phase, four words of the stream, position

/** Gymnasium's contract around the hooks of a task: `resetTask`, `stepTask`, `observe`, `restoreState`. */
export abstract class BufferedEnv implements Env {
  readonly spec: EnvSpec;
  readonly observationSpace: Space;
  readonly actionSpace: Space;
  /** Names of the action's elements, for messages. */
  readonly actionNames: readonly string[] | undefined;
  /** Of the last step. */
  reward = 0;
  /** Whether the last step reached an end of the task's own. */
  terminated = false;
  /** Whether the last step was cut off; no final state, so its value counts on. */
  truncated = false;
  /** Why the last step truncated: 'time limit', or what the task found; '' while it did not. */
  truncatedReason = '';
  /** Steps since the last reset. */
  elapsed = 0;
  /** Episodes that ended because the numbers left the finite. */
  divergences = 0;
  #phase: Phase = 'new';
  #stream: Rng = rng(0).split('env');

  constructor({ spec, observationSpace, actionSpace, actionNames }: EnvDescription) {
    this.spec = spec;
    this.observationSpace = observationSpace;
    this.actionSpace = actionSpace;
    this.actionNames = actionNames;
  }

  /** Draws the first state of an episode. */
  protected abstract resetTask(stream: Rng, options: object | undefined): void;
  /** Advances one step; sets `reward`, `terminated`, and `truncated` with its reason if the task itself truncates. */
  protected abstract stepTask(action: Action, stream: Rng): void;
  /** Writes the observation of the present state. */
  protected abstract observe(out: Obs): void;
  /** Everything the next steps depend on. */
  abstract getState(kind?: 'full' | 'integration'): Float64Array;
  /** Sets what `getState` returned, of either kind. */
  protected abstract restoreState(state: Float64Array): void;
  /** What the task adds to `info`; a new object. */
  protected taskInfo(): Info {
    return {};
  }
  /** Frees what the task holds; called once. */
  protected closeTask(): void {}

  reset({ seed, options }: { seed?: number; options?: object } = {}): { obs: Obs; info: Info } {
    const obs = allocate(this.observationSpace);
    this.resetInto(obs, seed, options);
    return { obs, info: this.info() };
  }

  step(action: Action): EnvStep {
    const obs = allocate(this.observationSpace);
    this.stepInto(action, obs);
    return { obs, reward: this.reward, terminated: this.terminated, truncated: this.truncated, info: this.info() };
  }

  /** `reset` into given arrays. Without a seed the stream goes on where it stands (at first: of seed 0). */
  resetInto(obs: Obs, seed?: number, options?: object): void {
    if (this.#phase === 'closed') throw this.#order('reset', 'the environment is closed', 'Make a new one');
    if (seed !== undefined) this.#stream = rng(seed).split('env');
    this.#phase = 'running';
    this.elapsed = 0;
    this.reward = 0;
    this.terminated = false;
    this.truncated = false;
    this.truncatedReason = '';
    this.resetTask(this.#stream, options);
    this.observe(obs);
  }

  /** `step` into given arrays: reward and flags are in the fields of the same names. */
  stepInto(action: Action, obs: Obs): void {
    if (this.#phase !== 'running') throw this.#notRunning();
    const found = actionFault(this.actionSpace, action);
    if (found !== undefined) throw this.#badAction(found);
    this.terminated = false;
    this.truncated = false;
    this.truncatedReason = '';
    this.stepTask(action, this.#stream);
    this.elapsed++;
    if (this.elapsed >= this.spec.maxSteps && !this.truncated) {
      this.truncated = true;
      this.truncatedReason = 'time limit';
    }
    if (this.terminated || this.truncated) this.#phase = 'ended';
    this.observe(obs);
  }

  /** The info of the present state; a new object. */
  info(): Info {
    const info = this.taskInfo();
    if (this.truncated) info.truncatedReason = this.truncatedReason;
    return info;
  }

  /** Sets the state; an episode that had ended, or not begun, goes on from there. */
  setState(state: Float64Array): void {
    if (this.#phase === 'closed') throw this.#order('setState', 'the environment is closed', 'Make a new one');
    const wanted = this.getState('full').length;
    const integration = this.getState('integration').length;
    if (state.length !== wanted && state.length !== integration) {
      throw new ShapeError({
        where: `${this.spec.id}: setState`,
        what: 'the state is not one of this environment',
        got: state.length,
        wanted: wanted === integration ? wanted : `${wanted} or ${integration} numbers`,
        fix: 'States only fit the environment and model that getState was called on',
      });
    }
    this.restoreState(state);
    this.#phase = 'running';
  }

  /** State, episode clock and random stream: `restore` then goes on to the same numbers, through resets too. */
  snapshot(): Float64Array {
    const state = this.getState('integration');
    const out = new Float64Array(header + state.length);
    const { stream, position } = this.#stream.state();
    out.set([this.elapsed, phases.indexOf(this.#phase), ...stream, position]);
    out.set(state, header);
    return out;
  }

  /** Goes on from a snapshot of this environment. */
  restore(snapshot: Float64Array): void {
    this.setState(snapshot.subarray(header));
    this.elapsed = snapshot[0] as number;
    this.#phase = phases[snapshot[1] as number] as Phase;
    const state: RngState = {
      algorithm: 'philox4x32-10',
      stream: [...snapshot.subarray(2, 6)],
      position: snapshot[6] as number,
    };
    this.#stream = rngFromState(state);
  }

  close(): void {
    if (this.#phase === 'closed') return;
    this.#phase = 'closed';
    this.closeTask();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #notRunning(): ConfigError {
    if (this.#phase === 'new') return this.#order('step', 'the environment was never reset', 'Call reset() first');
    if (this.#phase === 'closed') return this.#order('step', 'the environment is closed', 'Make a new one');
    return this.#order('step', 'the episode has ended', 'Call reset(), or use a vector environment with autoreset');
  }

  #order(call: string, what: string, fix: string): ConfigError {
    return new ConfigError({ where: `${this.spec.id}: ${call}`, what, fix });
  }

  #badAction({ what, index, got, wanted }: ActionFault): ShapeError | ConfigError {
    const name = index === undefined ? undefined : this.actionNames?.[index];
    const of = index === undefined ? '' : `action[${index}]${name === undefined ? '' : ` (${name})`} `;
    const details = { where: `${this.spec.id}: step`, what: `${of}${what}`, got, wanted };
    return index === undefined ? new ShapeError(details) : new ConfigError(details);
  }
}
