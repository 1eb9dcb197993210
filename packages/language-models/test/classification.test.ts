// A classifier learns labels of pairs, resumes and is saved.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { disposeTree, type Params, rng, useBackend } from '@gimbal/tensor-core';
import { memory } from '@tensorflow/tfjs-core';
import {
  ClassifierTrainer,
  classifier,
  classify,
  dataset,
  embedTexts,
  encoder,
  encoderConfig,
  labelledRows,
  loadClassifier,
  Tokenizer,
} from '../src/index.ts';
import { difference } from './helpers/difference.ts';

beforeAll(async () => {
  await useBackend('auto');
});

const words = ['[PAD]', '[CLS]', '[SEP]', '[UNK]', 'red', 'blue', 'green', 'cat', 'dog', 'cow', 'a', 'is', 'not'];
/** A word-level tokenizer with BERT's template. */
const tokenizer = new Tokenizer(
  {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: words.slice(0, 4).map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: { type: 'WhitespaceSplit' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [
        { SpecialToken: { id: '[CLS]', type_id: 0 } },
        { Sequence: { id: 'A', type_id: 0 } },
        { SpecialToken: { id: '[SEP]', type_id: 0 } },
      ],
      pair: [
        { SpecialToken: { id: '[CLS]', type_id: 0 } },
        { Sequence: { id: 'A', type_id: 0 } },
        { SpecialToken: { id: '[SEP]', type_id: 0 } },
        { Sequence: { id: 'B', type_id: 1 } },
        { SpecialToken: { id: '[SEP]', type_id: 1 } },
      ],
      special_tokens: {
        '[CLS]': { id: '[CLS]', ids: [1], tokens: ['[CLS]'] },
        '[SEP]': { id: '[SEP]', ids: [2], tokens: ['[SEP]'] },
      },
    },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: false },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(words.map((w, i) => [w, i])),
    },
  },
  { pad_token: '[PAD]', eos_token: '[SEP]' },
);

const colours = ['red', 'blue', 'green'];
const animals = ['cat', 'dog', 'cow'];
// the second text says red, or not
const rows = animals.flatMap((animal) =>
  colours.flatMap((a) =>
    colours.map((b) => ({
      premise: `a ${a} ${animal}`,
      hypothesis: `${animal} is ${b}`,
      label: b === 'red' ? 'Entailment' : 'contradiction',
    })),
  ),
);
const config = encoderConfig({ vocabularySize: words.length, width: 32, layers: 2, heads: 4, contextLength: 16 });
const model = classifier(config, ['contradiction', 'entailment']);

it('learns labels, evaluates, saves a folder and resumes to the same numbers', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'gimbal-classifier-'));
  const before = memory().numTensors;
  const params = model.init(rng(0));
  const data = dataset(rows);
  expect(data.kind).toBe('labelled-pair');
  const options = {
    model,
    params,
    tokenizer,
    data,
    evalData: data,
    learningRate: 2e-3,
    batchSize: 9,
    seed: 0,
    evalEvery: 100,
  };
  using trainer = new ClassifierTrainer(options);
  await trainer.run({ steps: 60 });
  await trainer.save(join(dir, 'half'));
  const last = await trainer.run({ steps: 100 });
  expect(last?.evalAccuracy).toBe(1);
  using resumed = await ClassifierTrainer.resume(join(dir, 'half'), options);
  const again = await resumed.run({ steps: 100 });
  expect(again?.loss).toBe(last?.loss);
  await trainer.save(join(dir, 'run'));
  const loaded = await loadClassifier(join(dir, 'run', 'model'));
  expect(loaded.model.labels).toEqual(['contradiction', 'entailment']);
  const asked = dataset([
    { premise: 'a red cow', hypothesis: 'cow is red', label: 'entailment' },
    { premise: 'a red cow', hypothesis: 'cow is blue', label: 0 },
  ]);
  const encoded = labelledRows(asked, tokenizer, { labels: loaded.model.labels, limit: 16 });
  expect(encoded.rows.map((row) => row.target)).toEqual([1, 0]);
  expect((await classify(loaded.model, loaded.params, encoded.rows)).map((c) => c.prediction)).toEqual([1, 0]);
  disposeTree(loaded.params);
  disposeTree(params);
  trainer.dispose();
  resumed.dispose();
  expect(memory().numTensors).toBe(before);
  await rm(dir, { recursive: true });
});

