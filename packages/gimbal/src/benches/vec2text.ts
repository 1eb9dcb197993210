// The reference model beside a hand-written PyTorch loop: texts to codes, codes to texts, a training step.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rng, writeSafetensors } from '@gimbal/tensor-core';
import {
  decodeCodes,
  encodeTexts,
  specialIds,
  type Vec2Text,
  Vec2TextTrainer,
  vec2text,
  wordTokenizer,
} from '@gimbal/vec2text';
import { toyLanguages } from '@gimbal/worlds';
import { countHostKernels } from '../bench/host-kernels.ts';
import type { Peer } from '../bench/peer.ts';
import { compare, known } from '../bench/row.ts';
import { type BenchRow, defineSuite } from '../bench/suite.ts';

/** sentences at a time */
const batch = 64;
const trainingTexts = 5000;
/** until sentences end by themselves */
const warmSteps = 300;
/** what codes of both sides may differ by */
const codeTolerance = 1e-4;

export const suite = defineSuite({
  name: 'vec2text',
  summary: 'the bottleneck encoder-decoder: encoding, greedy decoding, a training step, 64 sentences at a time',
  async *run(context) {
    const { aish } = toyLanguages({ preset: 'typed' });
    const stream = rng(context.options.seed);
    const data = aish.sentences(trainingTexts, stream.split('train'));
    const texts = aish.sentences(batch, stream.split('texts'));
    const tokenizer = wordTokenizer(aish.words);
    const module = vec2text({ vocabSize: tokenizer.size, ...specialIds(tokenizer) });
    const folder = await mkdtemp(join(tmpdir(), 'gimbal-bench-vec2text-'));
    try {
      using trainer = new Vec2TextTrainer({
        ...{ module, tokenizer, data, objective: { kind: 'ae' }, batchSize: batch },
        ...{ learningRate: 1e-3, seed: context.options.seed },
      });
      await trainer.run({ steps: warmSteps });
      using model = await trainer.model();
      const weights = join(folder, 'model.safetensors');
      await writeSafetensors(weights, model.params);
      const words = Array.from({ length: tokenizer.size }, (_, id) => tokenizer.token(id));
      const peer = await context.peer('vec2text.py');
      const shared = { config: module.config, weights, words };
      const sides = { peer, arguments: { ...shared, texts } };
      if (peer) yield* sameResults(model, texts, peer, sides.arguments);
      yield await compare(context, {
        ...sentences('encode'),
        goal: 1.2,
        work: async (calls) => {
          for (let i = 0; i < calls; i++) await encodeTexts(model, texts);
        },
        against: { ...sides, case: 'encode' },
        sampling: { rounds: 15, roundSeconds: 0.3, budgetSeconds: 15 },
      });
      const codes = await encodeTexts(model, texts);
      yield await compare(context, {
        ...sentences('decode greedily'),
        goal: 2.5,
        work: async (calls) => {
          for (let i = 0; i < calls; i++) await decodeCodes(model, codes);
        },
        against: { ...sides, case: 'decode' },
        sampling: { rounds: 9, roundSeconds: 0.4, budgetSeconds: 15 },
      });
      yield await compare(context, {
        name: `training step, ${batch} sentences`,
        unit: 'ms',
        value: (seconds) => seconds * 1e3,
        goal: 1.2,
        work: async (calls) => {
          await trainer.run({ steps: trainer.step + calls });
        },
        against: { peer, case: 'train-step', arguments: { ...shared, texts: data, batch } },
        sampling: { rounds: 11, roundSeconds: 0.5, budgetSeconds: 20 },
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  },
});

const sentences = (name: string) => ({
  name: `${name}, ${batch} sentences at a time`,
  unit: 'sentences/s',
  value: (seconds: number) => batch / seconds,
  more: true,
});

/** Both sides compute the same: the largest difference of their codes, and the texts that they decode alike. */
async function* sameResults(
  model: Vec2Text,
  texts: readonly string[],
  peer: Peer,
  shared: { [name: string]: unknown },
): AsyncGenerator<BenchRow> {
  const theirs = await peer.ask<{ codes: number[]; texts: string[] }>('results', shared);
  const { value: ours, hostKernels } = await countHostKernels(async () => {
    const codes = await encodeTexts(model, texts);
    return { codes, texts: (await decodeCodes(model, codes)).map(({ text }) => text) };
  });
  yield known({
    name: 'codes, largest difference (peer: what is allowed)',
    unit: '',
    ours: ours.codes.reduce((most, x, i) => Math.max(most, Math.abs(x - (theirs.codes[i] as number))), 0),
    peer: codeTolerance,
    goal: 1,
    hostKernels,
    others: null,
  });
  yield known({
    name: 'texts decoded alike (peer: what is asked)',
    unit: '%',
    ours: (100 * ours.texts.filter((text, i) => text === theirs.texts[i]).length) / texts.length,
    peer: 98,
    more: true,
    goal: 1,
    hostKernels,
    others: null,
  });
}
