// A network that learns a curve from points, in the page: what LiveFit.vue draws. Nothing here knows about Vue.
import {
  createOptimizer,
  disposeTree,
  mlpModule,
  type Optimizer,
  type OptimizerState,
  rng,
  useBackend,
  valueAndGrad,
  variables,
} from '@gimbal/tensor-core';
import { losses, memory, type Scalar, type Tensor2D, tensor2d, tidy } from '@tensorflow/tfjs-core';

export interface Point {
  /** −1…1, left to right */
  x: number;
  /** −1…1, bottom to top */
  y: number;
}

/** The line is drawn through this many places. */
const places = 121;

// #region model
const model = mlpModule({ sizes: [1, 48, 48, 1], activation: 'tanh' });
// #endregion model

/** One run of training; `dispose` gives back all its memory. */
export class Fit {
  step = 0;
  loss = Number.NaN;
  readonly #params;
  readonly #optimizer: Optimizer;
  readonly #state: OptimizerState;
  readonly #grid = tensor2d(Array.from({ length: places }, (_, i) => [(2 * i) / (places - 1) - 1]));
  #inputs: Tensor2D | undefined;
  #targets: Tensor2D | undefined;

  constructor(seed: number) {
    // #region init
    const initial = model.init(rng(seed).split('init'));
    const params = variables(initial);
    disposeTree(initial);
    const optimizer = createOptimizer({ name: 'adamw', weightDecay: 0.001 });
    const state = optimizer.init(params);
    // #endregion init
    this.#params = params;
    this.#optimizer = optimizer;
    this.#state = state;
  }

  /** Trains on these points from now on. */
  setPoints(points: readonly Point[]): void {
    this.#inputs?.dispose();
    this.#targets?.dispose();
    this.#inputs = tensor2d(
      points.map((p) => [p.x]),
      [points.length, 1],
    );
    this.#targets = tensor2d(
      points.map((p) => [p.y]),
      [points.length, 1],
    );
  }

  /** Some updates on all the points at once. */
  train(steps: number, learningRate: number): void {
    const inputs = this.#inputs;
    const targets = this.#targets;
    if (!inputs || !targets || inputs.shape[0] === 0) return;
    const params = this.#params;
    const optimizer = this.#optimizer;
    const state = this.#state;
    for (let i = 0; i < steps; i += 1) {
      // #region step
      const { value, grads } = valueAndGrad(
        (p: typeof params): Scalar => losses.meanSquaredError(targets, model.apply(p, inputs)),
      )(params);
      optimizer.update(params, grads, state, learningRate);
      // #endregion step
      if (i === steps - 1) this.loss = value.dataSync()[0] as number;
      value.dispose();
      disposeTree(grads);
      this.step += 1;
    }
  }

  /** The network's line, at equal distances from −1 to 1. */
  line(): Float32Array {
    return tidy(() => model.apply(this.#params, this.#grid).dataSync() as Float32Array);
  }

  dispose(): void {
    this.#inputs?.dispose();
    this.#targets?.dispose();
    this.#grid.dispose();
    disposeTree(this.#state);
    disposeTree(this.#params);
  }
}

/** Chooses the page's backend once. @param wasmPaths where the site keeps the .wasm files */
export async function start(wasmPaths: string): Promise<{ name: string; threads: number; isa?: string }> {
  return useBackend('auto', { wasmPaths });
}

/** Tensors alive in the page. */
export const tensorCount = (): number => memory().numTensors;

/** Points along a known curve, with seeded noise. */
export const curves: Record<string, () => Point[]> = {
  wave: () => sample(28, (x) => 0.65 * Math.sin(5 * x), 0.06),
  step: () => sample(28, (x) => (x < -0.1 ? -0.5 : 0.55), 0.05),
  bump: () => sample(28, (x) => 1.2 * Math.exp(-14 * x * x) - 0.5, 0.04),
};

function sample(n: number, f: (x: number) => number, noise: number): Point[] {
  const stream = rng(7).split('points');
  return Array.from({ length: n }, (_, i) => {
    const x = -0.95 + (1.9 * i) / (n - 1);
    return { x, y: f(x) + noise * stream.normal() };
  });
}
