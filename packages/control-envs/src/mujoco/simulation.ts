/**
 * One running simulation. Its arrays are views of the engine's memory, taken anew when that memory has grown (a
 * growing WASM heap detaches every view): read them through the fields each time, do not keep them.
 */
import { ConfigError, NumericalError, ShapeError } from '@gimbal/tensor-core';
import type { DoubleBuffer, MainModule, MjData, MjModel } from '@mujoco/mujoco';
import type { Contact, PhysicsSimulation } from '../physics/contract.ts';
import type { PhysicsFactors } from '../physics/randomize.ts';
import type { ModelInfo } from './model-info.ts';
import { Variation } from './vary.ts';

// mjtState: what the next step depends on, with and without controls, applied forces and the solver's warm start
const fullPhysics = 0b1111;
const integration = 0x3fff;

/** One running copy of a model; `close` it after use. */
export class MujocoSimulation implements PhysicsSimulation {
  /** The model's constants. */
  readonly info: ModelInfo;
  /** positions `[nq]` */
  qpos!: Float64Array;
  /** velocities `[nv]` */
  qvel!: Float64Array;
  /** controls, which the next step applies `[nu]` */
  ctrl!: Float64Array;
  /** forces of the actuators on each degree of freedom `[nv]` */
  qfrcActuator!: Float64Array;
  /** forces of contacts and limits on each degree of freedom `[nv]` */
  qfrcConstraint!: Float64Array;
  /** `[nbody * 3]` of body frames */
  xpos!: Float64Array;
  /** `[nbody * 4]` */
  xquat!: Float64Array;
  /** `[nbody * 3]` of centres of mass */
  xipos!: Float64Array;
  /** `[nbody * 9]` */
  xmat!: Float64Array;
  /** `[ngeom * 3]` */
  geomXpos!: Float64Array;
  /** `[ngeom * 9]`, row-major */
  geomXmat!: Float64Array;
  /** `[nsite * 3]` */
  siteXpos!: Float64Array;
  /** values of all sensors, one behind the other */
  sensordata!: Float64Array;
  /** `[nbody * 10]`, `[nbody * 6]`, `[nbody * 6]` */
  cinert!: Float64Array;
  /** velocities of bodies about their tree's centre of mass (rotation, translation) `[nbody * 6]` */
  cvel!: Float64Array;
  /** contact forces on bodies (rotation, translation); valid after `contactForces()` */
  cfrcExt!: Float64Array;
  readonly #mj: MainModule;
  readonly #model: MjModel;
  #data: MjData | undefined;
  #force: DoubleBuffer | undefined;
  readonly #buffers = new Map<number, DoubleBuffer>();
  readonly #closed: () => void;
  #variation: Variation | undefined;

  /** @param closed told when it is closed */
  constructor(mj: MainModule, model: MjModel, data: MjData, info: ModelInfo, closed: () => void = () => {}) {
    this.#mj = mj;
    this.#model = model;
    this.#data = data;
    this.#closed = closed;
    this.info = info;
    this.#takeViews();
  }

  /** Seconds since the reset. */
  get time(): number {
    return this.#live().time;
  }

