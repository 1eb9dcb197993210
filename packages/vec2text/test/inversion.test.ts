// An inverter learns a small embedder: the sum of a fixed vector for each word and each pair of neighbours.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Params, type Rng, rng, useBackend } from '@gimbal/tensor-core';
import { memory, type Tensor, tensor1d } from '@tensorflow/tfjs-core';
import {
  type Embedder,
  InverterTrainer,
  type InverterTrainerOptions,
  invert,
  invertAll,
  loadInverter,
  saveInverter,
  specialIds,
  textTokenizer,
  wordTokenizer,
} from '../src/index.ts';

const nouns = 'boy girl doctor king'.split(' ');
const verbs = 'saw found took'.split(' ');
const things = 'lamp box stone cup'.split(' ');
const texts = nouns.flatMap((a) => verbs.flatMap((v) => things.map((b) => `the ${a} ${v} the ${b}`)));
const tokenizer = wordTokenizer(['the', ...nouns, ...verbs, ...things]);

const vectorOf = (r: Rng, name: string): Float32Array => {
  const own = r.split(name);
  return Float32Array.from({ length: 16 }, () => own.normal());
};
const embedder: Embedder = {
  name: 'sums',
  dim: 16,
  hash: 'sums-16',
  embed: async (list) => {
    const r = rng(11);
    const out = new Float32Array(list.length * 16);
    list.forEach((text, i) => {
      const words = text.split(' ');
      for (const [j, word] of words.entries())
        for (const part of [word, `${word} ${words[j + 1] ?? ''}`])
          vectorOf(r, part).forEach((x, d) => {
            out[i * 16 + d] = (out[i * 16 + d] as number) + x;
          });
      const norm = Math.hypot(...out.subarray(i * 16, (i + 1) * 16));
      for (let d = 0; d < 16; d++) out[i * 16 + d] = (out[i * 16 + d] as number) / norm;
    });
    return out;
  },
};
const config = { width: 32, ffn: 64, heads: 2, maxLength: 6, embeddingTokens: 2, ...specialIds(tokenizer) };
const common = { embedder, texts, batchSize: 16, seed: 1, learningRate: 5e-3 } as const;
const first: InverterTrainerOptions = { ...common, stage: 'hypothesizer', tokenizer, config };

beforeAll(() => useBackend('auto'));

async function trained(steps: number): Promise<InverterTrainer> {
  const trainer = new InverterTrainer(first);
  await trainer.run({ steps });
  return trainer;
}

