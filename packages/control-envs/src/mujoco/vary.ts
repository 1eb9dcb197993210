/** A model's constants multiplied by factors, always from the values that it was compiled with. */
import type { MainModule, MjData, MjModel } from '@mujoco/mujoco';
import type { PhysicsFactors } from '../physics/randomize.ts';

/** The arrays that factors change. */
type Field = 'body_mass' | 'body_inertia' | 'geom_friction' | 'pair_friction' | 'dof_damping' | 'actuator_gear';

export class Variation {
  readonly #mj: MainModule;
  readonly #model: MjModel;
  readonly #compiled = new Map<Field, Float64Array>();
  readonly #gravity: Float64Array;

  constructor(mj: MainModule, model: MjModel) {
    this.#mj = mj;
    this.#model = model;
    this.#gravity = Float64Array.from(model.opt.gravity as Float64Array);
  }

  /** Sets the constants, and what follows from them; the data's state is lost. */
  apply(data: MjData, { mass, friction, damping, gear, gravity }: PhysicsFactors): void {
    const all = friction[0] as number;
    this.#scale('body_mass', (i) => mass[i] as number);
    this.#scale('body_inertia', (i) => mass[Math.floor(i / 3)] as number);
    this.#scale('geom_friction', () => all);
    // where contacts are listed, friction is a pair's
    this.#scale('pair_friction', () => all);
    this.#scale('dof_damping', (i) => damping[i] as number);
    this.#scale('actuator_gear', (i) => gear[Math.floor(i / 6)] as number);
    const direction = this.#model.opt.gravity as Float64Array;
    for (let i = 0; i < 3; i++) direction[i] = (this.#gravity[i] as number) * (gravity[0] as number);
    this.#mj.mj_setConst(this.#model, data);
  }

  #scale(field: Field, factor: (index: number) => number): void {
    // a view of the engine's memory, taken anew each time: the memory moves when it grows
    const values = this.#model[field] as Float64Array;
    const compiled = this.#compiled.get(field) ?? Float64Array.from(values);
    this.#compiled.set(field, compiled);
    for (let i = 0; i < values.length; i++) values[i] = (compiled[i] as number) * factor(i);
  }
}
