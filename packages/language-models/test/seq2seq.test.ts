// Encoder-decoders that Python's transformers wrote: the same states, logits, loss, gradients and completions here.
// The files were made by golden/make_seq2seq.py (torch 2.13.0, transformers 5.24.0); check_seq2seq.py opened what we save.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  disposeTree,
  flatten,
  openSafetensors,
  type Params,
  rng,
  type TokenBatch,
  useBackend,
  valueAndGrad,
  type WeightFile,
} from '@gimbal/tensor-core';
import { memory } from '@tensorflow/tfjs-core';
import {
  beamSearch,
  dataset,
  generate,
  loadPretrained,
  loadSeq2Seq,
  type PretrainedSeq2Seq,
  padBatch,
  rowOf,
  type Seq2SeqBatch,
  Seq2SeqTrainer,
  sampleCompletions,
  saveSeq2Seq,
  seq2seq,
  seq2seqLoss,
  seq2seqRows,
} from '../src/index.ts';
import { relativeBucket } from '../src/seq2seq/relative-bias.ts';
import { difference } from './helpers/difference.ts';

const folder = (name: string): string => fileURLToPath(new URL(`golden/${name}`, import.meta.url));

beforeAll(async () => {
  await useBackend('auto');
});

/** Rows of a padded array of the file. */
const batchOf = (ids: Int32Array, width: number, lengths: number[]): TokenBatch =>
  padBatch(
    lengths.map((length, b) => ids.subarray(b * width, b * width + length)),
    0,
    width,
  );

