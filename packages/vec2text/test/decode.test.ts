import { rng, useBackend } from '@gimbal/tensor-core';
import { logSoftmax, memory, setBackend, sum, type Tensor2D, tensor2d, tidy } from '@tensorflow/tfjs-core';
import { codePolicy, decodeCodes, encodeTexts, sample, textTokenizer, type Vec2Text } from '../src/index.ts';
import { textRow } from '../src/text/text-rows.ts';
import { randomModel } from './helpers/toy.ts';

const reasonOf = async (f: () => Promise<unknown>): Promise<string> => {
  try {
    await f();
  } catch (error) {
    return (error as { reason?: string; code?: string }).reason ?? String((error as { code?: string }).code);
  }
  return 'nothing thrown';
};

/** log p of the next token [V] after these, by a pass over all of them: no cache, no capture. */
function nextLogProbs({ module, params }: Vec2Text, z: Float32Array, ids: readonly number[]): Float32Array {
  return tidy(() => {
    const shifted = tensor2d([[module.config.bosId, ...ids]], [1, ids.length + 1], 'int32');
    const logits = module.logits(params, tensor2d(z, [1, z.length]), shifted);
    const rows = logSoftmax(logits).dataSync<'float32'>();
    return rows.slice(-module.config.vocabSize);
  });
}

/** The likeliest token each time. */
function greedily(model: Vec2Text, z: Float32Array): { text: string; logProb: number; finished: boolean } {
  const { eosId, maxLength } = model.module.config;
  const ids: number[] = [];
  let logProb = 0;
  while (ids.length < maxLength && ids.at(-1) !== eosId) {
    const next = nextLogProbs(model, z, ids);
    const best = next.indexOf(Math.max(...next));
    logProb += next[best] as number;
    ids.push(best);
  }
  return { text: model.tokenizer.decodeIds(ids), logProb, finished: ids.at(-1) === eosId };
}

const { passedOver } = await useBackend('auto');
const withoutNative = passedOver.find(({ name }) => name === 'native');
if (withoutNative) console.warn(`skipped on native: ${withoutNative.reason}`);

describe.each(withoutNative ? ['cpu'] : ['native', 'cpu'])('on %s', (backend) => {
  let model: Vec2Text;
  let z: Float32Array;
  const k = 4;
  beforeAll(async () => {
    await setBackend(backend);
    model = randomModel();
    z = sample(model.module.space, 40, { prior: 'uniform', rng: rng(3) });
  });
  afterAll(() => model.dispose());

  test('greedy texts and their log-probabilities are those of whole passes without caches', async () => {
    const decoded = await decodeCodes(model, z);
    expect(new Set(decoded.map(({ text }) => text)).size).toBeGreaterThan(5);
    expect(decoded.some(({ finished }) => finished) && decoded.some(({ finished }) => !finished)).toBe(true);
    for (let i = 0; i < 40; i += 3) {
      const wanted = greedily(model, z.slice(i * k, (i + 1) * k));
      expect(decoded[i]).toEqual({ ...wanted, logProb: expect.closeTo(wanted.logProb, 3) });
    }
  });

  test('a row does not depend on its batch, in sampling too; the stream moves on', async () => {
    for (const o of [{}, { temperature: 1, topK: 5, topP: 0.9 }]) {
      const withStream = (): object => ({ ...o, ...('temperature' in o && { rng: rng(5) }) });
      const all = await decodeCodes(model, z, withStream());
      const inParts = await decodeCodes(model, z, { ...withStream(), batchSize: 7 });
      const first = await decodeCodes(model, z.slice(0, 3 * k), withStream());
      expect(inParts.map(({ text }) => text)).toEqual(all.map(({ text }) => text));
      expect(first.map(({ text }) => text)).toEqual(all.slice(0, 3).map(({ text }) => text));
    }
    const stream = rng(5);
    const once = await decodeCodes(model, z, { temperature: 1, rng: stream });
    expect((await decodeCodes(model, z, { temperature: 1, rng: stream })).map(({ text }) => text)).not.toEqual(
      once.map(({ text }) => text),
    );
  });

  test('sampled log-probabilities are the policy’s own', async () => {
    const some = z.slice(0, 6 * k);
    const decoded = await decodeCodes(model, some, { temperature: 1.5, rng: rng(2) });
    const { module, params, tokenizer } = model;
    const policy = codePolicy(module, () => tensor2d(some, [6, k]) as Tensor2D);
    const width = module.config.maxLength;
    const lengths = new Int32Array(6);
    const ids = new Int32Array(6 * width);
    decoded.forEach(({ text, finished }, b) => {
      const row = text === '' ? [] : text.split(' ').map((word) => tokenizer.id(word) as number);
      const all = finished ? [...row, module.config.eosId] : row;
      ids.set(all, b * width);
      lengths[b] = all.length;
    });
    const prompts = { ids: new Int32Array(6), width: 1, lengths: new Int32Array(6).fill(1) };
    const logProbs = tidy(() => sum(policy.logProbs(params, prompts, { ids, width, lengths }), 1).dataSync());
    decoded.forEach(({ logProb }, b) => {
      expect(logProb).toBeCloseTo(logProbs[b] as number, 3);
    });
  });

  test('beams find texts at least as likely by token as greedy decoding, for most codes likelier', async () => {
    const some = z.slice(0, 10 * k);
    const score = ({ text, logProb, finished }: { text: string; logProb: number; finished: boolean }): number =>
      logProb / ((text === '' ? 0 : text.split(' ').length) + (finished ? 1 : 0));
    const [greedy, found] = [await decodeCodes(model, some), await decodeCodes(model, some, { beams: 6 })];
    const gains = found.map((each, i) => score(each) - score(greedy[i] as typeof each));
    expect(gains.filter((gain) => gain >= -1e-4).length).toBeGreaterThanOrEqual(9);
    expect(gains.some((gain) => gain > 0.01)).toBe(true);
  });

  test('memory is flat over decodings and encodings, with another batch and beams in between', async () => {
    const run = async (): Promise<void> => {
      await decodeCodes(model, z);
      await decodeCodes(model, z.slice(0, k));
      await decodeCodes(model, z.slice(0, 2 * k), { beams: 3 });
      await encodeTexts(model, ['the boy saw a lamp', 'a box']);
      await decodeCodes(model, z);
    };
    await run();
    const { numTensors, numBytes } = memory();
    for (let i = 0; i < 5; i++) await run();
    expect(memory()).toMatchObject({ numTensors, numBytes });
  });

  test('disposing a model gives all its memory back, twice is safe', async () => {
    const { numTensors } = memory();
    const other = randomModel();
    await decodeCodes(other, z);
    await encodeTexts(other, ['the boy']);
    other.dispose();
    other.dispose();
    expect(memory().numTensors).toBe(numTensors);
  });
});

