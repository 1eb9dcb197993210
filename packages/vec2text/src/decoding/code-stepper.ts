// One step of decoding as a captured step: after two runs it is a program of native commands, so that a further token
// costs one call. On other backends it simply runs.
import type { Stepper, StepTensors } from '@gimbal/language-models';
import { captureStep } from '@gimbal/tensor-core';
import { type Tensor, type Tensor1D, type Tensor2D, tensor1d, tensor2d } from '@tensorflow/tfjs-core';
import type { CodeState, KeptStep } from './code-state.ts';

/** ids [B,1] int32, place [1] int32, uniform [B] → the drawn tokens, or the logits. */
type Step<T> = (ids: Tensor2D, place: Tensor1D, uniform: Tensor1D) => T;

export class CodeStepper<T extends StepTensors> implements Stepper<T> {
  readonly #state: CodeState;
  readonly #step: KeptStep['step'];
  readonly #draws: string | undefined;
  #started = false;
  #failed = false;

  /** @param draws names what the step draws: only then is it left to the state, for the next decoding that draws the same */
  constructor(state: CodeState, step: Step<T>, draws?: string) {
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
    this.#step = captureStep(
      ({ ids, place, uniform }) =>
        ({ ...step(ids as Tensor2D, place as Tensor1D, uniform as Tensor1D) }) as { [name: string]: Tensor },
    );
  }

  run(append: Int32Array | undefined, uniform: Float32Array): T {
    if (append === undefined) throw new RangeError('the first token has a pass of its own');
    const { batch, length } = this.#state;
    const place = Int32Array.of(length);
    let drawn: { [name: string]: Tensor };
    this.#failed = true; // unless it comes to its end
    if (this.#started) drawn = this.#step.run({ ids: append, place, uniform });
    else {
      // the first run takes the shapes from tensors
      const inputs = {
        ids: tensor2d(append, [batch, 1], 'int32'),
        place: tensor1d(place, 'int32'),
        uniform: tensor1d(uniform),
      };
      try {
        drawn = this.#step.run(inputs);
      } finally {
        for (const input of Object.values(inputs)) input.dispose();
      }
      this.#started = true;
    }
    this.#failed = false;
    this.#state.setLength(length + 1);
    return drawn as unknown as T;
  }

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
