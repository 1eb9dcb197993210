// Penalties and beam search as transformers' generate does them, on models that transformers wrote.
// The cases were made by golden/make_generation.py (torch 2.13.0, transformers 5.24.0).
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { disposeTree, rng, useBackend } from '@gimbal/tensor-core';
import { memory } from '@tensorflow/tfjs-core';
import {
  allowTokens,
  beamSearch,
  decoder,
  generate,
  generateStream,
  loadPretrained,
  noRepeatNgrams,
  type Pretrained,
  padBatch,
  sampleCompletions,
  trainTokenizer,
} from '../src/index.ts';

interface Case {
  model: string;
  prompts: number[][];
  options: {
    repetition_penalty?: number;
    no_repeat_ngram_size?: number;
    num_beams?: number;
    num_return_sequences?: number;
    length_penalty?: number;
    early_stopping?: boolean | 'never';
  };
  eos: number[] | null;
  rows: number[][];
  scores: number[];
}
const golden = (name: string): string => fileURLToPath(new URL(`golden/${name}`, import.meta.url));
const cases = JSON.parse(readFileSync(golden('generation.golden.json'), 'utf8')) as Case[];
const models = new Map<string, Pretrained>();

beforeAll(async () => {
  await useBackend('auto');
  for (const name of new Set(cases.map(({ model }) => model))) models.set(name, await loadPretrained(golden(name)));
});
afterAll(() => {
  for (const { params } of models.values()) disposeTree(params);
});

it.each(cases.map((c) => [c.model, JSON.stringify(c.options), c] as const))('%s writes %s', async (_, __, c) => {
  const { model, params } = models.get(c.model) as Pretrained;
  const { repetition_penalty: repetitionPenalty = 1, no_repeat_ngram_size: size, num_beams: beams } = c.options;
  const prompts = padBatch(c.prompts, 0); // both in one batch here
  const penalties = { repetitionPenalty, logitsProcessors: size === undefined ? [] : [noRepeatNgrams(size)] };
  const before = memory().numTensors;
  if (beams === undefined) {
    const o = { temperature: 0, maxNewTokens: 10, rng: rng(0), ...penalties };
    const { ids } = await sampleCompletions(model, params, prompts, o);
    expect([[...ids.subarray(0, 10)], [...ids.subarray(10)]]).toEqual(c.rows);
  } else {
    const { length_penalty: lengthPenalty = 1, early_stopping: earlyStopping = false } = c.options;
    const o = { beams, maxNewTokens: 10, eosIds: c.eos ?? [], lengthPenalty, earlyStopping, ...penalties };
    const found = await beamSearch(model, params, prompts, o);
    const best = found.flatMap((each) => each.slice(0, c.options.num_return_sequences));
    expect(best.map(({ ids }) => ids)).toEqual(c.rows);
    best.forEach(({ score }, i) => {
      expect(Math.abs(score - (c.scores[i] as number))).toBeLessThan(1e-4 * Math.max(1, Math.abs(score)));
    });
  }
  expect(memory().numTensors).toBe(before);
});

it('gives the log-probabilities of the model with each beam, whatever the search was led by', async () => {
  const { model, params } = models.get('llama-tiny') as Pretrained;
  const prompts = padBatch([[5, 6, 7]], 0);
  const o = { beams: 3, maxNewTokens: 5, repetitionPenalty: 2 };
  const [found = []] = await beamSearch(model, params, prompts, o);
  expect(found).toHaveLength(3);
  for (const { ids, logProbs } of found) {
    const scored = model.logProbs(params, prompts, padBatch([ids], 0));
    const wanted = scored.dataSync();
    logProbs.forEach((p, i) => {
      expect(p).toBeCloseTo(wanted[i] as number, 4);
    });
    scored.dispose();
  }
});

it('finds a likelier completion than greedy decoding, and what a whole enumeration finds', async () => {
  // 4 tokens, 3 steps: 64 completions; as many beams see them all
  const model = decoder({ vocabularySize: 4, width: 8, layers: 1, heads: 2, contextLength: 8, initializerRange: 1 });
  const params = model.init(rng(3));
  const prompts = padBatch([[1, 2]], 0);
  const all = Array.from({ length: 64 }, (_, i) => [i >> 4, (i >> 2) & 3, i & 3]);
  const scored = model
    .logProbs(
      params,
      padBatch(
        all.map(() => [1, 2]),
        0,
      ),
      padBatch(all, 0),
    )
    .arraySync();
  const sums = scored.map((row) => row.reduce((a, b) => a + b, 0));
  const order = [...all.keys()].sort((a, b) => (sums[b] as number) - (sums[a] as number));
  const [found = []] = await beamSearch(model, params, prompts, { beams: 64, maxNewTokens: 3, lengthPenalty: 0 });
  expect(found.map(({ ids }) => ids)).toEqual(order.map((i) => all[i]));
  expect(found[0]?.score).toBeCloseTo(sums[order[0] as number] as number, 4);
  disposeTree(params);
});

