// What the actions of gimbal vec2text open: a model, sentences.
import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ConfigError, DataError, latestCheckpoint } from '@gimbal/tensor-core';
import type { Vec2Text } from '@gimbal/vec2text';
import { counted } from '../cli/format.ts';
import type { Output } from '../cli/output.ts';
import { modelPath } from '../run/model-path.ts';
import { orNamedRun } from '../run/named-run.ts';
import type { Vec2TextContext } from './options.ts';

/** What is named behind the action, or by --model. @throws ConfigError for both at once */
export function namedModel({ arguments: [, word], options: { model } }: Vec2TextContext): string | undefined {
  if (word === undefined || model === undefined || word === model) return word ?? model;
  throw new ConfigError({ where: 'gimbal vec2text --model', what: 'two models are named', got: [word, model] });
}

/** The model of the command: its folder, its file, or the folder of the run that trained it. */
export async function openModel(context: Vec2TextContext, what: string): Promise<{ model: Vec2Text; path: string }> {
  const [where, named] = [`gimbal vec2text ${what}`, namedModel(context)];
  if (named !== undefined) return openFrom(named, where, context.output);
  throw new ConfigError({ where, what: 'which model?', fix: `For example ${where} runs/vec2text-1` });
}

/**
 * A model's folder, its file, or the folder of its run.
 * @throws ConfigError where there is nothing, or a run without a model; CheckpointError for a model of another kind
 */
export async function openFrom(
  named: string,
  where: string,
  output: Output,
): Promise<{ model: Vec2Text; path: string }> {
  const { loadVec2Text } = await import('@gimbal/vec2text');
  const path = await modelIn(named, where, output);
  await refuseOtherKind(path, where, 'gimbal-vec2text');
  return { model: await loadVec2Text(path), path };
}

const kinds = {
  'gimbal-vec2text': { holds: 'vec2text model', run: 'gimbal vec2text train', fix: '' },
  'gimbal-inverter': {
    holds: 'inverter',
    run: 'gimbal vec2text invert --embedder',
    fix: '; gimbal vec2text decode turns vectors of a vec2text model to text',
  },
} as const;

/** What a folder says that its model is; undefined where it says nothing. */
async function kindIn(path: string): Promise<unknown> {
  const text = await readFile(join(path, 'config.json'), 'utf8').catch(() => '{}');
  try {
    return (JSON.parse(text) as { model_type?: string } | null)?.model_type;
  } catch {
    return undefined;
  }
}

/** @throws ConfigError for a model of this command, or its run, where a language model is wanted */
export async function refuseOwnKind(named: string, where: string): Promise<void> {
  const found = await Promise.all([named, join(named, 'model')].map(kindIn));
  const kind = found.find((one) => typeof one === 'string' && Object.hasOwn(kinds, one));
  if (kind === undefined) return;
  const fix = 'Give the folder of a language model, which tells how likely words are';
  const { holds } = kinds[kind as keyof typeof kinds];
  throw new ConfigError({ where, what: `this is a ${holds}, not a language model`, got: named, fix });
}

/** @throws ConfigError for the folder of a model of another kind; what has none is told by who opens it */
export async function refuseOtherKind(path: string, where: string, wanted: keyof typeof kinds): Promise<void> {
  const kind = await kindIn(path);
  const { holds, run, fix: more } = kinds[wanted];
  const fix = `Give a run of ${run}${more}`;
  if (typeof kind === 'string' && kind !== wanted)
    throw new ConfigError({ where, what: `the folder ${path} holds no ${holds}`, got: kind, wanted, fix });
}

/**
 * The model's own folder or file, which lies in `model` where a run's is named; of a run that was stopped that of its newest
 * checkpoint, which is told.
 * @param given a path, or the name of a run in runs/
 * @param kind what it should hold, for messages
 * @throws ConfigError
 */
export async function modelIn(
  given: string,
  where: string,
  output: Output,
  kind: keyof typeof kinds = 'gimbal-vec2text',
): Promise<string> {
  const named = orNamedRun(given);
  const inRun = join(named, 'model');
  if (await isFolder(inRun)) return inRun;
  const options = await optionsOfRun(named);
  if (options !== undefined) {
    const begun = await newestModel(join(named, 'training'));
    if (begun !== undefined) {
      output.note(`${named} was stopped: this is the model of its newest checkpoint, ${basename(dirname(begun))}`);
      return begun;
    }
    const action = options.embedder === undefined ? 'train' : 'invert';
    const fix = `Go on with it: npx gimbal vec2text ${action} --out ${named} --resume`;
    throw new ConfigError({ where, what: 'this run was stopped before it had a model', got: named, fix });
  }
  if (await isFolder(named)) return modelPath(named, where);
  if ((await stat(named).catch(() => undefined)) !== undefined) return named;
  const fix = `Give the folder of a run of ${kinds[kind].run}, taken from the working directory, or its name in runs/`;
  throw new ConfigError({ where, what: 'no such file or folder', got: named, fix });
}

/** The model of the newest checkpoint of a trainer's folder; undefined where there is none. */
async function newestModel(training: string): Promise<string | undefined> {
  if (!(await isFolder(training))) return undefined;
  const checkpoint = await latestCheckpoint(training);
  const model = join(checkpoint ?? training, 'model');
  return (await isFolder(model)) ? model : undefined;
}