describe.each(['t5-tiny', 't5-gated-tiny'])('%s', (name) => {
  let loaded: PretrainedSeq2Seq;
  let expected: WeightFile;
  let batch: Seq2SeqBatch;

  beforeAll(async () => {
    loaded = await loadSeq2Seq(folder(name));
    expected = await openSafetensors(join(folder(name), 'expected.safetensors'));
    const sources = batchOf((await expected.values('ids')) as Int32Array, 40, [40, 29]);
    const targets = batchOf((await expected.values('labels')) as Int32Array, 24, [17, 24]);
    batch = { sources, targets, tokens: 17 + 24 };
  });
  afterAll(async () => {
    disposeTree(loaded.params);
    await expected.close();
  });

  it('gives the states and logits of transformers within 1e-4, padded or not', async () => {
    const { model, params } = loaded;
    const states = model.encode(params, batch.sources);
    const wanted = await expected.values('states');
    expect(difference(states.dataSync().subarray(0, 40 * 32), wanted.subarray(0, 40 * 32))).toBeLessThan(1e-4);
    const alone = model.encode(params, padBatch([rowOf(batch.sources, 1)], 0));
    expect(difference(alone.dataSync(), wanted.subarray(40 * 32, 69 * 32))).toBeLessThan(1e-4);
    const logits = model.logits(params, batch.sources, batch.targets);
    const all = (await expected.values('logits')) as Float32Array;
    // after the end of the first row's target ours reads padding, transformers too: all positions agree but for its ids
    expect(difference(logits.dataSync().subarray(0, 17 * 64), all.subarray(0, 17 * 64))).toBeLessThan(1e-4);
    expect(difference(logits.dataSync().subarray(24 * 64), all.subarray(24 * 64))).toBeLessThan(1e-4);
    for (const tensor of [states, alone, logits]) tensor.dispose();
  });

  it('gives the loss and the gradients of transformers, with and without gradient checkpointing', async () => {
    for (const gradientCheckpointing of [false, true]) {
      const { value, grads } = valueAndGrad((p: Params) =>
        seq2seqLoss(loaded.model, p, batch, { gradientCheckpointing }),
      )(loaded.params);
      const [loss] = await expected.values('loss');
      expect((value.dataSync()[0] as number) / batch.tokens).toBeCloseTo(loss as number, 4);
      const byPath = new Map(flatten(grads));
      const checked = expected.names.filter((tensor) => tensor.startsWith('gradient:'));
      expect(checked.length).toBeGreaterThanOrEqual(7);
      for (const tensor of checked) {
        const ours = byPath.get(tensor.slice('gradient:'.length))?.dataSync() ?? [];
        const mean = Float32Array.from(ours, (g) => g / batch.tokens);
        expect(difference(mean, await expected.values(tensor))).toBeLessThan(1e-4);
      }
      value.dispose();
      disposeTree(grads);
    }
  });

  it('writes the same tokens, greedily and by beam search', async () => {
    const { model, params } = loaded;
    const before = memory().numTensors;
    const o = { temperature: 0, maxNewTokens: 12, eosIds: [1], padId: 0, rng: rng(0) };
    const { ids, width } = await sampleCompletions(model, params, batch.sources, o);
    const greedy = await expected.values('greedy');
    for (const b of [0, 1]) {
      const wanted = [...greedy.subarray(b * 12, (b + 1) * 12)];
      expect([...ids.subarray(b * width, (b + 1) * width), ...Array(12 - width).fill(0)]).toEqual(wanted);
    }
    const found = await beamSearch(model, params, batch.sources, { beams: 3, maxNewTokens: 12, eosIds: [1] });
    const beams = await expected.values('beams');
    expect(found).toHaveLength(2);
    found.forEach(([best], b) => {
      const { ids: row = [] } = best ?? {};
      expect([...row, ...Array(12 - row.length).fill(0)]).toEqual([...beams.subarray(b * 12, (b + 1) * 12)]);
    });
    expect(memory().numTensors).toBe(before);
  });

  it('has the same next-token logits with the cache as without', () => {
    const { model, params } = loaded;
    const full = model.logits(params, batch.sources, batch.targets).dataSync();
    using state = model.begin(params, batch.sources, { maxNewTokens: 24 });
    for (let t = 0; t < 24; t++) {
      const append = Int32Array.from([0, 1], (b) => batch.targets.ids[b * 24 + t - 1] as number);
      const values = model.next(params, state, t === 0 ? undefined : append).dataSync();
      for (const b of [0, 1]) {
        if (t >= (batch.targets.lengths[b] as number)) continue;
        const wanted = full.subarray((b * 24 + t) * 64, (b * 24 + t + 1) * 64);
        expect(difference(values.subarray(b * 64, (b + 1) * 64), wanted)).toBeLessThan(1e-4);
      }
    }
  });

  it('writes the text that Python writes for a text', async () => {
    const { model, params, tokenizer } = loaded;
    const said = JSON.parse(await readFile(join(folder(name), 'text.json'), 'utf8'));
    if (tokenizer === undefined) throw new Error('no tokenizer');
    const o = { temperature: 0, maxNewTokens: 10, rng: rng(0) };
    const [done] = await generate(model, params, tokenizer, [said.text], o);
    expect(done?.ids).toEqual(said.tokens);
    expect(done?.text).toBe(said.written);
  });

  it('survives save and load, byte for byte', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'gimbal-seq2seq-'));
    try {
      const target = join(dir, 'model');
      await saveSeq2Seq(target, loaded.model, loaded.params);
      const again = await loadSeq2Seq(target);
      expect(again.model.config).toEqual(loaded.model.config);
      const [ours, theirs] = [target, folder(name)].map((f) => readFile(join(f, 'model.safetensors')));
      expect((await (ours as Promise<Buffer>)).equals(await (theirs as Promise<Buffer>))).toBe(true);
      disposeTree(again.params);
    } finally {
      await rm(dir, { recursive: true });
    }
  });

  it('trained a step by us and saved, says the same in Python', async () => {
    const said = JSON.parse(await readFile(folder(`saved-seq2seq/${name}/transformers.json`), 'utf8'));
    const { model, params } = await loadSeq2Seq(folder(`saved-seq2seq/${name}`));
    const sources = padBatch([said.ids], 0);
    const targets = padBatch([[...said.targets.slice(1), 0]], 0);
    const logits = model.logits(params, sources, targets).dataSync();
    expect(difference(logits.subarray(3 * 64), said.logits)).toBeLessThan(1e-4);
    const o = { temperature: 0, maxNewTokens: 8, eosIds: [1], rng: rng(0) };
    const { ids } = await sampleCompletions(model, params, sources, o);
    expect([...ids]).toEqual(said.greedy);
    disposeTree(params);
  });
});

it.each<[string, boolean, number[], number[]]>([
  [
    'in both directions',
    true,
    [-200, -128, -64, -20, -16, -9, -8, -7, -1, 0, 1, 7, 8, 16, 32, 64, 128],
    [15, 15, 14, 10, 10, 8, 8, 7, 1, 0, 17, 23, 24, 26, 28, 30, 31],
  ],
  ['before the query', false, [-128, -64, -33, -20, -16, -15, -1, 0, 5], [31, 26, 21, 17, 16, 15, 1, 0, 0]],
])('distances %s have the buckets of T5', (_, bothWays, distances, buckets) => {
  const o = { buckets: 32, maxDistance: 128 };
  expect(distances.map((d) => relativeBucket(d, bothWays, o))).toEqual(buckets);
});

