// The rows of a distillation: from a file, or the generated newsroom; as each side's chat template writes them.
import type { RowKind, Tokenizer } from '@gimbal/language-models';
import type { Prompt } from '@gimbal/tensor-core';
import { promptRows, promptText } from '../rl/prompt-rows.ts';
import { fittingPrompts } from '../rl/train-policy.ts';
import type { Opened } from './open-model.ts';
import { askingKinds, completedKinds, textRows } from './text-rows.ts';
import type { CompletedRow } from './trainer-flags.ts';

/** Where rows come from. */
type RowFlags = Parameters<typeof promptRows>[0] & {
  data?: string | undefined;
  columns?: Record<string, string> | undefined;
};

/** Rows with completions where the file has them, else prompts alone, and why. */
export async function rowsOf(
  o: RowFlags,
  world: object | undefined,
  tokenizer: Tokenizer,
  other: Tokenizer | undefined,
  note: (text: string) => void,
  where: Map<Prompt, string>,
): Promise<readonly Prompt[]> {
  const { data } = o;
  if (data === undefined) return promptRows(o, world);
  const { readRows } = await import('@gimbal/language-models');
  const columns = o.columns === undefined ? {} : { columns: o.columns };
  const read = async (kinds: readonly RowKind[]): Promise<readonly Prompt[]> => {
    const found = await readRows(data, { oneOf: kinds, ...columns });
    const placed = (rows: readonly Prompt[]): readonly Prompt[] => {
      for (const [i, row] of rows.entries()) where.set(row, found.where(i));
      return rows;
    };
    const rows = textRows(found, tokenizer);
    // conversations are written by each model's own template
    if (other === undefined || !found.kind.startsWith('conversation')) return placed(rows);
    const theirs = textRows(found, other);
    const both = rows.map((row, i) => ({
      ...(typeof row === 'string' ? { prompt: row } : row),
      [teacherColumn]: promptText(theirs[i] as Prompt),
    }));
    return placed(both);
  };
  try {
    return await read(completedKinds);
  } catch (error) {
    if ((error as { code?: string }).code !== 'ERR_DATA') throw error;
    const rows = await read(askingKinds); // what else is wrong is told by this
    note(`no completions are read, prompts alone: ${(error as Error).message}`);
    return rows;
  }
}

/** Of a row: its prompt as a teacher with another chat template reads it. */
const teacherColumn = 'prompt of the teacher';

/** The prompt as the teacher reads it. */
export const teacherText = (row: Prompt): string => {
  const theirs = typeof row === 'object' ? (row as Record<string, unknown>)[teacherColumn] : undefined;
  return typeof theirs === 'string' ? theirs : promptText(row);
};

/** Rows whose prompts a teacher with another tokenizer has room for, and for a token behind them. */
export function readByTeacher(
  rows: readonly Prompt[],
  teacher: Opened | undefined,
  note: (text: string) => void,
): Prompt[] {
  if (teacher === undefined) return [...rows];
  const asked = rows.map((row) => ({ prompt: teacherText(row), row }));
  const told = (text: string): void => note(`in the teacher’s tokens ${text}`);
  const { tokenizer, model } = teacher;
  const room = { tokenizer, contextLength: model.config.contextLength, maxNewTokens: 1 };
  return fittingPrompts(asked, room, told).map(({ row }) => row);
}

/** Rows that are learned as they are, beside the distillation. */
export async function auxiliaryRows(
  file: string | undefined,
  tokenizer: Tokenizer,
): Promise<CompletedRow[] | undefined> {
  if (file === undefined) return undefined;
  const { readRows } = await import('@gimbal/language-models');
  return textRows(await readRows(file, { oneOf: completedKinds }), tokenizer) as CompletedRow[];
}
