// gimbal vec2text decode: vectors to sentences.
import { ConfigError, eventTurn, type Rng, rng, StoppedError, writeFileAtomic } from '@gimbal/tensor-core';
import type { Vec2Text } from '@gimbal/vec2text';
import type { CommandResult } from '../cli/command.ts';
import { counted } from '../cli/format.ts';
import { Progress } from '../cli/progress.ts';
import { refuseGiven } from '../options/refuse-given.ts';
import { startCompute } from '../run/compute.ts';
import { openModel } from './open.ts';
import type { Vec2TextContext } from './options.ts';
import { atPlaces } from './places.ts';
import { readSentenceFile } from './sentences.ts';
import { checkTextsOut, holdsVectors, readCodes } from './vectors.ts';
import { checkRows, inWords, type Written, write } from './written.ts';

export async function decodeFile(context: Vec2TextContext): Promise<CommandResult> {
  const { options: o, output } = context;
  checkDecoding(context);
  if (o.out !== undefined) await checkTextsOut(o.out, o.data);
  const compute = await startCompute(o);
  const { model } = await openModel(context, 'decode');
  using _ = model;
  const stream = rng(o.seed);
  const pieces = await piecesOf(context, model, stream);
  if (o.out !== undefined) {
    let count = 0;
    const texts = async function* (): AsyncGenerator<Uint8Array> {
      for await (const piece of pieces) {
        count += piece.length;
        yield Buffer.from(linesOf(piece));
      }
    };
    await writeFileAtomic(o.out, texts());
    await compute.trace(output);
    output.note(`${counted(count, 'sentence')} written to ${o.out}`);
    return { json: { out: o.out, rows: count } };
  }
  const rows: Written[] = [];
  for await (const piece of pieces) {
    if (output.json) for (const row of piece) rows.push(row);
    else output.write(linesOf(piece));
    // a fault of the stream comes in the loop's next turn; of `| head` nothing is wanted after it
    await eventTurn();
    if (output.unread) break;
  }
  await compute.trace(output);
  return { json: { rows } };
}

const linesOf = (rows: readonly Written[]): string => rows.map(({ text }) => `${text}\n`).join('');

/** vectors by chance that are decoded together; between two such pieces they are written, and Ctrl-C stops */
const together = 1024;

/** The texts of the vectors of --data, or of those that --sample draws, piece after piece: of many, none waits for the last. */
async function* decodedPieces(
  context: Vec2TextContext,
  model: Vec2Text,
  n: number,
  size: number,
  codes: (from: number, to: number) => Float32Array,
  stream: Rng,
): AsyncGenerator<Written[]> {
  const progress = new Progress(context.output, 'decoding');
  for (let at = 0; at < n; at += size) {
    // Ctrl-C is heard between two turns of the loop of events
    await eventTurn();
    if (context.signal.aborted)
      throw new StoppedError({ where: 'gimbal vec2text decode', what: `stopped after ${counted(at, 'sentence')}` });
    const to = Math.min(n, at + size);
    yield await inWords(context, () =>
      write(model, codes(at, to), context, at === 0 ? stream : stream.split(`from ${at}`)),
    );
    if (n > size && context.options.out !== undefined) progress.update({ step: to, total: n });
  }
}

async function piecesOf(context: Vec2TextContext, model: Vec2Text, stream: Rng): Promise<AsyncGenerator<Written[]>> {
  const { options: o, signal } = context;
  const { sample } = await import('@gimbal/vec2text');
  const { space } = model.module;
  if (o.sample === undefined) {
    const z = await readCodes(o.data as string, space.dim);
    const n = z.length / space.dim;
    // one piece: what is refused of a vector names its row in the file
    return decodedPieces(context, model, n, n, () => z, stream);
  }
  const among = {
    ...{ prior: o.prior, stats: model.stats, rng: stream.split('prior') },
    ...(o.prior === 'empirical' && { codes: await codesOf(o.data as string, model, signal) }),
  };
  return decodedPieces(context, model, o.sample, together, (from, to) => sample(space, to - from, among), stream);
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
  if (o.json && o.out === undefined) checkRows(`${where} --sample`, o.sample, 'Leave --json out, or give --out');
  if (o.temperature === 0)
    refuseGiven(where, given, ['topK', 'topP'], 'words are drawn with a --temperature above 0 only');
}

/** The vectors of a file, or those of its sentences. */
async function codesOf(file: string, model: Vec2Text, signal: AbortSignal): Promise<Float32Array> {
  if (await holdsVectors(file)) return readCodes(file, model.module.space.dim);
  const { encodeTexts } = await import('@gimbal/vec2text');
  const { rows, where } = await readSentenceFile(file);
  const texts = rows.map(({ text }) => text);
  return atPlaces(where, () => encodeTexts(model, texts, { signal }));
}
