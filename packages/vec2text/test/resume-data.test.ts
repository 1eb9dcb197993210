// A run that is resumed with other data than it began with is another run.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rng, useBackend } from '@gimbal/tensor-core';
import {
  type Embedder,
  InverterTrainer,
  type InverterTrainerOptions,
  specialIds,
  Vec2TextTrainer,
  type Vec2TextTrainerOptions,
  vec2text,
  wordTokenizer,
} from '../src/index.ts';

const words = 'the boy girl saw found lamp box'.split(' ');
const tokenizer = wordTokenizer(words);
const other = wordTokenizer([...words].reverse()); // as many, of other ids
const data = ['the boy saw the box', 'the girl found the lamp', 'the box found the boy', 'the lamp saw the girl'];
const turned = [...data].reverse();
let folder: string;
beforeAll(async () => {
  await useBackend('auto');
  folder = await mkdtemp(join(tmpdir(), 'resume-'));
});
afterAll(() => rm(folder, { recursive: true }));

test('a model’s run: other texts, their order, round trips, tokens, held-out texts and what is made of long ones', async () => {
  const module = vec2text({ vocabSize: tokenizer.size, width: 8, ffn: 8, heads: 2, controlDim: 2, maxLength: 7 });
  const rows = data.map((source, i) => ({ source, candidates: [data[(i + 1) % 4] as string] }));
  const out = join(folder, 'model');
  const options: Vec2TextTrainerOptions = {
    ...{ module, tokenizer, data: rows, objective: { kind: 'rtt' }, seed: 0, batchSize: 2, out },
    ...{ evalData: rows.slice(0, 2) },
  };
  using trainer = new Vec2TextTrainer(options);
  await trainer.run({ steps: 1 });
  const resumed = async (o: Partial<Vec2TextTrainerOptions>): Promise<string> => {
    try {
      using again = await Vec2TextTrainer.resume(out, { ...options, ...o });
      return `at ${again.step}`;
    } catch (error) {
      return (error as Error).message;
    }
  };
  expect(await resumed({})).toBe('at 1');
  expect(await resumed({ data: [...rows].reverse() })).toContain('data differs');
  expect(await resumed({ data: rows.map(({ source }) => ({ source, candidates: [source] })) })).toContain(
    'data differs',
  );
  expect(await resumed({ tokenizer: other })).toContain('tokenizer differs');
  expect(await resumed({ evalData: rows.slice(2) })).toContain('evalData differs');
  expect(await resumed({ evalData: undefined as never })).toContain('evalData differs');
  expect(await resumed({ statsSamples: 3 })).toContain('statsSamples differs');
  expect(await resumed({ overflow: 'cut' })).toContain('overflow differs');
});

test('an inverter’s run: other texts, their order, tokens, and for a corrector another hypothesizer', async () => {
  const embedder: Embedder = {
    ...{ name: 'chance', dim: 4, hash: 'chance-4' },
    embed: async (list) =>
      Float32Array.from(
        list.flatMap((text) => {
          const own = rng(1).split(text);
          return Array.from({ length: 4 }, () => own.normal());
        }),
      ),
  };
  const config = { width: 8, ffn: 8, heads: 2, maxLength: 7, embeddingTokens: 2, ...specialIds(tokenizer) };
  const common = { embedder, texts: data, seed: 0, batchSize: 2 };
  const first: InverterTrainerOptions = {
    ...common,
    tokenizer,
    config,
    stage: 'hypothesizer',
    out: join(folder, 'one'),
  };
  const resumed = async (options: InverterTrainerOptions): Promise<string> => {
    try {
      using again = await InverterTrainer.resume(options.out as string, options);
      return `at ${again.step}`;
    } catch (error) {
      return (error as Error).message;
    }
  };
  using one = new InverterTrainer(first);
  await one.run({ steps: 1 });
  expect(await resumed(first)).toBe('at 1');
  expect(await resumed({ ...first, texts: turned })).toContain('texts differs');
  expect(await resumed({ ...first, tokenizer: other })).toContain('tokenizer differs');

  const second: InverterTrainerOptions = {
    ...common,
    stage: 'corrector',
    from: one.inverter,
    out: join(folder, 'two'),
  };
  using two = new InverterTrainer(second);
  await two.run({ steps: 1 });
  expect(await resumed(second)).toBe('at 1');
  using stranger = new InverterTrainer({ ...first, seed: 9, out: join(folder, 'three') });
  expect(await resumed({ ...second, from: stranger.inverter })).toContain('hypothesizer differs');
});
