// cases.md, reward-models: what a score may depend on, and what is too long.
import { dataset } from '@gimbal/language-models';
import { disposeTree, type Params, rng, useBackend } from '@gimbal/tensor-core';
import { preferencePairs, RewardTrainer, rewardFn, rewardModel } from '../src/index.ts';
import { colourPairs, colourRows, smallDecoder, wordTokenizer } from './helpers/toy.ts';

beforeAll(async () => {
  await useBackend('auto');
});

describe('end of text, padding and turn separator in one token', () => {
  const tokenizer = wordTokenizer({ eosIsPad: true });
  const model = rewardModel(smallDecoder({ padId: 1 }));
  let params: Params;
  beforeAll(() => {
    params = model.init(rng(0));
  });
  afterAll(() => disposeTree(params));

  // user say red <eos> bot it is red <eos>
  const talk = (answer: string) => [
    ...tokenizer.encodeText('user say red'),
    1,
    ...tokenizer.encodeText(`bot it is ${answer}`),
    1,
  ];
  const score = async (
    rows: readonly (readonly number[])[],
    o: { width?: number; left?: boolean } = {},
  ): Promise<number[]> => {
    const width = o.width ?? Math.max(...rows.map((r) => r.length));
    const ids = new Int32Array(rows.length * width).fill(1);
    const starts = Int32Array.from(rows, (r) => (o.left ? width - r.length : 0));
    rows.forEach((r, b) => {
      ids.set(r, b * width + (starts[b] as number));
    });
    const batch = { ids, width, lengths: Int32Array.from(rows, (r) => r.length), starts };
    const scores = model.score(params, batch);
    const values = [...(await scores.data())];
    scores.dispose();
    return values;
  };

  it('a conversation has one score alone, padded left or right, and beside a longer one', async () => {
    const [alone] = (await score([talk('red')])) as [number];
    const longer = [...talk('red'), ...tokenizer.encodeText('user say blue')];
    const others = [
      (await score([talk('red')], { width: 14 }))[0],
      (await score([talk('red')], { width: 14, left: true }))[0],
      (await score([talk('red'), longer]))[0],
      (await score([talk('red'), longer], { left: true }))[0],
    ] as number[];
    for (const other of others) expect(Math.abs(other - alone)).toBeLessThan(1e-5);
  });

  it('two conversations that differ in the last answer alone have different scores', async () => {
    const [red, blue] = (await score([talk('red'), talk('blue')])) as [number, number];
    expect(Math.abs(red - blue)).toBeGreaterThan(1e-3);
  });

  it('a row that reaches beyond its batch is refused', async () => {
    const batch = { ids: new Int32Array(4).fill(5), width: 4, lengths: Int32Array.of(3), starts: Int32Array.of(2) };
    expect(() => model.score(params, batch)).toThrow(/row 0 reaches beyond the batch; got "start 2, length 3"/);
  });
});

describe('rows longer than the model', () => {
  const tokenizer = wordTokenizer();
  const config = smallDecoder({ contextLength: 8 });
  // tokens: prompt 2, chosen 12, rejected 3, ends included
  const chosen = 'it is red and it is not blue and not green';
  const long = dataset([
    { prompt: 'say red', chosen, rejected: 'not red' },
    { prompt: 'say red', chosen: 'red', rejected: 'blue' },
  ]);

  it('cut: the prompt and the shorter answer stay whole, the longer one keeps what fits', async () => {
    const { pairs, overflow } = preferencePairs(long, config, tokenizer, { overflow: 'cut' });
    const [pair] = pairs;
    const prompt = [...tokenizer.encodeText('say red')];
    expect([...(pair?.first.ids ?? [])]).toEqual([...prompt, ...tokenizer.encodeText('it is red and it is')]);
    expect([...(pair?.second.ids ?? [])]).toEqual([...prompt, ...tokenizer.encodeText('not red'), 1]);
    expect(overflow).toEqual({ rows: 1, tokens: 6, where: ['row 0'] });
    const model = rewardModel(config);
    const params = model.init(rng(0));
    using trainer = new RewardTrainer({ model, params, tokenizer, data: long, overflow: 'cut', batchSize: 2, seed: 0 });
    expect(Number.isFinite((await trainer.run({ steps: 3 }))?.loss)).toBe(true);
    disposeTree(params);
  });

  it('drop counts them, error names the first, split is refused, and all of them is an error', () => {
    const { pairs, overflow } = preferencePairs(long, config, tokenizer, {});
    expect(pairs).toHaveLength(1);
    expect(overflow).toEqual({ rows: 1, tokens: 19, where: ['row 0'] });
    const at = (overflow: 'error' | 'split') => () => preferencePairs(long, config, tokenizer, { overflow });
    expect(at('error')).toThrow(
      /row 0: prompt and answer are longer than the model; got "14 tokens", wanted at most 8/,
    );
    expect(at('split')).toThrow(/a pair cannot be split/);
    const none = dataset([{ prompt: 'say red', chosen, rejected: 'not red' }]);
    expect(() => preferencePairs(none, config, tokenizer, {})).toThrow(/all 1 pairs are longer than the model/);
  });

  it('answers cut to the same tokens are left out', () => {
    const same = dataset([
      { prompt: 'say red', chosen: `${chosen} red`, rejected: `${chosen} blue` },
      { prompt: 'say red', chosen: 'red', rejected: 'blue' },
    ]);
    const { pairs, overflow } = preferencePairs(same, config, tokenizer, { overflow: 'cut' });
    expect(pairs).toHaveLength(1);
    expect(overflow.rows).toBe(1);
  });

  it('a row that is scored is never cut', async () => {
    const model = rewardModel(config);
    const params = model.init(rng(0));
    const fn = rewardFn(model, params, tokenizer);
    await expect(fn(['say red', 'say red'], ['red', chosen])).rejects.toThrow(
      /reward, row 1: prompt and answer are longer/,
    );
    await expect(fn(['say red'], [])).rejects.toThrow(/differ in number; got 0, wanted 1/);
    // rows at a time would never come to an end
    expect(() => rewardFn(model, params, tokenizer, { batchSize: 0 })).toThrow(
      /rewardFn.batchSize: out of range; got 0/,
    );
    const stats = { mean: 0, std: 0 };
    expect(() => rewardFn(model, params, tokenizer, { stats })).toThrow(/rewardFn.stats.std: out of range; got 0/);
    disposeTree(params);
  });
});

