// Runs in a page, from the built package: some AdamW steps on a small network, on wasm.

import { createOptimizer, disposeTree, mlpModule, rng, useBackend, valueAndGrad, variables } from '@gimbal/tensor-core';
import { losses, memory, type Scalar, tensor2d } from '@tensorflow/tfjs-core';

/** Losses of five steps, and what the page has left when all is disposed. */
async function train(): Promise<{ backend: string; losses: number[]; tensors: number }> {
  const { name } = await useBackend('wasm', { wasmPaths: '/wasm/' });
  const before = memory().numTensors;
  const model = mlpModule({ sizes: [2, 8, 1], activation: 'tanh' });
  const initial = model.init(rng(3).split('init'));
  const params = variables(initial);
  disposeTree(initial);
  const optimizer = createOptimizer({ name: 'adamw' });
  const state = optimizer.init(params);
  const x = tensor2d([
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
  ]);
  const y = tensor2d([[0], [1], [1], [0]]);
  const step = valueAndGrad((p: typeof params): Scalar => losses.meanSquaredError(y, model.apply(p, x)) as Scalar);
  const out: number[] = [];
  for (let i = 0; i < 5; i++) {
    const { value, grads } = step(params);
    optimizer.update(params, grads, state, 0.01);
    out.push(value.dataSync()[0] ?? Number.NaN);
    value.dispose();
    disposeTree(grads);
  }
  for (const tree of [params, state, { x, y }]) disposeTree(tree);
  return { backend: name, losses: out, tensors: memory().numTensors - before };
}

(globalThis as { train?: typeof train }).train = train;