it('learns both stages; corrections never lower the cosine, and steps 0 is the first stage', async () => {
  using hypothesizer = await trained(15); // wrong often enough to be corrected
  using corrector = new InverterTrainer({ ...common, stage: 'corrector', from: hypothesizer.inverter });
  const last = await corrector.run({ steps: 40 });
  expect(last?.loss).toBeLessThan(1);
  const { inverter } = corrector;
  const e = await embedder.embed(texts.slice(0, 6));
  const zero = await invertAll(hypothesizer.inverter, e, { steps: 0 });
  expect((await invertAll(inverter, e, { steps: 0, beams: 4 })).map(({ text }) => text)).toEqual(
    zero.map(({ text }) => text),
  );
  const cosines: number[] = [];
  let texts0 = '';
  for await (const { step, best, hypotheses } of invert(inverter, e.subarray(0, 16), { steps: 4, beams: 2 })) {
    cosines.push(best.cosine);
    if (step === 0) texts0 = best.text;
    expect(new Set(hypotheses.map(({ text }) => text)).size).toBe(hypotheses.length);
  }
  expect(cosines).toHaveLength(5);
  expect(texts0).toBe(zero[0]?.text);
  for (let i = 1; i < 5; i++) expect(cosines[i]).toBeGreaterThanOrEqual(cosines[i - 1] as number);
  // many vectors together are the same as one by one
  const together = await invertAll(inverter, e, { steps: 2, beams: 2 });
  for (let i = 0; i < 3; i++) {
    const [alone] = await invertAll(inverter, e.slice(i * 16, (i + 1) * 16), { steps: 2, beams: 2 });
    expect(alone?.text).toBe(together[i]?.text);
  }
  // by chance one text of 48 is right
  const hits = together.filter(({ text }, i) => text === texts[i]).length;
  expect(hits).toBeGreaterThanOrEqual(2);

  // a hypothesizer of one step that writes nothing: a blank guess is not embedded, and is like nothing
  const picky: Embedder = {
    ...embedder,
    embed: async (list) => {
      if (list.some((text) => text === '')) throw new Error('blank');
      return embedder.embed(list);
    },
  };
  const { hypothesizer: tree } = hypothesizer.inverter;
  const { bias } = tree.output as { bias: Tensor };
  const ending = tensor1d(Float32Array.from(bias.dataSync(), (x, id) => (id === config.eosId ? 1e4 : x)));
  const mute = { ...tree, output: { ...(tree.output as Params), bias: ending } };
  const silent = await invertAll({ ...hypothesizer.inverter, hypothesizer: mute, embedder: picky }, e, { steps: 0 });
  expect(silent).toEqual(silent.map(() => ({ text: '', cosine: 0 })));
  ending.dispose();

  // a difference of two embeddings is none: inverted all the same, and it is said
  const said: string[] = [];
  const warn = (message: string): void => void said.push(message);
  await invertAll(inverter, e, { steps: 0, warn });
  expect(said).toEqual([]);
  const difference = e.slice(0, 16).map((x, j) => x - (e[16 + j] as number));
  expect(await invertAll(inverter, difference, { steps: 1, warn })).toHaveLength(1);
  expect(said).toEqual([expect.stringMatching(/row 0 has the length .*a difference or a sum of embeddings is none/)]);
  await expect(invertAll(inverter, new Float32Array(32), { steps: 0 })).rejects.toMatchObject({ reason: 'DEGENERATE' });

  // stopped between two corrections
  const stop = new AbortController();
  const stopped = (async () => {
    for await (const { step } of invert(inverter, e.subarray(0, 16), { steps: 4, signal: stop.signal }))
      if (step === 1) stop.abort();
  })();
  await expect(stopped).rejects.toMatchObject({ code: 'ERR_STOPPED' });

  const before = memory().numTensors;
  await invertAll(inverter, e, { steps: 1, beams: 2 });
  expect(memory().numTensors).toBe(before);

  const folder = await mkdtemp(join(tmpdir(), 'inverter-'));
  try {
    await saveInverter(join(folder, 'model'), inverter);
    using again = await loadInverter(join(folder, 'model'), embedder);
    expect(await invertAll(again, e, { steps: 2, beams: 2 })).toEqual(together);
    expect(again.spread).toEqual(inverter.spread);
    await expect(loadInverter(join(folder, 'model'), { ...embedder, hash: 'other' })).rejects.toMatchObject({
      reason: 'EMBEDDER_MISMATCH',
    });
    await expect(loadInverter(folder, embedder)).rejects.toMatchObject({ reason: 'CHECKPOINT' });
    for (const [name, bad] of [
      ['spread.json', '{}'],
      ['config.json', '{"model_type":"gimbal-inverter"}'],
      ['config.json', 'null'],
    ] as const) {
      await writeFile(join(folder, 'model', name), bad);
      await expect(loadInverter(join(folder, 'model'), embedder)).rejects.toMatchObject({ reason: 'CHECKPOINT' });
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}, 120_000);

it('drops numbers in training by the run’s own stream, and none where it is told so', async () => {
  const losses = async (o: Partial<InverterTrainerOptions>): Promise<number[]> => {
    using trainer = new InverterTrainer({ ...first, ...o });
    const all: number[] = [];
    for await (const { loss } of trainer.train({ steps: 2 })) all.push(loss);
    return all;
  };
  const [some, again, none] = [await losses({}), await losses({}), await losses({ dropout: 0 })];
  expect(again).toEqual(some);
  expect(none[0]).not.toBe(some[0]);
  expect(none[0]).toBeCloseTo(some[0] as number, 0); // before the first update only chance is between them
  expect(() => new InverterTrainer({ ...first, dropout: 1 })).toThrow('InverterTrainer.dropout');
});

it('a corrector learns from wrong guesses of a hypothesizer that knows its texts by heart', async () => {
  const few = { ...common, texts: texts.filter((_, i) => i % 8 === 0), batchSize: 6 };
  using hypothesizer = new InverterTrainer({ ...first, ...few, dropout: 0 });
  await hypothesizer.run({ steps: 150 });
  const from = hypothesizer.inverter;
  const known = await invertAll(from, await embedder.embed(few.texts), { steps: 0 });
  expect(known.map(({ text }) => text)).toEqual(few.texts);
  // of the vectors as they are, every guess is right
  using copies = new InverterTrainer({ ...few, stage: 'corrector', from, guesses: { draws: 1, noise: 0 } });
  await expect(copies.run({ steps: 1 })).rejects.toMatchObject({ reason: 'NO_DATA' });
  using corrector = new InverterTrainer({ ...few, stage: 'corrector', from });
  expect((await corrector.run({ steps: 2 }))?.loss).toBeGreaterThan(0);
  for (const guesses of [{ draws: 0 }, { noise: -1 }, { noise: Number.NaN }, { temperature: -1 }])
    expect(() => new InverterTrainer({ ...few, stage: 'corrector', from, guesses })).toThrow(
      /InverterTrainer\.guesses\.(?:draws|noise|temperature)/,
    );
});

it('goes on with a saved run to the same losses', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'inverter-'));
  try {
    using hypothesizer = await trained(3);
    const guesses = { draws: 2, temperature: 1 };
    const second: InverterTrainerOptions = { ...common, stage: 'corrector', from: hypothesizer.inverter, guesses };
    for (const options of [first, second]) {
      const out = join(folder, options.stage);
      using whole = new InverterTrainer(options);
      const losses: number[] = [];
      for await (const { loss } of whole.train({ steps: 6 })) losses.push(loss);
      using part = new InverterTrainer({ ...options, out });
      await part.run({ steps: 3 });
      using rest = await InverterTrainer.resume(out, { ...options, out });
      const more: number[] = [];
      for await (const { loss } of rest.train({ steps: 6 })) more.push(loss);
      expect(more).toEqual(losses.slice(3));
    }
    // other guesses are another run
    await expect(
      InverterTrainer.resume(join(folder, 'corrector'), { ...second, guesses: { draws: 3 } }),
    ).rejects.toMatchObject({ code: 'ERR_CHECKPOINT' });
  } finally {
    await rm(folder, { recursive: true });
  }
});

