// What a model writes: tables for people, the same for the same seed.
import { type Rng, rng } from '@gimbal/tensor-core';
import type { Codes, Oracles, Vec2Text } from '@gimbal/vec2text';
import type { ChartPart, TablePart } from '../report/part.ts';
import type { Attributes, Terms } from './oracles.ts';

/** What the tables are made from. */
interface Look<M> {
  model: Vec2Text;
  texts: readonly string[];
  oracles: Oracles<M>;
  terms: Terms;
  attributes: Attributes;
  stream: Rng;
  signal: AbortSignal;
  /** sentences of training, where they are known */
  known?: readonly string[] | undefined;
  decode(z: Codes): Promise<string[]>;
  /** with a cross before what is no sentence */
  mark(text: string): string;
}

/** Sentences and their codes. */
interface Shown {
  texts: readonly string[];
  z: Codes;
  code(i: number): Codes;
}

/**
 * Reconstructions, neighbourhoods, ways between, arithmetic, wordings, a curve of what chance says, nearest sentences, samples.
 * @param texts at least a few
 * @param o.known sentences to look for the nearest among, such as those of training; without them it is done among `texts`
 * @param o.attributes what arithmetic adds: the mean of sentences that have it less that of those that have not
 */
export async function qualitativeTables<M>(
  model: Vec2Text,
  texts: readonly string[],
  oracles: Oracles<M>,
  o: {
    seed: number;
    signal: AbortSignal;
    terms: Terms;
    attributes: Attributes;
    known?: readonly string[] | undefined;
  },
): Promise<(TablePart | ChartPart)[]> {
  const { decodeCodes } = await import('@gimbal/vec2text');
  const look: Look<M> = {
    ...{ model, texts, oracles, terms: o.terms, attributes: o.attributes, signal: o.signal, known: o.known },
    stream: rng(o.seed).split('tables'),
    decode: async (z) => (await decodeCodes(model, z, { project: true, signal: o.signal })).map(({ text }) => text),
    mark: (text) => (oracles.valid(text) ? text : `✗ ${text}`),
  };
  const some = await shortToLong(look, 12);
  return [
    await reconstructions(look, some),
    await neighbourhoods(look, some),
    ...(await ways(look, some)),
    ...(await arithmeticTable(look, some.texts)),
    await wordings(look, some),
    ...(await nearestOthers(look)),
    ...(await chanceTables(look)),
  ];
}

/** So many of the sentences, short to long. */
async function shortToLong(
  { model, texts, signal }: Pick<Look<unknown>, 'model' | 'texts' | 'signal'>,
  most: number,
): Promise<Shown> {
  const { encodeTexts } = await import('@gimbal/vec2text');
  const byLength = texts.toSorted((a, b) => a.split(' ').length - b.split(' ').length);
  const n = Math.min(most, texts.length);
  const spread = Array.from(
    { length: n },
    (_, i) => byLength[Math.floor((i * (byLength.length - 1)) / Math.max(1, n - 1))] as string,
  );
  const z = await encodeTexts(model, spread, { signal });
  const k = model.module.space.dim;
  return { texts: spread, z, code: (i) => z.slice(i * k, (i + 1) * k) };
}

async function reconstructions<M>({ decode, mark, terms }: Look<M>, { texts, z }: Shown): Promise<TablePart> {
  const back = await decode(z);
  return {
    kind: 'table',
    title: 'Reconstructions, short to long',
    caption: `✗ marks ${terms.invalid}.`,
    head: ['sentence', 'decoded'],
    rows: texts.map((text, i) => [text, mark(back[i] as string)]),
  };
}

async function neighbourhoods<M>({ model, stream, decode, mark }: Look<M>, { texts, z }: Shown): Promise<TablePart> {
  const { perturb } = await import('@gimbal/vec2text');
  const { module, stats } = model;
  const four = z.slice(0, Math.min(4, texts.length) * module.space.dim);
  const scales = [0, 0.25, 0.5, 0.75, 1];
  const near: string[][] = [];
  for (const scale of scales) {
    const noise = { scale, stats, rng: stream.split(`near ${scale}`) };
    near.push(await decode(scale === 0 ? four : perturb(module.space, four, noise)));
  }
  return {
    kind: 'table',
    title: 'Around a sentence, at growing noise',
    head: ['noise', ...texts.slice(0, 4)],
    rows: scales.map((scale, i) => [String(scale), ...(near[i] as string[]).map(mark)]),
  };
}

async function ways<M>({ model, decode, mark }: Look<M>, { texts, code }: Shown): Promise<TablePart[]> {
  if (texts.length < 2) return [];
  const { interpolate } = await import('@gimbal/vec2text');
  const pairs = Array.from(
    { length: Math.min(4, Math.floor(texts.length / 2)) },
    (_, i) => [i, texts.length - 1 - i] as const,
  );
  const between: string[][] = [];
  for (const [a, b] of pairs) between.push(await decode(interpolate(model.module.space, code(a), code(b), 7)));
  return [
    {
      kind: 'table',
      title: 'Between two sentences',
      caption: 'From the code of the one to that of the other in six steps.',
      head: ['α', ...pairs.map((_, i) => `way ${i + 1}`)],
      rows: Array.from({ length: 7 }, (_, j) => [(j / 6).toFixed(2), ...between.map((way) => mark(way[j] as string))]),
    },
  ];
}

