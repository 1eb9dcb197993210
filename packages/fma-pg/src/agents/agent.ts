/**
 * What agents on and off policy share: environments and streams, evaluation that keeps the best, and their part of a
 * checkpoint. How they act and learn is the subclass's.
 */
import {
  type CheckpointError,
  ConfigError,
  type Env,
  type LoadedCheckpoint,
  type Rng,
  type RunContent,
  RunTrainer,
  rng,
  type TrainerStep,
  type TrainRequest,
  type VectorEnv,
} from '@gimbal/tensor-core';
import { evaluate, type Playable } from '../evaluation/evaluate.ts';
import { meanOf } from '../evaluation/statistics.ts';
import { fromBase64, toBase64 } from '../internal/base64.ts';
import { savedRow } from '../internal/saved-row.ts';
import { madeBy } from '../rollout/env-faults.ts';
import { LocalVectorEnv } from '../rollout/local-vector-env.ts';
import type { RunningMoments } from '../rollout/moments.ts';
import { type Episode, Stepper, type StepperState } from '../rollout/stepper.ts';
import { type ActionSpec, actionSpec } from '../spaces/action-spec.ts';
import { type ObservationSpec, observationSpec, savedObservation } from '../spaces/observation-spec.ts';
import { requireSameSpaces } from '../spaces/same-spaces.ts';
import { limitOf, movedError } from './moved-env.ts';
import { type AuxLoss, type EnvSource, type RewardSource, savedOptions } from './on-policy-options.ts';
import { hooksOf, lostHook, type SavedHooks } from './saved-hooks.ts';
import { type Habits, habitsOf } from './saved-run.ts';

/** The options that this part reads, defaults filled in. */
export interface ResolvedAgent {
  readonly algorithm: string;
  readonly env: EnvSource;
  readonly evalEnv?: () => Env | Promise<Env>;
  readonly evalEvery?: number;
  readonly evalEpisodes: number;
  readonly gamma: number;
  readonly out?: string;
  readonly checkpointEvery?: number;
  readonly keepCheckpoints?: number;
  readonly seed: number;
  readonly warn?: (message: string) => void;
  readonly rewardSource?: RewardSource;
  readonly auxLosses?: readonly AuxLoss[];
}

interface AgentState {
  steps: number;
  updates: number;
  stepper: StepperState;
  env: string | null;
  /** id of the environment; absent in older checkpoints */
  envId?: string;
  /** its time limit, steps; null = none; absent in older checkpoints */
  envMaxSteps?: number | null;
  /** absent in older checkpoints */
  habits?: Habits;
  /** absent in older checkpoints */
  hooks?: SavedHooks;
  lastEvaluation: number;
  lastReturn: number | null;
  best: number | null;
  /** returns of the latest episodes; absent in older checkpoints */
  recent?: number[];
  own: unknown;
  /** where an evaluation failed; JSON has null for NaN */
  pending?: { from: number; row: Record<string, number | null> };
}

/** An agent: it acts on environments, learns, is evaluated and saved. */
export abstract class Agent<S extends TrainerStep, O extends ResolvedAgent> extends RunTrainer<S> implements Playable {
  /** Every option, defaults filled in. */
  readonly options: O;
  /** What it observes, as one row of numbers. */
  readonly observation: ObservationSpec;
  /** How its actions are drawn. */
  readonly action: ActionSpec;
  /** where it acts, and what is seen there */
  protected readonly stepper: Stepper;
  /** of everything that is drawn */
  protected readonly stream: Rng;
  /** environment steps so far, over all copies */
  protected steps = 0;
  /** updates so far */
  protected updates = 0;
  readonly #env: VectorEnv;
  #begun = false;
  /** the checkpoint that it goes on from, and whether that has states of environments that are none by now */
  #from = '';
  #isOlder = false;
  #isEvalEnvChecked = false;
  /** where a checkpoint was made on another environment than this one: to be played, not trained on */
  #isMoved: CheckpointError | undefined;
  /** where it goes on without a hook of its run: to be played, not trained or saved */
  #lost: ConfigError | undefined;
  #disposed = false;
  /** the line of an update that was not evaluated yet, as that failed; steps before it */
  #pending: { from: number; row: Record<string, number> } | undefined;
  #lastEvaluation = 0;
  #lastReturn: number | null = null;
  #best: number | null = null;
  /** returns of the latest episodes, the newest last */
  #recent: number[] = [];

  /** @param name in messages */
  protected constructor(
    env: VectorEnv,
    options: O,
    normalize: { obs: boolean; reward: boolean },
    protected readonly name = options.algorithm,
  ) {
    const { out, checkpointEvery, keepCheckpoints } = options;
    super({ name, out, checkpointEvery, keepCheckpoints });
    this.options = options;
    this.#env = env;
    this.observation = observationSpec(env.observationSpace);
    this.action = actionSpec(env.actionSpace);
    this.stream = rng(options.seed);
    this.stepper = new Stepper(env, this.observation, this.action, {
      normalizeObs: normalize.obs,
      normalizeReward: normalize.reward,
      scalesLater: options.rewardSource !== undefined,
      gamma: options.gamma,
      training: true,
    });
  }

