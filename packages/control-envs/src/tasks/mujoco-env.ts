/**
 * The base of environments on MuJoCo: a step sets the controls, runs `frameSkip` physics steps, computes contact forces
 * if the task reads them, and scores the state it finds, without evaluating anything twice: quantities derived from
 * positions belong to the engine's last internal evaluation, as in Gymnasium. A state that leaves the finite ends the
 * episode as truncated, with the last finite state as its observation.
 */
import {
  type Action,
  ConfigError,
  type Info,
  NumericalError,
  type Obs,
  type ObsLayout,
  type Rng,
  ShapeError,
  type Space,
} from '@gimbal/tensor-core';
import { BufferedEnv } from '../base/buffered-env.ts';
import type { ModelInfo } from '../mujoco/model-info.ts';
import type { PhysicsModel, PhysicsSimulation } from '../physics/contract.ts';
import { checkRandomize, drawFactors, type PhysicsFactors, type Randomize, unitFactors } from '../physics/randomize.ts';
import { type Camera, defaultCamera } from '../render/camera.ts';
import { frameModel } from '../render/follow.ts';
import { Rasterizer } from '../render/rasterizer.ts';
import { box } from '../spaces/spaces.ts';

/** Options of every MuJoCo task. */
export interface MujocoOptions {
  /** default 1000, Reacher 50, Pusher 100 */
  maxSteps?: number;
  /** physics steps for each step */
  frameSkip?: number;
  /** MJCF text instead of the task's own; it must have the joints the task reads */
  xml?: string;
  /** MJCF file, with meshes and textures from its folder (Node) */
  xmlFile?: string;
  /** physics library, by the name it was registered with; default 'mujoco' */
  engine?: string;
  /** default float64, as in Gymnasium */
  obsDtype?: 'float32' | 'float64';
  /** constants of the physics that are drawn anew at each reset; default none */
  randomize?: Randomize;
}

export interface MujocoDescription {
  id: string;
  maxSteps: number;
  frameSkip: number;
  layout: ObsLayout;
  obsDtype: 'float32' | 'float64';
  /** of a task that overrides `observe`; default a box of the layout */
  observationSpace?: Space;
  rewardThreshold?: number;
  /** whether the task reads contact forces */
  contactForces?: boolean;
}

/** Base of the MuJoCo tasks: physics, state and finite numbers; a task adds its first state, observation and reward. */
export abstract class MujocoEnv extends BufferedEnv {
  /** what the simulation runs; shared with other copies */
  readonly model: PhysicsModel;
  /** the physics, to be read between steps */
  readonly sim: PhysicsSimulation;
  /** physics steps of one step */
  readonly frameSkip: number;
  /** seconds between two steps */
  readonly dt: number;
  /** Changes to the view that `render` shows; by default it holds all shapes and follows the first body. */
  camera: Partial<Camera> = {};
  #view: { camera: Camera; from: readonly [number, number, number] } | undefined;
  #rasterizer: Rasterizer | undefined;
  readonly #contactForces: boolean;
  readonly #lastQpos: Float64Array;
  readonly #lastQvel: Float64Array;
  #randomize: { ranges: Randomize; all: Float64Array; factors: PhysicsFactors } | undefined;

  constructor(model: PhysicsModel, description: MujocoDescription) {
    const { id, maxSteps, frameSkip, layout, obsDtype, rewardThreshold, contactForces = false } = description;
    const { info } = model;
    const dt = info.timestep * frameSkip;
    super({
      spec: {
        id,
        layout,
        dtSeconds: dt,
        maxSteps,
        modelHash: info.hash,
        ...(rewardThreshold !== undefined && { rewardThreshold }),
      },
      observationSpace: description.observationSpace ?? unbounded(layout.size, obsDtype),
      actionSpace: actionBox(info),
      actionNames: info.names.actuator,
    });
    this.model = model;
    this.sim = model.simulate();
    this.frameSkip = frameSkip;
    this.dt = dt;
    this.#contactForces = contactForces;
    this.#lastQpos = info.qpos0.slice();
    this.#lastQvel = new Float64Array(info.nv);
  }

