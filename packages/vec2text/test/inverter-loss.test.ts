// Both models of an inverter in plain loops and double precision, straight from the formulas of Morris et al.: losses, and
// gradients by central differences.
import { disposeTree, type Params, type Rng, rng, useBackend, valueAndGrad } from '@gimbal/tensor-core';
import { type Tensor, tensor, tensor2d, tidy, zerosLike } from '@tensorflow/tfjs-core';
import { blockConfig, type InverterConfig, inverterConfig } from '../src/inversion/config.ts';
import {
  type InversionInput,
  initInverter,
  inverterLoss,
  inverterMemory,
  type Stage,
} from '../src/inversion/models.ts';
import {
  addTo,
  lossOfLogits,
  type Matrix,
  norm,
  referenceDecode,
  referenceStates,
  rows,
  type Weights,
  weightsOf,
  withBias,
} from './reference.ts';

const c: InverterConfig = inverterConfig({
  ...{ vocabSize: 11, embeddingDim: 5, width: 8, ffn: 12, heads: 2, encoderLayers: 2, decoderLayers: 2 },
  ...{ maxLength: 4, embeddingTokens: 2 },
});
/** φ(x), φ of the hypothesis, the hypothesis filled up with PAD, the text: two rows. */
const asked = [
  { e: [0.6, -0.2, 0.1, 0.7, -0.3], guess: [0.1, 0.5, -0.6, 0.2, 0.4], ids: [5, 2, 0, 0], target: [4, 6, 2] },
  { e: [-0.1, 0.8, 0.3, -0.4, 0.2], guess: [0.3, 0.6, 0.3, -0.5, 0.1], ids: [7, 8, 9, 2], target: [10, 2] },
];

/** tanh's form of GELU. */
const gelu = (x: number): number => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));

/** T(x): R vectors of width d. */
function pseudoTokens(w: Weights, name: string, x: readonly number[]): Matrix {
  const scaled = x.map((v) => v * Math.sqrt(c.embeddingDim));
  const hidden = withBias([scaled], w, `project.${name}.in`).map((row) => row.map(gelu));
  const flat = withBias(hidden, w, `project.${name}.out`)[0] as number[];
  return Array.from({ length: c.embeddingTokens }, (_, r) => flat.slice(r * c.width, (r + 1) * c.width));
}

function referenceLoss(w: Weights, stage: Stage): number {
  const table = rows(w, 'embedding.weight');
  const sep = table[c.eosId] as number[];
  return asked.reduce((total, { e, guess, ids, target }) => {
    const difference = e.map((v, j) => v - (guess[j] as number));
    const read =
      stage === 'hypothesizer'
        ? pseudoTokens(w, 'embedding', e)
        : norm(w, 'join', [
            ...[sep, ...pseudoTokens(w, 'embedding', e)],
            ...[sep, ...pseudoTokens(w, 'hypothesis', guess)],
            ...[sep, ...pseudoTokens(w, 'difference', difference)],
            ...[sep, ...ids.map((id) => table[id] as number[])],
          ]);
    const states = referenceStates(w, blockConfig(c), addTo(read, rows(w, 'sequence.weight')));
    return total + lossOfLogits(referenceDecode(w, blockConfig(c), states, target), target);
  }, 0);
}

function lossOf(params: Params, stage: Stage) {
  const matrix = (of: (row: (typeof asked)[number]) => number[]) => tensor2d(asked.map(of));
  const input: InversionInput = {
    embedding: matrix(({ e }) => e),
    ...(stage === 'corrector' && {
      hypothesis: {
        embedding: matrix(({ guess }) => guess),
        ids: tensor2d(
          asked.map(({ ids }) => ids),
          [2, c.maxLength],
          'int32',
        ),
      },
    }),
  };
  const targets = asked.map(({ target }) => [...target, 0].slice(0, 3));
  const mask = tensor2d(asked.map(({ target }) => [1, 1, target.length === 3 ? 1 : 0]));
  return inverterLoss(params, c, stage, input, tensor2d(targets, [2, 3], 'int32'), mask);
}

