// gimbal vec2text decode: vectors to sentences.
import { ConfigError, rng, writeFileAtomic } from '@gimbal/tensor-core';
import type { CommandResult } from '../cli/command.ts';
import { counted } from '../cli/format.ts';
import { startCompute } from '../run/compute.ts';
import { refuseUnwritable } from '../run/out-file.ts';
import { openModel, readCodes } from './open.ts';
import type { Vec2TextContext } from './options.ts';

export async function decodeFile(context: Vec2TextContext): Promise<CommandResult> {
  const { options: o, output, signal } = context;
  if ((o.data === undefined) === (o.sample === undefined)) {
    const what = o.data === undefined ? 'nothing to decode' : 'both --data and --sample';
    throw new ConfigError({
      where: 'gimbal vec2text decode',
      what,
      wanted: 'either --data, vectors, or --sample, a number',
    });
  }
  if (o.out !== undefined) await refuseUnwritable('vec2text decode', o.out);
  await startCompute(o);
  const { decodeCodes, sample } = await import('@gimbal/vec2text');
  const { model } = await openModel(context, 'decode');
  using _ = model;
  const { space } = model.module;
  const stream = rng(o.seed);
  const z =
    o.sample === undefined
      ? await readCodes(o.data as string, space.dim)
      : sample(space, o.sample, { prior: o.prior, stats: model.stats, rng: stream.split('prior') });
  const decoded = await decodeCodes(model, z, {
    ...{ project: o.project, temperature: o.temperature, topK: o.topK, topP: o.topP, beams: o.beams, signal },
    ...(o.temperature > 0 && { rng: stream.split('sampling') }),
  });
  if (o.out !== undefined) {
    await writeFileAtomic(o.out, `${decoded.map(({ text }) => text).join('\n')}\n`);
    output.note(`${counted(decoded.length, 'sentence')} written to ${o.out}`);
  } else if (!output.json) for (const { text } of decoded) output.line(text);
  return { json: { ...(o.out !== undefined && { out: o.out }), rows: decoded } };
}