it.each([-1, 0, 1, 2])(
  'with length penalty %d, ends at any step are ranked as a whole enumeration ranks them',
  async (lengthPenalty) => {
    // 5 tokens, of which 0 ends, at most 4 of them: 1 + 4 + 16 + 64 that end, and 256 that the limit cuts
    const model = decoder({ vocabularySize: 5, width: 8, layers: 1, heads: 2, contextLength: 8, initializerRange: 1 });
    const params = model.init(rng(5));
    const grow = (rows: number[][]): number[][] => rows.flatMap((row) => [0, 1, 2, 3, 4].map((id) => [...row, id]));
    const all: number[][] = [];
    let live: number[][] = [[]];
    for (let step = 1; step <= 4; step++) {
      const grown = grow(live);
      live = grown.filter((row) => row.at(-1) !== 0);
      all.push(...grown.filter((row) => row.at(-1) === 0));
    }
    all.push(...live);
    expect(all).toHaveLength(341);
    const prompts = padBatch(
      all.map(() => [1, 2]),
      0,
    );
    const each = model.logProbs(params, prompts, padBatch(all, 0));
    const scores = each.arraySync().map((row, i) => {
      const { length } = all[i] as number[];
      return row.slice(0, length).reduce((a, b) => a + b, 0) / length ** lengthPenalty;
    });
    each.dispose();
    const order = [...all.keys()].sort((a, b) => (scores[b] as number) - (scores[a] as number));
    const o = { beams: 341, maxNewTokens: 4, eosIds: [0], lengthPenalty, earlyStopping: 'never' } as const;
    const [found = []] = await beamSearch(model, params, padBatch([[1, 2]], 0), o);
    expect(found.slice(0, 50).map(({ ids }) => ids)).toEqual(order.slice(0, 50).map((i) => all[i]));
    for (const [i, { score }] of found.slice(0, 50).entries()) {
      expect(score).toBeCloseTo(scores[order[i] as number] as number, 4);
    }
    disposeTree(params);
  },
);

describe('a search by hand', () => {
  /** log p of the next token, by what was written; the others' is −40. */
  type Table = (so: readonly number[]) => { [id: number]: number };
  const find = async (table: Table, o: Partial<Parameters<typeof beamSearch>[3]>) => {
    const model = decoder({ vocabularySize: 5, width: 8, layers: 1, heads: 2, contextLength: 16 });
    const params = model.init(rng(1));
    const processor = (logits: Float32Array, { ids }: { ids: readonly number[] }): void => {
      const given = table(ids.slice(1));
      logits.forEach((_, id) => {
        logits[id] = given[id] === undefined ? -40 : Math.log(given[id] as number);
      });
    };
    const options = { beams: 2, maxNewTokens: 10, logitsProcessors: [processor], ...o };
    const [found = []] = await beamSearch(model, params, padBatch([[1]], 0), options);
    disposeTree(params);
    return found.map(({ ids }) => ids);
  };

  it('never gives up on a completion that could win by its length, where it is told so', async () => {
    // after two tokens two have ended; the one that goes on is the better only when it is long
    const table: Table = (so) => {
      if (so.length === 0) return { 0: 0.4, 1: 0.6 };
      return so.length === 1 ? { 0: 0.9, 1: 0.1 } : { 1: 1 };
    };
    const long = new Array<number>(10).fill(1);
    expect((await find(table, { eosIds: [0], earlyStopping: 'never' }))[0]).toEqual(long);
    expect((await find(table, { eosIds: [0], earlyStopping: false }))[0]).toEqual([1, 0]);
  });

  it('has as many to go on with as ever where several tokens end a completion', async () => {
    // three of the best four end at once; the fifth wins
    const table: Table = (so) => {
      if (so.length === 0) return { 0: 0.3, 1: 0.25, 2: 0.2, 3: 0.15, 4: 0.1 };
      return so[0] === 4 ? { 0: 1 } : { 0: 0.4, 1: 0.3, 2: 0.3 };
    };
    expect((await find(table, { eosIds: [0, 1, 2], earlyStopping: 'never' }))[0]).toEqual([4, 0]);
  });
});

