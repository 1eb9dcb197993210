// Real sentences: captions of SNLI, by a model of real words. A table and a page, no threshold.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { rng, writeFileAtomic } from '@gimbal/tensor-core';
import {
  buildRoundTrips,
  decodeCodes,
  encodeTexts,
  gatherRoundTrips,
  interpolate,
  loadVec2Text,
  type RoundTrip,
  roundTripFile,
  sample,
  specialIds,
  type TrainingRow,
  telegraphPivot,
  textTokenizer,
  tokenF1,
  universality,
  type Vec2Text,
  vec2text,
} from '@gimbal/vec2text';
import type { ChartPart, TablePart } from '../../report/part.ts';
import { renderReport } from '../../report/render.ts';
import { type ClaimContext, defineClaim } from '../../reproduce/claim.ts';
import { isFolder } from '../../vec2text/open.ts';
import { lengthAttributes, wordOracles, wordPairs, wordTerms } from '../../vec2text/oracles.ts';
import { qualitativeTables } from '../../vec2text/tables.ts';
import { type Judge, judgeOf } from './internal/caption-model.ts';
import { objectives, trainedIn } from './internal/experiment.ts';
import { short } from './internal/measured.ts';
import { readSnli } from './internal/snli.ts';

/** With --full, and what an hour of a shared machine is enough for. */
const [large, small] = [
  { steps: 10_000, trips: 2, sizes: { width: 128, ffn: 256, encoderLayers: 2, decoderLayers: 2, controlDim: 64 } },
  { steps: 1500, trips: 1, sizes: { width: 64, ffn: 128, encoderLayers: 1, decoderLayers: 1, controlDim: 64 } },
] as const;
const [held, failures] = [500, 12];
const kinds = ['ae', 'dae', 'rtt'] as const;

export const claim = defineClaim({
  id: 'E17',
  claim: 'real sentences: what is reconstructed of captions, and what lies between two of them',
  paper: 'sentences of the web there, 250 M parameters; no table was obtained',
  wanted: `a table and a page (reported); with --full two blocks of width 128 and ${large.steps} updates, else one of 64 and ${small.steps}`,
  fullOnly: true,
  seeds: [0],
  async run(c) {
    if (c.data === undefined)
      return { measured: 'skipped: no --data, a folder with snli_dev.jsonl and snli_test.jsonl', verdict: 'reported' };
    const parts: string[] = [];
    for (const seed of c.seeds) parts.push(await onSeed(c.data, seed, c));
    return { measured: parts.join('; '), verdict: 'reported' };
  },
});

async function onSeed(data: string, seed: number, c: ClaimContext): Promise<string> {
  const { steps, trips, sizes } = c.full ? large : small;
  const folder = join(c.dir, `${seed}-${steps}`);
  const { distinct, train, heldOut } = await readSnli(data, held, rng(seed).split('split'));
  c.note(`E17: ${distinct} sentences, ${train.length} to learn from, ${heldOut.length} held out`);
  const tokenizer = textTokenizer(train, { vocabularySize: 4000 });
  const maxLength = train.reduce((most, text) => Math.max(most, tokenizer.encodeText(text).length + 1), 2);
  const judge = await judgeOf(join(folder, 'lm'), { train, real: heldOut, tokenizer, steps: steps / 2, seed }, c);
  const lines: string[] = [];
  const sections: { title: string; parts: (ChartPart | TablePart)[] }[] = [];
  try {
    for (const kind of kinds) {
      const own = join(folder, kind);
      using model = (await isFolder(join(own, 'model')))
        ? await loadVec2Text(join(own, 'model'))
        : await trainedIn(
            own,
            `E17 ${kind}`,
            {
              module: vec2text({ vocabSize: tokenizer.size, maxLength, ...sizes, ...specialIds(tokenizer) }),
              ...{ tokenizer, seed, objective: objectives[kind] },
              data: kind === 'rtt' ? await roundTrips(train, { trips, seed }, folder, c) : train,
            },
            steps,
            c,
          );
      const { line, tables } = await measured(model, heldOut, judge, seed, c);
      lines.push(`${kind} ${line}`);
      sections.push({ title: kind, parts: tables });
    }
  } finally {
    judge.dispose();
  }
  const page = join(folder, 'report.html');
  const lead = `${train.length} captions of SNLI learnt, ${heldOut.length} held out by premise, ${steps} updates, seed ${seed}.`;
  const report = {
    eyebrow: 'gimbal reproduce vec2text',
    title: 'Real sentences',
    lead,
    figures: [],
    sections,
    footer: page,
  };
  await writeFileAtomic(page, renderReport(report));
  return `seed ${seed}, ${steps} updates, ${names.join('/')}: ${lines.join(', ')}; sentences in ${page}`;
}