beforeAll(() => useBackend('auto'));

test.each(['hypothesizer', 'corrector'] as const)(
  '%s: the loss and its gradient are those of double precision: Σ −log p over tokens, central differences',
  (stage) => {
    const params = initInverter(c, stage, rng(5));
    const w = weightsOf(params);
    // biases are not zero, nor norms one, once trained
    const r = rng(9);
    for (const [path, { values }] of w)
      if (/bias$|norm|join/.test(path))
        for (const [i, x] of values.entries()) values[i] = Math.fround(x + 0.2 * r.normal());
    const moved = (tree: Params, at = ''): Params =>
      Object.fromEntries(
        Object.entries(tree).map(([name, x]) => {
          const path = at + name;
          const own = w.get(path);
          if (own === undefined) return [name, moved(x as Params, `${path}.`)];
          return [name, tensor(Float32Array.from(own.values), own.shape)];
        }),
      ) as Params;
    const trained = moved(params);
    const { value, grads } = valueAndGrad((p: Params) => lossOf(p, stage))(trained);
    expect(value.dataSync()[0]).toBeCloseTo(referenceLoss(w, stage), 4);
    const gradients = weightsOf(grads as Params);
    expect([...gradients.keys()]).toEqual([...w.keys()]);
    for (const [path, { values }] of w) {
      // the two largest entries of each tensor's gradient, and the first
      const g = (gradients.get(path) as { values: Float64Array }).values;
      const order = Array.from(g.keys()).sort((a, b) => Math.abs(g[b] as number) - Math.abs(g[a] as number));
      for (const i of new Set([order[0] as number, order[1] ?? 0, 0])) {
        const at = values[i] as number;
        const move = (by: number): number => {
          values[i] = at + by;
          const loss = referenceLoss(w, stage);
          values[i] = at;
          return loss;
        };
        const slope = (move(1e-5) - move(-1e-5)) / 2e-5;
        // float32 sums of some hundred terms
        expect([path, Math.abs((g[i] as number) - slope) < 1e-4 * Math.max(1, Math.abs(slope))]).toEqual([path, true]);
      }
    }
    for (const tree of [params, trained, grads as Params]) disposeTree(tree);
    value.dispose();
  },
);

test('dropout of each of the three readings of vectors is another, and the stream stays where it is', () => {
  const params = initInverter(c, 'corrector', rng(5));
  // both vectors are the same and read by the same weights, at places that do not show: what attends to them sees twice the
  // same, unless other numbers are dropped
  const { embedding } = params.project as { embedding: Params };
  const even = { weight: zerosLike((params.sequence as { weight: Tensor }).weight) };
  const same = { ...params, sequence: even, project: { ...(params.project as Params), hypothesis: embedding } };
  const apart = (drop?: { rate: number; rng: Rng }): number[] =>
    tidy(() => {
      const e = tensor2d([[0.6, -0.2, 0.1, 0.7, -0.3]]);
      const hypothesis = { embedding: e, ids: tensor2d([[5, 2, 0, 0]], [1, c.maxLength], 'int32') };
      const [keys] = inverterMemory(same, c, 'corrector', { embedding: e, hypothesis }, drop)[0] as readonly Tensor[];
      const values = (keys as Tensor).dataSync();
      // sep, R of e, sep, R of ê
      const [R, d] = [c.embeddingTokens, c.width];
      return Array.from({ length: R * d }, (_, i) =>
        Math.abs((values[d + i] as number) - (values[(R + 2) * d + i] as number)),
      );
    });
  expect(Math.max(...apart())).toBeLessThan(1e-6);
  const stream = rng(3);
  const before = stream.state();
  expect(Math.max(...apart({ rate: 0.5, rng: stream }))).toBeGreaterThan(0.01);
  expect(stream.state()).toEqual(before);
  disposeTree(params);
  even.weight.dispose();
});
