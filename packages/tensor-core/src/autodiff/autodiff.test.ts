import {
  add,
  cast,
  grad,
  matMul,
  memory,
  mul,
  ones,
  profile,
  relu,
  type Scalar,
  scalar,
  softmax,
  square,
  sum,
  type Tensor,
  type Tensor2D,
  tensor1d,
  tensor2d,
  tidy,
  variable,
} from '@tensorflow/tfjs-core';
import {
  checkpoint,
  disposeTree,
  flatten,
  type Params,
  rng,
  stopGradient,
  useBackend,
  valueAndGrad,
  valueAndGradWithAux,
} from '../index.ts';

const numbers = (t: Tensor): number[] => [...t.dataSync<'float32'>()];

describe.each(['cpu', 'wasm', 'auto'] as const)('on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  describe('valueAndGrad', () => {
    // loss = Σ (a·x)² with x = [1, 2]: dloss/da = 2 a x²
    const loss = (p: { inner: { a: Tensor }; unused: Tensor; ids: Tensor }, x: Tensor): Scalar =>
      sum(square(mul(p.inner.a, x)));

    test('gives the value and the gradient tree; what is not used gets zeros', () => {
      const params = { inner: { a: tensor1d([3, -1]) }, unused: ones([2, 2]), ids: tensor1d([1, 2], 'int32') };
      const { value, grads } = valueAndGrad(loss)(params, tensor1d([1, 2]));
      expect(value.dataSync()[0]).toBe(9 + 4);
      expect(numbers(grads.inner.a)).toEqual([6, -8]);
      expect(numbers(grads.unused)).toEqual([0, 0, 0, 0]);
      expect(grads.unused.shape).toEqual([2, 2]);
      expect(grads.ids).toMatchObject({ shape: [2], dtype: 'float32' });
      expect(flatten(grads).map(([path]) => path)).toEqual(flatten(params).map(([path]) => path));
    });

    test('takes variables, and a loss that uses nothing', () => {
      const v = { a: variable(tensor1d([3])) };
      expect(numbers(valueAndGrad((p: typeof v) => sum(square(p.a)))(v).grads.a)).toEqual([6]);
      const { value, grads } = valueAndGrad((_: typeof v) => scalar(5))(v);
      expect([value.dataSync()[0], ...numbers(grads.a)]).toEqual([5, 0]);
      expect(valueAndGrad(() => scalar(5))({}).grads).toEqual({});
      disposeTree(v);
    });

    test('refuses a loss that is no scalar and keeps nothing of it', () => {
      const params = { a: tensor1d([1, 2]) };
      const before = memory().numTensors;
      expect(() => valueAndGrad((p: typeof params) => square(p.a) as unknown as Scalar)(params)).toThrow(
        'valueAndGrad: the loss is no scalar; got "float32 [2]", wanted a float32 tensor of shape []. reduce it with',
      );
      expect(() =>
        valueAndGrad((p: typeof params): Scalar => {
          square(p.a);
          throw new Error('inside');
        })(params),
      ).toThrow('inside');
      expect(memory().numTensors).toBe(before);
    });

    test('leaves only what it returns, over a thousand steps', () => {
      const params = { inner: { a: tensor1d([3, -1]) }, unused: ones([2, 2]), ids: tensor1d([1, 2], 'int32') };
      const x = tensor1d([1, 2]);
      const step = valueAndGrad(loss);
      const before = memory();
      for (let i = 0; i < 1000; i++) {
        const { value, grads } = step(params, x);
        value.dispose();
        disposeTree(grads);
      }
      expect(memory().numTensors).toBe(before.numTensors);
      expect(memory().numBytes).toBe(before.numBytes);
      expect(memory().numDataBuffers).toBe(before.numDataBuffers);
    });

    test('differentiates itself', () => {
      // f = x³: f″ = 6x, by the gradient of the sum of the gradient
      const first = (p: { x: Tensor }): Scalar =>
        sum(valueAndGrad((q: { x: Tensor }): Scalar => sum(mul(q.x, square(q.x))))(p).grads.x);
      expect(numbers(valueAndGrad(first)({ x: tensor1d([2, 3]) }).grads.x)).toEqual([12, 18]);
    });
  });

  test('aux values come out with the gradient, owned by the caller', () => {
    const params = { a: tensor1d([3, -1]) };
    const before = memory().numTensors;
    const step = valueAndGradWithAux((p: typeof params, scale: number) => {
      const y = mul(square(p.a), scale);
      const value: Scalar = sum(y);
      return { value, aux: { y, nested: [value, 'text', 3] as const, params: p } };
    });
    const { value, grads, aux } = step(params, 2);
    expect(numbers(aux.y)).toEqual([18, 2]);
    expect(aux.nested[0].dataSync()[0]).toBe(20);
    expect(aux.nested.slice(1)).toEqual(['text', 3]);
    expect(numbers(grads.a)).toEqual([12, -4]);
    expect(numbers(aux.params.a)).toEqual([3, -1]);
    value.dispose();
    aux.y.dispose();
    aux.nested[0].dispose();
    disposeTree(grads);
    expect(memory().numTensors).toBe(before);
    tidy(() => void step(params, 2));
    expect(memory().numTensors).toBe(before);
  });

  test('stopGradient is constant for the gradient and shares the memory', () => {
    const g = grad((x) => sum(mul(stopGradient(x), x)))(tensor1d([2, 3]));
    expect(numbers(g)).toEqual([2, 3]);
    const before = memory();
    const x = tensor1d([1, 2]);
    const y = stopGradient(x);
    expect(memory().numDataBuffers).toBe(before.numDataBuffers + 1);
    x.dispose();
    expect(numbers(y)).toEqual([1, 2]);
    y.dispose();
    expect(memory().numTensors).toBe(before.numTensors);
    expect(() => stopGradient(y)).toThrow('disposed');
    expect(
      numbers(valueAndGrad((p: { x: Tensor }): Scalar => sum(stopGradient(p.x)))({ x: tensor1d([1]) }).grads.x),
    ).toEqual([0]);
  });

  describe('checkpoint', () => {
    type Block = { w: Tensor; v: Tensor };
    const block = (p: Block, x: Tensor): Tensor =>
      add(matMul(softmax(relu(matMul(x as Tensor2D, p.w as Tensor2D))) as Tensor2D, p.v as Tensor2D), x);
    const layers = 6;
    const init = (): Record<string, Block> => {
      const r = rng(1);
      return Object.fromEntries(
        Array.from({ length: layers }, (_, i) => [i, { w: r.normalTensor([16, 64]), v: r.normalTensor([64, 16]) }]),
      );
    };
    const loss =
      (f: typeof block) =>
      (p: Record<string, Block>, x: Tensor): Scalar => {
        let h = x;
        for (const layer of Object.values(p)) h = f(layer, h);
        return sum(square(h));
      };

    test('has the same value and gradients', () => {
      const params = init();
      const x = rng(2).normalTensor([32, 16]);
      const before = memory().numTensors;
      const plain = valueAndGrad(loss(block))(params, x);
      const recomputed = valueAndGrad(loss(checkpoint(block)))(params, x);
      expect(recomputed.value.dataSync()).toEqual(plain.value.dataSync());
      const wanted = flatten(plain.grads);
      for (const [i, [path, g]] of flatten(recomputed.grads).entries()) {
        const [wantedPath, w] = wanted[i] ?? ['', g];
        expect(path).toBe(wantedPath);
        const scale = Math.max(...numbers(w).map(Math.abs));
        numbers(g).forEach((value, j) => {
          expect(Math.abs(value - (numbers(w)[j] ?? 0))).toBeLessThanOrEqual(1e-6 * scale);
        });
      }
      for (const r of [plain, recomputed]) {
        r.value.dispose();
        disposeTree(r.grads);
      }
      expect(memory().numTensors).toBe(before);
    });

    test('needs less memory at its peak', async () => {
      const params = init();
      const x = rng(2).normalTensor([256, 16]);
      const start = memory().numBytes;
      const peak = async (f: typeof block): Promise<number> => {
        const { peakBytes } = await profile(() => {
          tidy(() => void valueAndGrad(loss(f))(params, x));
          return scalar(0);
        });
        return peakBytes - start;
      };
      const [plain, recomputed] = [await peak(block), await peak(checkpoint(block))];
      expect(recomputed).toBeLessThan(0.5 * plain);
    });

    test('gradients reach inputs, pass through whole numbers, and differentiate twice', () => {
      const f = checkpoint((p: { a: Tensor }, x: Tensor, ids: Tensor) =>
        mul(mul(p.a, square(x)), cast(ids, 'float32')),
      );
      const ids = tensor1d([1, 2], 'int32');
      const { grads } = valueAndGrad((p: { a: Tensor; x: Tensor }): Scalar => sum(f({ a: p.a }, p.x, ids)))({
        a: tensor1d([3, 4]),
        x: tensor1d([1, 2]),
      });
      expect(numbers(grads.a)).toEqual([1, 8]); // x² · ids
      expect(numbers(grads.x)).toEqual([6, 32]); // 2 a x · ids
      const cube = checkpoint((_: Params, z: Tensor) => mul(z, square(z)));
      const second = grad((x) => sum(grad((y) => sum(cube({}, y)))(x)));
      expect(numbers(second(tensor1d([2, 3])))).toEqual([12, 18]);
    });

    test('one tensor may be two arguments, and may be the result', () => {
      const f = checkpoint((_: Params, x: Tensor, y: Tensor) => mul(x, y));
      expect(numbers(grad((x) => sum(f({}, x, x)))(tensor1d([2, 3])))).toEqual([4, 6]);
      const same = checkpoint((_: Params, x: Tensor) => x);
      expect(numbers(grad((x) => sum(mul(same({}, x), x)))(tensor2d([[2, 3]])))).toEqual([4, 6]);
    });
  });
});
