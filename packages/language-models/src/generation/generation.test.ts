import { type LogitPolicy, type Params, rng, type TokenBatch, useBackend } from '@gimbal/tensor-core';
import { memory, tensor2d } from '@tensorflow/tfjs-core';
import {
  decoder,
  decodeTokens,
  generate,
  generateStream,
  generationDefaults,
  padBatch,
  type SamplerOptions,
  sampleCompletions,
  trainTokenizer,
} from '../index.ts';
import { beamSearch } from './beam-search.ts';
import { TextTail } from './text-tail.ts';

beforeAll(async () => {
  await useBackend('auto');
});

/** A policy whose logits are given for each step and row. */
function scripted(logits: (step: number, row: number) => readonly number[]): LogitPolicy {
  const refuse = (): never => {
    throw new Error('not used');
  };
  return {
    sample: refuse,
    logProbs: refuse,
    logits: refuse,
    begin: (_: Params, prompts: TokenBatch) => ({
      length: 0,
      batch: prompts.lengths.length,
      step: 0,
      [Symbol.dispose]: () => {},
    }),
    next(_, state) {
      const s = state as unknown as { batch: number; step: number };
      const rows = Array.from({ length: s.batch }, (__, row) => [...logits(s.step, row)]);
      s.step++;
      return tensor2d(rows);
    },
  };
}

const onePrompt = padBatch([[1]], 0);

/** The tokens drawn in 400 draws from logits [3, 2, 1, 0], and whether all log-probabilities are finite. */
async function drawn(o: SamplerOptions): Promise<{ tokens: number[]; finite: boolean }> {
  const policy = scripted(() => [3, 2, 1, 0]);
  const options = { ...o, maxNewTokens: 400, rng: rng(1), logProbs: true };
  const { ids, logProbs } = await sampleCompletions(policy, {}, onePrompt, options);
  return { tokens: [...new Set(ids)].sort(), finite: logProbs?.every(Number.isFinite) ?? false };
}

describe('sampling', () => {
  it.each<[SamplerOptions, number[]]>([
    [{ temperature: 0 }, [0]],
    [{ temperature: 1e-4 }, [0]],
    [{ topP: 1e-6 }, [0]],
    [{ topK: 1000 }, [0, 1, 2, 3]],
    [{ topK: 0 }, [0, 1, 2, 3]],
    [{}, [0, 1, 2, 3]],
    [{ topK: 2 }, [0, 1]],
    // temperature comes first: of .455 .276 .167 .102 the first three reach .75, of .644 .237 .087 .032 the first two
    [{ temperature: 2, topP: 0.75 }, [0, 1, 2]],
    [{ temperature: 1, topP: 0.75 }, [0, 1]],
  ])('%j draws from %j', async (o, tokens) => {
    expect(await drawn(o)).toEqual({ tokens, finite: true });
  });

  it('draws by the probabilities', async () => {
    const policy = scripted(() => [Math.log(0.7), Math.log(0.2), Math.log(0.1)]);
    const { ids } = await sampleCompletions(policy, {}, onePrompt, { maxNewTokens: 3000, rng: rng(2) });
    const share = (id: number): number => ids.filter((x) => x === id).length / 3000;
    expect(share(0)).toBeCloseTo(0.7, 1);
    expect(share(1)).toBeCloseTo(0.2, 1);
  });

  it('gives the log-probabilities of the model, whatever the temperature and limits', async () => {
    const policy = scripted(() => [3, 2, 1, 0]);
    const options = { temperature: 0, maxNewTokens: 1, rng: rng(1), logProbs: true };
    const { logProbs } = await sampleCompletions(policy, {}, onePrompt, options);
    // 3 − log(e³ + e² + e + 1)
    expect(logProbs?.[0]).toBeCloseTo(3 - Math.log(Math.exp(3) + Math.exp(2) + Math.E + 1), 5);
  });

  it('gives a row the same draws whatever its neighbours, and other draws at the next call', async () => {
    const policy = scripted(() => [1, 1, 1, 1, 1, 1, 1, 1]);
    const stream = rng(5);
    const run = (batch: number, from = rng(5)): Promise<{ ids: Int32Array }> =>
      sampleCompletions(policy, {}, padBatch(Array(batch).fill([1]), 0), { maxNewTokens: 20, rng: from });
    const [alone, beside] = [await run(1, stream), await run(3)];
    expect([...alone.ids]).toEqual([...beside.ids.subarray(0, 20)]);
    expect([...beside.ids.subarray(20, 40)]).not.toEqual([...beside.ids.subarray(0, 20)]);
    expect([...(await run(1, stream)).ids]).not.toEqual([...alone.ids]);
  });

  it('refuses options out of range by name', async () => {
    const run = (o: SamplerOptions): Promise<unknown> =>
      sampleCompletions(
        scripted(() => [0]),
        {},
        onePrompt,
        { ...o, maxNewTokens: 1, rng: rng(1) },
      );
    await expect(run({ temperature: -1 })).rejects.toThrow(/generation.temperature: out of range; got -1/);
    await expect(run({ topP: 0 })).rejects.toThrow(/generation.topP/);
    await expect(run({ topK: 1.5 })).rejects.toThrow(/generation.topK/);
  });
});

