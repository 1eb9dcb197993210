import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { disposeTree, flatten, type Params, rng, type TrainStep, useBackend, valueAndGrad } from '@gimbal/tensor-core';
import { newsroom } from '@gimbal/worlds';
import { memory, type Scalar, type Tensor2D, tensor2d } from '@tensorflow/tfjs-core';
import {
  batchRows,
  type CausalLmOptions,
  CausalLmTrainer,
  causalLmLoss,
  dataset,
  decoder,
  evaluateLoss,
  generate,
  loadPretrained,
  padBatch,
  Tokenizer,
  type TokenRow,
  tokenRows,
  trainTokenizer,
} from '../src/index.ts';

let dir: string;
beforeAll(async () => {
  await useBackend('auto');
  dir = await mkdtemp(join(tmpdir(), 'gimbal-training-'));
});
afterAll(() => rm(dir, { recursive: true }));

const texts = Array.from({ length: 24 }, (_, i) => ({
  text: `the ${['cat', 'dog', 'cow'][i % 3]} sat on mat ${i % 5}`,
}));
const pairs = texts.map(({ text }, i) => ({ prompt: text, completion: `${i % 5}` }));
const tokenizer = trainTokenizer(
  texts.map((row) => row.text),
  { vocabularySize: 300 },
);
const model = decoder({
  vocabularySize: tokenizer.size,
  width: 16,
  layers: 1,
  heads: 2,
  contextLength: 32,
  eosIds: [1],
});

async function losses(trainer: CausalLmTrainer, steps: number): Promise<number[]> {
  const out: number[] = [];
  for await (const step of trainer.train({ steps })) out.push(step.loss);
  return out;
}

/** A trainer on fresh parameters, and its options. */
function make(o: Partial<CausalLmOptions> = {}): { trainer: CausalLmTrainer; options: CausalLmOptions } {
  const params = model.init(rng(1));
  const options = { model, params, tokenizer, data: dataset(texts), learningRate: 3e-3, batchSize: 4, seed: 7, ...o };
  return { trainer: new CausalLmTrainer(options), options };
}

describe('causalLmLoss', () => {
  const row = (...ids: number[]): TokenRow => ({ ids: Int32Array.from(ids), from: 0 });
  const meanLoss = (rows: TokenRow[], params: Params): number => {
    const batch = batchRows(rows, 0, 32);
    return (causalLmLoss(model, params, batch).dataSync()[0] as number) / batch.tokens;
  };

  it('is log V where the model knows nothing', () => {
    const params = model.init(rng(1));
    // all states are the same small vector times small embeddings: logits near zero
    expect(meanLoss([row(5, 6, 7)], params)).toBeCloseTo(Math.log(tokenizer.size), 1);
  });

  it('does not change with padding, the order of rows, or a longer neighbour', () => {
    const params = model.init(rng(2));
    const [a, b] = [row(5, 6, 7), row(8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19)];
    const [la, lb] = [meanLoss([a], params), meanLoss([b], params)];
    expect(meanLoss([a, b], params)).toBeCloseTo((2 * la + 11 * lb) / 13, 5);
    expect(meanLoss([b, a], params)).toBeCloseTo((2 * la + 11 * lb) / 13, 5);
  });

  it('is the same in chunks, for a large vocabulary', () => {
    const large = decoder({ vocabularySize: 16384, width: 8, layers: 1, heads: 2, contextLength: 16 });
    const params = large.init(rng(1));
    const prompt = { ids: Int32Array.of(1, 2, 3, 16000, 5), from: 2 };
    const batch = batchRows([prompt, row(9, 8)], 0, 16);
    const { value, grads } = valueAndGrad((p: Params): Scalar => causalLmLoss(large, p, batch))(params);
    // by the definition, from all logits
    const logProbs = (at: number[], next: number): number => {
      const logits = large.apply(params, tensorOf(at)).arraySync()[0]?.at(-1) as number[];
      const top = Math.max(...logits);
      return (logits[next] as number) - top - Math.log(logits.reduce((s, z) => s + Math.exp(z - top), 0));
    };
    const wanted = logProbs([1, 2], 3) + logProbs([1, 2, 3], 16000) + logProbs([1, 2, 3, 16000], 5) + logProbs([9], 8);
    expect(value.dataSync()[0]).toBeCloseTo(-wanted, 3);
    expect(flatten(grads).every(([, g]) => g.dataSync().every(Number.isFinite))).toBe(true);
    disposeTree(grads);
    disposeTree(params);
  });
});

