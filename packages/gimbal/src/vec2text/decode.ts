// gimbal vec2text decode: vectors to sentences.
import { ConfigError, rng, writeFileAtomic } from '@gimbal/tensor-core';
import type { Vec2Text } from '@gimbal/vec2text';
import type { CommandResult } from '../cli/command.ts';
import { counted } from '../cli/format.ts';
import { refuseGiven } from '../options/refuse-given.ts';
import { startCompute } from '../run/compute.ts';
import { refuseReplacing } from '../run/out-file.ts';
import { openModel } from './open.ts';
import type { Vec2TextContext } from './options.ts';
import { readSentences } from './sentences.ts';
import { holdsVectors, readCodes } from './vectors.ts';
import { inWords, write } from './written.ts';

export async function decodeFile(context: Vec2TextContext): Promise<CommandResult> {
  const { options: o, output, signal } = context;
  checkDecoding(context);
  if (o.out !== undefined) await refuseReplacing('vec2text decode', o.out, o.data);
  const compute = await startCompute(o);
  const { sample } = await import('@gimbal/vec2text');
  const { model } = await openModel(context, 'decode');
  using _ = model;
  const { space } = model.module;
  const stream = rng(o.seed);
  const z =
    o.sample === undefined
      ? await readCodes(o.data as string, space.dim)
      : sample(space, o.sample, {
          ...{ prior: o.prior, stats: model.stats, rng: stream.split('prior') },
          ...(o.prior === 'empirical' && { codes: await codesOf(o.data as string, model, signal) }),
        });
  const decoded = await inWords(context, () => write(model, z, context, stream));
  await compute.trace(output);
  if (o.out !== undefined) {
    await writeFileAtomic(o.out, `${decoded.map(({ text }) => text).join('\n')}\n`);
    output.note(`${counted(decoded.length, 'sentence')} written to ${o.out}`);
  } else if (!output.json) for (const { text } of decoded) output.line(text);
  return { json: { ...(o.out !== undefined && { out: o.out }), rows: decoded } };
}

/** @throws ConfigError for nothing to decode, and for options that would change nothing */
function checkDecoding({ options: o, given }: Vec2TextContext): void {
  const where = 'gimbal vec2text decode';
  const empirical = o.sample !== undefined && o.prior === 'empirical';
  if (empirical && o.data === undefined)
    throw new ConfigError({
      where: `${where} --prior empirical`,
      what: 'it draws among vectors, and there are none',
      wanted: '--data, vectors or sentences',
    });
  if (!empirical && (o.data === undefined) === (o.sample === undefined)) {
    const what = o.data === undefined ? 'nothing to decode' : 'both --data and --sample';
    throw new ConfigError({ where, what, wanted: 'either --data, vectors, or --sample, a number' });
  }
  if (o.sample === undefined) refuseGiven(where, given, ['prior'], 'vectors are drawn with --sample only');
  if (o.temperature === 0)
    refuseGiven(where, given, ['topK', 'topP'], 'words are drawn with a --temperature above 0 only');
}

/** The vectors of a file, or those of its sentences. */
async function codesOf(file: string, model: Vec2Text, signal: AbortSignal): Promise<Float32Array> {
  if (await holdsVectors(file)) return readCodes(file, model.module.space.dim);
  const { encodeTexts } = await import('@gimbal/vec2text');
  const rows = await readSentences(file);
  return encodeTexts(
    model,
    rows.map(({ text }) => text),
    { signal },
  );
}
