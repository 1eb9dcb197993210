// The model once more, in plain loops and double precision, straight from the formulas: what the fused ops are held to.
import { flatten, type Params } from '@gimbal/tensor-core';
import type { Vec2TextConfig } from '../src/model/config.ts';

export type Weights = Map<string, { values: Float64Array; shape: number[] }>;
export type Matrix = number[][];

/** The parameters as double numbers. */
export const weightsOf = (params: Params): Weights =>
  new Map(flatten(params).map(([path, t]) => [path, { values: Float64Array.from(t.dataSync()), shape: t.shape }]));

const sum = (xs: readonly number[]): number => xs.reduce((a, b) => a + b, 0);

/** One text's code [k]. @param ids tokens, EOS included, no padding */
export function referenceEncode(w: Weights, c: Vec2TextConfig, ids: readonly number[]): number[] {
  const states = referenceStates(w, c, embed(w, ids));
  const pooled = states[0]?.map((_, j) => sum(states.map((row) => row[j] as number)) / states.length) as number[];
  const u = withBias([pooled], w, 'bottleneck')[0] as number[];
  if (c.space === 'box') return u.map(Math.tanh);
  const length = Math.sqrt(sum(u.map((v) => v * v)));
  return c.space === 'free' ? u : u.map((v) => v / (c.space === 'ball' ? Math.max(1, length) : length));
}

/** The encoder's states of what it reads, both [T,d]. */
export function referenceStates(w: Weights, c: Vec2TextConfig, read: Matrix): Matrix {
  let x = read;
  for (let i = 0; i < c.encoderLayers; i++) {
    const at = `encoder.${i}`;
    x = addTo(x, times(attend(c, times(norm(w, `${at}.norm1`, x), w, `${at}.self.qkv`), false), w, `${at}.self.out`));
    x = addTo(x, feed(w, `${at}.mlp`, norm(w, `${at}.norm2`, x)));
  }
  return norm(w, 'encoder.norm', x);
}

/** Logits [T,V] after BOS and each token but the last. */
export function referenceLogits(w: Weights, c: Vec2TextConfig, z: readonly number[], ids: readonly number[]): Matrix {
  const flat = withBias([[...z]], w, 'memory')[0] as number[];
  const memory = Array.from({ length: c.memorySlots }, (_, m) => flat.slice(m * c.width, (m + 1) * c.width));
  return referenceDecode(w, c, memory, ids);
}

/** Logits [T,V] of a decoder that attends to `memory` [M,d], after BOS and each token but the last. */
export function referenceDecode(w: Weights, c: Vec2TextConfig, memory: Matrix, ids: readonly number[]): Matrix {
  let x = embed(w, [c.bosId, ...ids.slice(0, -1)]);
  for (let i = 0; i < c.decoderLayers; i++) {
    const at = `decoder.${i}`;
    x = addTo(x, times(attend(c, times(norm(w, `${at}.norm1`, x), w, `${at}.self.qkv`), true), w, `${at}.self.out`));
    const q = times(norm(w, `${at}.norm2`, x), w, `${at}.cross.q`);
    const [k, v] = [times(memory, w, `${at}.cross.k`), times(memory, w, `${at}.cross.v`)];
    x = addTo(x, times(heads(c, q, k, v, false), w, `${at}.cross.out`));
    x = addTo(x, feed(w, `${at}.mlp`, norm(w, `${at}.norm3`, x)));
  }
  return withBias(norm(w, 'decoder.norm', x), w, 'output').map((row) =>
    row.map((v, id) => ([c.padId, c.bosId, c.maskId].includes(id) ? v - 1e9 : v)),
  );
}

/** Σ −log p of a text given another's code. */
export function referenceLoss(
  w: Weights,
  c: Vec2TextConfig,
  input: readonly number[],
  target: readonly number[],
): number {
  return lossOfLogits(referenceLogits(w, c, referenceEncode(w, c, input), target), target);
}

/** Σ −log p of tokens. */
export const lossOfLogits = (logits: Matrix, target: readonly number[]): number =>
  sum(
    logits.map((row, t) => {
      const top = Math.max(...row);
      return top + Math.log(sum(row.map((v) => Math.exp(v - top)))) - (row[target[t] as number] as number);
    }),
  );

function embed(w: Weights, ids: readonly number[]): Matrix {
  const [table, places] = [rows(w, 'embedding.weight'), rows(w, 'positions.weight')];
  return ids.map((id, t) => (table[id] as number[]).map((v, j) => v + (places[t]?.[j] as number)));
}

export function rows(w: Weights, path: string): Matrix {
  const { values, shape } = w.get(path) as { values: Float64Array; shape: number[] };
  const width = shape[1] as number;
  return Array.from({ length: shape[0] as number }, (_, i) => [...values.subarray(i * width, (i + 1) * width)]);
}

const vector = (w: Weights, path: string): number[] => [...(w.get(path) as { values: Float64Array }).values];

function times(x: Matrix, w: Weights, path: string): Matrix {
  const weight = rows(w, `${path}.weight`);
  return x.map((row) => (weight[0] as number[]).map((_, j) => sum(row.map((v, i) => v * (weight[i]?.[j] as number)))));
}

export function withBias(x: Matrix, w: Weights, path: string): Matrix {
  const bias = vector(w, `${path}.bias`);
  return times(x, w, path).map((row) => row.map((v, j) => v + (bias[j] as number)));
}

export const addTo = (x: Matrix, y: Matrix): Matrix => x.map((row, i) => row.map((v, j) => v + (y[i]?.[j] as number)));

export function norm(w: Weights, path: string, x: Matrix): Matrix {
  const [weight, bias] = [vector(w, `${path}.weight`), vector(w, `${path}.bias`)];
  return x.map((row) => {
    const mean = sum(row) / row.length;
    const variance = sum(row.map((v) => (v - mean) ** 2)) / row.length;
    return row.map((v, j) => ((v - mean) / Math.sqrt(variance + 1e-5)) * (weight[j] as number) + (bias[j] as number));
  });
}

const feed = (w: Weights, path: string, x: Matrix): Matrix =>
  withBias(
    withBias(x, w, `${path}.in`).map((row) => row.map((v) => Math.max(0, v))),
    w,
    `${path}.out`,
  );

function attend(c: Vec2TextConfig, qkv: Matrix, causal: boolean): Matrix {
  const part = (i: number): Matrix => qkv.map((row) => row.slice(i * c.width, (i + 1) * c.width));
  return heads(c, part(0), part(1), part(2), causal);
}

function heads(c: Vec2TextConfig, q: Matrix, k: Matrix, v: Matrix, causal: boolean): Matrix {
  const size = c.width / c.heads;
  return q.map((query, t) => {
    const out: number[] = [];
    for (let h = 0; h < c.heads; h++) {
      const of = (row: number[]): number[] => row.slice(h * size, (h + 1) * size);
      const seen = causal ? k.slice(0, t + 1) : k;
      const weights = seen.map((key) =>
        Math.exp(sum(of(query).map((a, j) => a * (of(key)[j] as number))) / Math.sqrt(size)),
      );
      const total = sum(weights);
      for (let j = 0; j < size; j++)
        out.push(sum(weights.map((weight, s) => (weight / total) * (of(v[s] as number[])[j] as number))));
    }
    return out;
  });
}