describe('evaluateLoss', () => {
  it('is the mean over all tokens that count, whatever batches they stand in', async () => {
    const params = model.init(rng(4));
    const rows = [3, 9, 4, 20, 6, 5, 12].map((length, i) => ({
      ids: Int32Array.from({ length }, (_, t) => 5 + ((7 * t + i) % 200)),
      from: i % 3,
    }));
    let [sum, tokens] = [0, 0];
    for (const row of rows) {
      const batch = batchRows([row], 0, 32);
      const loss = causalLmLoss(model, params, batch);
      sum += loss.dataSync()[0] as number;
      tokens += batch.tokens;
      loss.dispose();
    }
    for (const batchSize of [1, 3, 16]) {
      const found = await evaluateLoss(model, params, rows, { batchSize });
      expect(found.tokens).toBe(tokens);
      expect(Math.abs(found.loss - sum / tokens)).toBeLessThan(1e-5);
      expect(found.perplexity).toBeCloseTo(Math.exp(found.loss), 9);
    }
    disposeTree(params);
  });
});

describe('CausalLmTrainer', () => {
  it('learns of a conversation what the assistant says, and how to end it, alone', async () => {
    const chats = trainTokenizer(['user assistant ask say'], { specialTokens: ['<s>', '<|e|>'], promptSuffix: '' });
    const chat_template =
      "{% for m in messages %}{{ '<s>' + m.role + ' ' }}{% if m.role == 'assistant' %}{% generation %}{{ m.content + '<|e|>' }}{% endgeneration %}{% else %}{{ m.content + '<|e|>' }}{% endif %}{% endfor %}";
    const tokenizer = new Tokenizer(chats.json, { ...chats.config, chat_template });
    const writer = decoder({ ...model.config, vocabularySize: tokenizer.size });
    const messages = [
      { role: 'user', content: 'ask' },
      { role: 'assistant', content: 'say' },
    ];
    const options = { model: writer, params: writer.init(rng(1)), tokenizer, assistantOnly: true };
    using trainer = make({ ...options, data: dataset([{ messages }]), learningRate: 1e-2, batchSize: 1 }).trainer;
    const [first] = await take(trainer, 1);
    const said = [...tokenizer.encodeText('say<|e|>')];
    expect(first?.tokens).toBe(said.length);
    await trainer.run({ steps: 100 });
    const ids = tokenizer.encodeText('<s>user ask<|e|><s>assistant say<|e|>');
    const logProbs = writer.logProbs(trainer.params, padBatch([ids.subarray(0, 1)], 0), padBatch([ids.subarray(1)], 0));
    const values = [...logProbs.dataSync()];
    logProbs.dispose();
    expect(Math.min(...values.slice(-said.length))).toBeGreaterThan(-0.1); // each token of the answer is known
    expect(Math.min(...values.slice(0, -said.length))).toBeLessThan(-1); // and the question is not
  });

  it('learns: the loss of packed text falls below half', async () => {
    const { trainer } = make({ data: dataset(texts), evalData: dataset(texts.slice(0, 2)) });
    using _ = trainer;
    const last = (await trainer.run({ steps: 120 })) as TrainStep;
    expect(last.loss).toBeLessThan(2);
    expect(last.evalPerplexity).toBeCloseTo(Math.exp(last.evalLoss as number), 4);
    expect(last.tokens).toBe(4 * 32); // four blocks of 32, each token a target
  });

  it('counts only the completion of prompt rows, and says how many tokens that are', async () => {
    const { trainer, options } = make({ data: dataset(pairs), batchSize: 3 });
    using _ = trainer;
    const { rows } = tokenRows(options.data, tokenizer, { limit: 32 });
    const [first] = await take(trainer, 1);
    expect(first?.tokens).toBe(3 * 2); // one digit and the end of each of three rows
    expect(rows.every(({ ids, from }) => ids.length - from === 2)).toBe(true);
  });

  it('trains one step on all 12 tokens where data is smaller than a block and a batch, and evaluates on one row', async () => {
    const data = dataset([{ text: 'aaa' }, { text: 'bbb' }, { text: 'ccc' }]);
    const bytes = trainTokenizer(['x'], { vocabularySize: 258 });
    const wide = decoder({ vocabularySize: 258, width: 16, layers: 1, heads: 2, contextLength: 2048 });
    const options = { model: wide, params: wide.init(rng(1)), tokenizer: bytes, data, batchSize: 8, seed: 1 };
    using trainer = new CausalLmTrainer({ ...options, learningRate: 1e-3, evalData: dataset([{ text: 'abc' }]) });
    const [step] = await take(trainer, 1);
    expect(step?.tokens).toBe(12);
    expect(Number.isFinite(step?.evalLoss)).toBe(true);
  });

  it('leaves rows that are too long out and counts them by file and line; refuses a file of only such rows', async () => {
    const long = { prompt: 'x'.repeat(60), completion: 'y' };
    const data = dataset([long, ...pairs.slice(0, 4)]);
    const { trainer } = make({ data });
    const { trainer: without } = make({ data: dataset(pairs.slice(0, 4)) });
    expect(trainer.overflow).toMatchObject({ rows: 1, where: ['row 0'] });
    expect(await losses(trainer, 3)).toEqual(await losses(without, 3));
    for (const t of [trainer, without]) t.dispose();
    expect(() => make({ data: dataset([long, long]) })).toThrow(/all 2 rows are longer than the limit/);
  });

  it('gives the same numbers for the same seed, and others for another', async () => {
    const run = async (seed: number): Promise<number[]> => {
      using trainer = make({ seed }).trainer;
      return await losses(trainer, 4);
    };
    expect(await run(1)).toEqual(await run(1));
    expect(await run(1)).not.toEqual(await run(2));
  });

  it('accumulates: 8 rows at once and 8 times 1 row give the same losses', async () => {
    const run = async (o: Partial<CausalLmOptions>): Promise<number[]> => {
      using trainer = make({ data: dataset(pairs), ...o }).trainer;
      return await losses(trainer, 3);
    };
    const [whole, parts] = [await run({ batchSize: 8 }), await run({ batchSize: 1, accumulate: 8 })];
    whole.forEach((loss, i) => {
      expect(parts[i]).toBeCloseTo(loss, 4);
    });
  });

  it('resumes to the numbers of the uninterrupted run, dropout included, and its model folder loads', async () => {
    const dropping = decoder({ ...model.config, dropout: 0.2 });
    const options = { model: dropping, out: join(dir, 'run'), checkpointEvery: 4 };
    const plain = { model: dropping };
    using whole = make(plain).trainer;
    const all = await losses(whole, 10);
    const { trainer, options: used } = make(options);
    await losses(trainer, 4);
    trainer.dispose();
    using resumed = await CausalLmTrainer.resume(join(dir, 'run'), { ...used, params: model.init(rng(9)) });
    expect(resumed.step).toBe(4);
    expect(await losses(resumed, 10)).toEqual(all.slice(4));
    const checkpoints = await readdir(join(dir, 'run', 'checkpoints'));
    const latest = checkpoints
      .filter((name) => name.startsWith('step-'))
      .sort()
      .at(-1) as string;
    const loaded = await loadPretrained(join(dir, 'run', 'checkpoints', latest, 'model'));
    expect(loaded.tokenizer?.size).toBe(tokenizer.size);
    expect(loaded.model.config).toEqual(dropping.config);
    disposeTree(loaded.params);
  });

  it('keeps tensor count and bytes flat', async () => {
    using trainer = make({ data: dataset(texts) }).trainer;
    await losses(trainer, 2);
    const before = memory();
    await losses(trainer, 1000);
    expect([memory().numTensors, memory().numBytes]).toEqual([before.numTensors, before.numBytes]);
  });

  const endPads = new Tokenizer(tokenizer.json, { ...tokenizer.config, pad_token: tokenizer.token(1) as string });
  it.each([
    ['apart from', model, tokenizer],
    ['as', decoder({ ...model.config, padId: 1 }), endPads],
  ])(
    'ends what it was taught to end, the padding %s the end: greedy answers of an overfit model are the completions',
    async (_, model, tokenizer) => {
      using trainer = make({ model, data: dataset(pairs.slice(0, 4)), learningRate: 1e-2, tokenizer }).trainer;
      await trainer.run({ steps: 150 });
      const prompts = pairs.slice(0, 4).map((row) => row.prompt);
      const written = await generate(model, trainer.params, tokenizer, prompts, {
        temperature: 0,
        maxNewTokens: 8,
        rng: rng(1),
      });
      expect(written.map(({ text, end }) => ({ text, end }))).toEqual(
        pairs.slice(0, 4).map((row) => ({ text: row.completion, end: 'eos' })),
      );
      const { rows } = tokenRows(dataset(pairs.slice(0, 4)), tokenizer, { limit: 32 });
      expect((await evaluateLoss(model, trainer.params, rows, { batchSize: 3 })).loss).toBeLessThan(0.2);
    },
  );

  it('refuses what does not fit before it allocates anything', () => {
    const before = memory().numTensors;
    const small = decoder({ ...model.config, vocabularySize: 100 });
    const params = {};
    const options = {
      model: small,
      params,
      tokenizer,
      data: dataset(texts),
      batchSize: 4,
      learningRate: 1e-3,
      seed: 1,
    };
    expect(() => new CausalLmTrainer(options)).toThrow(
      /tokenizer has more tokens than the model; got \d+, wanted at most 100/,
    );
    expect(() => new CausalLmTrainer({ ...options, model, maxLength: 64 })).toThrow(/maxLength: out of range; got 64/);
    const misspelt = { ...options, model, accumulation: 8 };
    expect(() => new CausalLmTrainer(misspelt)).toThrow(/unknown option accumulation.*Did you mean accumulate\?/);
    const packed = { ...options, model, data: dataset(pairs), packing: true, paddingFree: false };
    expect(() => new CausalLmTrainer(packed)).toThrow(/paddingFree: packed rows need it/);
    expect(memory().numTensors).toBe(before);
  });
});