  /** Environment steps so far, over all copies; those before an update whose evaluation failed are not done. */
  get step(): number {
    return this.#pending?.from ?? this.steps;
  }

  get moments(): RunningMoments | undefined {
    return this.stepper.moments;
  }

  /** The discount it was trained with. */
  get gamma(): number {
    return this.options.gamma;
  }

  get evalEnv(): (() => Env | Promise<Env>) | undefined {
    const { evalEnv, env } = this.options;
    return evalEnv ?? (typeof env === 'function' ? env : undefined);
  }

  /** The mean return of the best evaluation so far. */
  get best(): number | null {
    return this.#best;
  }

  abstract actRows(obs: Float32Array, rows: number, out: Float32Array, draws?: Rng, masks?: Uint8Array): void;

  /** JSON of what the subclass needs to go on. */
  protected abstract ownState(): unknown;

  /** Takes it back. */
  protected abstract restoreOwn(state: unknown, saved: LoadedCheckpoint): void | Promise<void>;

  /** Whether its memory was given back: it plays no more. */
  get disposed(): boolean {
    return this.#disposed;
  }

  /** Acts and learns until the next line of the log; undefined where there is none yet. */
  protected abstract update(request: TrainRequest): Promise<Record<string, number> | undefined>;

  /** Where an evaluation fails after it, the update is not made again: going on, the evaluation is made first. */
  protected override async advance(request: TrainRequest) {
    if (this.#pending === undefined) {
      const from = this.steps;
      const row = await this.update(request);
      if (row === undefined) return undefined;
      this.#pending = { from, row };
    }
    const row = { ...this.#pending.row };
    const isBest = await this.#evaluateIfDue(row, this.steps >= request.steps);
    this.#pending = undefined;
    return { row: row as unknown as Omit<S, 'step'>, isBest };
  }

  protected override async begin(): Promise<void> {
    if (this.#isMoved !== undefined) throw this.#isMoved;
    if (this.#lost !== undefined) throw this.#lost;
    await this.#checkEvalEnv();
    if (this.#begun) return;
    if (this.steps > 0) this.#tellOfNewEpisodes();
    const stream = this.stream.split('env');
    if (this.steps === 0) await this.stepper.reset(stream);
    else {
      // a run that goes on without its environments' state: other episodes than those it began with
      this.leaveEpisodes();
      await this.stepper.reset(stream.split(this.steps));
    }
    this.#begun = true;
  }

  /** Before training: who only plays has no episodes that were under way. */
  #tellOfNewEpisodes(): void {
    const lacks = 'snapshot() and restore(), or getState() and setState()';
    const why = this.#isOlder
      ? 'its environments’ states have no clocks and random streams (it is of an older version)'
      : this.#env.hasState === false
        ? `it has no states of its environments (they have no ${lacks})`
        : 'the checkpoint has no states of its environments';
    (this.options.warn ?? console.warn)(`${this.#from}: ${why}; training goes on with new episodes`);
  }

  /** The first evaluation would meet it, after what was learnt until then. */
  async #checkEvalEnv(): Promise<void> {
    const { evalEnv, evalEvery } = this.options;
    if (evalEnv === undefined || evalEvery === undefined || this.#isEvalEnvChecked) return;
    const env = await madeBy(evalEnv, 'evalEnv');
    try {
      const spaces = { observation: observationSpec(env.observationSpace), action: actionSpec(env.actionSpace) };
      requireSameSpaces(`evalEnv, ${env.spec.id}`, spaces, this);
    } finally {
      env.close();
    }
    this.#isEvalEnvChecked = true;
  }

  /** The episodes under way will not go on: nothing of them belongs to the next ones. */
  protected leaveEpisodes(): void {}

  /** Metrics of the episodes that ended since the last call, and of the latest ones. */
  protected episodeMetrics(): Record<string, number> {
    const ended = this.stepper.takeFinished();
    this.#recent = [...this.#recent, ...ended.map((e) => e.return)].slice(-recentEpisodes);
    return { ...metricsOf(ended), recentReturn: meanOf(this.#recent) };
  }

  /** Whether `evalEvery` steps were done since the last evaluation, or the run is at its end. */
  protected evaluationDue(last: boolean): boolean {
    const { evalEvery } = this.options;
    return evalEvery !== undefined && (last || this.steps - this.#lastEvaluation >= evalEvery);
  }

  /** Evaluates where it is due, into the row; says whether it was the best so far. */
  async #evaluateIfDue(row: Record<string, number>, last: boolean): Promise<boolean> {
    if (!this.evaluationDue(last)) return false;
    const { evalEpisodes, seed } = this.options;
    const { mean, ci95, cut } = await evaluate(this, { episodes: evalEpisodes, seed });
    this.#lastEvaluation = this.steps;
    row.evalReturn = mean;
    if (cut > 0) row.evalCut = cut;
    [row.evalReturnLow, row.evalReturnHigh] = ci95;
    this.#lastReturn = mean;
    const isBest = this.#best === null || mean > this.#best;
    if (isBest) this.#best = mean;
    return isBest;
  }

  protected override config(): object {
    const spaces = { observation: savedObservation(this.observation), action: this.action };
    return { ...savedOptions(this.options), spaces };
  }

  protected override content(): RunContent {
    if (this.#lost !== undefined) throw this.#lost;
    if (!this.isWhole) throw unfinished(this.name);
    const state: AgentState = {
      steps: this.steps,
      updates: this.updates,
      stepper: this.stepper.state(),
      env: this.#begun ? envState(this.#env) : null,
      envId: this.#env.spec.id,
      envMaxSteps: limitOf(this.#env),
      habits: habitsOf(this.options),
      hooks: hooksOf(this.options),
      lastEvaluation: this.#lastEvaluation,
      lastReturn: this.#lastReturn,
      best: this.#best,
      recent: this.#recent,
      own: this.ownState(),
      ...(this.#pending && { pending: this.#pending }),
    };
    const evaluated = this.#lastEvaluation === this.steps && this.#lastReturn !== null;
    return { state, ...(evaluated && { loss: -(this.#lastReturn as number) }) };
  }

  protected override async restoreState(saved: LoadedCheckpoint): Promise<void> {
    const state = saved.state as AgentState;
    this.steps = state.steps;
    this.updates = state.updates;
    this.stepper.restore(state.stepper);
    this.#lastEvaluation = state.lastEvaluation;
    this.#lastReturn = state.lastReturn;
    this.#best = state.best;
    this.#recent = state.recent ?? [];
    const { pending } = state;
    if (pending !== undefined) this.#pending = { from: pending.from, row: savedRow(pending.row) };
    await this.restoreOwn(state.own, saved);
    this.#lost = lostHook(this.name, state.hooks, this.options);
    this.#isMoved = movedError(`${this.name}, train`, this.#env, state);
    if (this.#isMoved !== undefined) return;
    this.#from = saved.path;
    if (state.env === null) return;
    const bytes = fromBase64(state.env);
    if (this.#env.isWhole?.(bytes) === false) {
      this.#isOlder = true;
      return;
    }
    this.#env.setState(bytes);
    this.#begun = true;
  }

  protected override free(): void {
    this.#disposed = true;
    if (typeof this.options.env === 'function') this.#env.close();
  }
}

/** A constructor is not for callers: environments have to be waited for. @throws ConfigError where it is called bare */
export function requireMade(name: string, options: unknown): void {
  if (typeof (options as Partial<ResolvedAgent> | null | undefined)?.algorithm === 'string') return;
  const fix = `Use await ${name}.create({ env, seed })`;
  throw new ConfigError({ where: `new ${name}`, what: 'an agent is made with its environments', fix });
}

/** The options of a saved agent, to be merged with what is given. */
export function optionsOf({ config }: LoadedCheckpoint): Record<string, unknown> {
  const { spaces: _, ...options } = config as Record<string, unknown>;
  return options;
}

/** What an agent's own part of a saved state was. */
export const ownStateOf = ({ state }: LoadedCheckpoint): unknown => (state as AgentState).own;

/** Which hooks a saved run had; undefined in older checkpoints. */
export const savedHooks = ({ state }: LoadedCheckpoint): SavedHooks | undefined => (state as AgentState).hooks;

/** How a saved run was watched and kept. */
export const savedHabits = ({ state }: LoadedCheckpoint): Habits => (state as AgentState).habits ?? {};

/** Refuses to save between acting and learning: what was done since the last update would be lost in silence. */
const unfinished = (name: string): ConfigError =>
  new ConfigError({
    where: `${name}, save`,
    what: 'the last update was not made, as it failed',
    fix: 'Train on, which does it again, or resume from the last checkpoint',
  });

/**
 * Copies of an environment, or those that were given.
 * @throws ConfigError where nothing would begin the episodes after the first
 */
export async function environments(o: { env: EnvSource; numEnvs: number }): Promise<VectorEnv> {
  if (typeof o.env === 'function') return LocalVectorEnv.create(o.env, o.numEnvs);
  if (o.env.autoresetMode !== 'disabled') return o.env;
  throw new ConfigError({
    where: `env, ${o.env.spec.id}`,
    what: 'copies whose episode ended are not reset',
    got: o.env.autoresetMode,
    wanted: 'autoresetMode same-step or next-step',
    fix: "Make it with autoresetMode: 'same-step'",
  });
}

/** What the environments say of themselves; null where they cannot (a resumed run then begins new episodes). */
function envState(env: VectorEnv): string | null {
  if (env.hasState === false) return null;
  return toBase64(env.getState());
}

/** over how many `recentReturn` is the mean: Stable-Baselines3's window */
const recentEpisodes = 100;

/** Means over the episodes that ended; NaN without any. */
function metricsOf(episodes: readonly Episode[]): Record<string, number> {
  const mean = (f: (e: Episode) => number): number => meanOf(episodes.map(f));
  return {
    episodeReturn: mean((e) => e.return),
    episodeLength: mean((e) => e.length),
    episodes: episodes.length,
    truncatedShare: mean((e) => (e.truncated ? 1 : 0)),
  };
}
