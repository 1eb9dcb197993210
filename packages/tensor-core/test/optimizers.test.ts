/** Optimisers against PyTorch: parameters after 1, 2 and 10 steps on recorded gradients (golden/optimizers.py). */
import { readFileSync } from 'node:fs';
import { memory, scalar, type Tensor, tensor, tensor1d, tensor2d, tidy, variable } from '@tensorflow/tfjs-core';
import type { BackendName } from '../src/backend/backend-info.ts';
import { useBackend } from '../src/backend/use-backend.node.ts';
import { clipByGlobalNorm, clipScale, treeNorm } from '../src/optim/clip.ts';
import { createOptimizer } from '../src/optim/create-optimizer.ts';
import type { OptimizerOptions, RmspropOptions } from '../src/optim/options.ts';
import { disposeTree, variables } from '../src/tree/memory.ts';
import { flatten, type Params } from '../src/tree/params.ts';
import { availableBackends } from './helpers/backends.ts';

/** Largest difference from a reference, NaN where that is shorter. */
const farthest = (t: Tensor, reference: readonly number[]): number =>
  Math.max(...Array.from(t.dataSync()).map((x, j) => Math.abs(x - (reference[j] ?? Number.NaN))));

type Leaves = Record<string, number[]>;
const golden = JSON.parse(readFileSync(new URL('golden/optimizers.json', import.meta.url), 'utf8')) as {
  start: Leaves;
  grads: Leaves[];
  after: Record<string, Record<string, Leaves>>;
};
const shapes: Record<string, number[]> = { tall: [4, 3], wide: [3, 5], bias: [3] };

/** A tree of the golden file; nested, so that paths have more than one key. */
const tree = (leaves: Leaves, keys: readonly string[]): Params => ({
  layer: Object.fromEntries(keys.map((k) => [k, tensor(leaves[k] ?? [], shapes[k])])),
});
const owned = (leaves: Leaves, keys: readonly string[]): Params => {
  const values = tree(leaves, keys);
  const params = variables(values);
  disposeTree(values);
  return params;
};

/** PyTorch decays every tensor, biases too. */
const all = (weightDecay: number): { weightDecay: number; groups: { match: string; weightDecay: number }[] } => ({
  weightDecay,
  groups: [{ match: '**', weightDecay }],
});

const runs: Record<string, [options: OptimizerOptions, learningRate: number]> = {
  adamw: [{ name: 'adamw', beta2: 0.95, ...all(0.1) }, 0.01],
  adam: [{ name: 'adam', ...all(0.1) }, 0.01],
  sgd: [{ name: 'sgd', ...all(0.1) }, 0.01],
  momentum: [{ name: 'sgd', momentum: 0.9, ...all(0.1) }, 0.01],
  nesterov: [{ name: 'sgd', momentum: 0.9, nesterov: true }, 0.01],
  rmsprop: [{ name: 'rmsprop', ...all(0.1) }, 0.01],
  rmspropTf: [{ name: 'rmsprop', form: 'tensorflow', epsilon: 1e-5, momentum: 0.9 }, 0.01],
  adafactor: [{ name: 'adafactor', ...all(0.1) }, 0.3],
  lion: [{ name: 'lion', ...all(0.1) }, 0.01],
  muon: [{ name: 'muon' }, 0.02],
  muonRms: [{ name: 'muon', nesterov: false, updateScale: 'rms' }, 0.02],
};