it('gives sources of 3 and 7 tokens the states they have alone', () => {
  const model = seq2seq({ vocabularySize: 32, width: 16, layers: 2, heads: 2 });
  const params = model.init(rng(1));
  const rows = [
    [4, 5, 1],
    [6, 7, 8, 9, 10, 11, 1],
  ];
  const together = model.encode(params, padBatch(rows, 0)).arraySync();
  rows.forEach((row, b) => {
    const alone = model.encode(params, padBatch([row], 0)).dataSync();
    expect(difference(alone, (together[b] as number[][]).slice(0, row.length).flat())).toBeLessThan(1e-5);
  });
  disposeTree(params);
});

it.each<[object, RegExp]>([
  [{ buckets: 6 }, /seq2seq.buckets/],
  [{ width: 10, heads: 4 }, /seq2seq.headWidth/],
  [{ eosIds: [99] }, /seq2seq.eosIds: out of range; got 99/],
  [{ layers: 1e9 }, /seq2seq.layers/],
])('refuses %j', (o, message) => {
  expect(() => seq2seq({ vocabularySize: 32, ...o })).toThrow(message);
});

it('is not opened as a decoder: the error says how', async () => {
  await expect(loadPretrained(folder('t5-tiny'))).rejects.toThrow(/loadSeq2Seq/);
  await expect(loadSeq2Seq(folder('llama-tiny'))).rejects.toThrow(
    /this encoder-decoder is not known here; got "llama"/,
  );
});

describe('training', () => {
  const words = ['nurse', 'coat', 'the', 'hid'];
  const pairs = words.flatMap((a) => words.map((b) => ({ prompt: `${a} ${b}`, completion: `${b} ${a}` })));

  it('learns to reverse two words, resumes to the same losses and writes what it learnt', async () => {
    const { tokenizer } = await loadSeq2Seq(folder('t5-tiny'));
    if (tokenizer === undefined) throw new Error('no tokenizer');
    const model = seq2seq({ vocabularySize: 64, width: 32, layers: 1, heads: 4, contextLength: 32 });
    const params = model.init(rng(3));
    const data = dataset(pairs);
    const dir = await mkdtemp(join(tmpdir(), 'gimbal-seq2seq-'));
    const options = { model, params, tokenizer, data, seed: 5, learningRate: 5e-3, batchSize: 16 };
    try {
      using trainer = new Seq2SeqTrainer(options);
      for await (const _ of trainer.train({ steps: 10 }));
      await trainer.save(join(dir, 'at-10'));
      const losses: number[] = [];
      for await (const { loss } of trainer.train({ steps: 20 })) losses.push(loss);
      using again = await Seq2SeqTrainer.resume(join(dir, 'at-10'), options);
      const resumed: number[] = [];
      for await (const { loss } of again.train({ steps: 20 })) resumed.push(loss);
      expect(resumed).toEqual(losses);
      for await (const _ of trainer.train({ steps: 250 }));
      const done = await generate(
        model,
        trainer.params,
        tokenizer,
        pairs.map(({ prompt }) => prompt),
        { temperature: 0, maxNewTokens: 20, rng: rng(0) },
      );
      const right = done.filter(({ text }, i) => text === pairs[i]?.completion).length;
      expect(right).toBeGreaterThanOrEqual(14);
    } finally {
      await rm(dir, { recursive: true });
      disposeTree(params);
    }
  });

  it('counts rows that are too long, and refuses other kinds', async () => {
    const { tokenizer, params } = await loadSeq2Seq(folder('t5-tiny'));
    disposeTree(params);
    if (tokenizer === undefined) throw new Error('no tokenizer');
    const long = { prompt: 'the nurse hid the coat the nurse', completion: 'coat' };
    const data = dataset([pairs[0], long]);
    const limits = { limit: 5, targetLimit: 5 };
    const dropped = seq2seqRows(data, tokenizer, limits);
    expect([dropped.rows.length, dropped.overflow.rows]).toEqual([1, 1]);
    const cut = seq2seqRows(data, tokenizer, { ...limits, overflow: 'cut' });
    expect(cut.rows[1]?.source).toHaveLength(5);
    expect(cut.rows[1]?.source.at(-1)).toBe(1); // the end token stays
    expect(() => seq2seqRows(data, tokenizer, { ...limits, overflow: 'error' })).toThrow(
      /the row is too long.*Raise maxLength or maxTargetLength, or overflow drop/,
    );
    const texts = dataset([{ text: 'a' }]);
    expect(() => seq2seqRows(texts, tokenizer, limits)).toThrow(/an encoder-decoder learns pairs/);
  });
});
