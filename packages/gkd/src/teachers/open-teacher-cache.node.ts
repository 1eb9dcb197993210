/** Answers that were kept, without the teacher who gave them; and how to have them kept ahead of a training. */
import { type PromptCompletionRow, padBatch } from '@gimbal/language-models';
import { ConfigError, checkCount, DataError, type LogitPolicy, type Prompt, StoppedError } from '@gimbal/tensor-core';
import { disposeRows } from '../rows/teacher-logits.ts';
import { readPrompt } from '../training/read-prompt.ts';
import { keptTeacher } from './cache-folder.node.ts';
import { cachedTeacher } from './cached-teacher.node.ts';
import { stoppedBy } from './stopped.ts';
import type { Teacher, Wanted } from './teacher.ts';
import { completionIds, promptIds, tokenizerHash, type Vocabulary } from './vocabulary.ts';

/** Which of a folder's teachers is opened. */
export interface OpenCacheOptions {
  /** needed where the folder has answers of several */
  identity?: string;
  /** its tokenizer, where the student has another (`alignment`) */
  vocabulary?: Vocabulary;
}

/**
 * A filled cache as a teacher, without the model: neither its weights nor its tokenizer are needed. It answers what the
 * folder has, and nothing else.
 * @param dir a folder that `cachedTeacher` or `fillTeacherCache` filled
 * @returns its `score` throws DataError for a completion that is not there
 * @throws DataError where the folder names no teacher; ConfigError for an `identity` that is not there or is missing, and a
 * `vocabulary` that is not the teacher's
 * @example new GkdTrainer({ teacher: await openTeacherCache('answers'), lambda: 0, … })
 */
export async function openTeacherCache(dir: string, { identity, vocabulary }: OpenCacheOptions = {}): Promise<Teacher> {
  const kept = await keptTeacher(dir, identity);
  if (vocabulary !== undefined && tokenizerHash(vocabulary) !== kept.tokenizerHash)
    throw new ConfigError({
      ...{ where: 'openTeacherCache, vocabulary', what: 'the answers were given with another tokenizer' },
      ...{ got: tokenizerHash(vocabulary), wanted: kept.tokenizerHash },
    });
  const nobody: Teacher = {
    ...kept,
    ...(vocabulary && { vocabulary }),
    score: () => Promise.reject(new DataError({ where: dir, what: 'there is no teacher to ask' })),
  };
  return cachedTeacher(nobody, dir, { offline: true });
}

/** What is asked for, and how the training will read its rows. */
export interface FillCacheOptions {
  /** the student's, which is the teacher's */
  tokenizer: Vocabulary;
  /** what the training will want: 'full' (default), `{ topK }` with `teacherTopK`, 'sampled' with 'sampled-rkl' */
  want?: 'full' | { topK: number } | 'sampled';
  /** as the training's, where the teacher reads prompts in other words */
  teacherPrompt?: (prompt: Prompt) => string;
  /** needed where it is an encoder-decoder: those read prompts framed as whole texts */
  student?: LogitPolicy;
  /** rows that are asked about at a time; default 16 */
  batchSize?: number;
  /** stops between two batches, with a StoppedError; what is kept by then stays */
  signal?: AbortSignal;
}

/**
 * Asks a teacher about rows ahead of a training on them (λ 0), so that the training needs the folder alone
 * (`openTeacherCache`). What the folder has is not asked again, so that it goes on where it was stopped.
 * @param cached a `cachedTeacher`
 * @param rows as in `offPolicy.data`, or prompts with completions
 * @returns how many rows, and tokens of completions with their ends, are kept
 * @throws ConfigError for another tokenizer; StoppedError where the signal stopped it; what the teacher throws
 * @example await fillTeacherCache(cachedTeacher(teacher, 'answers'), rows, { tokenizer, want: { topK: 32 } })
 */
export async function fillTeacherCache(
  cached: Teacher,
  rows: readonly PromptCompletionRow[],
  { tokenizer, want = 'full', teacherPrompt, student, batchSize = 16, signal }: FillCacheOptions,
): Promise<{ rows: number; tokens: number }> {
  const where = 'fillTeacherCache';
  checkCount(`${where}, batchSize`, batchSize);
  if (tokenizerHash(tokenizer) !== cached.tokenizerHash)
    throw new ConfigError({ where, what: 'the teacher has another tokenizer', wanted: 'that of the student' });
  const promptOf = (row: PromptCompletionRow): ArrayLike<number> => {
    if (teacherPrompt !== undefined) return promptIds(tokenizer, teacherPrompt(row));
    return student === undefined ? promptIds(tokenizer, row.prompt) : readPrompt(student, tokenizer, row.prompt);
  };
  const pad = tokenizer.special.pad ?? 0;
  let tokens = 0;
  for (let from = 0; from < rows.length; from += batchSize) {
    if (signal?.aborted) throw new StoppedError({ where, what: 'the signal stopped it', got: `${from} rows kept` });
    const part = rows.slice(from, from + batchSize);
    const completions = padBatch(
      part.map(({ completion }) => completionIds(tokenizer, completion)),
      pad,
    );
    const asked: { want: Wanted; signal?: AbortSignal } = { want, ...(signal && { signal }) };
    const prompts = padBatch(part.map(promptOf), pad);
    disposeRows(await stoppedBy(signal, where, () => cached.score(prompts, completions, asked)));
    tokens += completions.lengths.reduce((a, b) => a + b, 0);
  }
  return { rows: rows.length, tokens };
}
