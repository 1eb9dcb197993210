/** Teachers with another tokenizer: stretches of text, and distances of distributions over different tokens. */
import { padBatch, rowOf } from '@gimbal/language-models';
import { useBackend } from '@gimbal/tensor-core';
import {
  add,
  exp,
  grad,
  log,
  logSoftmax,
  mul,
  sum,
  type Tensor,
  type Tensor2D,
  tensor1d,
  tensor2d,
  tidy,
} from '@tensorflow/tfjs-core';
import type { Divergence, Vocabulary } from '../src/index.ts';
import { coarseRows, sortedDistance } from '../src/rows/aligned-distance.ts';
import type { AlignedRows } from '../src/rows/aligned-rows.ts';
import { rowLoss } from '../src/rows/row-loss.ts';
import { chunksOf } from '../src/rows/spans-in-chunks.ts';
import { distributionRows } from '../src/teachers/align-distributions.ts';
import { alignBatch, spanRows } from '../src/teachers/align-spans.ts';
import { sharedCells } from '../src/teachers/shared-cells.ts';
import { idsOf } from '../src/teachers/vocabulary.ts';
import { inPairs, pairs } from './helpers/pairs.ts';
import { counting, letters, noise, relativeError } from './helpers.ts';

await useBackend('auto');

const { vocabulary } = counting(0.9);

test('no chunk cuts a stretch, by hand', () => {
  expect(chunksOf(5, 2)).toEqual([
    [0, 2],
    [2, 2],
    [4, 1],
  ]);
  // stretches of 2, 3 and 1 rows; the row without one goes with what follows it
  const spans = Int32Array.of(0, 0, -1, 1, 1, 1, 2);
  expect(chunksOf(7, 2, spans)).toEqual([
    [0, 2],
    [2, 4],
    [6, 1],
  ]);
  expect(chunksOf(7, 6, spans)).toEqual([
    [0, 6],
    [6, 1],
  ]);
  expect(chunksOf(7, 7, spans)).toEqual([[0, 7]]);
  expect(chunksOf(2, 1, Int32Array.of(-1, -1))).toEqual([[0, 2]]);
});

describe('stretches', () => {
  /** Tokens are bytes; 0 fills up, 1 ends. */
  const bytes: Vocabulary = {
    ...letters(''),
    ...{ size: 256, token: (id) => `<${id}>`, encodeText: (text) => [...new TextEncoder().encode(text)] },
    decode: (batch) =>
      Array.from(batch.lengths, (_, b) =>
        new TextDecoder().decode(Uint8Array.from([...rowOf(batch, b)].filter((id) => id > 1))),
      ),
  };
  const characters = letters('aé😀b');
  const spans = (text: string): [number[], number[]] => {
    const { own, other } = alignBatch(bytes, characters, ['a'], padBatch([idsOf(bytes, text)], 0));
    return [[...own], [...other]];
  };

  test('none has a part of a character', () => {
    expect(spans('aéb')).toEqual([
      [0, 1, 1, 2],
      [0, 1, 2],
    ]);
    expect(spans('😀b')).toEqual([
      [0, 0, 0, 0, 1],
      [0, 1],
    ]);
  });

  test('tokens without text are in none, wherever they stand; numbers go on through the batch', () => {
    const [a, b] = [97, 98];
    const rows = [[0, a, 0, b, 1], [0, 0], [], [b, 0]];
    const { own, other, stretches } = alignBatch(bytes, characters, ['a', 'a', 'a', 'a'], padBatch(rows, 0));
    expect([...own]).toEqual([-1, 0, -1, 1, 2, -1, -1, 3, -1]);
    expect([...other]).toEqual([0, 1, 2, 3]);
    expect(stretches).toBe(4);
  });

  test('tokens without text count nothing', async () => {
    const plain = counting(0.9).teacher;
    const silent: Vocabulary = {
      ...vocabulary,
      decode: (batch) => vocabulary.decode(batch).map((text) => text.replaceAll('·', '')),
    };
    const made = await spanRows({ ...plain, vocabulary: silent }, silent, ['1'], padBatch([[4, 0, 5]], 0), undefined);
    const z = noise<Tensor2D>([3, vocabulary.size], 1);
    const input = (logits: Tensor2D) => ({
      ...{ student: { logits }, teacher: made, weights: Float32Array.of(1, 1, 1), ids: Int32Array.of(4, 0, 5) },
      divergence: 'rkl' as const,
    });
    const table = rowLoss(input(z)).table.arraySync() as number[][];
    expect(table[1]?.[0]).toBeCloseTo(0, 9);
    expect(Math.abs(table[0]?.[0] as number)).toBeGreaterThan(0.01);
  });
});

