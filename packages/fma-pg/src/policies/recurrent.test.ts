// GRU and LSTM against float64 recurrences written out by hand, and their gradients against central differences of those.
import { disposeTree, flatten, type Params, rng, useBackend, valueAndGrad, variables } from '@gimbal/tensor-core';
import { mul, type Scalar, sum, tensor1d, tensor2d, tidy, type Variable } from '@tensorflow/tfjs-core';
import { type RecurrentOptions, recurrentNetwork } from './recurrent.ts';

beforeAll(() => useBackend('auto'));

const [O, H, B, L, K] = [3, 4, 2, 5, 2] as const;
const spec = { size: O, parts: [{ path: '', keys: [], offset: 0, size: O }] };
const net = (cell: RecurrentOptions['cell']) =>
  recurrentNetwork(spec, K, { hidden: [], activation: 'tanh', outputGain: 1 }, { cell, size: H });

type Weights = { [path: string]: Float64Array };
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** Σ weights·outputs of L steps of B copies, one number at a time. */
function reference(
  cell: RecurrentOptions['cell'],
  w: Weights,
  x: number[],
  starts: number[],
  state: number[],
  mix: number[],
): number {
  const gates = cell === 'gru' ? 3 : 4;
  const at = (path: string, row: number, column: number, width: number): number =>
    (w[path] as Float64Array)[row * width + column] as number;
  let total = 0;
  for (let b = 0; b < B; b++) {
    const S = cell === 'gru' ? H : 2 * H;
    let s = state.slice(b * S, (b + 1) * S);
    for (let l = 0; l < L; l++) {
      const row = l * B + b;
      if (starts[row] === 1) s = s.map(() => 0);
      const fromInput = (k: number): number => {
        let v = at('cell.inputBias', 0, k, 1 * gates * H);
        for (let i = 0; i < O; i++) v += (x[row * O + i] as number) * at('cell.inputWeight', i, k, gates * H);
        return v;
      };
      const fromState = (k: number): number => {
        let v = at('cell.stateBias', 0, k, gates * H);
        for (let i = 0; i < H; i++) v += (s[i] as number) * at('cell.stateWeight', i, k, gates * H);
        return v;
      };
      const next: number[] = [];
      for (let j = 0; j < H; j++) {
        const gate = (g: number): number => fromInput(g * H + j) + fromState(g * H + j);
        if (cell === 'gru') {
          const [r, z] = [sigmoid(gate(0)), sigmoid(gate(1))];
          const n = Math.tanh(fromInput(2 * H + j) + r * fromState(2 * H + j));
          next[j] = (1 - z) * n + z * (s[j] as number);
        } else {
          const c = sigmoid(gate(1)) * (s[H + j] as number) + sigmoid(gate(0)) * Math.tanh(gate(2));
          next[j] = sigmoid(gate(3)) * Math.tanh(c);
          next[H + j] = c;
        }
      }
      s = next;
      for (let k = 0; k < K; k++) {
        let y = at('head.0.bias', 0, k, K);
        for (let j = 0; j < H; j++) y += (s[j] as number) * at('head.0.weight', j, k, K);
        total += y * (mix[row * K + k] as number);
      }
    }
  }
  return total;
}

test.each(['gru', 'lstm'] as const)('%s: values and gradients', (cell) => {
  const network = net(cell);
  const r = rng(7);
  const fresh = network.init(r.split('init'));
  const params = variables(fresh);
  const draws = (n: number): number[] => Array.from({ length: n }, () => Math.fround(r.normal()));
  // biases begin at 0: others, so that their gradients are told apart
  for (const [path, v] of flatten(params))
    if (path.includes('ias')) tidy(() => (v as Variable).assign(tensor1d(draws(v.size))));
  const [x, state, mix] = [draws(L * B * O), draws(B * network.stateSize), draws(L * B * K)];
  const starts = Array.from({ length: L * B }, (_, row) => (row === 2 * B + 1 || row === 0 ? 1 : 0));
  const { value, grads } = valueAndGrad((p: Params) => {
    const { outputs } = network.unroll(
      p,
      tensor2d(x, [L * B, O]),
      tensor1d(starts),
      tensor2d(state, [B, network.stateSize]),
    );
    return sum(mul(outputs, tensor2d(mix, [L * B, K]))) as Scalar;
  })(params);
  const weights: Weights = Object.fromEntries(
    flatten(params).map(([path, t]) => [path, Float64Array.from(t.dataSync<'float32'>())]),
  );
  const f = (): number => reference(cell, weights, x, starts, state, mix);
  expect(value.dataSync()[0]).toBeCloseTo(f(), 4);
  for (const [path, g] of flatten(grads)) {
    const w = weights[path] as Float64Array;
    const got = g.dataSync<'float32'>();
    for (let i = 0; i < w.length; i++) {
      const kept = w[i] as number;
      w[i] = kept + 1e-5;
      const above = f();
      w[i] = kept - 1e-5;
      const below = f();
      w[i] = kept;
      expect(Math.abs((got[i] as number) - (above - below) / 2e-5)).toBeLessThan(1e-4);
    }
  }
  for (const tree of [fresh, params, grads]) disposeTree(tree);
  value.dispose();
});
