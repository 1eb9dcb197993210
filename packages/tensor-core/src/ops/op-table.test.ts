// Walks the op table on every backend this machine has, on `native` with the lean tape on and off. For each case: the outputs equal the float64 reference, whichever
// body computed them; the gradients equal the reference's central differences along random directions; nothing leaks;
// bad inputs give their message. A public op without a row fails the first test.

import { readFileSync } from 'node:fs';
import { add, grads, memory, mul, scalar, sum, type Tensor, tensor, tidy } from '@tensorflow/tfjs-core';
import { availableBackends } from '../../test/helpers/backends.ts';
import type { BackendName } from '../backend/backend-info.ts';
import { useBackend } from '../backend/use-backend.node.ts';
import * as library from '../index.ts';
import * as ops from './index.ts';
import { opTable } from './table/index.ts';
import { floats } from './table/samples.ts';
import type { Nd, OpCase, Sample } from './table/types.ts';

const backends = await availableBackends('cpu', 'wasm', 'native');

/** Where each backend stands: its name, what it computes with, and the position of the tape's switch where it has one. */
const positions = backends.flatMap((name): [string, BackendName, boolean?][] =>
  name === 'native'
    ? [
        ['native', name, true],
        ['native, stock tape', name, false],
      ]
    : [[name, name]],
);

/** Folders of the package whose public functions are no ops. What comes from any other has a row. */
const otherFolders =
  'autodiff backend capture checkpoint contracts events io modules optim options precision random safetensors schedules training tree weights';

/** The functions that the package exports from `ops/` and from every folder that is not one of those above, alone or in a namespace. */
function publicOps(): string[] {
  const lists = ['index', 'everywhere'].map((name) => readFileSync(new URL(`../${name}.ts`, import.meta.url), 'utf8'));
  const index = lists.join('\n');
  const names = new Set(Object.keys(ops));
  for (const [, list, folder] of index.matchAll(/^export \{([^}]*)\} from '\.\/(\w+)\/[^']+';$/gm))
    if (!otherFolders.split(' ').includes(folder as string))
      for (const name of (list as string).split(',')) names.add(name.trim());
  const exported = library as { [name: string]: unknown };
  const alone = [...names].filter((name) => typeof exported[name] === 'function');
  const spaces = [...index.matchAll(/^export \* as (\w+) from '\.\/(\w+)\/[^']+';$/gm)];
  // a form of export that is not looked through would hide ops
  expect(spaces.map(([, space]) => space)).toEqual(Object.keys(exported).filter((name) => isNamespace(exported[name])));
  const within = spaces
    .filter(([, , folder]) => !otherFolders.split(' ').includes(folder as string))
    .flatMap(([, space]) => functionsOf(space as string, exported[space as string] as object));
  return [...alone, ...within];
}

const isNamespace = (x: unknown): boolean => Object.prototype.toString.call(x) === '[object Module]';
const functionsOf = (space: string, members: object): string[] =>
  Object.entries(members).flatMap(([name, member]) => (typeof member === 'function' ? [`${space}.${name}`] : []));

test('every public op has a row', () => {
  expect(opTable.map((row) => row.name).sort()).toEqual(publicOps().sort());
});

const toTensor = (s: Sample): Tensor =>
  tensor(s.dtype === 'int32' ? Int32Array.from(s.data) : Float32Array.from(s.data), [...s.shape], s.dtype);
const toTensors = (inputs: OpCase['inputs']): { [name: string]: Tensor } =>
  Object.fromEntries(Object.entries(inputs).map(([name, s]) => [name, toTensor(s)]));
const list = <T>(x: T | T[]): T[] => (Array.isArray(x) ? x : [x]);

/** A fixed weighting of all outputs: its derivative is what gradients are compared with. */
const weightings = (outputs: readonly { shape: readonly number[] }[]): Float64Array[] =>
  outputs.map((o, i) => floats(o.shape, 900 + i).data);

function weigh(outputs: readonly Nd[], weights: readonly Float64Array[]): number {
  let total = 0;
  for (const [i, { data }] of outputs.entries())
    for (const [j, v] of data.entries()) total += v * (weights[i]?.[j] as number);
  return total;
}

/** The reference's derivative along a direction in one input, by central differences in float64. */
function slope(c: OpCase, name: string, direction: Float64Array, weights: readonly Float64Array[]): number {
  const step = 1e-6;
  const shifted = (sign: number): number => {
    const x = c.inputs[name] as Sample;
    const moved = { ...x, data: x.data.map((v, i) => v + sign * step * (direction[i] as number)) };
    return weigh(c.reference({ ...c.inputs, [name]: moved }), weights);
  };
  return (shifted(1) - shifted(-1)) / (2 * step);
}

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  expect(actual.length).toBe(expected.length);
  let largest = 1;
  for (let i = 0; i < expected.length; i++)
    if (Number.isFinite(expected[i])) largest = Math.max(largest, Math.abs(expected[i] as number));
  for (let i = 0; i < expected.length; i++) {
    const [a, b] = [actual[i] as number, expected[i] as number];
    if (!(Math.abs(a - b) <= tolerance * largest) && a !== b)
      throw new Error(`element ${i}: ${a} instead of ${b}, tolerance ${tolerance * largest}`);
  }
}