describe('what cannot be decoded or encoded is refused before work starts', () => {
  let model: Vec2Text;
  beforeAll(async () => {
    await useBackend('auto');
    model = randomModel();
  });
  afterAll(() => model.dispose());

  test('vectors: another width, one of many outside, NaN; projected when asked', async () => {
    const good = new Float32Array(4);
    await expect(decodeCodes(model, new Float32Array(6))).rejects.toThrow(
      'vec2text: decode: the length is no whole number of codes; got 6, wanted a multiple of 4',
    );
    const outside = Float32Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.2, 1.42, 0);
    await expect(decodeCodes(model, outside)).rejects.toThrow(
      'vec2text: decode row 3: |z[2]| = 1.42 > 1 (box). Pass project: true.',
    );
    expect(await reasonOf(() => decodeCodes(model, outside))).toBe('OUT_OF_SPACE');
    const clipped = Float32Array.from(outside, (x) => Math.min(x, 1));
    expect(await decodeCodes(model, outside, { project: true })).toEqual(await decodeCodes(model, clipped));
    expect(await reasonOf(() => decodeCodes(model, Float32Array.of(0, Number.NaN, 0, 0)))).toBe('NOT_FINITE');
    expect(await reasonOf(() => decodeCodes(model, Float32Array.of(0, 1e6, 0, 0), { project: true }))).toBe(
      'nothing thrown',
    );
    expect(await decodeCodes(model, good)).toHaveLength(1);
  });

  test('on the sphere a zero vector is refused, projected or not', async () => {
    using sphere = randomModel({ space: 'sphere' });
    for (const project of [true, false])
      expect(await reasonOf(() => decodeCodes(sphere, new Float32Array(4), { project }))).toBe('DEGENERATE');
    expect(await reasonOf(() => decodeCodes(sphere, Float32Array.of(3, 0, 0, 0)))).toBe('OUT_OF_SPACE');
    expect(await decodeCodes(sphere, Float32Array.of(1e6, 0, 0, 0), { project: true })).toEqual(
      await decodeCodes(sphere, Float32Array.of(1, 0, 0, 0)),
    );
  });

  test('options', async () => {
    const z = new Float32Array(4);
    for (const o of [
      { temperature: -1, rng: rng(0) },
      { temperature: 1 },
      { topP: 0 },
      { topP: 1.1 },
      { topK: -1 },
      { beams: 0 },
      { beams: 2, temperature: 1, rng: rng(0) },
      { batchSize: 0 },
    ])
      expect([o, await reasonOf(() => decodeCodes(model, z, o))]).toEqual([o, 'CONFIG']);
    const signal = AbortSignal.abort();
    expect(await reasonOf(() => decodeCodes(model, z, { signal }))).toBe('ERR_STOPPED');
    expect(await reasonOf(() => encodeTexts(model, ['the boy'], { signal }))).toBe('ERR_STOPPED');
  });

  test('texts: blank, of unknown words, longer than the model, with a special token', async () => {
    const refused = (text: string): Promise<string> => reasonOf(() => encodeTexts(model, ['the boy', text]));
    expect(await refused('')).toBe('EMPTY_TEXT');
    expect(await refused(' \n')).toBe('EMPTY_TEXT');
    expect(await refused('the boy <eos> saw')).toBe('UNKNOWN_TOKEN');
    await expect(encodeTexts(model, ['the boy', 'the docter saw'])).rejects.toThrow(
      'vec2text: encode text 1: a word that the vocabulary has not; got "docter". Did you mean doctor?',
    );
    expect(await refused('the boy saw the lamp the girl')).toBe('nothing thrown'); // 7 words and the end
    expect(await refused('the boy saw the lamp the girl saw')).toBe('TOO_LONG');
    await expect(encodeTexts(model, ['the boy saw the lamp the girl saw the boy saw the lamp'])).rejects.toThrow(
      /text 0: ‘the boy saw the lamp the girl saw the bo…’ is longer than the model, in tokens; got 13, wanted at most \d+/,
    );
    const open = textTokenizer(['the boy saw'], { vocabularySize: 300 });
    const config = { eosId: 1, maxLength: 40 };
    for (const text of ['the <mask> saw', 'the <pad>'])
      expect(await reasonOf(async () => textRow('here', open, text, config))).toBe('UNKNOWN_TOKEN');
    expect(await reasonOf(() => encodeTexts(model, []))).toBe('TOO_FEW');
    const [a, b] = [
      await encodeTexts(model, ['the  boy ']),
      await encodeTexts(model, ['the boy', 'the boy saw the lamp']),
    ];
    expect(Array.from(a)).toEqual(Array.from(b.slice(0, 4), (v) => expect.closeTo(v, 6)));
  });
});
