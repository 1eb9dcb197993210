/**
 * A training step on arrays of the host, captured and replayed where the backend can. Numbers that the step bakes in
 * (η, ε, coefficients) are its constants: with others it is captured anew, as it is for another number of rows, or when
 * a parameter was assigned and lives elsewhere.
 */
import { type CapturedStep, captureStep, flatten, type Params, type StepInput } from '@gimbal/tensor-core';
import { scalar, type Tensor, tensor, tidy } from '@tensorflow/tfjs-core';

/** Values of one input, in row order. */
export interface HostInput {
  values: Float32Array | Int32Array;
  shape: number[];
}

/** Inputs of a step; a number is a scalar that may change from call to call. */
export type HostInputs = { readonly [name: string]: HostInput | number };

/** A program, the object that it is called with, and what is done with its results, a program of its own. */
interface Held {
  program: CapturedStep<string, Results>;
  values: { [name: string]: StepInput };
  results: Results;
  rest?: CapturedStep<string, Record<string, never>>;
}

/** What a step gives: `out` is read back, the others are for the rest. */
export type Results = { out: Tensor; [name: string]: Tensor };
type Step = (x: { [name: string]: Tensor }) => Results;

/** The second half of a step, which the first one's numbers decide upon. */
export interface Rest {
  /** whether it is taken */
  isWanted(out: Float32Array): boolean;
  /** single numbers that it is called with */
  inputs: { readonly [name: string]: number };
  /** works in place on what the first half gave */
  take(results: Results, inputs: { [name: string]: Tensor }): void;
}

/** Sizes for which programs are kept; a rollout is split into parts of two. */
const mostPrograms = 4;

export class ReplayedStep {
  // by rows and number of inputs, which decide all shapes
  readonly #programs = new Map<number, Held>();
  #constants = '';
  #storage: readonly object[] = [];

  /**
   * @param trees every variable that the step reads or writes
   * @param replays false: it runs as it is
   */
  constructor(
    private readonly trees: readonly Params[],
    private readonly replays: boolean,
  ) {}

  /** Before some calls: programs that would read other numbers, or variables that are elsewhere by now, are freed. */
  begin(constants: string): void {
    if (!this.replays) return;
    const storage = this.trees.flatMap((tree) => flatten(tree).map(([, t]) => t.dataId));
    const moved = storage.some((id, i) => id !== this.#storage[i]);
    if (constants === this.#constants && !moved) return;
    this.dispose();
    this.#constants = constants;
    this.#storage = storage;
  }

  /**
   * One call.
   * @param inputs the first one has a row an entry; with as many rows all others are of the same shapes
   * @param rest taken after the values of `out` were read, if they say so
   * @returns the values of `out`, valid until the next call
   */
  run(inputs: HostInputs, step: Step, rest?: Rest): Float32Array {
    if (!this.replays) return tidy(() => ranOnce(inputs, step, rest));
    const key = keyOf(inputs);
    const held = this.#programs.get(key);
    if (held === undefined) return this.#first(key, inputs, step, rest);
    const { program, values } = held;
    for (const name in inputs) {
      const x = inputs[name] as HostInput | number;
      values[name] = typeof x === 'number' ? x : x.values;
    }
    held.results = program.run(values);
    const out = held.results.out.dataSync<'float32'>();
    if (rest?.isWanted(out)) held.rest?.run(rest.inputs);
    return out;
  }

  #first(key: number, inputs: HostInputs, step: Step, rest: Rest | undefined): Float32Array {
    if (this.#programs.size === mostPrograms) this.dispose();
    const program = captureStep(step);
    let ofRest: Held['rest'];
    try {
      const held: Held = { program, values: {}, results: tidy(() => program.run(tensorsOf(inputs))) };
      const out = held.results.out.dataSync<'float32'>();
      if (rest !== undefined) {
        // the first half cannot be recorded before variables that the rest writes have settled where they stay
        if (!rest.isWanted(out)) {
          const read = out.slice();
          program.dispose();
          return read;
        }
        // once the first half is recorded, its results stay where they are: a replay of the rest finds them
        ofRest = captureStep((x) => {
          rest.take(held.results, x);
          return {};
        });
        held.rest = ofRest;
        ofRest.run(rest.inputs);
      }
      this.#programs.set(key, held);
      return out;
    } catch (error) {
      ofRest?.dispose();
      program.dispose();
      throw error;
    }
  }

  /** Frees the programs; what comes next is captured anew. */
  dispose(): void {
    for (const { program, rest } of this.#programs.values()) {
      rest?.dispose();
      program.dispose();
    }
    this.#programs.clear();
  }
}

/** As it is, in the caller's scope. */
function ranOnce(inputs: HostInputs, step: Step, rest: Rest | undefined): Float32Array {
  const results = step(tensorsOf(inputs));
  const out = results.out.dataSync<'float32'>().slice();
  if (rest?.isWanted(out)) rest.take(results, tensorsOf(rest.inputs));
  return out;
}

/** Rows of the first input, and how many inputs there are. */
function keyOf(inputs: HostInputs): number {
  let [rows, count] = [0, 0];
  for (const name in inputs) {
    if (count === 0) rows = (inputs[name] as HostInput).shape[0] as number;
    count++;
  }
  return rows * 64 + count;
}

/** The caller's scope owns them. */
export const tensorsOf = (inputs: HostInputs): { [name: string]: Tensor } =>
  Object.fromEntries(
    Object.entries(inputs).map(([name, x]) => [name, typeof x === 'number' ? scalar(x) : tensorOf(x)]),
  );

// by name: an array may come from another realm, as in a test runner's context
const tensorOf = ({ values, shape }: HostInput): Tensor =>
  tensor(values, shape, values[Symbol.toStringTag] === 'Int32Array' ? 'int32' : 'float32');
