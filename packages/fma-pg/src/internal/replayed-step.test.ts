// A step in two halves, captured and replayed apart, must be the step as it is, whenever its second half is left out.
import { createOptimizer, disposeTree, type Params, useBackend, valueAndGrad, variables } from '@gimbal/tensor-core';
import { memory, mul, type Scalar, square, sub, sum, type Tensor, tensor1d } from '@tensorflow/tfjs-core';
import { ReplayedStep, type Rest, type Results } from './replayed-step.ts';

beforeAll(() => useBackend('auto'));

/** ½ Σ (x·w)² descended by Adam, where `x` says so; calls of two lengths. */
function descended(wanted: readonly boolean[], replays: boolean): { seen: number[]; w: number[]; tensors: number[] } {
  const start = tensor1d([1, 2, 3]);
  const params = variables({ w: start });
  start.dispose();
  const optimizer = createOptimizer({ name: 'adam' });
  const state = optimizer.init(params);
  const step = new ReplayedStep([params, state], replays);
  step.begin('');
  const gradient = ({ x }: { [name: string]: Tensor }): Results => {
    const { value, grads } = valueAndGrad((p: Params) => sum<Scalar>(square(mul(sum(p.w as Tensor), x as Tensor))))(
      params,
    );
    return { out: value, w: sub(grads.w as Tensor, 0) };
  };
  const [seen, tensors]: [number[], number[]] = [[], []];
  for (const [i, take] of wanted.entries()) {
    const rest: Rest = {
      isWanted: () => take,
      inputs: { learningRate: 0.1 / (i + 1) },
      take: ({ w }, { learningRate }) => optimizer.update(params, { w: w as Tensor }, state, learningRate as Scalar),
    };
    const length = i % 3 === 2 ? 1 : 2;
    const x = Float32Array.from({ length }, (_, j) => Math.sin(i + j));
    seen.push(step.run({ x: { values: x, shape: [length] } }, gradient, rest)[0] as number);
    tensors.push(memory().numTensors);
  }
  const w = [...(params.w as Tensor).dataSync<'float32'>()];
  step.dispose();
  disposeTree(params);
  disposeTree(state);
  return { seen, w, tensors };
}

test.each([
  ['always', () => true],
  ['never', () => false],
  ['not at the first calls', (i: number) => i > 3],
  ['not where it would be recorded', (i: number) => i !== 1 && i !== 3],
  ['now and then', (i: number) => i % 4 < 2],
])('a second half that is taken %s', (_, isTaken) => {
  const wanted = Array.from({ length: 40 }, (__, i) => isTaken(i));
  const before = memory().numTensors;
  const plain = descended(wanted, false);
  const replayed = descended(wanted, true);
  expect(replayed.seen).toEqual(plain.seen);
  expect(replayed.w).toEqual(plain.w);
  expect(new Set(replayed.tensors.slice(10)).size).toBe(1);
  expect(memory().numTensors).toBe(before);
});

test.each(['isWanted', 'take'] as const)('nothing is kept of a first call whose %s throws', (part) => {
  const start = tensor1d([1, 2, 3]);
  const params = variables({ w: start });
  start.dispose();
  const step = new ReplayedStep([params], true);
  step.begin('');
  const half = ({ x }: { [name: string]: Tensor }): Results => ({
    out: sum(mul(params.w as Tensor, sum(x as Tensor))),
  });
  const fail = (): never => {
    throw new Error('away');
  };
  const rest: Rest = { isWanted: () => true, inputs: { learningRate: 0.1 }, take: () => {}, [part]: fail };
  const inputs = { x: { values: Float32Array.of(1, 2), shape: [2] } };
  const before = memory().numTensors;
  for (let i = 0; i < 3; i++) expect(() => step.run(inputs, half, rest)).toThrow('away');
  expect(memory().numTensors).toBe(before);
  expect(step.run(inputs, half)[0]).toBe(18);
  step.dispose();
  disposeTree(params);
});