it('each epoch has an order of its own; the same seed gives the same orders, another seed others', async () => {
  const rows = Array.from({ length: 100 }, (_, i) => ({ ...colourRows[i % 12], margin: i }));
  const model = rewardModel(smallDecoder());
  const params = model.init(rng(0));
  const { pairBatches } = await import('../src/training/pair-batches.ts');
  const { pairs } = preferencePairs(dataset(rows), model.classifier.config, wordTokenizer(), {});
  const epochs = (seed: number): number[][] => {
    const source = pairBatches(pairs, { batchSize: 10, padId: 0, rng: rng(seed).split('data') });
    return [0, 1].map(() => Array.from({ length: 10 }, () => [...source.next().margins]).flat());
  };
  const [first, again, other] = [epochs(1), epochs(1), epochs(2)];
  for (const epoch of [...first, ...other]) {
    expect([...epoch].sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i));
  }
  expect(first[0]).not.toEqual(first[1]);
  expect(again).toEqual(first);
  expect(other).not.toEqual(first);
  disposeTree(params);
});

it('dropout never reaches a score: two copies agree to the bit, and so does a batch in two halves to 1e-6', async () => {
  const tokenizer = wordTokenizer();
  const model = rewardModel(smallDecoder({ dropout: 0.5 }));
  const params = model.init(rng(0));
  const [prompts, answers] = [colourRows.map((r) => r.prompt), colourRows.map((r) => r.chosen)];
  const [a, b] = [rewardFn(model, params, tokenizer), rewardFn(model, params, tokenizer)];
  const whole = await a(prompts, answers);
  expect(await b(prompts, answers)).toEqual(whole);
  const halves = [
    ...(await a(prompts.slice(0, 6), answers.slice(0, 6))),
    ...(await a(prompts.slice(6), answers.slice(6))),
  ];
  halves.forEach((r, i) => {
    expect(Math.abs((r as number) - (whole[i] as number))).toBeLessThan(1e-6);
  });
  disposeTree(params);
});

describe('rows that cannot be used', () => {
  const tokenizer = wordTokenizer();
  const config = smallDecoder();
  const make = (row: object) => () => preferencePairs(dataset([colourRows[0], row]), config, tokenizer, {});
  const good = { prompt: 'say red', chosen: 'red', rejected: 'blue' };

  it('are refused by place before anything is made', () => {
    expect(make({ ...good, rejected: 'red' })).toThrow(/row 1: both answers are the same text; got "red"/);
    expect(make({ ...good, rejected: ' red' })).toThrow(/row 1: both answers have the same tokens/);
    expect(make({ ...good, chosen: '' })).toThrow(/row 1: the chosen answer is empty/);
    expect(make({ prompt: 'say red', chosen: 'red' })).toThrow(/row 1: the row has no column rejected/);
    expect(make({ ...good, label: 1.5 })).toThrow(
      /row 1: column label is out of range; got 1.5, wanted a number from 0 to 1/,
    );
    expect(make({ ...good, label: 'yes' })).toThrow(/column label is out of range; got "yes"/);
    expect(make({ ...good, margin: -1 })).toThrow(/row 1: column margin is out of range; got -1, wanted a number ≥ 0/);
    expect(make({ ...good, weight: Number.NaN })).toThrow(/column weight is out of range/);
    expect(() => preferencePairs(dataset([{ prompt: 'a', completion: 'b' }]), config, tokenizer, {})).toThrow(
      /rows of this kind hold no pair of answers; got "prompt-completion"/,
    );
    expect(() => preferencePairs(colourPairs, config, tokenizer, { maxLength: 99 })).toThrow(/maxLength: out of range/);
    expect(() => preferencePairs(colourPairs, smallDecoder({ vocabularySize: 5 }), tokenizer, {})).toThrow(
      /the tokenizer has more tokens than the model; got 18, wanted at most 5/,
    );
    const model = rewardModel(config);
    const trainer = (o: object) => () =>
      new RewardTrainer({ model, params: {}, tokenizer, data: colourPairs, seed: 0, ...o });
    expect(trainer({ dropout: 1 })).toThrow(/RewardTrainer.dropout: out of range; got 1/);
    expect(trainer({ labelSmoothing: 0.5 })).toThrow(/labelSmoothing: out of range/);
    expect(trainer({ centerCoef: -1 })).toThrow(/centerCoef: out of range/);
    expect(() => rewardModel({ ...model.classifier, labels: ['a', 'b'] })).toThrow(/a reward is one number/);
  });
});