/** The options of a run of this command; undefined for what is none. */
export async function optionsOfRun(folder: string): Promise<Partial<Vec2TextContext['options']> | undefined> {
  const text = await readFile(join(folder, 'config.json'), 'utf8').catch(() => '{}');
  try {
    const config = JSON.parse(text) as { command?: string; options?: object } | null;
    return config?.command === 'vec2text' ? (config.options ?? {}) : undefined;
  } catch {
    return undefined; // whoever opens it tells what is wrong
  }
}

/** The folder of the run that a model lies in: beside it, or above its checkpoint. */
export const runOfModel = (path: string): string =>
  /^(.*)[\\/]training[\\/]checkpoints[\\/][^\\/]+[\\/]model$/.exec(path)?.[1] ?? dirname(path);

/** The options of the run that made a model, where it lies in one. */
export async function optionsOfModel(path: string): Promise<Partial<Vec2TextContext['options']>> {
  const file = join(runOfModel(path), 'config.json');
  const text = await readFile(file, 'utf8').catch(() => '{}');
  try {
    return (JSON.parse(text) as { options?: Partial<Vec2TextContext['options']> } | null)?.options ?? {};
  } catch (cause) {
    throw new DataError({ where: file, what: 'the run’s options are no JSON: the file is damaged', cause });
  }
}

export const isFolder = async (path: string): Promise<boolean> =>
  (await stat(path).catch(() => undefined))?.isDirectory() ?? false;

/**
 * The sentences that a model can read. Longer ones are left out, and it is said how many, and what is too long; so are
 * longer paraphrases and edits of the others.
 * @throws DataError where fewer than `least` are left
 */
export function thatFit<R extends { text: string; paraphrase?: string | undefined; edit?: string | undefined }>(
  where: string,
  rows: readonly R[],
  { module, tokenizer }: Pick<Vec2Text, 'module' | 'tokenizer'>,
  output: Output,
  least = 1,
): R[] {
  const most = module.config.maxLength - 1;
  const fits = (text: string): boolean => tokenizer.encodeText(text).length <= most;
  const kept = rows.flatMap((row): R[] => {
    if (!fits(row.text)) return [];
    const long = (['paraphrase', 'edit'] as const).filter((name) => !fits(row[name] ?? ''));
    return [long.length === 0 ? row : { ...row, ...Object.fromEntries(long.map((name) => [name, undefined])) }];
  });
  const lost = rows.length - kept.length;
  refuseFew(where, { fit: kept.length, of: rows.length, most, least });
  const long = rows.find(({ text }) => !fits(text))?.text;
  if (long !== undefined) {
    const first = `${beginningOf(long)} of ${tokenizer.encodeText(long).length} tokens`;
    output.note(`${counted(lost, 'sentence')} left out: the model reads at most ${most} tokens, not ${first}`);
  }
  return kept;
}

/** @throws DataError where fewer sentences fit than `least`, those of at most `most` tokens */
export function refuseFew(where: string, n: Record<'fit' | 'of' | 'most' | 'least', number>): void {
  if (n.fit >= n.least) return;
  const wanted = `${n.least} or more of at most ${n.most} tokens`;
  const [got, fix] =
    n.fit === n.of ? [n.fit, 'Give more sentences'] : [`${n.fit} of ${n.of}`, 'Train with a larger --max-length'];
  throw new DataError({ where, what: 'too few sentences that the model can read', got, wanted, fix });
}

/** The first letters of a sentence, by which it is told. */
export function beginningOf(text: string): string {
  const letters = Array.from(text.slice(0, 100));
  return `‘${letters.slice(0, 40).join('')}${letters.length > 40 ? '…' : ''}’`;
}

export function parseLine(file: string, line: string, i: number): Record<string, unknown> {
  const where = `${file}:${i + 1}`;
  let row: unknown;
  try {
    row = JSON.parse(line);
  } catch (cause) {
    throw new DataError({ where, what: 'no JSON', got: line.slice(0, 80), cause });
  }
  if (typeof row === 'object' && row !== null) return row as Record<string, unknown>;
  throw new DataError({ where, what: 'no row', got: line.slice(0, 80), wanted: 'an object, in braces' });
}

/** The text of a file, without a byte order mark. @throws ConfigError where there is none, DataError for what is not UTF-8 */
export async function readText(file: string, option = 'data'): Promise<string> {
  const bytes = await readBytes(file, option);
  const fix = 'Convert it, for example with iconv';
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new DataError({ where: file, what: 'the file is not UTF-8 text', fix, cause });
  }
  // UTF-16 of plain letters is UTF-8 with zeros in between
  if (text.includes('\0'))
    throw new DataError({ where: file, what: 'the file has zero bytes: it is no UTF-8 text', fix });
  return text;
}

/** The bytes of a file. @throws ConfigError where there is none */
export const readBytes = (file: string, option = 'data'): Promise<Uint8Array> =>
  readFile(file).catch((cause: NodeJS.ErrnoException) => {
    const what = cause.code === 'ENOENT' ? 'no such file' : 'the file cannot be read';
    throw new ConfigError({ where: `gimbal vec2text --${option}`, what, got: file, cause });
  });
