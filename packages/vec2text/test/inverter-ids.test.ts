// An inverter whose tokenizer has its special tokens elsewhere than at 0 to 3.
import { Tokenizer } from '@gimbal/language-models';
import { type Rng, rng, useBackend } from '@gimbal/tensor-core';
import {
  type Embedder,
  InverterTrainer,
  type InverterTrainerOptions,
  invertAll,
  makeInverter,
  wordTokenizer,
} from '../src/index.ts';

const words = 'the boy girl saw found lamp box'.split(' ');
const texts = ['the boy saw the box', 'the girl found the lamp', 'the box found the boy', 'the lamp saw the girl'];

/** The same words, with the special tokens behind them. */
function lastIds(): Tokenizer {
  const first = wordTokenizer(words);
  const special = ['<pad>', '<bos>', '<eos>', '<mask>'];
  const vocab = Object.fromEntries([...words, ...special].map((word, id) => [word, id]));
  const added = first.json.added_tokens.map((token) => ({ ...token, id: vocab[token.content] as number }));
  const json = { ...first.json, model: { ...first.json.model, vocab }, added_tokens: added, post_processor: null };
  return new Tokenizer(json, first.config);
}

const embedder: Embedder = {
  name: 'chance',
  dim: 4,
  hash: 'chance-4',
  embed: async (list) =>
    Float32Array.from(
      list.flatMap((text) => {
        const own: Rng = rng(1).split(text);
        return Array.from({ length: 4 }, () => own.normal());
      }),
    ),
};

beforeAll(() => useBackend('auto'));

const options: InverterTrainerOptions = {
  ...{ embedder, texts, stage: 'hypothesizer', tokenizer: lastIds(), seed: 0 },
  ...{ batchSize: 4, learningRate: 5e-3, dropout: 0, config: { width: 32, ffn: 32, heads: 2, maxLength: 7 } },
};

test('the special ids are the tokenizer’s: what is learnt comes back, and a contradiction is refused', async () => {
  using trainer = new InverterTrainer(options);
  const { padId, bosId, eosId, maskId } = trainer.inverter.config;
  expect([padId, bosId, eosId, maskId]).toEqual([7, 8, 9, 10]);
  await trainer.run({ steps: 150 });
  const back = await invertAll(trainer.inverter, await embedder.embed(texts), { steps: 0 });
  expect(back.map(({ text }) => text)).toEqual(texts);

  expect(() => new InverterTrainer({ ...options, config: { ...options.config, eosId: 2 } })).toThrow(
    expect.objectContaining({ reason: 'CONFIG', message: expect.stringContaining('config.eosId') }),
  );
  const mute = new Tokenizer(lastIds().json, { tokenizer_class: 'PreTrainedTokenizerFast', pad_token: '<pad>' });
  expect(() => new InverterTrainer({ ...options, tokenizer: mute })).toThrow('config.bosId');
  const given = { ...options.config, bosId: 8, eosId: 9, maskId: 10 };
  new InverterTrainer({ ...options, tokenizer: mute, config: given }).dispose();
  // a corrector's inverter with another tokenizer than it was trained with
  const mixed = { ...trainer.inverter, tokenizer: wordTokenizer(words) };
  expect(() => new InverterTrainer({ ...options, stage: 'corrector', from: mixed })).toThrow(
    expect.objectContaining({ reason: 'CHECKPOINT' }),
  );
});

test('an inverter is made of its parts, and of nothing less', () => {
  using trainer = new InverterTrainer(options);
  const { config, embedder: own, tokenizer, hypothesizer, corrector } = trainer.inverter;
  const parts = { config, embedder: own, tokenizer, hypothesizer, corrector };
  // the trainer has the weights
  expect(makeInverter(parts)).toMatchObject({ config, corrector: undefined });
  const reasonOf = (o: unknown): string => {
    try {
      makeInverter(o as never);
    } catch (error) {
      return `${(error as { reason?: string }).reason}: ${(error as Error).message}`;
    }
    return 'nothing thrown';
  };
  for (const nothing of [undefined, null, {}]) expect(reasonOf(nothing)).toMatch(/^CONFIG: makeInverter\.embedder/);
  for (const name of ['config', 'embedder', 'tokenizer', 'hypothesizer'])
    for (const bad of [undefined, null, 3])
      expect(reasonOf({ ...parts, [name]: bad })).toMatch(new RegExp(`^CONFIG: makeInverter\\.${name}`));
  expect(reasonOf({ embedder: own })).toMatch(/^CONFIG: makeInverter\.config/);
  expect(reasonOf({ ...parts, corrector: 3 })).toMatch(/^CONFIG: makeInverter\.corrector/);
  expect(reasonOf({ ...parts, config: { ...config, width: -1 } })).toMatch(/^CONFIG/);
  expect(reasonOf({ ...parts, embedder: { ...own, dim: 5 } })).toMatch(/^CONFIG: makeInverter\.embedder\.dim/);
  expect(reasonOf({ ...parts, tokenizer: wordTokenizer(words) })).toMatch(/^CHECKPOINT/);
  expect(reasonOf({ ...parts, hypothesizer: {} })).toMatch(/^CHECKPOINT: makeInverter\.hypothesizer.*is missing/);
  // a hypothesizer reads one vector, a corrector three
  expect(reasonOf({ ...parts, corrector: hypothesizer })).toMatch(/^CHECKPOINT: makeInverter\.corrector/);
});
