// gimbal vec2text invert with an inverter that is trained: vectors of its embedder, or sentences, to text.
import { ConfigError, writeFileAtomic } from '@gimbal/tensor-core';
import type { Scored } from '@gimbal/vec2text';
import type { CommandResult } from '../cli/command.ts';
import { counted } from '../cli/format.ts';
import { startCompute } from '../run/compute.ts';
import { refuseOtherThanLines, refuseReplacing } from '../run/out-file.ts';
import { openEmbedder } from './embedder.ts';
import { searchOf, searchProgress } from './inversions.ts';
import { modelIn, namedModel, optionsOfModel, refuseOtherKind } from './open.ts';
import type { Vec2TextContext } from './options.ts';
import { atPlaces, ofFlag } from './places.ts';
import { readSentenceFile } from './sentences.ts';
import { holdsVectors, readCodes } from './vectors.ts';

export async function invertVectors(context: Vec2TextContext): Promise<CommandResult> {
  const { options: o, output, signal, given } = context;
  const where = 'gimbal vec2text invert';
  if ((o.data === undefined) === (o.text === undefined)) {
    const what = o.data === undefined ? 'nothing to invert' : 'both --data and --text';
    throw new ConfigError({ where, what, wanted: 'either --data, vectors or sentences, or --text' });
  }
  if (o.out !== undefined) {
    refuseOtherThanLines('vec2text invert', o.out);
    await refuseReplacing('vec2text invert', o.out, o.data);
  }
  const path = await modelIn(namedModel(context) as string, where, output, 'gimbal-inverter');
  await refuseOtherKind(path, where, 'gimbal-inverter');
  const named = o.embedder ?? (await optionsOfModel(path)).embedder;
  if (named === undefined)
    throw new ConfigError({ where: `${where} --embedder`, what: 'whose vectors?', fix: 'Give the model of training' });
  const ofVectors = o.data !== undefined && (await holdsVectors(o.data));
  const compute = await startCompute(o);
  const { invertAll, loadInverter } = await import('@gimbal/vec2text');
  const { embedder, close } = await openEmbedder(named, context);
  try {
    using inverter = await loadInverter(path, embedder);
    const file = ofVectors || o.text ? undefined : await readSentenceFile(o.data as string, o.columns);
    const texts = o.text ?? file?.rows.map(({ text }) => text);
    const placeOf = file?.where ?? ofFlag(`${where} --text`, texts ?? []);
    const e =
      texts === undefined
        ? await readCodes(o.data as string, embedder.dim, { directions: true })
        : await atPlaces(placeOf, () => embedder.embed([...texts], { signal }));
    // the default stands for as many as it was trained for
    const steps = inverter.corrector === undefined && !given.has('corrections') ? 0 : o.corrections;
    const warn = (text: string): void => output.note(text);
    const { onTexts, done } = searchProgress('search', output);
    const found = await invertAll(inverter, e, { ...searchOf(o), steps, signal, warn, onTexts });
    done(counted(found.length, 'vector'));
    const rows = found.map(({ text, cosine }, i) => ({ text, cosine, ...(texts && { of: texts[i] }) }));
    await compute.trace(output);
    if (o.out !== undefined) {
      await writeFileAtomic(o.out, `${rows.map((row) => JSON.stringify(row)).join('\n')}\n`);
      output.note(`${counted(rows.length, 'text')} written to ${o.out}`);
    } else if (!output.json) for (const row of rows) output.line(lineOf(row));
    return { json: { ...(o.out !== undefined && { out: o.out }), embedder: embedder.name, rows } };
  } finally {
    close();
  }
}

const lineOf = ({ text, cosine }: Scored): string => `${cosine.toFixed(3)}  ${text}`;
