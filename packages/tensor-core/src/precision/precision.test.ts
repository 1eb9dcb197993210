import { matMul, memory, type Scalar, square, sum, type Tensor, type Tensor2D, tensor2d } from '@tensorflow/tfjs-core';
import { disposeTree, linear, packWeights, rng, useBackend, valueAndGrad, variables, withPrecision } from '../index.ts';

const numbers = (t: Tensor): number[] => [...t.dataSync<'float32'>()];
/** Root mean square of the difference, in units of the first one's. */
function difference(a: Tensor, b: Tensor): number {
  const [x, y] = [numbers(a), numbers(b)];
  const norm = Math.sqrt(x.reduce((sum, v) => sum + v * v, 0));
  return Math.sqrt(x.reduce((sum, v, i) => sum + (v - (y[i] ?? 0)) ** 2, 0)) / norm;
}

const info = await useBackend();
if (!info.bf16) console.warn(`skipped: ${info.name} has no bf16 products on this machine`);
if (info.name !== 'native') console.warn(`skipped: ${info.name} packs no weights`);
const operands = (): { x: Tensor2D; w: Tensor2D } => ({
  x: rng(1).normalTensor([64, 96]) as Tensor2D,
  w: rng(2).normalTensor([96, 80]) as Tensor2D,
});

(info.bf16 ? describe : describe.skip)('where products run in bf16', () => {
  beforeAll(() => useBackend());

  test('products inside are rounded, forward and backward; outside they are not', () => {
    const { x, w } = operands();
    const exact = matMul(x, w);
    const rounded = withPrecision('bf16', () => matMul(x, w));
    expect(difference(exact, rounded)).toBeGreaterThan(1e-4);
    expect(difference(exact, rounded)).toBeLessThan(5e-3); // 2⁻⁸ an operand, averaged
    expect(numbers(matMul(x, w))).toEqual(numbers(exact));
    const gradient = (): Tensor =>
      valueAndGrad((p: { w: Tensor }): Scalar => sum(square(linear(x, p.w))))({ w }).grads.w;
    const [dw, dwRounded] = [gradient(), withPrecision('bf16', gradient)];
    expect(difference(dw, dwRounded)).toBeGreaterThan(1e-4);
    expect(difference(dw, dwRounded)).toBeLessThan(1e-2);
  });

  test('the precision is put back after an exception and after a promise', async () => {
    const { x, w } = operands();
    const exact = numbers(matMul(x, w));
    expect(() =>
      withPrecision('bf16', () => {
        throw new Error('inside');
      }),
    ).toThrow('inside');
    expect(numbers(matMul(x, w))).toEqual(exact);
    const rounded = await withPrecision('bf16', async () => {
      await Promise.resolve();
      return numbers(matMul(x, w));
    });
    expect(rounded).not.toEqual(exact);
    expect(numbers(matMul(x, w))).toEqual(exact);
  });
});

describe.each(['cpu', 'wasm'] as const)('on %s', (name) => {
  beforeAll(() => useBackend(name));

  test('bf16 is a typed error, float32 changes nothing', () => {
    const wanted = { code: 'ERR_BACKEND' };
    expect(() => withPrecision('bf16', () => 1)).toThrow(expect.objectContaining(wanted));
    expect(() => packWeights({}, { precision: 'bf16' })).toThrow(expect.objectContaining(wanted));
    expect(withPrecision('float32', () => 1)).toBe(1);
    expect(() => withPrecision('half' as never, () => 1)).toThrow('withPrecision: unknown precision; got "half"');
  });

  test('packing does nothing', () => {
    const params = { w: tensor2d([[1, 2]]) };
    const packed = packWeights(params);
    expect(packed.count).toBe(0);
    packed.dispose();
  });
});

(info.name === 'native' ? describe : describe.skip)('packed weights', () => {
  beforeAll(() => useBackend());

  test('give the same products, are counted, and go when disposed', () => {
    const { x, w } = operands();
    const bias = rng(3).normalTensor([80]);
    const before = numbers(linear(x, w, { bias }));
    const start = memory().numTensors;
    const packed = packWeights(
      { w, bias, other: { v: rng(4).normalTensor([3, 3]) } },
      { layout: (path) => (path === 'w' ? 'in-out' : undefined) },
    );
    expect(packed.count).toBe(1);
    const difference_ = numbers(linear(x, w, { bias })).map((v, i) => Math.abs(v - (before[i] ?? 0)));
    expect(Math.max(...difference_)).toBeLessThan(1e-4);
    packed.dispose();
    packed.dispose();
    packed[Symbol.dispose]();
    expect(numbers(linear(x, w, { bias }))).toEqual(before);
    expect(memory().numTensors).toBe(start + 3); // the test's own: v and two products
    return undefined;
  });

  test('a weight that changes in place is not read from its old copy', () => {
    const params = variables({
      w: tensor2d([
        [1, 0],
        [0, 1],
      ]),
    });
    using packed = packWeights(params);
    const x = tensor2d([[3, 5]]);
    expect(numbers(linear(x, params.w))).toEqual([3, 5]);
    params.w.assign(
      tensor2d([
        [0, 1],
        [1, 0],
      ]),
    );
    expect(numbers(linear(x, params.w))).toEqual([5, 3]);
    disposeTree(params);
    void packed;
  });
});
