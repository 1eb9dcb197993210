import { type Params, useBackend, variables } from '@gimbal/tensor-core';
import { add, mean, mul, type Scalar, square, sub, sum, type Tensor, tensor1d } from '@tensorflow/tfjs-core';
import { conjugateGradients, trustRegionStep } from './trust-region.ts';

test('conjugate gradients solve a system of n unknowns in n steps', () => {
  // [[4, 1], [1, 3]] x = (1, 2): x = (1/11, 7/11)
  const x = conjugateGradients(
    (v) => Float64Array.of(4 * (v[0] as number) + (v[1] as number), (v[0] as number) + 3 * (v[1] as number)),
    Float64Array.of(1, 2),
    2,
  );
  expect([...x]).toEqual([expect.closeTo(1 / 11, 12), expect.closeTo(7 / 11, 12)]);
});

test('the step on a quadratic divergence is the natural gradient, on the border of the trust region', async () => {
  await useBackend('cpu');
  // D = ½(4a² + b²), loss −(a + b): u = (¼, 1), uᵀHu = 1.25, scale √(2δ/1.25)
  const start = { w: tensor1d([0, 0]) };
  const policy = variables(start);
  const scales = tensor1d([4, 1]);
  const loss = (p: Params): Scalar => mul<Scalar>(sum(p.w as Tensor), -1);
  const divergence = (p: Params): Scalar => mul<Scalar>(sum(mul(scales, square(p.w as Tensor))), 0.5);
  const o = { delta: 0.01, cgIterations: 5, damping: 1e-6, shrink: 0.8, backtracks: 10, lineSearch: false };
  trustRegionStep(policy, loss, divergence, o);
  const scale = Math.sqrt(0.02 / 1.25);
  const [a, b] = (policy.w as Tensor).dataSync();
  expect(a).toBeCloseTo(0.25 * scale, 4);
  expect(b).toBeCloseTo(scale, 4);
  // a loss that rises along the direction beyond its start: no trial is accepted, nothing moves
  const before = [...(policy.w as Tensor).dataSync()];
  const worse = (p: Params): Scalar => mul<Scalar>(mean(square(sub(p.w as Tensor, tensor1d(before)))), 1e6);
  const pushed = (p: Params): Scalar => add<Scalar>(worse(p), mul(loss(p), 1e-9));
  const { accepted } = trustRegionStep(policy, pushed, divergence, { ...o, lineSearch: true, backtracks: 3 });
  expect(accepted).toBe(false);
  expect([...(policy.w as Tensor).dataSync()]).toEqual(before);
});

test('the line search goes back into a trust region that its quadratic model takes for larger', async () => {
  await useBackend('cpu');
  // D = ½w² + 50w⁴, loss −w, δ .01: the first trial is √(2δ) = .141, where D = .030; then .113, .015; then .0905, .0074
  const policy = variables({ w: tensor1d([0]) });
  const w = (p: Params): Scalar => sum<Scalar>(p.w as Tensor);
  const divergence = (p: Params): Scalar => add(mul<Scalar>(square(w(p)), 0.5), mul(square(square(w(p))), 50));
  const o = { delta: 0.01, cgIterations: 5, damping: 1e-6, shrink: 0.8, backtracks: 10, lineSearch: true };
  expect(trustRegionStep(policy, (p) => mul<Scalar>(w(p), -1), divergence, o).accepted).toBe(true);
  // the Hessian, by differences, is 2 % larger
  expect((policy.w as Tensor).dataSync()[0]).toBeCloseTo(0.64 * Math.sqrt(0.02), 2);
});
