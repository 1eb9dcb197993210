// A cache in bf16 against a float32 cache of keys and values rounded by hand: the same sums, so the same bits. Any
// processor widens bf16, so this needs no bf16 products.
import { concat, gather, memory, slice, type Tensor, tensor1d, tensor3d, tidy } from '@tensorflow/tfjs-core';
import { attentionDecode, kvCache, useBackend } from '../index.ts';

const [batch, time, prompt] = [2, 40, 5];

/** Nearest bf16, ties to even. */
function round(x: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, x);
  const bits = view.getUint32(0);
  view.setUint32(0, (bits + 0x7fff + ((bits >>> 16) & 1)) & 0xffff0000);
  return view.getFloat32(0);
}

/** Values in [-1, 1), fixed by `seed`; a `change` of each. */
function numbers(width: number, seed: number, change = (x: number): number => x): Tensor {
  let state = seed;
  const data = Float32Array.from({ length: batch * time * width }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return change(Math.fround(state / 2 ** 31 - 1));
  });
  return tensor3d(data, [batch, time, width]);
}

interface Sizes {
  heads: number;
  kvHeads: number;
  d: number;
}

/** A prompt and then token by token; the outputs after the prompt. */
function decode(s: Sizes, precision: 'float32' | 'bf16', change?: (x: number) => number): Float32Array {
  return tidy(() => {
    const [q, k, v] = [
      numbers(s.heads * s.d, 1),
      numbers(s.kvHeads * s.d, 2, change),
      numbers(s.kvHeads * s.d, 3, change),
    ];
    using cache = kvCache({ batch, kvHeads: s.kvHeads, headDim: s.d, maxLength: time, precision });
    const step = (at: number, size: number): Tensor => {
      const part = (x: Tensor): Tensor => slice(x, [0, at, 0], [-1, size, -1]);
      return attentionDecode(part(q), part(k), part(v), cache, { heads: s.heads });
    };
    step(0, prompt); // among its own tokens, which are not rounded
    const outputs: Tensor[] = [];
    for (let t = prompt; t < time; t++) outputs.push(step(t, 1));
    return concat(outputs, 1).dataSync<'float32'>().slice();
  });
}

const { name } = await useBackend();
if (name !== 'native') console.warn(`skipped: ${name} keeps a cache in float32`);

(name === 'native' ? describe : describe.skip)('a cache of keys and values in bf16', () => {
  test.each([
    { heads: 2, kvHeads: 2, d: 64 },
    { heads: 4, kvHeads: 2, d: 16 },
    { heads: 1, kvHeads: 1, d: 7 },
    { heads: 3, kvHeads: 1, d: 40 },
  ])('rounds what it keeps and nothing else: $heads heads over $kvHeads, width $d', (s) => {
    const kept = decode(s, 'bf16');
    expect(kept).toEqual(decode(s, 'float32', round));
    const exact = decode(s, 'float32');
    const worst = Math.max(...kept.map((x, i) => Math.abs(x - (exact[i] as number))));
    expect(worst).toBeGreaterThan(0);
    expect(worst).toBeLessThan(2 ** -7); // values in [-1, 1): 2⁻⁹ of a value and of a score's terms, averaged
  });

  test('takes half the memory, and its rows can be chosen', () => {
    const bytesOf = (precision: 'float32' | 'bf16'): number => {
      const before = memory().numBytes;
      using _cache = kvCache({ batch, kvHeads: 2, headDim: 64, maxLength: time, precision });
      return memory().numBytes - before;
    };
    expect(bytesOf('bf16')).toBe(bytesOf('float32') / 2);

    tidy(() => {
      const qkv = numbers(3 * 32, 4);
      const next = (swap: boolean): Float32Array => {
        const rows = tensor1d([1, 0], 'int32');
        using cache = kvCache({ batch, kvHeads: 2, headDim: 16, maxLength: time, precision: 'bf16' });
        attentionDecode(slice(qkv, [0, 0, 0], [-1, 9, -1]), undefined, undefined, cache, { heads: 2 });
        const token = slice(qkv, [0, 9, 0], [-1, 1, -1]);
        if (swap) cache.select(rows);
        const out = attentionDecode(swap ? gather(token, rows) : token, undefined, undefined, cache, { heads: 2 });
        return (swap ? gather(out, rows) : out).dataSync<'float32'>().slice();
      };
      expect(next(true)).toEqual(next(false));
    });
  });
});