describe('generate', () => {
  const tokenizer = trainTokenizer(['yes no maybe'], { vocabularySize: 280, minFrequency: 1 });
  const model = decoder({ vocabularySize: tokenizer.size, width: 16, layers: 1, heads: 2, contextLength: 64 });
  const o = { maxNewTokens: 6, rng: rng(2) };
  const withParams = async <T>(run: (params: ReturnType<typeof model.init>) => Promise<T>): Promise<T> => {
    const params = model.init(rng(1));
    try {
      return await run(params);
    } finally {
      disposeTree(params);
    }
  };

  it('writes several completions of each prompt, each with draws of its own', async () => {
    const done = await withParams((params) => generate(model, params, tokenizer, ['a', 'b'], { ...o, samples: 3 }));
    expect(done).toHaveLength(6);
    expect(new Set(done.map(({ ids }) => `${ids}`)).size).toBe(6);
    const run = withParams((params) => generate(model, params, tokenizer, ['a'], { ...o, samples: 0 }));
    await expect(run).rejects.toMatchObject({ code: 'ERR_CONFIG' });
  });

  it('writes only what a constraint allows', async () => {
    const answers = ['yes', 'no', 'maybe'].map((text) => [...tokenizer.encodeText(text), 1]);
    const prompt = [...tokenizer.begin, ...tokenizer.encodeText(`q${tokenizer.promptSuffix}`)].length;
    const oneOf = allowTokens(({ ids }) => {
      const so = ids.slice(prompt);
      return answers.filter((a) => so.every((id, i) => a[i] === id)).map((a) => a[so.length] as number);
    });
    const options = { ...o, samples: 20, eosIds: [1], logitsProcessors: [oneOf] };
    const done = await withParams((params) => generate(model, params, tokenizer, ['q'], options));
    const texts = new Set(done.map(({ text }) => text));
    expect([...texts].sort()).toEqual(['maybe', 'no', 'yes']);
    expect(done.every(({ end, logProbs }) => end === 'eos' && logProbs.every(Number.isFinite))).toBe(true);
    // the search obeys it too
    const search = { maxNewTokens: 6, beams: 4, samples: 3, eosIds: [1], logitsProcessors: [oneOf], rng: rng(0) };
    const found = await withParams((params) => generate(model, params, tokenizer, ['q'], search));
    expect(found.map(({ text }) => text).sort()).toEqual(['maybe', 'no', 'yes']);
  });

  it('says which row has no token left', async () => {
    const none = allowTokens(() => []);
    const run = withParams((params) => generate(model, params, tokenizer, ['q'], { ...o, logitsProcessors: [none] }));
    await expect(run).rejects.toThrow(/generation, row 0: its logits processors leave no token to draw/);
  });

  it('ends a beam at a stop string', async () => {
    const text = [...tokenizer.encodeText('no yes maybe')];
    const prompt = 'abc';
    const begun = [...tokenizer.begin, ...tokenizer.encodeText(prompt)].length;
    const write = allowTokens(({ ids }) => [text[ids.length - begun] ?? 1]);
    const options = { beams: 2, maxNewTokens: 30, stopStrings: ['yes'], logitsProcessors: [write], rng: rng(0) };
    const [done] = await withParams((params) =>
      generate(model, params, tokenizer, [prompt], { ...options, promptSuffix: false }),
    );
    expect(done).toMatchObject({ text: 'no ', end: 'stop' });
  });

  it.each<[string, object, RegExp]>([
    ['draws', { beams: 2, temperature: 1 }, /generation.beams: a beam search draws nothing/],
    ['more samples than beams', { beams: 2, samples: 3 }, /generation.samples: out of range; got 3/],
    ['a part of a beam', { beams: 2.5 }, /generation.beams: out of range; got 2.5/],
    ['no beam', { beams: 0 }, /generation.beams: out of range; got 0/],
    ['samples without end', { samples: Number.POSITIVE_INFINITY }, /generation.samples: out of range/],
    [
      'scores that are no numbers',
      { beams: 2, temperature: 0, logitsProcessors: [(logits: Float32Array) => void logits.fill(Number.NaN, 5, 6)] },
      /beam search, token 5: the score of a token is not a number/,
    ],
    ['a penalty of 0', { repetitionPenalty: 0 }, /generation.repetitionPenalty: out of range; got 0/],
    ['a minP of 2', { minP: 2 }, /generation.minP: out of range; got 2/],
  ])('refuses %s', async (_, options, message) => {
    await expect(
      withParams((params) => generate(model, params, tokenizer, ['q'], { ...o, ...options })),
    ).rejects.toThrow(message);
  });

  it('refuses to stream a search', async () => {
    const stream = generateStream(model, {}, tokenizer, ['q'], { ...o, beams: 2 });
    await expect(stream.next()).rejects.toThrow(/generateStream.beams/);
  });
});
