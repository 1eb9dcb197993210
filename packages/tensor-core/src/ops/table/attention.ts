import { concat, ones, slice, type Tensor, tidy, zeros } from '@tensorflow/tfjs-core';
import { type AttentionOptions, attention } from '../attention.ts';
import { attentionDecode, kvCache } from '../attention-decode.ts';
import { type RotaryOptions, rotary } from '../rotary.ts';
import { at, logSumExp, zerosNd } from './reference.ts';
import { floats, ints, numbers } from './samples.ts';
import type { Nd, OpCase, OpRow, Sample } from './types.ts';

interface Sizes {
  batch: number;
  queries: number;
  keys?: number;
  heads: number;
  kvHeads?: number;
  d: number;
}

type Plain = Omit<AttentionOptions, 'lengths' | 'starts' | 'heads' | 'kvHeads'>;

/** Attention by the definition, one query at a time. `read` gives element j of head h of token t of batch b. */
function attentionReference(
  { batch, queries, keys = queries, heads, kvHeads = heads, d }: Sizes,
  o: Plain & { lengths?: Nd | undefined; starts?: Nd | undefined },
  q: (b: number, t: number, h: number, j: number) => number,
  k: (b: number, t: number, h: number, j: number) => number,
  v: (b: number, t: number, h: number, j: number) => number,
): Nd {
  const out = zerosNd([batch, queries, heads * d]);
  const { scale = 1 / Math.sqrt(d), softcap = 0, window = 0, causal = false } = o;
  for (let b = 0; b < batch; b++)
    for (let h = 0; h < heads; h++)
      for (let t = 0; t < queries; t++) {
        const g = Math.floor(h / (heads / kvHeads));
        const position = t + keys - queries;
        const seen: number[] = [];
        for (let s = 0; s < keys; s++) {
          if (causal && s > position) continue;
          if (window > 0 && Math.abs(position - s) >= window) continue;
          if (o.lengths !== undefined && s >= at(o.lengths.data, b)) continue;
          if (o.starts !== undefined && s < at(o.starts.data, b)) continue;
          seen.push(s);
        }
        const scores = seen.map((s) => {
          let x = 0;
          for (let j = 0; j < d; j++) x += q(b, t, h, j) * k(b, s, g, j);
          return softcap > 0 ? softcap * Math.tanh((x * scale) / softcap) : x * scale;
        });
        const lse = logSumExp(scores);
        seen.forEach((s, i) => {
          const p = Math.exp((scores[i] as number) - lse);
          for (let j = 0; j < d; j++) {
            const index = ((b * queries + t) * heads + h) * d + j;
            out.data[index] = at(out.data, index) + p * v(b, s, g, j);
          }
        });
      }
  return out;
}

function packedCase(title: string, s: Sizes, o: Plain & { lengths?: number[]; starts?: number[] } = {}): OpCase {
  const { heads, kvHeads = heads, d } = s;
  const { lengths, starts, ...plain } = o;
  const width = (heads + 2 * kvHeads) * d;
  const inputs: { [name: string]: Sample } = { qkv: floats([s.batch, s.queries, width], 1, 2) };
  if (lengths !== undefined) inputs.lengths = numbers([s.batch], lengths, 'int32');
  if (starts !== undefined) inputs.starts = numbers([s.batch], starts, 'int32');
  return {
    title,
    inputs,
    run: ({ qkv, ...padding }) => attention(qkv as Tensor, { heads, kvHeads, ...plain, ...padding }),
    differentiable: ['qkv'],
    reference: ({ qkv, lengths: l, starts: f }) => {
      const read = (first: number) => (b: number, t: number, h: number, j: number) =>
        at((qkv as Nd).data, (b * s.queries + t) * width + (first + h) * d + j);
      return [attentionReference(s, { ...plain, lengths: l, starts: f }, read(0), read(heads), read(heads + kvHeads))];
    },
  };
}

function separateCase(title: string, s: Sizes, o: Plain = {}): OpCase {
  const { batch, queries, keys = queries, heads, kvHeads = heads, d } = s;
  return {
    title,
    inputs: {
      q: floats([batch, queries, heads * d], 1, 2),
      k: floats([batch, keys, kvHeads * d], 2, 2),
      v: floats([batch, keys, kvHeads * d], 3),
    },
    run: ({ q, k, v }) => attention(q as Tensor, k as Tensor, v as Tensor, { heads, kvHeads, ...o }),
    differentiable: ['q', 'k', 'v'],
    reference: ({ q, k, v }) => {
      const read = (x: Nd | undefined, time: number, count: number) => (b: number, t: number, h: number, j: number) =>
        at((x as Nd).data, ((b * time + t) * count + h) * d + j);
      return [attentionReference(s, o, read(q, queries, heads), read(k, keys, kvHeads), read(v, keys, kvHeads))];
    },
  };
}