test('the distance of sorted probabilities, by hand', () => {
  const p = tensor2d([[0.5, 0.3, 0.2]]);
  // .6 .2 .1 .1 against .5 .3 .2 0
  expect(sortedDistance(p, tensor2d([[0.1, 0.6, 0.2, 0.1]])).dataSync()[0]).toBeCloseTo(0.4, 6);
  expect(sortedDistance(tensor2d([[0.1, 0.6, 0.2, 0.1]]), p).dataSync()[0]).toBeCloseTo(0.4, 6);
  expect(sortedDistance(p, tensor2d([[0.2, 0.5, 0.3]])).dataSync()[0]).toBeCloseTo(0, 6);
});

test('distributions over parts and the stretch that was written, by hand', () => {
  const z = tensor2d([
    [0.5, 0.3, 0.2],
    [0.5, 0.3, 0.2],
  ]);
  // tokens 0 and 1 are a part; of the first row 0 and a further token of .4 are a stretch, of the second token 2 alone
  const coarse = coarseRows(log(z), Int32Array.of(0, 0, 1), 2, {
    ...{ logProbs: log(tensor1d([0.5 * 0.4, 0.2])), first: Int32Array.of(0, 2), apart: Float32Array.of(1, 0) },
  });
  const [first, second] = exp(coarse).arraySync() as number[][];
  // .8 − .2 | .2 | .2, and .8 | .2 | nothing
  for (const [k, wanted] of [0.6, 0.2, 0.2].entries()) expect(first?.[k]).toBeCloseTo(wanted, 6);
  for (const [k, wanted] of [0.8, 0.2, 0].entries()) expect(second?.[k]).toBeCloseTo(wanted, 6);
  // columns that are no token go to the first part
  const wider = coarseRows(log(z), Int32Array.of(1, 1), 2, {
    ...{ logProbs: tensor1d([0, 0]), first: Int32Array.of(0, 0), apart: Float32Array.of(0, 0) },
  });
  expect((exp(wider).arraySync() as number[][])[0]?.[0]).toBeCloseTo(0.2, 6);
});

test('parts of two vocabularies: alike, with the longest token that the other has of it, all others', () => {
  const named = (tokens: string[], eos: number): Vocabulary => ({
    ...letters(''),
    ...{ size: tokens.length, token: (id: number) => tokens[id], special: { pad: 0, eos } },
  });
  const own = named(['<pad>', '</s>', 'h', 'ha', 'has', '▁the', 'z', 'ha'], 1);
  const other = named(['a', 'h', 'ha', 'hat', 'Ġthe', '<|x|>', '<end>'], 6);
  const cells = sharedCells(own, other);
  // 0: the filler and z, that begin with no token of the other's, and there a and <|x|>
  const [, end, h, ha, the] = [0, 1, 2, 3, 5].map((id) => cells.own[id]);
  expect([...cells.own]).toEqual([0, end, h, ha, ha, the, 0, ha]);
  expect([...cells.other]).toEqual([0, h, ha, ha, the, 0, end]);
  expect([new Set([0, end, h, ha, the]).size, cells.count]).toEqual([5, 5]);
  // of one vocabulary every token is a part, whatever its name
  expect(new Set(sharedCells(vocabulary, vocabulary).own).size).toBe(vocabulary.size);
});