describe.each(await availableBackends('cpu', 'wasm', 'native'))('on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  test.each(Object.entries(runs))(
    '%s follows the reference for ten steps and keeps no other tensor',
    (name, [options, rate]) => {
      const wanted = golden.after[name] as Record<string, Leaves>;
      const keys = Object.keys(wanted['1'] as Leaves);
      const before = memory().numTensors;
      const params = owned(golden.start, keys);
      const optimizer = createOptimizer(options);
      const state = optimizer.init(params);
      const held = memory().numTensors;
      for (const [i, g] of golden.grads.entries()) {
        const grads = tree(g, keys);
        // numbers and scalar tensors are the same to an optimiser
        const learningRate = i % 2 === 0 ? rate : scalar(rate);
        optimizer.update(params, grads, state, learningRate);
        disposeTree(grads);
        if (typeof learningRate !== 'number') learningRate.dispose();
        expect(memory().numTensors).toBe(held);
        const at = wanted[String(i + 1)];
        for (const [path, t] of at ? flatten(params) : []) {
          const reference = at?.[path.split('.')[1] as string] ?? [];
          // float32 rounding of ten updates of size ~ the learning rate
          const worst = farthest(t, reference);
          expect(worst).toBeLessThan(3e-6);
        }
      }
      expect(state.step.dataSync()[0]).toBe(10);
      disposeTree(params);
      disposeTree(state);
      expect(memory().numTensors).toBe(before);
    },
  );

  test('by default norms and biases are not decayed, groups say otherwise, and a rate of 0 freezes', () => {
    const params = variables({ w: tensor([[1]]), b: tensor([1]), frozen: tensor([[1]]), slow: tensor([[1]]) });
    const grads = { w: tensor([[0]]), b: tensor([0]), frozen: tensor([[5]]), slow: tensor([[1]]) };
    const optimizer = createOptimizer({
      name: 'adamw',
      weightDecay: 0.5,
      groups: [
        { match: 'frozen', learningRateScale: 0 },
        { match: (path) => path === 'slow', learningRateScale: 0.5, weightDecay: 0 },
      ],
    });
    const state = optimizer.init(params);
    expect(flatten(state.m as Params).map(([path]) => path)).toEqual(['w', 'b', 'slow']);
    optimizer.update(params, grads, state, 0.1);
    const value = (t: Tensor): number => t.dataSync()[0] as number;
    expect(value(params.w)).toBeCloseTo(0.95, 6); // 1 − 0.1·0.5
    expect(value(params.b)).toBe(1);
    expect(value(params.frozen)).toBe(1);
    expect(value(params.slow)).toBeCloseTo(0.95, 6); // one Adam step moves by the rate, here 0.1·0.5
    // two commands, one count
    expect(value(state.step)).toBe(1);
  });

  test('the gradient scale multiplies the gradient before everything else', () => {
    for (const options of [
      { name: 'adam', weightDecay: 0.1 },
      { name: 'sgd' },
      { name: 'muon' },
    ] as OptimizerOptions[]) {
      const [a, b] = [owned(golden.start, ['tall']), owned(golden.start, ['tall'])];
      const optimizer = createOptimizer(options);
      const grads = tree(golden.grads[0] as Leaves, ['tall']);
      const half = tree({ tall: (golden.grads[0]?.tall ?? []).map((x) => x / 2) }, ['tall']);
      const gradientScale = scalar(0.5);
      optimizer.update(a, grads, optimizer.init(a), 0.1, { gradientScale });
      optimizer.update(b, half, optimizer.init(b), 0.1);
      expect(Array.from((flatten(a)[0] as [string, Tensor])[1].dataSync())).toEqual(
        Array.from((flatten(b)[0] as [string, Tensor])[1].dataSync()),
      );
    }
  });

  test('values shared with another tree are copied before they are written', () => {
    const start = { w: tensor([[1, 2]]) };
    const params = variables(start);
    const optimizer = createOptimizer();
    const grads = { w: tensor([[1, 1]]) };
    optimizer.update(params, grads, optimizer.init(params), 0.1);
    expect(Array.from(start.w.dataSync())).toEqual([1, 2]);
    expect(Array.from(params.w.dataSync())).not.toEqual([1, 2]);
  });

  test.each(['adamw', 'sgd', 'muon'] as const)(
    '%s: variables put into the tree between two updates are those that change',
    (name) => {
      const one = (x: number): Tensor => {
        const value = tensor2d([[x]]);
        const v = variable(value);
        value.dispose();
        return v;
      };
      const params: { layer: Params } = { layer: { a: one(1), b: one(1) } };
      const optimizer = createOptimizer({ name });
      const state = optimizer.init(params);
      const grads: { layer: Params } = { layer: { a: tensor2d([[1]]), b: tensor2d([[1]]) } };
      const update = (): void => optimizer.update(params, grads, state, 0.1);
      update();
      const old = params.layer.a as Tensor;
      const stays = old.dataSync()[0];
      params.layer.a = one(5);
      update();
      expect(old.dataSync()[0]).toBe(stays);
      expect((params.layer.a as Tensor).dataSync()[0]).toBeLessThan(5);
      // a further leaf is seen as well: the state has nothing for it, or there is no gradient
      params.layer.c = one(2);
      expect(update).toThrow(/optimizer at layer\.c/);
      disposeTree({ ...params, old, grads });
      disposeTree(state);
    },
  );

  test('clipping scales to the norm and leaves small gradients alone', () => {
    tidy(() => {
      const grads = { a: tensor1d([3]), b: { c: tensor1d([4]) }, ids: tensor1d([100], 'int32') };
      expect(treeNorm(grads).dataSync()[0]).toBe(5);
      const clipped = clipByGlobalNorm(grads, 1);
      expect(clipped.norm.dataSync()[0]).toBe(5);
      // torch.nn.utils.clip_grad_norm_: 3 · 1/(5 + 1e-6)
      expect(clipped.grads.a.dataSync()[0]).toBeCloseTo(0.6, 6);
      expect(clipped.grads.b.c.dataSync()[0]).toBeCloseTo(0.8, 6);
      expect(Array.from(clipByGlobalNorm(grads, 10).grads.a.dataSync())).toEqual([3]);
      expect(clipScale(scalar(Number.NaN), 1).dataSync()[0]).toBeNaN();
    });
  });
});