/** Of two vectors, as sampling writes them. */
async function wordings<M>({ model, stream, mark, signal }: Look<M>, { texts, code }: Shown): Promise<TablePart> {
  const { decodeCodes } = await import('@gimbal/vec2text');
  const [n, k] = [10, model.module.space.dim];
  const repeated = new Float32Array(2 * n * k);
  for (let i = 0; i < 2 * n; i++) repeated.set(code(i < n ? 0 : texts.length - 1), i * k);
  const written = await decodeCodes(model, repeated, {
    ...{ temperature: 1, rng: stream.split('wordings'), project: true, signal },
  });
  return {
    kind: 'table',
    title: 'Ten texts sampled from one vector',
    head: [texts[0] as string, texts.at(-1) as string],
    rows: Array.from({ length: n }, (_, i) => [0, n].map((from) => mark((written[from + i] as { text: string }).text))),
  };
}

/** the nearest of fewer sentences say nothing */
const fewest = 20;

/** Sentences and the nearest others, of `known` or of the rest of `texts`; none where there are few to look among. */
export async function nearestOthers(
  look: Pick<Look<unknown>, 'model' | 'texts' | 'signal' | 'known'>,
): Promise<TablePart[]> {
  const { nearestTexts, textIndex } = await import('@gimbal/vec2text');
  const { model, texts, signal, known } = look;
  // without known ones four of five are looked among
  const most = Math.min(20, known === undefined ? Math.floor(texts.length / 5) : texts.length);
  if (most === 0) return [];
  const asked = await shortToLong(look, most);
  const fits = (text: string): boolean => model.tokenizer.encodeText(text).length < model.module.config.maxLength;
  const others = [...new Set(known ?? texts)].filter((text) => !asked.texts.includes(text) && fits(text));
  if (others.length < fewest) return [];
  others.length = Math.min(others.length, known === undefined ? 500 : 2000);
  const found = nearestTexts(model, asked.z, await textIndex(model, others, { signal }), 3);
  return [
    {
      kind: 'table',
      title: 'Nearest other sentences',
      caption: 'By the cosine of centred vectors.',
      head: ['sentence', 'first', 'second', 'third'],
      rows: asked.texts.map((text, i) => [
        text,
        ...(found[i] ?? []).map(({ text: t, similarity }) => ({ text: t, detail: similarity.toFixed(2) })),
      ]),
    },
  ];
}

/** Samples of each prior: how many different things they say, and the first few. */
async function chanceTables<M>({
  model,
  oracles,
  terms,
  stream,
  decode,
  mark,
}: Look<M>): Promise<[ChartPart, TablePart]> {
  const { sample } = await import('@gimbal/vec2text');
  const { module, stats } = model;
  const { space } = module;
  const priors = space.bounded ? (['gaussian-fit', 'uniform'] as const) : (['gaussian-fit'] as const);
  const names = priors.map((prior) =>
    prior === 'uniform' ? 'anywhere in the space' : 'as training sentences are spread',
  );
  const drawn: string[][] = [];
  for (const prior of priors) drawn.push(await decode(sample(space, 200, { prior, stats, rng: stream.split(prior) })));
  return [
    differentChart(drawn, names, oracles, terms),
    {
      kind: 'table',
      title: 'Sentences of vectors by chance',
      head: names,
      rows: Array.from({ length: 8 }, (_, j) => drawn.map((list) => mark(list[j] as string))),
    },
  ];
}

/** How many different meanings the first n of texts have, over n; a text that is not valid has none. */
export function differentChart<M>(
  drawn: readonly (readonly string[])[],
  names: readonly string[],
  oracles: Oracles<M>,
  terms: Terms,
): ChartPart {
  const most = Math.max(0, ...drawn.map((list) => list.length));
  const every = Math.max(1, Math.floor(most / 40));
  const at = Array.from({ length: Math.floor(most / every) }, (_, i) => (i + 1) * every);
  const series = drawn.map((list, i) => {
    const seen = new Set<string>();
    const counts = list.map((text) => {
      const meaning = oracles.valid(text) ? oracles.sem(text) : undefined;
      if (meaning !== undefined) seen.add(JSON.stringify(oracles.slots?.(meaning) ?? meaning));
      return seen.size;
    });
    return { name: names[i] as string, points: at.map((n): [number, number] => [n, counts[n - 1] as number]) };
  });
  return {
    kind: 'chart',
    title: 'How many different things vectors by chance say',
    caption: `Different meanings among the texts so far, of those that are valid (${terms.valid}); dashed, if every text were and said something new.`,
    xName: 'texts',
    yName: 'different meanings',
    series: [...series, { name: 'all different', points: at.map((n): [number, number] => [n, n]), dashed: true }],
    fromZero: true,
  };
}

/** Sentences, and what is written of their vectors with an attribute's direction added, as long as it is and half as long again. */
async function arithmeticTable<M>(
  { model, texts, attributes, decode, mark, signal }: Look<M>,
  some: readonly string[],
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
