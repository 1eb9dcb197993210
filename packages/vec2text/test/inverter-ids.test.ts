// An inverter whose tokenizer has its special tokens elsewhere than at 0 to 3.
import { Tokenizer } from '@gimbal/language-models';
import { type Rng, rng, useBackend } from '@gimbal/tensor-core';
import { type Embedder, InverterTrainer, type InverterTrainerOptions, invertAll, wordTokenizer } from '../src/index.ts';

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
