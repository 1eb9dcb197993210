// What a model writes: tables for people, the same for the same seed.
import { rng } from '@gimbal/tensor-core';
import type { Oracles, Vec2Text } from '@gimbal/vec2text';
import type { TablePart } from '../report/part.ts';
import type { Attributes, Terms } from './oracles.ts';

/**
 * Reconstructions, neighbourhoods, ways between, nearest sentences, arithmetic, samples.
 * @param texts at least a few
 * @param o.attributes what arithmetic adds: the mean of sentences that have it less that of those that have not
 */
export async function qualitativeTables<M>(
  model: Vec2Text,
  texts: readonly string[],
  oracles: Oracles<M>,
  o: { seed: number; signal: AbortSignal; terms: Terms; attributes: Attributes },
): Promise<TablePart[]> {
  const v = await import('@gimbal/vec2text');
  const { signal } = o;
  const { space } = model.module;
  const { stats } = model;
  const stream = rng(o.seed).split('tables');
  const decode = async (z: Float32Array): Promise<string[]> =>
    (await v.decodeCodes(model, z, { project: true, signal })).map(({ text }) => text);
  const mark = (text: string): string => (oracles.valid(text) ? text : `✗ ${text}`);
  const byLength = texts.toSorted((a, b) => a.split(' ').length - b.split(' ').length);
  const spread = Array.from(
    { length: Math.min(12, texts.length) },
    (_, i, all = Math.min(12, texts.length)) =>
      byLength[Math.floor((i * (byLength.length - 1)) / Math.max(1, all - 1))] as string,
  );
  const z = await v.encodeTexts(model, spread, { signal });
  const k = space.dim;
  const code = (i: number): Float32Array => z.slice(i * k, (i + 1) * k);

  const back = await decode(z);
  const tables: TablePart[] = [
    {
      kind: 'table',
      title: 'Reconstructions, short to long',
      caption: `✗ marks ${o.terms.invalid}.`,
      head: ['sentence', 'decoded'],
      rows: spread.map((text, i) => [text, mark(back[i] as string)]),
    },
  ];

  const scales = [0, 0.25, 0.5, 0.75, 1];
  const near: string[][] = [];
  for (const scale of scales)
    near.push(
      await decode(
        scale === 0
          ? z.slice(0, 4 * k)
          : v.perturb(space, z.slice(0, Math.min(4, spread.length) * k), {
              scale,
              stats,
              rng: stream.split(`near ${scale}`),
            }),
      ),
    );
  tables.push({
    kind: 'table',
    title: 'Around a sentence, at growing noise',
    head: ['noise', ...spread.slice(0, 4)],
    rows: scales.map((scale, i) => [String(scale), ...(near[i] as string[]).slice(0, 4).map(mark)]),
  });

  if (spread.length >= 2) {
    const pairs = Array.from(
      { length: Math.min(4, Math.floor(spread.length / 2)) },
      (_, i) => [i, spread.length - 1 - i] as const,
    );
    const ways: string[][] = [];
    for (const [a, b] of pairs) ways.push(await decode(v.interpolate(space, code(a), code(b), 7)));
    tables.push({
      kind: 'table',
      title: 'Between two sentences',
      caption: 'From the code of the one to that of the other in six steps.',
      head: ['α', ...pairs.map((_, i) => `way ${i + 1}`)],
      rows: Array.from({ length: 7 }, (_, j) => [(j / 6).toFixed(2), ...ways.map((way) => mark(way[j] as string))]),
    });
  }

  tables.push(...(await arithmeticTable(model, texts, spread, o.attributes, decode, mark, signal)));

  // of two vectors, as sampling writes them
  const ways = 10;
  const repeated = new Float32Array(2 * ways * k);
  for (let i = 0; i < 2 * ways; i++) repeated.set(code(i < ways ? 0 : spread.length - 1), i * k);
  const wordings = await v.decodeCodes(model, repeated, {
    ...{ temperature: 1, rng: stream.split('wordings'), project: true, signal },
  });
  tables.push({
    kind: 'table',
    title: 'Ten texts sampled from one vector',
    head: [spread[0] as string, spread.at(-1) as string],
    rows: Array.from({ length: ways }, (_, i) =>
      [0, ways].map((from) => mark((wordings[from + i] as { text: string }).text)),
    ),
  });

  const others = texts.filter((text) => !spread.includes(text)).slice(0, 500);
  if (others.length >= 3) {
    const index = await v.textIndex(model, others, { signal });
    const found = v.nearestTexts(model, z, index, 3);
    tables.push({
      kind: 'table',
      title: 'Nearest other sentences',
      caption: 'By the cosine of centred vectors.',
      head: ['sentence', 'first', 'second', 'third'],
      rows: spread.map((text, i) => [
        text,
        ...(found[i] ?? []).map(({ text: t, similarity }) => ({ text: t, detail: similarity.toFixed(2) })),
      ]),
    });
  }

  const priors = space.bounded ? (['gaussian-fit', 'uniform'] as const) : (['gaussian-fit'] as const);
  const drawn: string[][] = [];
  for (const prior of priors) drawn.push(await decode(v.sample(space, 8, { prior, stats, rng: stream.split(prior) })));
  tables.push({
    kind: 'table',
    title: 'Sentences of vectors by chance',
    head: priors.map((prior) => (prior === 'uniform' ? 'anywhere in the space' : 'as training sentences are spread')),
    rows: Array.from({ length: 8 }, (_, j) => drawn.map((list) => mark(list[j] as string))),
  });
  return tables;
}

/** Sentences, and what is written of their vectors with an attribute's direction added, as long as it is and half as long again. */
async function arithmeticTable(
  model: Vec2Text,
  texts: readonly string[],
  some: readonly string[],
  attributes: Attributes,
  decode: (z: Float32Array) => Promise<string[]>,
  mark: (text: string) => string,
  signal: AbortSignal,
): Promise<TablePart[]> {
  const v = await import('@gimbal/vec2text');
  const { space } = model.module;
  const codes = (list: readonly string[]): Promise<Float32Array> => v.encodeTexts(model, list, { signal });
  const rows: string[][] = [];
  for (const [name, has] of Object.entries(attributes)) {
    const [yes, no] = [true, false].map((wanted) => texts.filter((text) => has(text) === wanted));
    const plain = some.filter((text) => has(text) === false).slice(0, 3);
    if (!yes?.length || !no?.length || plain.length === 0) continue;
    const [from, to] = [v.meanCode(space, await codes(no)), v.meanCode(space, await codes(yes))];
    const z = await codes(plain);
    const moved = async (w: number): Promise<string[]> =>
      decode(
        v.arithmetic(
          space,
          [
            { z, w: 1 },
            { z: to, w },
            { z: from, w: -w },
          ],
          { project: true },
        ),
      );
    const [once, further] = [await moved(1), await moved(1.5)];
    rows.push(...plain.map((text, i) => [name, text, mark(once[i] as string), mark(further[i] as string)]));
  }
  if (rows.length === 0) return [];
  return [
    {
      kind: 'table',
      title: 'Arithmetic: a sentence, and an attribute added to its vector',
      caption: 'What is added is the mean vector of sentences that have it less that of sentences that have not.',
      head: ['add', 'sentence', 'once', 'one and a half times'],
      rows,
    },
  ];
}