/** A prompt, then single tokens, through the cache: equal to causal attention over all of them at once. */
function decodeCase(title: string, s: Sizes, prompt: number, o: Plain & { starts?: number[] } = {}): OpCase {
  const whole = packedCase(title, s, { ...o, causal: true });
  const { heads, kvHeads = heads, d } = s;
  const { starts: _, causal: __, ...plain } = o;
  return {
    ...whole,
    differentiable: [],
    run: ({ qkv, starts }) => {
      const cache = kvCache({ batch: s.batch, kvHeads, headDim: d, maxLength: s.queries + 3 });
      const out = tidy(() => {
        const parts: Tensor[] = [];
        for (let t = 0; t < s.queries; t += t === 0 ? prompt : 1) {
          const part = slice(qkv as Tensor, [0, t, 0], [-1, t === 0 ? prompt : 1, -1]);
          parts.push(attentionDecode(part, undefined, undefined, cache, { heads, ...plain, starts }));
        }
        return concat(parts, 1);
      });
      cache.dispose();
      return out;
    },
  };
}

function rotaryCase(
  title: string,
  [batch, time]: [number, number],
  d: number,
  o: RotaryOptions,
  positions?: Sample,
): OpCase {
  const inputs: { [name: string]: Sample } = { x: floats([batch, time, o.heads * d], 1) };
  if (positions !== undefined) inputs.positions = positions;
  return {
    title,
    inputs,
    run: ({ x, positions: p }) => rotary(x as Tensor, { ...o, positions: p }),
    differentiable: ['x'],
    reference: ({ x, positions: p }) => {
      const out = zerosNd((x as Nd).shape);
      const half = d / 2;
      for (let r = 0; r < batch * time; r++)
        for (let h = 0; h < o.heads; h++)
          for (let i = 0; i < half; i++) {
            let f = (o.theta ?? 10000) ** (-i / half);
            if (o.scaling?.type === 'linear') f /= o.scaling.factor;
            if (o.scaling?.type === 'llama3') {
              const { factor, lowFrequencyFactor, highFrequencyFactor, originalMaxPositions } = o.scaling;
              const wavelength = (2 * Math.PI) / f;
              if (wavelength > originalMaxPositions / lowFrequencyFactor) f /= factor;
              else if (wavelength >= originalMaxPositions / highFrequencyFactor) {
                const share =
                  (originalMaxPositions / wavelength - lowFrequencyFactor) / (highFrequencyFactor - lowFrequencyFactor);
                f = ((1 - share) * f) / factor + share * f;
              }
            }
            const angle = ((p === undefined ? r % time : at(p.data, r)) + (o.offset ?? 0)) * f;
            const first = (r * o.heads + h) * d + i;
            const [a, b] = [at((x as Nd).data, first), at((x as Nd).data, first + half)];
            out.data[first] = a * Math.cos(angle) - b * Math.sin(angle);
            out.data[first + half] = b * Math.cos(angle) + a * Math.sin(angle);
          }
      return [out];
    },
  };
}

const llama3 = {
  type: 'llama3' as const,
  factor: 8,
  lowFrequencyFactor: 1,
  highFrequencyFactor: 4,
  originalMaxPositions: 64,
};