test.each(Object.entries(runs))(
  '%s follows the reference where the backend changes at every update',
  async (name, [options, rate]) => {
    const backends = await availableBackends('cpu', 'wasm', 'native');
    const wanted = golden.after[name] as Record<string, Leaves>;
    const params = owned(golden.start, Object.keys(wanted['1'] as Leaves));
    const optimizer = createOptimizer(options);
    const state = optimizer.init(params);
    for (const [i, g] of golden.grads.entries()) {
      await useBackend(i % 2 === 0 ? 'cpu' : (backends.at(-1) as BackendName));
      optimizer.update(params, tree(g, Object.keys(wanted['1'] as Leaves)), state, rate);
      const at = wanted[String(i + 1)];
      for (const [path, t] of at ? flatten(params) : []) {
        const reference = at?.[path.split('.')[1] as string] ?? [];
        const worst = farthest(t, reference);
        expect(worst).toBeLessThan(3e-6);
      }
    }
    expect(state.step.dataSync()[0]).toBe(10);
  },
);

test.each([
  [
    { name: 'adamv' },
    'optimizer.name: no such optimiser; got "adamv", wanted one of adamw, adam, sgd, rmsprop, adafactor, lion, muon. Did you mean adamw?',
  ],
  [
    { name: 'adamw', beta3: 1 },
    'optimizer: no such option; got "beta3", wanted one of name, beta1, beta2, epsilon, weightDecay, groups. Did you mean beta1?',
  ],
  [{ name: 'adamw', beta1: 1 }, 'optimizer.beta1: out of range; got 1, wanted a number in [0, 1)'],
  [{ name: 'sgd', weightDecay: Number.NaN }, 'optimizer.weightDecay: out of range; got NaN'],
  [{ name: 'rmsprop', decay: 1 }, 'optimizer.decay: out of range; got 1, wanted a number in [0, 1)'],
  [{ name: 'rmsprop', form: 'torch' }, 'Did you mean pytorch?'],
  [{ name: 'sgd', nesterov: true }, 'there is no momentum to look ahead with'],
  [
    { name: 'adamw', groups: [{ match: 'a', learningRateScale: -1 }] },
    'optimizer.groups.learningRateScale: out of range',
  ],
  [{ name: 'muon', others: { beta: 1 } }, 'optimizer.others: no such option; got "beta"'],
])('%j is refused', (options, message) => {
  expect(() => createOptimizer(options as OptimizerOptions)).toThrow(message);
});

