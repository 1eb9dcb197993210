// What a policy learns to answer: rows of the user's, or articles of the generated newsroom.
import { readFile } from 'node:fs/promises';
import { ConfigError, DataError, type Prompt, rng } from '@gimbal/tensor-core';
import type { AskedPrompts } from './chat-prompts.ts';

/** Where prompts come from. */
interface PromptSource {
  /** a .jsonl, .csv or .parquet with a column `prompt`; undefined: the newsroom */
  data?: string | undefined;
  columns?: Record<string, string> | undefined;
  /** of the newsroom */
  articles: number;
  seed: number;
}

/** @param world options of the newsroom that differ from its defaults */
export async function promptRows(o: PromptSource, world: object | undefined): Promise<readonly Prompt[]> {
  if (o.data !== undefined) {
    const { readRows } = await import('@gimbal/language-models');
    const columns = o.columns === undefined ? {} : { columns: o.columns };
    return (await readRows(o.data, { kind: 'prompt', ...columns })).rows as readonly Prompt[];
  }
  const { newsroom } = await import('@gimbal/worlds');
  return newsroom(world).rows(o.articles, rng(o.seed).split('articles'));
}

/** The same, and conversations: what is asked of each is a text, its turns are beside it. */
export async function promptRowsOrChats(o: PromptSource, world: object | undefined): Promise<AskedPrompts> {
  if (o.data === undefined) return { rows: await promptRows(o, world) };
  return readAskedPrompts(o.data, o.columns);
}

/** Prompts of a file, plain or of conversations. */
export async function readAskedPrompts(
  data: string,
  columns: Record<string, string> | undefined,
): Promise<AskedPrompts> {
  const { readRows } = await import('@gimbal/language-models');
  const { askedPrompts, promptKinds } = await import('./chat-prompts.ts');
  return askedPrompts(await readRows(data, { oneOf: promptKinds, ...(columns && { columns }) }));
}

/** The text of a prompt. */
export const promptText = (p: Prompt): string => (typeof p === 'string' ? p : p.prompt);

/**
 * A prompt without a text asks nothing, unless the model begins every text with a token, which it can go on from.
 * @param begin those tokens
 * @param file of the rows, for messages; without one, or in one that is no .jsonl, rows are counted from 0
 * @throws DataError naming the first one by its line, as all faults of a file are
 */
export async function refuseEmpty(prompts: readonly Prompt[], begin: readonly number[], file?: string): Promise<void> {
  if (begin.length > 0) return;
  const i = prompts.findIndex((p) => promptText(p) === '');
  if (i < 0) return;
  const fix = 'Leave the row out, or take a model that begins texts with a start token';
  const line = file === undefined ? undefined : await lineOf(file, i);
  const where = line === undefined ? `${file ?? 'prompts'}, row ${i}` : `${file}:${line}`;
  throw new DataError({ where, what: 'the prompt is empty', fix });
}

/**
 * The judge of the newsroom reads its articles only.
 * @param o.where whose reward it is, in messages
 * @throws ConfigError naming the first row that is none
 */
export async function refuseNoArticles(o: {
  prompts: readonly Prompt[];
  world: object | undefined;
  where: string;
  file?: string | undefined;
}): Promise<void> {
  const { newsroom } = await import('@gimbal/worlds');
  const desk = newsroom(o.world);
  for (const [i, prompt] of o.prompts.entries()) {
    const text = promptText(prompt);
    try {
      desk.parse(text);
    } catch (cause) {
      const line = o.file === undefined ? undefined : await lineOf(o.file, i);
      const place = line === undefined ? `row ${i}` : `${o.file}:${line}`;
      throw new ConfigError({ where: `${o.where}, ${place}`, ...noArticle(text, cause) });
    }
  }
}

/** What is said of a text that is no article of the newsroom. */
export const noArticle = (text: string, cause: unknown) => ({
  what: `world:newsroom reads articles of the newsroom only: ${(cause as Error).message}`,
  got: text.length > 60 ? `${text.slice(0, 60)}…` : text,
  fix: 'Give rows that its world wrote (--world says which), or a reward for yours: exact, a reward model’s folder, ./file.mjs',
  cause,
});

/** Where row i stands in a .jsonl: lines without anything are no rows. */
async function lineOf(file: string, i: number): Promise<number | undefined> {
  if (!/\.(jsonl|ndjson)$/i.test(file)) return undefined;
  const text = await readFile(file, 'utf8').catch(() => '');
  const numbers = text.split('\n').flatMap((line, at) => (line.trim() === '' ? [] : [at + 1]));
  return numbers[i];
}