  /** Changes `qpos` and `qvel`, which hold the default state, to a first state. */
  protected abstract drawState(qpos: Float64Array, qvel: Float64Array, stream: Rng, options?: object): void;
  /** Called before the physics of a step, for quantities whose change is rewarded. */
  protected before(): void {}
  /** Sets `reward` and `terminated` from the state after the physics. */
  protected abstract score(action: Float32Array): void;
  /** Writes the observation of the present state. */
  protected abstract write(out: Float64Array | Float32Array): void;
  /** The task's own part of a state: what `before` read, if it is not a function of the physics' state. */
  protected get memory(): Float64Array | undefined {
    return undefined;
  }

  /**
   * Draws constants of the physics anew at each reset from now on; they are part of the state.
   * @throws ConfigError for ranges that are none, and for a physics library that cannot
   */
  randomize(ranges: Randomize): void {
    checkRandomize(`${this.spec.id}: randomize`, ranges);
    if (this.sim.vary === undefined) {
      const what = 'its physics library cannot change constants of a model';
      throw new ConfigError({ where: `${this.spec.id}: randomize`, what });
    }
    this.#randomize = { ranges, ...unitFactors(this.model.info) };
  }

  /** What constants of the physics are multiplied by in this episode; undefined if none are drawn. */
  get factors(): PhysicsFactors | undefined {
    return this.#randomize?.factors;
  }