describe('the end of rows', () => {
  // row 0 says 3 at step 1 (the second token), row 1 says 2 at step 5
  const likely = (id: number): number[] => [0, 0, 0, 0, 0].map((_, i) => (i === id ? 9 : 0));
  const policy = scripted((step, row) => likely(row === 0 && step === 1 ? 3 : row === 1 && step === 5 ? 2 : 4));
  const prompts = padBatch([[1], [1]], 0);

  it('keeps the end token, then pads; either of two end tokens ends a row', async () => {
    const options = { temperature: 0, maxNewTokens: 20, eosIds: [2, 3], padId: 0, rng: rng(1), logProbs: true };
    const { ids, lengths, ended, width, logProbs } = await sampleCompletions(policy, {}, prompts, options);
    expect(width).toBe(6);
    expect([...lengths]).toEqual([2, 6]);
    expect([...ended]).toEqual([1, 1]);
    expect([...ids]).toEqual([4, 3, 0, 0, 0, 0, 4, 4, 4, 4, 4, 2]);
    expect([...(logProbs?.subarray(2, 6) ?? [])]).toEqual([0, 0, 0, 0]);
  });

  it('marks rows that the limit cut', async () => {
    const options = { temperature: 0, maxNewTokens: 3, eosIds: [3], rng: rng(1) };
    const { lengths, ended } = await sampleCompletions(policy, {}, prompts, options);
    expect([[...lengths], [...ended]]).toEqual([
      [2, 3],
      [1, 0],
    ]);
  });

  it('stops at a step when its signal asks for it, and frees the caches of a loop that is left', async () => {
    const model = decoder({ vocabularySize: 16, width: 8, layers: 1, heads: 2, contextLength: 32 });
    const params = model.init(rng(1));
    const before = memory().numTensors;
    const controller = new AbortController();
    const options = { maxNewTokens: 20, rng: rng(1), signal: controller.signal };
    const steps = decodeTokens(model, params, prompts, options);
    await steps.next();
    controller.abort();
    await expect(steps.next()).rejects.toMatchObject({ code: 'ERR_STOPPED' });
    for await (const _ of decodeTokens(model, params, prompts, { maxNewTokens: 20, rng: rng(1) })) break;
    expect(memory().numTensors).toBe(before);
  });
});