it('learns several labels of a row, each for itself', async () => {
  const several = classifier(config, [...colours, ...animals], { problem: 'multi-label' });
  const params = several.init(rng(0));
  // every colour with every animal, and a colour alone
  const texts = colours.flatMap((a) => [...animals.map((b) => [a, b]), [a]]);
  const data = dataset([...texts.map((label) => ({ text: label.join(' '), label })), { text: 'a', label: [] }], {
    kind: 'labelled-text',
  });
  expect(
    labelledRows(data, tokenizer, { labels: several.labels, limit: 16, problem: 'multi-label' }).rows[1]?.target,
  ).toEqual([1, 0, 0, 0, 1, 0]);
  const one = { model: several, params, tokenizer, data, learningRate: 5e-3, batchSize: 13, seed: 0 };
  using trainer = new ClassifierTrainer({ ...one, evalData: data, evalEvery: 30 });
  const { rows: encoded } = labelledRows(data, tokenizer, {
    labels: several.labels,
    limit: 16,
    problem: 'multi-label',
  });
  /** The mean of −log σ(±z) over the classes, and the share of rows with every class right, by hand. */
  const byHand = async (p: Params): Promise<{ loss: number; accuracy: number }> => {
    const found = await classify(several, p, encoded);
    const signed = found.map(({ logits }, i) => {
      const target = encoded[i]?.target as readonly number[];
      return Array.from(logits, (z, l) => (target[l] === 1 ? z : -z));
    });
    const losses = signed.flat().map((z) => Math.log1p(Math.exp(-z)));
    return {
      loss: losses.reduce((a, b) => a + b) / losses.length,
      accuracy: signed.filter((row) => row.every((z) => z > 0)).length / signed.length,
    };
  };
  const start = await byHand(params);
  const first = await trainer.run({ steps: 1 });
  expect(first?.loss).toBeCloseTo(start.loss, 5);
  const last = await trainer.run({ steps: 30 });
  const end = await byHand(trainer.params);
  expect(end.loss).toBeLessThan(start.loss * 0.8);
  expect(end.accuracy).toBeGreaterThan(0);
  expect(last?.evalLoss).toBeCloseTo(end.loss, 5);
  expect(last?.evalAccuracy).toBeCloseTo(end.accuracy, 6);
  const values = classifier(config, ['a', 'b'], { problem: 'regression' });
  expect(() => new ClassifierTrainer({ ...one, model: values })).toThrow(/several values is not trained here/);
  const odd = dataset([{ text: 'a', label: ['red', 'cat'] }], { kind: 'labelled-text' });
  expect(() => labelledRows(odd, tokenizer, { labels: model.labels, limit: 9 })).toThrow(/none of the model’s/);
  disposeTree(params);
});

it('embeds texts in their order, whatever batch they are in, each up to the limit', async () => {
  const body = encoder({ ...config, initializerRange: 0.5 });
  const params = body.init(rng(0));
  const texts = ['a red cat is not a dog', 'cow', 'a cow is a cow', 'blue dog', 'a'];
  const before = memory().numTensors;
  const together = await embedTexts(body, params, tokenizer, texts, { batchSize: 2 });
  expect(memory().numTensors).toBe(before);
  expect(together.map((vector) => vector.length)).toEqual(texts.map(() => config.width));
  for (const [i, text] of texts.entries()) {
    const [alone] = await embedTexts(body, params, tokenizer, [text]);
    expect(difference(together[i] ?? [], alone ?? [])).toBeLessThan(1e-5);
    expect(Math.hypot(...(alone ?? []))).toBeCloseTo(1, 5);
  }
  // [CLS] a red [SEP]
  const [cut, short] = await embedTexts(body, params, tokenizer, [texts[0] ?? '', 'a red'], { limit: 4 });
  expect(difference(cut ?? [], short ?? [])).toBeLessThan(1e-5);
  expect(difference(cut ?? [], together[0] ?? [])).toBeGreaterThan(1e-3);
  disposeTree(params);
});

it('frames pairs as the template says, and shortens the longer text first', () => {
  const data = dataset([{ premise: 'a red cat is not a dog', hypothesis: 'cat is red', label: 'entailment' }]);
  const { rows: encoded, cut } = labelledRows(data, tokenizer, { labels: model.labels, limit: 9 });
  // [CLS] a red cat [SEP] cat is red [SEP]
  expect([...(encoded[0]?.ids ?? [])]).toEqual([1, 10, 4, 7, 2, 7, 11, 4, 2]);
  expect([...(encoded[0]?.types ?? [])]).toEqual([0, 0, 0, 0, 0, 1, 1, 1, 1]);
  expect(cut).toEqual({ rows: 1, where: ['row 0'] });
});

it('refuses labels and rows that are not the model’s, before it allocates', () => {
  const before = memory().numTensors;
  const make = (list: readonly unknown[], kind?: 'labelled-text') => () =>
    new ClassifierTrainer({
      model,
      params: {},
      tokenizer,
      data: dataset(list, kind ? { kind } : {}),
      learningRate: 1e-3,
      batchSize: 1,
      seed: 0,
    });
  expect(make([{ premise: 'a', hypothesis: 'b', label: 'maybe' }])).toThrow(
    /row 0: the label is none of the model’s; got "maybe", wanted contradiction, entailment/,
  );
  expect(make([{ premise: 'a', hypothesis: 'b', label: 2 }])).toThrow(/none of the model’s; got 2/);
  expect(make([{ text: 'a' }])).toThrow(/rows of this kind have no label; got "text"/);
  expect(make([{ text: 'a', label: null }], 'labelled-text')).toThrow(/column label must hold a label; got null/);
  expect(() => classifier(config, [])).toThrow(/there are no labels/);
  expect(memory().numTensors).toBe(before);
});
