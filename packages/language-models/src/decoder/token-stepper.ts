// One step of generation as a captured step: after two runs it is a program of native commands, and a further token costs
// one call, whatever the number of layers. On other backends it simply runs.
import { captureStep } from '@gimbal/tensor-core';
import { type Tensor, type Tensor1D, type Tensor2D, tensor1d, tensor2d } from '@tensorflow/tfjs-core';
import type { Stepper, StepTensors } from '../generation/decode-tokens.ts';
import type { CachedState, KeptStep } from './cached-state.ts';

/** ids and positions [B,1] int32, place [1] int32, uniform [B] → the drawn tokens, or the logits. */
type Step<T> = (ids: Tensor2D, positions: Tensor2D, place: Tensor1D, uniform: Tensor1D) => T;

/** Steps of any decoder whose state has caches; on a state with terms the captured step outlives it. */
export class TokenStepper<T extends StepTensors> implements Stepper<T> {
  readonly #state: CachedState;
  readonly #step: KeptStep['step'];
  readonly #draws: string | undefined;
  #started = false;
  #failed = false;

  /**
   * @param draws names what the step draws: the state's step of that name goes on instead of a new one, and is left to
   *   the state at the end. Without it the step ends with the stepper
   */
  constructor(state: CachedState, step: Step<T>, draws?: string) {
    this.#state = state;
    this.#draws = draws;
    const kept = state.step;
    state.step = undefined;
    if (kept !== undefined && kept.draws === draws) {
      this.#step = kept.step;
      this.#started = true;
      return;
    }
    kept?.step.dispose();
    this.#step = captureStep(({ ids, positions, place, uniform }) => {
      const drawn = step(ids as Tensor2D, positions as Tensor2D, place as Tensor1D, uniform as Tensor1D);
      return { ...drawn } as { [name: string]: Tensor };
    });
  }

  /**
   * Adds `append` [B] to the caches and draws the next tokens.
   * @param uniform [B], numbers in [0, 1)
   * @returns tensors that belong to the stepper: read them before the next call
   */
  run(append: Int32Array | undefined, uniform: Float32Array): T {
    if (append === undefined) throw new RangeError('the prompt has a pass of its own');
    const { batch, length } = this.#state;
    const positions = this.#state.nextPositions();
    const place = Int32Array.of(length);
    let drawn: { [name: string]: Tensor };
    this.#failed = true; // unless it comes to its end
    if (this.#started) {
      drawn = this.#step.run({ ids: append, positions, place, uniform });
    } else {
      // the first run takes the shapes from tensors
      const inputs = {
        ids: tensor2d(append, [batch, 1], 'int32'),
        positions: tensor2d(positions, [batch, 1], 'int32'),
        place: tensor1d(place, 'int32'),
        uniform: tensor1d(uniform),
      };
      try {
        drawn = this.#step.run(inputs);
      } finally {
        for (const input of Object.values(inputs)) input.dispose();
      }
      this.#started = true; // not before: where it failed, the next run still has the shapes to find
    }
    this.#failed = false;
    this.#state.setLength(length + 1);
    return drawn as unknown as T;
  }

  /** Leaves the step to the state, or frees it. */
  dispose(): void {
    const { step, terms } = this.#state;
    if (this.#draws === undefined || !this.#started || this.#failed || terms === undefined || step !== undefined) {
      if (step?.step !== this.#step) this.#step.dispose();
      return;
    }
    this.#state.step = { draws: this.#draws, step: this.#step };
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