const names = ['token F1', 'BLEU-4', 'exact', 'CE', 'LM-valid reconstructions', 'middles', 'samples'];

/** Round trips by the telegraph, kept in a file. */
async function roundTrips(
  train: readonly string[],
  { trips, seed }: { trips: number; seed: number },
  folder: string,
  { signal, note }: ClaimContext,
): Promise<TrainingRow[]> {
  await mkdir(folder, { recursive: true });
  const cache = roundTripFile(join(folder, 'round-trips.jsonl'));
  const o = { pivots: [telegraphPivot(train)], tripsPerPivot: trips, temperature: 1, seed, cache, signal };
  const made: RoundTrip[] = [];
  for await (const row of buildRoundTrips(train, o)) made.push(row);
  const words = made.reduce((sum, { similarity }) => sum + similarity, 0) / made.length;
  note(`E17: ${made.length} round trips, which share ${words.toFixed(3)} of their words with their captions (F1)`);
  return gatherRoundTrips(made);
}

async function measured(
  model: Vec2Text,
  texts: readonly string[],
  judge: Judge,
  seed: number,
  c: ClaimContext,
): Promise<{ line: string; tables: (ChartPart | TablePart)[] }> {
  const { signal } = c;
  const { space } = model.module;
  const stream = rng(seed).split('E17');
  const oracles = wordOracles(wordPairs(texts));
  const found = await universality(
    model,
    texts.map((text) => ({ text })),
    { ...oracles, seed, signal },
  );
  const decode = async (z: Float32Array): Promise<string[]> =>
    (await decodeCodes(model, z, { project: true, signal })).map(({ text }) => text);
  const z = await encodeTexts(model, texts, { signal });
  const k = space.dim;
  const half = Math.floor(texts.length / 2);
  const middles = new Float32Array(half * k);
  for (let i = 0; i < half; i++) {
    const [a, b] = [i, half + i].map((row) => z.subarray(row * k, (row + 1) * k)) as [Float32Array, Float32Array];
    middles.set(interpolate(space, a, b, 3).subarray(k, 2 * k), i * k);
  }
  const samples = sample(space, texts.length, { prior: 'gaussian-fit', stats: model.stats, rng: stream });
  const back = await decode(z);
  const valid = [back, await decode(middles), await decode(samples)].map((list) => judge.valid(list));
  const values = ['tokenF1', 'bleu', 'exactMatch', 'ce'].map((name) => found[name]?.value ?? Number.NaN);
  const worst = texts
    .map((text, i) => ({ text, back: back[i] as string, f1: tokenF1(back[i] as string, text) }))
    .sort((a, b) => a.f1 - b.f1)
    .slice(0, failures);
  return {
    line: [...values, ...(await Promise.all(valid))].map(short).join('/'),
    tables: [
      ...(await qualitativeTables(
        model,
        texts,
        { ...oracles, valid: () => true },
        { seed, signal, terms: wordTerms, attributes: lengthAttributes(texts) },
      )),
      {
        kind: 'table',
        title: 'The worst reconstructions',
        head: ['sentence', 'decoded', 'token F1'],
        rows: worst.map(({ text, back: decoded, f1 }) => [text, decoded, f1.toFixed(2)]),
      },
    ],
  };
}