describe.each(positions)('on %s', (_, backend, lean) => {
  beforeAll(async () => {
    await useBackend(backend);
    if (lean === undefined) return;
    const { isLeanTape, setLeanTape } = await import('@gimbal/tensor-native');
    setLeanTape(lean);
    expect(isLeanTape()).toBe(lean);
  });

  for (const row of opTable) {
    describe(row.name, () => {
      for (const c of row.cases) test(c.title, () => checkCase(c));

      // a kernel that reads bytes as floats would give garbage, and read beyond their end. Compositions convert; a
      // stream's numbers, which a rate of 0 does not draw, are no input of the caller's
      if (row.name !== 'logSumExp' && !row.name.startsWith('distributions.'))
        test('refuses inputs of another dtype', () => {
          for (const c of row.cases)
            for (const name of Object.keys(c.inputs)) if (row.name !== 'dropout' || name === 'x') refusesBytes(c, name);
        });

      for (const { title, run, code, message } of row.errors)
        test(`refuses ${title}`, () => {
          let error: { code?: string; message?: string } = {};
          try {
            tidy(() => void run());
          } catch (e) {
            error = e as typeof error;
          }
          expect(error.message).toBe(message);
          expect(error.code).toBe(code);
        });
    });
  }
});

function refusesBytes(c: OpCase, name: string): void {
  const { shape, data } = c.inputs[name] as Sample;
  let error: { code?: string; message?: string } = {};
  tidy(() => {
    const bytes = tensor(
      Uint8Array.from(data, (v) => Number(v > 0)),
      [...shape],
      'bool',
    );
    try {
      c.run({ ...toTensors(c.inputs), [name]: bytes });
    } catch (e) {
      error = e as typeof error;
    }
  });
  if (error.code !== 'ERR_SHAPE' || !error.message?.includes('dtype'))
    throw new Error(`${c.title}: ${name} of dtype bool gave ${error.message ?? 'a result'}`);
}

async function checkCase(c: OpCase): Promise<void> {
  const before = memory().numTensors;
  const expected = c.reference(c.inputs);
  const inputs = toTensors(c.inputs);
  const outputs = list(c.run(inputs));
  expect(outputs.map((o) => o.shape)).toEqual(expected.map((o) => [...o.shape]));
  for (const [i, o] of outputs.entries()) expectClose(await o.data(), (expected[i] as Nd).data, c.tolerance ?? 2e-5);
  for (const o of outputs) o.dispose();

  const names = c.differentiable ?? [];
  if (names.length > 0) await checkGradients(c, names, inputs);
  for (const t of Object.values(inputs)) t.dispose();
  expect(memory().numTensors).toBe(before);
}

async function checkGradients(c: OpCase, names: readonly string[], inputs: { [name: string]: Tensor }): Promise<void> {
  const expected = c.reference(c.inputs);
  const weights = weightings(expected);
  const loss = (...xs: Tensor[]): Tensor => {
    const changed = Object.fromEntries(names.map((name, i) => [name, xs[i] as Tensor]));
    const outputs = list(c.run({ ...inputs, ...changed }));
    return outputs
      .map((o, i) => sum(mul(o, tensor(Float32Array.from(weights[i] as Float64Array), o.shape))))
      .reduce((a, b) => add(a, b), scalar(0));
  };
  const all = tidy(() => grads(loss)(names.map((name) => inputs[name] as Tensor)));
  for (const [i, name] of names.entries()) {
    const g = all[i] as Tensor;
    const shape = (c.inputs[name] as Sample).shape;
    expect(g.shape).toEqual([...shape]);
    const values = await g.data();
    for (const seed of [1, 2, 3]) {
      const direction = floats(shape, 700 + seed).data;
      const wanted = slope(c, name, direction, weights);
      const got = direction.reduce((s, d, j) => s + d * (values[j] as number), 0);
      const size = Math.max(1, Math.abs(wanted));
      if (!(Math.abs(got - wanted) <= (c.gradientTolerance ?? 2e-4) * size))
        throw new Error(`gradient by ${name}: ${got} along direction ${seed} instead of ${wanted}`);
    }
    g.dispose();
    // asked for alone, an input gets the same gradient: gradients are computed one by one
    if (names.length > 1) {
      const alone = tidy(() => {
        const single = (x: Tensor): Tensor => loss(...names.map((n) => (n === name ? x : (inputs[n] as Tensor))));
        return grads(single)([inputs[name] as Tensor])[0] as Tensor;
      });
      expectClose(await alone.data(), values, 1e-5);
      alone.dispose();
    }
  }
}
