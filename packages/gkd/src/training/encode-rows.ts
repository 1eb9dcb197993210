/** Rows as the student reads them, within its context. */
import type { PromptCompletionRow } from '@gimbal/language-models';
import { DataError, type LogitPolicy, type Prompt } from '@gimbal/tensor-core';
import type { ModelTeacher } from '../teachers/model-teacher.ts';
import { completionIds, idsOf, promptIds, type Vocabulary } from '../teachers/vocabulary.ts';
import { described, teachersOf } from './check-options.ts';
import type { ResolvedGkd } from './gkd-options.ts';
import { readPrompt } from './read-prompt.ts';
import { checkTag, teacherOf } from './teacher-of.ts';

/** Ids of a prompt, and where it came from. */
export interface EncodedPrompt {
  ids: Int32Array;
  row: Prompt;
}

/** Ids of a prompt and its completion. */
export interface EncodedRow extends EncodedPrompt {
  completion: Int32Array;
}

export const promptText = (p: Prompt): string => (typeof p === 'string' ? p : p.prompt);

/** @param where names the row @throws DataError for what is no text */
function checkedText(row: unknown, where: string): string {
  const text = typeof row === 'object' && row !== null ? (row as { prompt?: unknown }).prompt : row;
  if (typeof text === 'string') return text;
  const turns = Array.isArray(text) || (typeof row === 'object' && row !== null && 'messages' in row);
  throw new DataError({
    where,
    what: turns ? 'the prompt is a conversation, not a text' : 'the prompt is no text',
    got: text === undefined && typeof row === 'object' ? row : text,
    wanted: "a text, or a row with one in the column 'prompt'",
    ...(turns && { fix: 'Write it out with the tokenizer’s chat template first' }),
  });
}

/** The prompt as the teacher reads it. @throws DataError where `teacherPrompt` gives no text */
export function teacherText({ teacherPrompt }: ResolvedGkd, row: Prompt): string {
  const text: unknown = teacherPrompt === undefined ? promptText(row) : teacherPrompt(row);
  if (typeof text === 'string') return text;
  const what = `it gives no text for the prompt ${JSON.stringify(promptText(row))}`;
  throw new DataError({ where: 'teacherPrompt', what, got: text, wanted: 'a text' });
}

/** Prompts that leave room for `maxNewTokens`. @throws DataError for one that does not, or where none is left */
export function encodePrompts(o: ResolvedGkd, where = 'prompts'): EncodedPrompt[] {
  return fitting(o, where, o.prompts, (row, i) => {
    const ids = readPrompt(o.student, o.tokenizer, checkedText(row, `${where}, row ${i}`));
    checkRoom(o, `${where}, row ${i}`, ids.length, o.maxNewTokens);
    checkTag(o, row, `${where}, row ${i}`);
    checkTeacherRoom(o, `${where}, row ${i}`, { ids, row });
    return { ids, row };
  });
}

/** What `encode` makes of the rows; those that are too long are left out where that is asked for. */
function fitting<R, E>(
  { overflow }: ResolvedGkd,
  where: string,
  rows: readonly R[],
  encode: (row: R, i: number) => E,
): E[] {
  const out: E[] = [];
  let first: DataError | undefined;
  for (const [i, row] of rows.entries()) {
    try {
      out.push(encode(row, i));
    } catch (error) {
      if (overflow !== 'drop' || !(error instanceof TooLong)) throw error;
      first ??= error;
    }
  }
  if (first === undefined || out.length > 0) return out;
  const what = `none of the ${rows.length} rows fits`;
  throw new DataError({ where, what, fix: `The first: ${first.message}` });
}

/** A row that the student's context, or its teacher's, has no room for. */
class TooLong extends DataError {
  override name = 'DataError';
}