  /** `n` physics steps under the present controls. @throws NumericalError if the model's memory does not suffice */
  step(n: number): void {
    const [mj, model, data] = [this.#mj, this.#model, this.#live()];
    try {
      for (let i = 0; i < n; i++) mj.mj_step(model, data);
    } catch (cause) {
      throw this.#failed(cause);
    }
    if (this.qpos.length === 0) this.#takeViews();
  }

  /** Everything that follows from the present positions and velocities. */
  forward(): void {
    try {
      this.#mj.mj_forward(this.#model, this.#live());
    } catch (cause) {
      throw this.#failed(cause);
    }
    if (this.qpos.length === 0) this.#takeViews();
  }

  /** Positions of bodies and geoms only; much cheaper than `forward`. */
  kinematics(): void {
    this.#mj.mj_kinematics(this.#model, this.#live());
    if (this.qpos.length === 0) this.#takeViews();
  }

  /** Fills `cfrcExt`, which stepping alone leaves at 0. */
  contactForces(): void {
    this.#mj.mj_rnePostConstraint(this.#model, this.#live());
  }

  /** The default state, with no trace of what was before. */
  reset(): void {
    this.#mj.mj_resetData(this.#model, this.#live());
    if (this.qpos.length === 0) this.#takeViews();
  }

  /** Multiplies the model's constants, for all its simulations; the state is the default one afterwards. */
  vary(factors: PhysicsFactors): void {
    const data = this.#live();
    this.#variation ??= new Variation(this.#mj, this.#model);
    this.#variation.apply(data, factors);
    this.reset();
  }

  /** Views that are valid now: for callers between which other simulations may have grown the memory. */
  refresh(): void {
    if (this.qpos.length === 0) this.#takeViews();
  }

  /** Whether a position or velocity is NaN, infinite or beyond 1e10. */
  diverged(): boolean {
    let sum = 0;
    for (let i = 0; i < this.qpos.length; i++) sum += Math.abs(this.qpos[i] as number);
    for (let i = 0; i < this.qvel.length; i++) sum += Math.abs(this.qvel[i] as number);
    return !(sum < 1e10);
  }

  /** Number of numbers in a state. */
  stateSize(kind: 'full' | 'integration'): number {
    this.#live();
    return this.#mj.mj_stateSize(this.#model, kind === 'full' ? fullPhysics : integration);
  }

  /**
   * `full`: time, positions, velocities, activations. `integration`: also controls, forces and the solver's warm
   * start, which makes the next step the same to the bit. Element 0 is time.
   */
  getState(kind: 'full' | 'integration', out = new Float64Array(this.stateSize(kind))): Float64Array {
    const signature = kind === 'full' ? fullPhysics : integration;
    let buffer = this.#buffers.get(signature);
    if (buffer === undefined) {
      buffer = new this.#mj.DoubleBuffer(this.stateSize(kind));
      this.#buffers.set(signature, buffer);
    }
    this.#mj.mj_getState(this.#model, this.#live(), buffer, signature);
    out.set(buffer.GetView() as Float64Array);
    this.refresh();
    return out;
  }

  /**
   * Sets what `getState` returned, of either kind.
   * @throws ShapeError for a state of another size
   */
  setState(state: Float64Array): void {
    const full = this.stateSize('full');
    if (state.length !== full && state.length !== this.stateSize('integration')) {
      const wanted = `${full} or ${this.stateSize('integration')} numbers`;
      throw new ShapeError({ where: `model ${this.info.name}: setState`, what: 'no state', got: state.length, wanted });
    }
    const signature = state.length === full ? fullPhysics : integration;
    this.#mj.mj_setState(this.#model, this.#live(), state as unknown as number[], signature);
    this.refresh();
  }

  /** Number of contacts now. */
  get contactCount(): number {
    return this.#live().ncon;
  }

  /** Copies one contact out. */
  contact(index: number): Contact {
    const data = this.#live();
    if (!(index >= 0 && index < data.ncon)) {
      const wanted = `below ${data.ncon}`;
      throw new NumericalError({ where: `model ${this.info.name}`, what: 'no such contact', got: index, wanted });
    }
    this.#force ??= new this.#mj.DoubleBuffer(6);
    this.#mj.mj_contactForce(this.#model, data, index, this.#force);
    const f = this.#force.GetView() as Float64Array;
    // both handles are ours to delete: the engine's memory grows by each that is not
    const all = data.contact;
    const one = all.get(index);
    if (one === undefined) throw new NumericalError({ where: 'contact', what: 'no such contact', got: index });
    const [p, frame] = [one.pos as Float64Array, one.frame as Float64Array];
    const world = (axis: number): number =>
      [0, 1, 2].reduce((sum, row) => sum + (f[row] as number) * (frame[3 * row + axis] as number), 0);
    const copy: Contact = {
      geom1: one.geom1,
      geom2: one.geom2,
      distance: one.dist,
      position: [p[0] as number, p[1] as number, p[2] as number],
      force: [world(0), world(1), world(2)],
    };
    one.delete();
    all.delete();
    return copy;
  }

  /** All contacts now. */
  contacts(): Contact[] {
    return Array.from({ length: this.contactCount }, (_, i) => this.contact(i));
  }

  /** Constants of the compiled model that `ModelInfo` does not carry; copies. */
  constants(): {
    bodyInertia: Float64Array;
    dofDamping: Float64Array;
    dofArmature: Float64Array;
    jointStiffness: Float64Array;
    geomMargin: Float64Array;
    geomFriction: Float64Array;
  } {
    const m = this.#model;
    return {
      bodyInertia: Float64Array.from(m.body_inertia),
      dofDamping: Float64Array.from(m.dof_damping),
      dofArmature: Float64Array.from(m.dof_armature),
      jointStiffness: Float64Array.from(m.jnt_stiffness),
      geomMargin: Float64Array.from(m.geom_margin),
      geomFriction: Float64Array.from(m.geom_friction),
    };
  }

  /** Frees the engine's memory; safe to call twice. */
  close(): void {
    for (const buffer of this.#buffers.values()) buffer.delete();
    this.#buffers.clear();
    this.#force?.delete();
    this.#force = undefined;
    this.#data?.delete();
    this.#data = undefined;
    this.#closed();
    this.qpos = new Float64Array(); // as after a growing memory: whoever asks for views anew is told
  }

  #failed(cause: unknown): unknown {
    const text = String((cause as { message?: unknown }).message ?? cause);
    if (!text.startsWith('MuJoCo Error')) return cause;
    const what = text.replace(/^MuJoCo Error: /, '').replaceAll(/\s*\n\s*/g, '; ');
    const fix = /memory/.test(what) ? 'Raise <size memory="…"/> in the model' : undefined;
    return new NumericalError({ where: `model ${this.info.name}: step`, what, cause, ...(fix && { fix }) });
  }

  #live(): MjData {
    if (this.#data === undefined) {
      throw new ConfigError({
        where: `model ${this.info.name}`,
        what: 'simulation used after close()',
        fix: 'Make a new one',
      });
    }
    return this.#data;
  }

  #takeViews(): void {
    const d = this.#live();
    this.qpos = d.qpos;
    this.qvel = d.qvel;
    this.ctrl = d.ctrl;
    this.qfrcActuator = d.qfrc_actuator;
    this.qfrcConstraint = d.qfrc_constraint;
    this.xpos = d.xpos;
    this.xquat = d.xquat;
    this.xipos = d.xipos;
    this.xmat = d.xmat;
    this.geomXpos = d.geom_xpos;
    this.geomXmat = d.geom_xmat;
    this.siteXpos = d.site_xpos;
    this.sensordata = d.sensordata;
    this.cinert = d.cinert;
    this.cvel = d.cvel;
    this.cfrcExt = d.cfrc_ext;
  }
}