describe('generate', () => {
  const tokenizer = trainTokenizer(['ab ab abc 🐕'], { vocabularySize: 262, minFrequency: 1 });
  /** A policy that writes a text, then the end token. */
  const writes = (...texts: string[]): LogitPolicy => {
    const rows = texts.map((text) => [...tokenizer.encodeText(text), 1]);
    return scripted((step, row) => {
      const logits = new Array(tokenizer.size).fill(0);
      logits[rows[row]?.[step] ?? 1] = 50;
      return logits;
    });
  };

  it('gives text, tokens and the reason of the end', async () => {
    const done = await generate(writes('ab abc', 'abcabcabc'), {}, tokenizer, ['x', 'y'], {
      maxNewTokens: 5,
      rng: rng(1),
    });
    expect(done.map(({ text, end }) => ({ text, end }))).toEqual([
      { text: 'ab abc', end: 'eos' },
      { text: expect.stringMatching(/^abc/), end: 'length' },
    ]);
    expect(done[0]?.ids.at(-1)).toBe(1);
    expect(done[0]?.logProbs).toHaveLength(done[0]?.ids.length ?? 0);
    expect(done[1]?.ids).toHaveLength(5);
  });

  it('ends before a stop string that is spread over tokens, and holds back its beginning while streaming', async () => {
    const parts: string[] = [];
    const stream = generateStream(writes('ab abc ab ab'), {}, tokenizer, ['x'], {
      stopStrings: ['bc a', 'zz'],
      rng: rng(1),
    });
    let end: string | undefined;
    for await (const part of stream) {
      parts.push(part.text);
      end = part.end;
    }
    expect(parts.join('')).toBe('ab a');
    expect(end).toBe('stop');
  });

  it('never gives out half a character', async () => {
    const stream = generateStream(writes('a🐕b'), {}, tokenizer, ['x'], { rng: rng(1) });
    let text = '';
    for await (const part of stream) {
      expect(part.text).not.toContain('\ufffd');
      text += part.text;
    }
    expect(text).toBe('a🐕b');
  });

  it('starts an empty prompt with the end-of-text token, and refuses a prompt longer than the context', async () => {
    const model = decoder({ vocabularySize: tokenizer.size, width: 8, layers: 1, heads: 2, contextLength: 16 });
    const params = model.init(rng(1));
    const [done] = await generate(model, params, tokenizer, [''], {
      maxNewTokens: 3,
      promptSuffix: false,
      rng: rng(1),
    });
    expect(done?.ids.length).toBeGreaterThan(0);
    // without a limit as many as there is room for
    for (const o of [{}, { beams: 2 }]) {
      const greedy = { temperature: 0, promptSuffix: false, eosIds: [], rng: rng(1), ...o };
      const [whole] = await generate(model, params, tokenizer, ['xxxx'], greedy);
      expect(whole?.ids).toHaveLength(16 - tokenizer.encodeText('xxxx').length);
    }
    const long = generate(model, params, tokenizer, ['x'.repeat(15)], { maxNewTokens: 3, rng: rng(1) });
    await expect(long).rejects.toMatchObject({
      code: 'ERR_DATA',
      message: expect.stringMatching(/longer than the context/),
    });
  });
});

describe('TextTail', () => {
  const tokenizer = trainTokenizer(['x'], { vocabularySize: 258 });
  it('gives back what was held when the text ends without the stop string', () => {
    const tail = new TextTail(tokenizer, ['bcd']);
    for (const id of tokenizer.encodeText('abc')) tail.add(id);
    expect(tail.take()).toBe('a');
    expect(tail.finish()).toBe('bc');
  });

  /** What is given out for tokens, part by part. */
  const streamed = (ids: Iterable<number>, stops: readonly string[] = []): string => {
    const tail = new TextTail(tokenizer, stops);
    let text = '';
    for (const id of ids) {
      const stopped = tail.add(id);
      text += tail.take();
      if (stopped) break;
    }
    return text + tail.finish();
  };

  it('gives out whole characters after bytes that are none', () => {
    const [a, b, c, d] = tokenizer.encodeText('😀') as unknown as [number, number, number, number];
    for (const stray of [[b], [a], [a, b, c], [b, b, b, b, b], Array(11).fill(b)])
      expect(streamed([...stray, a, b, c, d])).toBe(tokenizer.decodeIds([...stray, a, b, c, d]));
  });

  it('gives out the same text as the tokens together, whatever they are', () => {
    const r = rng(5);
    const bytes = [...tokenizer.encodeText('aé漢😀')];
    for (let i = 0; i < 300; i++) {
      const ids = Array.from({ length: 1 + r.int(12) }, () => bytes[r.int(bytes.length)] as number);
      expect(streamed(ids)).toBe(tokenizer.decodeIds(ids));
    }
  });

  it.each([
    ['a😀b', ['😀'], 'a'],
    ['a😀b', ['😀b', 'zz'], 'a'],
    ['ab漢字', ['b漢字'], 'a'],
    ['a😀b', ['😁'], 'a😀b'], // three of its four bytes are the same
    ['aé', ['è'], 'aé'],
  ])('%s with stop strings %j gives %s', (text, stops, wanted) => {
    expect(streamed(tokenizer.encodeText(text), stops)).toBe(wanted);
  });
});