  protected resetTask(stream: Rng, options?: object): void {
    const { sim } = this;
    if (this.#randomize !== undefined) {
      drawFactors(this.#randomize.ranges, stream, this.#randomize.factors);
      sim.vary?.(this.#randomize.factors);
    }
    sim.reset();
    this.drawState(sim.qpos, sim.qvel, stream, options);
    sim.forward();
    this.#keep();
    this.before();
  }

  protected stepTask(action: Action): void {
    const { sim } = this;
    sim.refresh();
    sim.ctrl.set(action as Float32Array);
    sim.step(this.frameSkip);
    if (this.#contactForces) sim.contactForces();
    if (sim.diverged()) {
      this.#recover();
      return;
    }
    this.score(action as Float32Array);
    if (!Number.isFinite(this.reward)) {
      this.#recover();
      return;
    }
    this.before();
    this.#keep();
  }

  protected observe(out: Obs): void {
    this.write(out as Float64Array);
  }

  getState(kind: 'full' | 'integration' = 'integration'): Float64Array {
    const { memory } = this;
    const drawn = this.#randomize?.all;
    const size = this.sim.stateSize(kind);
    const own = memory?.length ?? 0;
    const out = new Float64Array(size + own + (drawn?.length ?? 0));
    this.sim.getState(kind, out.subarray(0, size));
    if (memory !== undefined) out.set(memory, size);
    if (drawn !== undefined) out.set(drawn, size + own);
    return out;
  }

  protected restoreState(state: Float64Array): void {
    this.#refuseInfinite('setState', state);
    const { memory, sim } = this;
    const drawn = this.#randomize;
    const end = state.length - (drawn?.all.length ?? 0);
    const size = end - (memory?.length ?? 0);
    if (drawn !== undefined) {
      drawn.all.set(state.subarray(end));
      sim.vary?.(drawn.factors);
    }
    // derived quantities, with no trace of what was before; the warm start of the next step is part of the state
    sim.reset();
    sim.setState(state.subarray(0, size));
    sim.forward();
    sim.setState(state.subarray(0, size));
    memory?.set(state.subarray(size, end));
    this.#keep();
  }

  /**
   * A picture of the present state, rgb, without a display; into `out` (`[height * width * 3]`) or a new array.
   */
  render({ width = 256, height = 256, out }: { width?: number; height?: number; out?: Uint8Array } = {}): Uint8Array {
    if (this.#rasterizer?.width !== width || this.#rasterizer.height !== height) {
      this.#rasterizer = new Rasterizer(this.model.info, width, height);
    }
    this.sim.refresh();
    return this.#rasterizer.render(this.sim, this.view(), out);
  }

  /** The camera that `render` uses now. */
  view(): Camera {
    const { sim } = this;
    const body = (i: number): number => sim.xpos[3 + i] ?? 0;
    this.#view ??= { camera: frameModel(this.model.info, sim), from: [body(0), body(1), body(2)] };
    const { camera, from } = this.#view;
    const lookat = camera.lookat.map((x, i) => x + (i < 2 ? body(i) - (from[i] as number) : 0));
    return { ...defaultCamera, ...camera, lookat: lookat as [number, number, number], ...this.camera };
  }

  /** Puts the body into a pose with given velocities, at rest inside: Gymnasium's `set_state`. */
  setPose(qpos: ArrayLike<number>, qvel: ArrayLike<number>): void {
    const { sim } = this;
    const { nq, nv } = sim.info;
    if (qpos.length !== nq || qvel.length !== nv) {
      const got = [qpos.length, qvel.length];
      throw new ShapeError({ where: `${this.spec.id}: setPose`, what: 'sizes do not fit', got, wanted: [nq, nv] });
    }
    for (const numbers of [qpos, qvel]) this.#refuseInfinite('setPose', numbers);
    sim.reset();
    sim.qpos.set(qpos);
    sim.qvel.set(qvel);
    sim.forward();
    this.#keep();
    this.before();
  }

  protected override closeTask(): void {
    this.sim.close();
    this.model.close();
  }

  /** A state that is given must be one that the episode can end at. @throws NumericalError */
  #refuseInfinite(call: string, numbers: ArrayLike<number>): void {
    const at = Array.prototype.findIndex.call(numbers, (x) => !Number.isFinite(x));
    if (at < 0) return;
    const where = `${this.spec.id}: ${call}`;
    throw new NumericalError({ where, what: `number ${at} is not finite`, got: numbers[at], wanted: 'finite numbers' });
  }

  #keep(): void {
    this.#lastQpos.set(this.sim.qpos);
    this.#lastQvel.set(this.sim.qvel);
  }

  /** Ends the episode at its last finite state. */
  #recover(): void {
    const { sim } = this;
    this.truncatedReason = `diverged: ${faultyState(sim)}`;
    this.truncated = true;
    this.terminated = false;
    this.reward = 0;
    this.divergences++;
    sim.reset();
    sim.qpos.set(this.#lastQpos);
    sim.qvel.set(this.#lastQvel);
    sim.forward();
  }

  protected override taskInfo(): Info {
    return this.divergences === 0 ? {} : { divergences: this.divergences };
  }
}

/** A box of any finite numbers. */
export const unbounded = (size: number, dtype: 'float32' | 'float64'): ReturnType<typeof box> =>
  box(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, [size], dtype);

function actionBox(info: ModelInfo): ReturnType<typeof box> {
  const { nu, actuatorRange } = info;
  if (nu === 0) {
    const fix = 'Give it an <actuator> section: an environment needs something to act with';
    throw new ConfigError({ where: `model ${info.name}`, what: 'it has no actuators', fix });
  }
  const bound = (i: number, side: 0 | 1): number => {
    const [low, high] = [actuatorRange[2 * i] as number, actuatorRange[2 * i + 1] as number];
    if (low < high) return side === 0 ? low : high;
    return side === 0 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY; // unlimited
  };
  const sides = ([0, 1] as const).map((side) => Array.from({ length: nu }, (_, i) => bound(i, side)));
  return box(sides[0] as number[], sides[1] as number[], [nu]);
}

/** Names the first joint whose position or velocity is at fault. */
function faultyState({ info, qpos, qvel }: PhysicsSimulation): string {
  const bad = (x: number | undefined): boolean => !(Math.abs(x as number) < 1e10);
  const name = (addresses: Int32Array, index: number): string =>
    info.names.joint[addresses.findLastIndex((from) => from <= index)] ?? 'state';
  const q = qpos.findIndex(bad);
  if (q >= 0) return `qpos[${q}] (${name(info.jointQpos, q)}) is ${qpos[q]}`;
  const v = qvel.findIndex(bad);
  if (v >= 0) return `qvel[${v}] (${name(info.jointDof, v)}) is ${qvel[v]}`;
  return 'the reward is not finite';
}
