// What a model writes: tables for people, the same for the same seed.
import { rng } from '@gimbal/tensor-core';
import type { Oracles, Vec2Text } from '@gimbal/vec2text';
import type { TablePart } from '../report/part.ts';

/** Reconstructions, neighbourhoods, ways between, nearest sentences, samples. @param texts at least a few */
export async function qualitativeTables<M>(
  model: Vec2Text,
  texts: readonly string[],
  oracles: Oracles<M>,
  o: { seed: number; signal: AbortSignal },
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
      caption: '✗ marks what is no sentence.',
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