it('a row ends at the first of several end tokens and stop strings, whichever comes first', async () => {
  const tokenizer = trainTokenizer(['x'], { vocabularySize: 258 });
  const [end, other] = [tokenizer.id('q'), tokenizer.special.eos] as [number, number];
  const rows = ['a', 'x😀bc', 'n', 'xq'].map((text) => [...tokenizer.encodeText(text)]);
  (rows[0] as number[]).push(end);
  (rows[2] as number[]).push(other);
  const policy = scripted((step, row) => {
    const logits = new Array<number>(tokenizer.size).fill(0);
    logits[rows[row]?.[step] ?? (tokenizer.id('z') as number)] = 9;
    return logits;
  });
  const prompts = rows.map(() => 'p');
  const o = { temperature: 0, eosIds: [end, other], stopStrings: ['😀b', 'zzz'], rng: rng(0) };
  const done = await generate(policy, {}, tokenizer, prompts, o);
  expect(done.map(({ text, end: why, ids }) => [text, why, ids.length])).toEqual([
    ['a', 'eos', 2],
    ['x', 'stop', 6],
    ['n', 'eos', 2],
    ['x', 'eos', 2],
  ]);
});

it('refuses an empty stop string and ids of no token, drawn, streamed or searched', async () => {
  const tokenizer = trainTokenizer(['x'], { vocabularySize: 258 });
  const model = decoder({ vocabularySize: tokenizer.size, width: 8, layers: 1, heads: 1, contextLength: 8 });
  for (const beams of [1, 2]) {
    const ask = (o: object): Promise<unknown> => generate(model, {}, tokenizer, ['x'], { beams, rng: rng(0), ...o });
    await expect(ask({ stopStrings: ['.', ''] })).rejects.toThrow(/generation.stopStrings: a stop string is empty/);
    await expect(ask({ eosIds: [1, 9999] })).rejects.toThrow(/generation.eosIds: it is no token’s id; got 9999/);
    await expect(ask({ eosIds: [-1] })).rejects.toMatchObject({ code: 'ERR_CONFIG' });
  }
  const stream = generateStream(model, {}, tokenizer, ['x'], { eosIds: [0.5], rng: rng(0) });
  await expect(stream.next()).rejects.toThrow(/no token’s id; got 0.5/);
});

describe('generationDefaults', () => {
  it('reads a file as Python does', () => {
    expect(generationDefaults({ do_sample: true, temperature: 2, top_p: 0.75, eos_token_id: [2, 3] })).toEqual({
      temperature: 2,
      topK: 50, // the class default of transformers
      topP: 0.75,
      eosIds: [2, 3],
    });
    expect(generationDefaults({ eos_token_id: 1, pad_token_id: 0 })).toEqual({ temperature: 0, eosIds: [1], padId: 0 });
    expect(() => generationDefaults({ do_sample: true, top_p: '0.9' })).toThrow(/generation_config.json top_p/);
  });

  it('gives way to what the call passes', async () => {
    const file = generationDefaults({ do_sample: true, temperature: 2, top_p: 0.75 });
    expect((await drawn(file)).tokens).toEqual([0, 1, 2]);
    expect((await drawn({ ...file, temperature: 1 })).tokens).toEqual([0, 1]);
  });
});

describe('a model that gives no probabilities', () => {
  const rows = {
    NaN: [Number.NaN, 1],
    'one NaN': [1, Number.NaN],
    'nothing finite': [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY],
    '+Infinity': [0, Number.POSITIVE_INFINITY],
  };
  it.each(Object.entries(rows))('%s: is refused at the first token, drawn or searched, by row', async (_, bad) => {
    const tensors = memory().numTensors;
    const policy = scripted((__, row) => (row === 1 ? bad : [1, 2]));
    const prompts = padBatch([[1], [1]], 0);
    for (const more of [{}, { temperature: 0 }, { logProbs: true }, { repetitionPenalty: 1.5 }]) {
      const run = sampleCompletions(policy, {}, prompts, { ...more, maxNewTokens: 2, rng: rng(0) });
      await expect(run).rejects.toThrow(
        /generation, row 1: (?:the model gives no probabilities after 0 tokens|its logits processors leave no token)/,
      );
    }
    const search = beamSearch({ ...policy, select: () => {} }, {}, prompts, { beams: 2, maxNewTokens: 2 });
    await expect(search).rejects.toThrow(/generation, row 1: the model gives no probabilities after 0 tokens/);
    expect(memory().numTensors).toBe(tensors);
  });

  it('is refused later too where log-probabilities are asked for; a masked token is none', async () => {
    const masked = [0, Number.NEGATIVE_INFINITY];
    const policy = scripted((step) => (step < 2 ? masked : [Number.NaN, 0]));
    const options = { maxNewTokens: 4, rng: rng(0), logProbs: true };
    await expect(sampleCompletions(policy, {}, onePrompt, options)).rejects.toThrow(/no probabilities after 2 tokens/);
  });
});