describe('refuses', () => {
  it('a corrector without a hypothesizer, or of another embedder; texts that cannot be learnt', async () => {
    expect(() => new InverterTrainer({ ...common, stage: 'corrector' })).toThrow(
      expect.objectContaining({ reason: 'CONFIG' }),
    );
    expect(() => new InverterTrainer({ ...first, texts: ['the the the the the the'] })).toThrow(
      expect.objectContaining({ reason: 'NO_DATA' }),
    );
    expect(() => new InverterTrainer({ ...first, texts: ['the the the the the the'], overflow: 'error' })).toThrow(
      expect.objectContaining({ reason: 'TOO_LONG' }),
    );
    using hypothesizer = await trained(1);
    const other = { ...embedder, hash: 'another pooling' };
    expect(
      () => new InverterTrainer({ ...common, embedder: other, stage: 'corrector', from: hypothesizer.inverter }),
    ).toThrow(expect.objectContaining({ reason: 'EMBEDDER_MISMATCH' }));
  });

  it('corrections without a corrector, vectors of another width, NaN, too many beams for the memory', async () => {
    using hypothesizer = await trained(1);
    const { inverter } = hypothesizer;
    const e = await embedder.embed(texts.slice(0, 1));
    await expect(invertAll(inverter, e, { steps: 2 })).rejects.toMatchObject({ reason: 'CONFIG' });
    await expect(invertAll(inverter, new Float32Array(5), { steps: 0 })).rejects.toMatchObject({ reason: 'SHAPE' });
    await expect(
      invertAll(
        inverter,
        e.map(() => Number.NaN),
        { steps: 0 },
      ),
    ).rejects.toMatchObject({ reason: 'NOT_FINITE' });
    using corrector = new InverterTrainer({ ...common, stage: 'corrector', from: inverter });
    await corrector.run({ steps: 1 });
    const asked = invertAll(corrector.inverter, e, { steps: 1, beams: 4, memoryBudget: 1000 });
    await expect(asked).rejects.toThrow(/bytes for 16 candidates/);
  });
});

test('an embedder that gives no Float32Array, and texts that no decoder may write, are refused before a step', async () => {
  const reason = async (o: Partial<InverterTrainerOptions>): Promise<unknown> => {
    try {
      using trainer = new InverterTrainer({ ...first, ...o });
      await trainer.run({ steps: 1 });
      return 'nothing thrown';
    } catch (error) {
      return (error as { reason?: string }).reason ?? String(error);
    }
  };
  const answers = [undefined, null, [[1]], new Array(texts.length * 16).fill(0.5), new Float64Array(texts.length * 16)];
  for (const answer of answers)
    expect(await reason({ embedder: { ...embedder, embed: async () => answer as never } })).toBe('SHAPE');
  const open = textTokenizer(texts, { vocabularySize: 300 });
  const speaks = (text: string, own = open): Promise<unknown> =>
    reason({ texts: [...texts, text], tokenizer: own, config: { ...config, maxLength: 40, ...specialIds(own) } });
  for (const text of ['the <mask> saw', '<pad>', 'the <eos> boy']) expect(await speaks(text)).toBe('UNKNOWN_TOKEN');
  expect(await speaks('the elephant', tokenizer)).toBe('UNKNOWN_TOKEN');
  expect(await speaks('  ')).toBe('EMPTY_TEXT');
  using trainer = await trained(1);
  for (const e of [undefined, new Array(16).fill(1), new Float64Array(16)])
    await expect(invertAll(trainer.inverter, e as never, { steps: 0 })).rejects.toMatchObject({ reason: 'SHAPE' });
});