test('RMSProp by hand: the two forms differ from the first step on', () => {
  const first = (o: Omit<RmspropOptions, 'name'>): number => {
    const params = variables({ w: tensor([1]) });
    const optimizer = createOptimizer({ name: 'rmsprop', decay: 0.75, ...o });
    optimizer.update(params, { w: tensor([3]) }, optimizer.init(params), 0.1);
    return params.w.dataSync()[0] as number;
  };
  // v = .25·9 = 2.25: 1 − .1·3/(1.5 + .5)
  expect(first({ epsilon: 0.5 })).toBeCloseTo(0.85, 6);
  // v = .75·1 + .25·9 = 3: 1 − .1·3/√(3 + .24)
  expect(first({ epsilon: 0.24, form: 'tensorflow' })).toBeCloseTo(1 - 0.3 / 1.8, 6);
});

describe.each(['adamw', 'adam', 'sgd', 'rmsprop', 'adafactor', 'lion', 'muon'] as const)('%s', (name) => {
  const setUp = () => {
    const params = variables({ a: { w: tensor([[1, 2]]) } }) as { a: { w: Tensor } };
    const optimizer = createOptimizer(name === 'sgd' ? { name, momentum: 0.9 } : { name });
    return { params, optimizer, state: optimizer.init(params), grads: { a: { w: tensor([[1, 1]]) } } };
  };
  test('a tensor that was disposed is refused by path, not read or written', () => {
    for (const which of ['gradient', 'parameter', 'state'] as const) {
      const { params, optimizer, state, grads } = setUp();
      if (which === 'gradient') grads.a.w.dispose();
      else if (which === 'parameter') params.a.w.dispose();
      else for (const [path, leaf] of flatten(state)) if (path !== 'step') leaf.dispose();
      expect(() => optimizer.update(params, grads, state, 0.1)).toThrow(
        /^optimizer at a\.w: (?:its gradient|the parameter|the state’s \w+) was disposed before the update/,
      );
    }
    const { params, optimizer, state, grads } = setUp();
    state.step.dispose();
    expect(() => optimizer.update(params, grads, state, 0.1)).toThrow('state.step was disposed');
  });

  test('a learning rate is a finite number from 0, or a scalar that is there', () => {
    const { params, optimizer, state, grads } = setUp();
    for (const rate of [Number.NaN, -0.1, Number.POSITIVE_INFINITY]) {
      expect(() => optimizer.update(params, grads, state, rate)).toThrow(
        `optimizer.update: the learning rate is out of range; got ${rate}, wanted a finite number ≥ 0`,
      );
    }
    expect(() => optimizer.update(params, grads, state, undefined as never)).toThrow('learningRate is no tensor');
    expect([...params.a.w.dataSync()]).toEqual([1, 2]);
    optimizer.update(params, grads, state, 0);
  });
});

test('wrong trees are refused by path', () => {
  const params = variables({ a: { w: tensor([[1, 2]]) } });
  const optimizer = createOptimizer({ name: 'lion' });
  const state = optimizer.init(params);
  expect(() => optimizer.update(params, { a: {} }, state, 1)).toThrow('optimizer at a.w: there is no gradient for it');
  expect(() => optimizer.update(params, { a: { w: tensor([1, 2]) } }, state, 1)).toThrow(
    'optimizer at a.w: the gradient’s shape; got [2], wanted [1,2]',
  );
  expect(() => optimizer.update({ a: { w: tensor([[1, 2]]) } }, params, state, 1)).toThrow(
    'a parameter is no variable',
  );
  const other = createOptimizer().init(params);
  const sgd = createOptimizer({ name: 'sgd', momentum: 0.9 });
  expect(() => sgd.update(params, params, other, 1)).toThrow('the state has no momentum for this parameter');
  expect(() => createOptimizer({ name: 'adamw', groups: [{ match: 'b.*' }] }).init(params)).toThrow(
    'optimizer.groups: a group matches no parameter; got "b.*", wanted a pattern for paths such as a.w',
  );
});