describe('distributions of stretches', () => {
  const texts = ['2345', '3', '99'];
  const completions = padBatch(
    texts.map((text) => [...idsOf(vocabulary, text), 1]),
    0,
  );
  const ids = Int32Array.from(texts.flatMap((text) => [...idsOf(vocabulary, text), 1]));
  const rowsOf = (hybrid: boolean): Promise<AlignedRows> =>
    distributionRows(inPairs, vocabulary, ['1', '2', '8'], completions, {
      ...{ hybrid, temperature: 1, signal: undefined },
    }) as Promise<AlignedRows>;

  test('one for each stretch: that of its first token, with what its further tokens have', async () => {
    const { aligned } = await rowsOf(false);
    // 23 45 end | 3 end | 9 9 end
    expect([...aligned.spans]).toEqual([0, 0, 1, 1, 2, 3, 4, 5, 6, 7]);
    expect([...aligned.lengths]).toEqual(Array(8).fill(1));
    expect([...aligned.first.subarray(0, 3)]).toEqual([14, 16, 1]);
    expect(aligned.logProbs[0]).toBeCloseTo(Math.log(0.9 + 0.1 / pairs.size), 5);
    if (!('full' in aligned.rows)) throw new Error('not dense');
    const p = exp(logSoftmax(aligned.rows.full)).arraySync() as number[][];
    expect(p[0]?.[14]).toBeCloseTo(0.9 + 0.1 / pairs.size, 5);
    expect(p[2]?.[1]).toBeCloseTo(0.9 + 0.1 / pairs.size, 5);
    // the stretch's log p, half each
    expect(aligned.sampled[0]).toBeCloseTo(Math.log(0.9 + 0.1 / pairs.size) / 2, 5);
  });

  test.each<['uld' | 'hybrid', Divergence]>([
    ['uld', 'fkl'],
    ['hybrid', { kind: 'jsd', beta: 0.3 }],
    ['hybrid', 'fkl'],
    ['hybrid', 'rkl'],
  ])('%s, %j: gradients are those of finite differences, whatever the chunk', async (how, divergence) => {
    const teacher = await rowsOf(how === 'hybrid');
    const R = ids.length;
    const hidden = noise<Tensor2D>([R, 6], 3);
    const head = noise<Tensor2D>([vocabulary.size, 6], 4);
    const weights = Float32Array.from({ length: R }, (_, r) => 1 / (r + 1));
    const loss = (h: Tensor, rowsPerChunk = 100): Tensor =>
      rowLoss({
        ...{ student: { hidden: h as Tensor2D, head }, teacher, weights, ids, rowsPerChunk },
        ...{ divergence, studentTemperature: 1.5 },
      }).loss;
    const value = (h: Tensor, size?: number): number => tidy(() => loss(h, size).dataSync()[0] as number);
    const [whole, wanted] = [value(hidden), grad((h: Tensor) => loss(h))(hidden).dataSync()];
    for (const size of [1, 3]) {
      expect(value(hidden, size)).toBeCloseTo(whole, 5);
      expect(relativeError(grad((h: Tensor) => loss(h, size))(hidden).dataSync(), wanted)).toBeLessThan(1e-5);
    }
    const direction = noise<Tensor2D>([R, 6], 5);
    const step = 1e-3;
    const [up, down] = [step, -step].map((s) => value(add(hidden, mul(direction, s))));
    const found = ((up as number) - (down as number)) / (2 * step);
    const along = sum(mul(direction, grad((h: Tensor) => loss(h))(hidden))).dataSync()[0] as number;
    expect(Math.abs(found - along)).toBeLessThan(0.01 * Math.max(1, Math.abs(along)));
  });
});

test('a hybrid asks nothing of a student of digits that says of every text what a teacher of pairs does', async () => {
  const completions = padBatch([[...idsOf(vocabulary, '23'), 1]], 0);
  const { aligned } = (await distributionRows(inPairs, vocabulary, ['1'], completions, {
    ...{ hybrid: true, temperature: 1, signal: undefined },
  })) as AlignedRows;
  // q(2) q(3|2) = p(23), and what is left of q(2) is p(2): a digit begins its own token and one pair
  const [pair, each] = [0.9 + 0.1 / pairs.size, 0.1 / pairs.size];
  const begin = pair + each;
  const row = (at: number, p: number): number[] =>
    Array.from({ length: vocabulary.size }, (_, id) => (id === at ? p : (1 - p) / (vocabulary.size - 1)));
  const first = Array.from({ length: vocabulary.size }, (_, id) => (id === 4 ? begin : id < 2 ? each : 2 * each));
  const logits = log(tensor2d([first, row(5, pair / begin), row(1, pair)])) as Tensor2D;
  const { table } = rowLoss({
    ...{ student: { logits }, teacher: { aligned }, weights: Float32Array.of(1, 1, 1), ids: Int32Array.of(4, 5, 1) },
    divergence: 'fkl',
  });
  const found = table.arraySync() as number[][];
  expect(found[0]?.[0]).toBeCloseTo(0, 5);
  expect(found[1]?.[0]).toBe(found[0]?.[0]);
});
