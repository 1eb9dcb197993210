// gimbal vec2text interpolate, perturb, nearest, arithmetic: what the space lets one do with sentences.
import { ConfigError, type Rng, rng } from '@gimbal/tensor-core';
import type { Codes, Term, Vec2Text } from '@gimbal/vec2text';
import type { CommandResult } from '../cli/command.ts';
import { refuseGiven } from '../options/refuse-given.ts';
import { startCompute } from '../run/compute.ts';
import { refuseOtherThanLines, refuseReplacing } from '../run/out-file.ts';
import { openModel } from './open.ts';
import type { Vec2TextContext } from './options.ts';
import { atPlaces, ofFlag } from './places.ts';
import { readSentenceFile } from './sentences.ts';
import { checkRows, giveRows, inWords, write } from './written.ts';

/** What an action works with: the model, the vectors of --text, a stream of its own. */
interface Work {
  model: Vec2Text;
  texts: readonly string[];
  z: Codes;
  stream: Rng;
  /** @param placeOf where a text stands: the flag, or the line of the file */
  codes(texts: readonly string[], placeOf: (text: number) => string): Promise<Codes>;
}

/** @param least how many sentences --text has to give, and at most */
async function inSpace(
  context: Vec2TextContext,
  name: string,
  [least, most]: readonly [number, number],
  work: (w: Work) => Promise<CommandResult>,
): Promise<CommandResult> {
  const { options: o, given, output, signal } = context;
  const where = `gimbal vec2text ${name}`;
  const texts = o.text ?? [];
  if (texts.length < least || texts.length > most) {
    const wanted = most === least ? `${least}, each with the flag before it` : `${least} or more`;
    throw new ConfigError({ where: `${where} --text`, what: 'another number of sentences', got: texts.length, wanted });
  }
  if (o.temperature === 0)
    refuseGiven(where, given, ['topK', 'topP'], 'words are drawn at a --temperature above 0 only');
  if (o.out !== undefined) {
    refuseOtherThanLines(`vec2text ${name}`, o.out);
    await refuseReplacing(`vec2text ${name}`, o.out, o.data);
  }
  const compute = await startCompute(o);
  const { encodeTexts } = await import('@gimbal/vec2text');
  const { model } = await openModel(context, name);
  using _ = model;
  const codes: Work['codes'] = (list, placeOf) => atPlaces(placeOf, () => encodeTexts(model, list, { signal }));
  const result = await inWords(context, async () =>
    work({
      model,
      texts,
      z: await codes(texts, ofFlag(`${where} --text`, texts)),
      stream: rng(o.seed).split(name),
      codes,
    }),
  );
  await compute.trace(output);
  return result;
}

const any = Number.POSITIVE_INFINITY;

/** The way from one sentence to another: `α  text` a line. */
export const interpolateTexts = (context: Vec2TextContext): Promise<CommandResult> =>
  inSpace(context, 'interpolate', [2, 2], async ({ model, z, stream }) => {
    const { options: o, given } = context;
    const { interpolate } = await import('@gimbal/vec2text');
    if (o.alphas !== undefined)
      refuseGiven('gimbal vec2text interpolate', given, ['points'], 'the places are those of --alphas');
    const k = model.module.space.dim;
    checkRows('gimbal vec2text interpolate --points', o.points);
    const alphas = o.alphas ?? Array.from({ length: o.points }, (_, i) => (o.points === 1 ? 0.5 : i / (o.points - 1)));
    const way = interpolate(model.module.space, z.slice(0, k), z.slice(k), alphas.length, {
      ...{ alphas, extrapolate: o.extrapolate, project: o.project },
      ...(o.mode !== undefined && { mode: o.mode }),
    });
    const rows = (await write(model, way, context, stream)).map(({ text }, i) => ({
      alpha: alphas[i] as number,
      text,
    }));
    return giveRows(rows, ({ alpha, text }) => `${alpha.toFixed(2)}  ${text}`, context);
  });

/** Texts of vectors near a sentence's. */
export const perturbTexts = (context: Vec2TextContext): Promise<CommandResult> =>
  inSpace(context, 'perturb', [1, any], async ({ model, texts, z, stream }) => {
    const { scale, unit, sample: each = 5 } = context.options;
    const { perturb } = await import('@gimbal/vec2text');
    const { space } = model.module;
    checkRows('gimbal vec2text perturb --sample', texts.length * each);
    const repeated = new Float32Array(texts.length * each * space.dim);
    texts.forEach((_, i) => {
      for (let j = 0; j < each; j++)
        repeated.set(z.subarray(i * space.dim, (i + 1) * space.dim), (i * each + j) * space.dim);
    });
    const near = perturb(space, repeated, { scale, unit, stats: model.stats, rng: stream.split('noise') });
    const rows = (await write(model, near, context, stream)).map(({ text }, i) => ({
      of: texts[Math.floor(i / each)] as string,
      text,
    }));
    return giveRows(rows, ({ text }) => text, context);
  });

/** Of the sentences of --data those whose vectors are nearest. */
export const nearestToTexts = (context: Vec2TextContext): Promise<CommandResult> =>
  inSpace(context, 'nearest', [1, any], async ({ model, texts, z, codes }) => {
    const { data, columns, neighbours, metric } = context.options;
    const where = 'gimbal vec2text nearest --data';
    if (data === undefined)
      throw new ConfigError({ where, what: 'no sentences to look among', wanted: 'a file of them' });
    const { nearest } = await import('@gimbal/vec2text');
    const file = await readSentenceFile(data, columns);
    const lines = new Map(file.rows.map(({ text }, i) => [text, i]));
    const known = [...lines.keys()];
    const placeOf = (text: number): string => file.where(lines.get(known[text] as string) as number);
    const most = Math.min(neighbours, known.length);
    const found = nearest(model.module.space, z, await codes(known, placeOf), most, { metric, stats: model.stats });
    const rows = found.flatMap((near, i) =>
      near.map(({ row, distance }) => ({ of: texts[i] as string, text: known[row] as string, distance })),
    );
    return giveRows(rows, ({ text, distance }) => `${distance.toFixed(3)}  ${text}`, context);
  });

/** A sentence with the mean vector of some added, and that of others taken away. */
export const addTexts = (context: Vec2TextContext): Promise<CommandResult> =>
  inSpace(context, 'arithmetic', [1, any], async ({ model, texts, z, stream, codes }) => {
    const { plus, minus, weight, project } = context.options;
    const where = 'gimbal vec2text arithmetic';
    if (plus === undefined && minus === undefined)
      throw new ConfigError({ where, what: 'nothing to add', wanted: '--plus or --minus, sentences' });
    const { arithmetic, meanCode } = await import('@gimbal/vec2text');
    const { space } = model.module;
    const terms: Term[] = [{ z, w: 1 }];
    if (plus) terms.push({ z: meanCode(space, await codes(plus, ofFlag(`${where} --plus`, plus))), w: weight });
    if (minus) terms.push({ z: meanCode(space, await codes(minus, ofFlag(`${where} --minus`, minus))), w: -weight });
    const rows = (await write(model, arithmetic(space, terms, { project }), context, stream)).map(({ text }, i) => ({
      of: texts[i] as string,
      text,
    }));
    return giveRows(rows, ({ text }) => text, context);
  });
