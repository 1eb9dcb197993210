// Nothing but the vector goes from the encoder to the decoder.
import { flatten, type Params, rng, stopGradient, valueAndGrad } from '@gimbal/tensor-core';
import { decodeCodes, encodeTexts, type Vec2Text } from '@gimbal/vec2text';
import { type Scalar, square, sum, type Tensor, type Tensor2D, tensor2d, tidy } from '@tensorflow/tfjs-core';
import { defineClaim } from '../../reproduce/claim.ts';
import { verdict } from '../../reproduce/verdict.ts';
import { modelOf } from './internal/experiment.ts';
import { heldOutRows } from './internal/language.ts';

const largest = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce<number>((most, x, i) => Math.max(most, Math.abs(x - (b[i] as number))), 0);

/** What of a model's input reaches its output past the vector; all are to be 0, or nearly. */
interface Leaks {
  /** largest difference of the logits of one vector, decoded after another sentence was read */
  identical: number;
  /** the same in a batch */
  inBatch: number;
  /** how far padding moves a vector */
  padded: number;
  /** largest gradient of the logits in the encoder, past a detached vector */
  leaking: number;
  /** share of the sentences that come back of vectors that were shuffled */
  hits: number;
}

/** Measures the leaks of any model, trained or not. @param texts that it can read */
export async function leaksOf(
  model: Vec2Text,
  texts: readonly string[],
  seed: number,
  signal: AbortSignal,
): Promise<Leaks> {
  const { module, params, tokenizer } = model;
  const { padId, bosId, eosId, controlDim: k, maxLength } = module.config;
  const row = (text: string, width: number, left = 0): Int32Array => {
    const ids = new Int32Array(width).fill(padId);
    ids.set([...tokenizer.encodeText(text), eosId], left);
    return ids;
  };
  const logitsOf = (z: Float32Array, shifted: Int32Array, rows = 1): Float32Array =>
    tidy(() =>
      module.logits(params, tensor2d(z, [rows, k]), tensor2d(shifted, [rows, shifted.length / rows], 'int32')),
    ).dataSync<'float32'>() as Float32Array;
  const codeOf = (ids: Int32Array): Float32Array =>
    tidy(() => module.encode(params, tensor2d(ids, [1, ids.length], 'int32')))
      .dataSync<'float32'>()
      .slice() as Float32Array;

  const byLength = texts.toSorted((a, b) => a.length - b.length);
  const [short, long] = [byLength[0] as string, byLength.at(-1) as string];
  const width = tokenizer.encodeText(short).length + 1;
  const shifted = Int32Array.of(bosId, ...row(short, width).slice(0, -1));
  const z = codeOf(row(short, width));
  const before = logitsOf(z, shifted).slice();
  codeOf(row(long, tokenizer.encodeText(long).length + 1));
  const identical = largest(before, logitsOf(z.slice(), shifted));
  const both = new Float32Array(2 * k);
  both.set(z);
  both.set(codeOf(row(long, maxLength)), k);
  const inBatch = largest(before, logitsOf(both, Int32Array.of(...shifted, ...shifted), 2).subarray(0, before.length));
  const padded = Math.max(
    largest(z, codeOf(row(short, maxLength))),
    largest(z, codeOf(row(short, maxLength, maxLength - width))),
  );

  const ids = tensor2d(row(short, width), [1, width], 'int32');
  const past = tensor2d(shifted, [1, width], 'int32');
  const leaking = tidy(() => {
    const { grads } = valueAndGrad((p: Params): Scalar => {
      const detached = stopGradient(module.encode(p, ids)) as Tensor2D;
      return sum(square(module.logits(p, detached, past)));
    })(params);
    return flatten(grads)
      .filter(([path]) => /^(?:encoder|bottleneck)\./.test(path))
      .reduce(
        (most, [, g]) => Math.max(most, largest((g as Tensor).dataSync(), new Float32Array((g as Tensor).size))),
        0,
      );
  });
  ids.dispose();
  past.dispose();

  const codes = await encodeTexts(model, texts, { signal: signal });
  const order = rng(seed)
    .split('claims.E1')
    .shuffle(texts.map((_, i) => i));
  const shuffled = new Float32Array(codes.length);
  order.forEach((from, to) => {
    shuffled.set(codes.subarray(from * k, (from + 1) * k), to * k);
  });
  const decoded = await decodeCodes(model, shuffled, { signal: signal });
  const hits = decoded.filter(({ text }, i) => text === texts[i]).length / texts.length;
  return { identical, inBatch, padded, leaking, hits };
}

export const claim = defineClaim({
  id: 'E1',
  claim: 'there is no path from the encoder to the decoder besides the vector',
  paper: 'the bottleneck of section 3: the decoder reads one vector',
  wanted:
    'the same numbers decoded again: logits bit-identical (in a batch 1e-5); extra padding moves a code ≤ 1e-5; gradient past a detached vector exactly 0; vectors shuffled: ae exactMatch ≤ .02',
  quick: true,
  async run(c) {
    const seed = c.seeds[0] ?? 0;
    const model = await modelOf({ objective: 'ae', seed }, c);
    const { identical, inBatch, padded, leaking, hits } = await leaksOf(
      model,
      heldOutRows(seed).map(({ text }) => text),
      seed,
      c.signal,
    );
    return verdict(
      `logits differ by ${identical} alone, ${inBatch.toExponential(1)} in a batch; padding moves the code by ${padded.toExponential(1)}; gradient past the vector ${leaking}; exactMatch of shuffled vectors ${hits.toFixed(4)}`,
      [hits],
      {
        'bit-identical': identical === 0,
        'batch ≤ 1e-5': inBatch <= 1e-5,
        'padding ≤ 1e-5': padded <= 1e-5,
        'gradient 0': leaking === 0,
        'shuffled ≤ .02': hits <= 0.02,
      },
    );
  },
});