export const attentionRows: OpRow[] = [
  {
    name: 'attention',
    cases: [
      packedCase('causal', { batch: 2, queries: 5, heads: 2, d: 4 }, { causal: true }),
      packedCase('all to all', { batch: 2, queries: 5, heads: 2, d: 3 }),
      packedCase('longer than a block, odd width', { batch: 1, queries: 133, heads: 2, d: 18 }, { causal: true }),
      packedCase('one token', { batch: 3, queries: 1, heads: 2, d: 8 }, { causal: true }),
      packedCase('grouped heads', { batch: 2, queries: 9, heads: 6, kvHeads: 2, d: 4 }, { causal: true }),
      packedCase('sliding window', { batch: 2, queries: 70, heads: 2, d: 4 }, { causal: true, window: 5 }),
      packedCase('window on both sides', { batch: 1, queries: 12, heads: 1, d: 4 }, { window: 3 }),
      packedCase(
        'soft cap and scale',
        { batch: 2, queries: 9, heads: 2, d: 4 },
        { causal: true, softcap: 2, scale: 0.9 },
      ),
      packedCase('right padding', { batch: 3, queries: 7, heads: 2, d: 4 }, { causal: true, lengths: [7, 3, 1] }),
      packedCase(
        'left padding: queries that see nothing',
        { batch: 3, queries: 7, heads: 2, d: 4 },
        { causal: true, starts: [0, 3, 6] },
      ),
      packedCase('encoder padding', { batch: 2, queries: 6, heads: 2, kvHeads: 1, d: 4 }, { lengths: [6, 2] }),
      separateCase('separate, causal', { batch: 2, queries: 6, heads: 2, d: 8 }, { causal: true }),
      separateCase('cross attention', { batch: 2, queries: 3, keys: 11, heads: 2, d: 4 }),
      separateCase(
        'the last queries of a longer context',
        { batch: 2, queries: 3, keys: 60, heads: 4, kvHeads: 2, d: 4 },
        { causal: true },
      ),
    ],
    errors: [
      {
        title: 'a width that does not divide',
        run: () => attention(ones([1, 2, 10]), { heads: 4 }),
        code: 'ERR_SHAPE',
        message:
          'attention: qkv does not divide into 12 heads; got [1,2,10], wanted a last axis that is a multiple of 12',
      },
      {
        title: 'groups that do not divide',
        run: () => attention(ones([1, 2, 40]), { heads: 4, kvHeads: 3 }),
        code: 'ERR_CONFIG',
        message: 'attention: kvHeads is out of range; got 3, wanted a divisor of heads (4)',
      },
      {
        title: 'keys of another batch',
        run: () => attention(ones([2, 3, 8]), ones([1, 3, 8]), ones([1, 3, 8]), { heads: 2 }),
        code: 'ERR_SHAPE',
        message: 'attention: k has the wrong shape; got [1,3,8], wanted [2,3,8]',
      },
      {
        title: 'more causal queries than keys',
        run: () => attention(ones([2, 3, 8]), ones([2, 2, 8]), ones([2, 2, 8]), { heads: 2, causal: true }),
        code: 'ERR_SHAPE',
        message: 'attention: causal queries need at least as many keys; got [2,2,8], wanted [B,S,Hkv·D] with S ≥ 3',
      },
    ],
  },
  {
    name: 'attentionDecode',
    cases: [
      decodeCase('prompt and three tokens', { batch: 2, queries: 8, heads: 2, d: 4 }, 5),
      decodeCase('grouped heads', { batch: 2, queries: 6, heads: 4, kvHeads: 2, d: 16 }, 3),
      decodeCase('token by token, odd width', { batch: 3, queries: 5, heads: 1, d: 7 }, 1),
      decodeCase('left padding', { batch: 2, queries: 7, heads: 2, d: 4 }, 4, { starts: [0, 2] }),
      decodeCase('window and soft cap', { batch: 2, queries: 40, heads: 2, d: 8 }, 20, { window: 6, softcap: 3 }),
      decodeCase('width 64', { batch: 2, queries: 70, heads: 2, d: 64 }, 65),
    ],
    errors: [
      {
        title: 'a full cache',
        run: () => {
          using cache = kvCache({ batch: 1, kvHeads: 2, headDim: 4, maxLength: 2 });
          attentionDecode(ones([1, 3, 24]), undefined, undefined, cache, { heads: 2 });
        },
        code: 'ERR_CONFIG',
        message:
          'attentionDecode: the cache is full; got 3, wanted at most 2 positions. Make it with a larger maxLength.',
      },
    ],
  },
  {
    name: 'kvCache',
    cases: [],
    errors: [
      {
        title: 'a capacity of 0',
        run: () => kvCache({ batch: 1, kvHeads: 1, headDim: 4, maxLength: 0 }),
        code: 'ERR_CONFIG',
        message: 'kvCache: maxLength is out of range; got 0, wanted a whole number > 0',
      },
    ],
  },
  {
    name: 'rotary',
    cases: [
      rotaryCase('two heads', [2, 5], 8, { heads: 2 }),
      rotaryCase('odd half width', [1, 33], 6, { heads: 3, theta: 500 }),
      rotaryCase('offset', [2, 3], 4, { heads: 1, offset: 17 }),
      rotaryCase('positions', [2, 3], 8, { heads: 2 }, ints([2, 3], 4, 90)),
      rotaryCase('linear scaling', [1, 9], 8, { heads: 1, scaling: { type: 'linear', factor: 4 } }),
      rotaryCase('scaling as in Llama 3', [1, 40], 32, { heads: 1, scaling: llama3 }),
    ],
    errors: [
      {
        title: 'heads of odd width',
        run: () => rotary(ones([1, 2, 6]), { heads: 2 }),
        code: 'ERR_SHAPE',
        message:
          'rotary: x does not divide into 2 heads of even width; got [1,2,6], wanted a last axis that is a multiple of 4',
      },
      {
        title: 'positions of another shape',
        run: () => rotary(ones([1, 2, 8]), { heads: 2, positions: zeros([2], 'int32') }),
        code: 'ERR_SHAPE',
        message: 'rotary: positions has the wrong shape; got [2], wanted [1,2]',
      },
    ],
  },
];