/** Rows of the data set, or the prompts' own completions. @throws DataError */
export function encodeData(
  o: ResolvedGkd,
  where: string,
  data: readonly PromptCompletionRow[] | undefined,
): EncodedRow[] {
  const rows = data ?? (o.prompts as readonly Prompt[]);
  if (rows.length === 0) throw new DataError({ where, what: 'there are no rows', wanted: 'at least 1' });
  return fitting(o, where, rows, (row, i) => {
    const text = checkedText(row, `${where}, row ${i}`);
    const completion = typeof row === 'string' ? undefined : row.completion;
    if (typeof completion !== 'string')
      throw new DataError({
        where: `${where}, row ${i}`,
        what: 'it has no completion',
        wanted: "a text in the column 'completion'",
        fix: "Give offPolicy.data, or offPolicy { source: 'teacher' }",
      });
    const ids = readPrompt(o.student, o.tokenizer, text);
    const answer = Int32Array.from(completionIds(o.tokenizer, completion));
    checkRoom(o, `${where}, row ${i}`, ids.length, answer.length);
    // of further rows no teacher is asked
    if (where !== 'auxiliary.data') {
      checkTag(o, row, `${where}, row ${i}`);
      checkTeacherRoom(o, `${where}, row ${i}`, { ids, completion: answer, row });
    }
    return { ids, completion: answer, row };
  });
}

function checkRoom({ student }: ResolvedGkd, where: string, prompt: number, completion: number): void {
  if (prompt === 0)
    throw new DataError({ where, what: 'the prompt has no token', fix: 'Begin it with the beginning-of-text token' });
  checkContext(student, 'the student', where, prompt, completion);
}

/**
 * The same of the teacher that is asked about the row: its context may be shorter, `teacherPrompt` longer than the prompt.
 * @throws DataError that names the teacher
 */
function checkTeacherRoom(
  o: ResolvedGkd,
  where: string,
  { ids, row, completion }: Partial<EncodedRow> & EncodedPrompt,
) {
  const { tokenizer, teacherPrompt, alignment } = o;
  const writes = completion === undefined && o.offPolicy?.source === 'teacher';
  if (o.divergence === 'nll' && !writes) return;
  const teacher = o.selfTeacher === undefined ? (teacherOf(o, row) as Partial<ModelTeacher>) : undefined;
  const policy = teacher === undefined ? o.student : teacher.policy;
  if (policy === undefined || described(policy).config?.contextLength === undefined) return;
  const name = Object.entries(teachersOf(o)).find(([, t]) => t === teacher)?.[0] ?? '';
  const owner = name === '' ? 'the teacher' : `teacher ${name}`;
  const text = (teacherPrompt ?? promptText)(row);
  if (alignment === 'none') {
    const prompt = teacherPrompt === undefined ? ids.length : promptIds(tokenizer, text).length;
    return checkContext(policy, owner, where, prompt, completion?.length ?? o.maxNewTokens);
  }
  // in its own tokens; of what the student will write, one at least
  const own = teacher?.vocabulary as Vocabulary;
  const given = typeof row === 'string' || completion === undefined ? undefined : String(row.completion);
  const answer = given === undefined ? (writes ? o.maxNewTokens : 1) : idsOf(own, given).length + 1;
  checkContext(policy, owner, where, promptIds(own, text).length, answer);
}

function checkContext(policy: LogitPolicy, owner: string, where: string, prompt: number, completion: number): void {
  const { config, readsWholePrompts } = described(policy);
  const context = config?.contextLength;
  if (context === undefined) return;
  const got = readsWholePrompts ? Math.max(prompt, completion) : prompt + completion;
  if (got <= context) return;
  throw new TooLong({
    where,
    what: readsWholePrompts
      ? `prompt or completion is longer than ${owner}’s context`
      : `a prompt of ${prompt} tokens and a completion of ${completion} are longer than ${owner}’s context`,
    got,
    wanted: `at most ${context} tokens`,
    fix: "Leave long rows out (overflow: 'drop'), or lower maxNewTokens",
  });
}