describe('the newsroom', () => {
  it('a small model learns to write summaries of the form it was shown', async () => {
    const world = newsroom({
      stereotypeRate: 0,
      errorRate: 0,
      facts: 2,
      clauseRates: [1],
      mainFirstRate: 1,
      synonyms: false,
      categorySize: 0,
    });
    const rows = world.rows(400, rng(1));
    const words = trainTokenizer(
      rows.flatMap((r) => [r.prompt, r.completion]),
      { vocabularySize: 512 },
    );
    const writer = decoder({
      vocabularySize: words.size,
      width: 32,
      layers: 2,
      heads: 4,
      contextLength: 64,
      eosIds: [1],
    });
    const params = writer.init(rng(1));
    using trainer = new CausalLmTrainer({
      model: writer,
      params,
      tokenizer: words,
      data: dataset(rows),
      batchSize: 16,
      learningRate: 5e-3,
      seed: 1,
    });
    const steps = await take(trainer, 150);
    expect(steps.at(-1)?.loss).toBeLessThan(0.5 * (steps[0]?.loss as number));
    const asked = world.rows(8, rng(2));
    const written = await generate(
      writer,
      trainer.params,
      words,
      asked.map((r) => r.prompt),
      { temperature: 0, maxNewTokens: 12, rng: rng(1) },
    );
    const formed = written.filter(({ text }, i) => {
      const judged = world.entails(world.parse(asked[i]?.prompt as string), text);
      return judged.malformed === 0 && judged.clauses.length === 1;
    });
    expect(formed.length).toBeGreaterThanOrEqual(7);
  });
});

async function take(trainer: CausalLmTrainer, steps: number): Promise<TrainStep[]> {
  const out: TrainStep[] = [];
  for await (const step of trainer.train({ steps })) out.push(step);
  return out;
}

const tensorOf = (ids: number[]): Tensor2D => tensor2d([ids], [1, ids.length], 'int32');
