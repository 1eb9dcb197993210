/**
 * A teacher's answers on disk: a file for each completion, named after teacher, tokenizer, what is wanted, prompt and
 * completion. It pays where completions come again: data sets over several epochs, runs on the same data.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { padBatch, rowOf } from '@gimbal/language-models';
import {
  CheckpointError,
  ConfigError,
  checkKnown,
  DataError,
  disposeTree,
  encodeSafetensors,
  hashWords,
  isTensor,
  type Params,
  readSafetensors,
  type TokenBatch,
  writeFileAtomic,
} from '@gimbal/tensor-core';
import {
  concat,
  keep,
  logSoftmax,
  slice,
  type Tensor,
  type Tensor2D,
  tensor1d,
  tensor2d,
  tidy,
} from '@tensorflow/tfjs-core';
import { disposeRows, isDense, teacherLogits } from '../rows/teacher-logits.ts';
import { standingBefore } from './base-of.ts';
import { keepTeacher } from './cache-folder.node.ts';
import { type Asked, checkAnswer, checkRows } from './check-answer.ts';
import type { Teacher, TeacherRows, Wanted } from './teacher.ts';

/** How the cache is used. */
export interface CacheOptions {
  /** answer from the disk alone: a completion that is not there is an error; default false */
  offline?: boolean;
}

/**
 * The teacher with a memory on disk. Each answer is written whole or not at all; the folder says which teacher they are
 * of, so that `openTeacherCache` needs no model.
 * @param base what is asked for what is not there; its `identity` names its answers
 * @param dir a folder; made if it is not there
 * @returns the teacher; its `score` throws DataError `offline` for what is not there and CheckpointError for a damaged file,
 * which is asked for again otherwise; what the trainer throws for an answer that is none, which is not written
 * @throws ConfigError where the teacher has no identity: answers of another would be taken for its own
 * @example const teacher = cachedTeacher(modelTeacher(policy, params, tokenizer), 'answers')
 */
export function cachedTeacher(base: Teacher, dir: string, o: CacheOptions = {}): Teacher {
  checkKnown('cachedTeacher', o, ['offline']);
  const { offline = false } = o;
  const { identity, vocabSize } = base;
  if (typeof dir !== 'string')
    throw new ConfigError({ where: 'cachedTeacher', what: 'dir is no folder', got: typeof dir });
  if (identity === undefined)
    throw new ConfigError({
      where: 'cachedTeacher',
      what: 'the teacher has no identity, so answers of another could be taken for its own',
      fix: 'Give it one: modelTeacher and oracleTeacher take { identity }',
    });
  let kept: Promise<void> | undefined;
  const cached: Teacher = {
    ...{ tokenizerHash: base.tokenizerHash, vocabSize: base.vocabSize, identity },
    ...(base.vocabulary && { vocabulary: base.vocabulary }),
    ...(base.contextLength !== undefined && { contextLength: base.contextLength }),
    ...(base.whole !== undefined && !offline && { whole: base.whole }),
    async score(prompts, completions, { want, signal }) {
      // which tokens are asked for hangs on the student as it is: they do not come again
      if (typeof want === 'object' && 'at' in want) {
        if (offline) throw notThere(dir, 0);
        return base.score(prompts, completions, { want, ...(signal && { signal }) });
      }
      const rows = Array.from(completions.lengths.keys());
      const named = rows.map((b) =>
        join(dir, `${keyOf(base, want, rowOf(prompts, b), rowOf(completions, b))}.safetensors`),
      );
      const found = await Promise.all(
        rows.map((b) =>
          readAnswer(named[b] as string, { want, rows: completions.lengths[b] as number, vocabSize }, offline),
        ),
      );
      const missing = rows.filter((b) => found[b] === undefined && (completions.lengths[b] as number) > 0);
      try {
        if (missing.length > 0) {
          if (offline) throw notThere(dir, missing[0] as number);
          const pick = (t: TokenBatch): TokenBatch =>
            padBatch(
              missing.map((b) => rowOf(t, b)),
              0,
            );
          const part = pick(completions);
          const given = await base.score(pick(prompts), part, { want, ...(signal && { signal }) });
          // what is written stays: nothing that is refused later
          const answer = checkAnswer(given, { want, rows: part.lengths.reduce((a, b) => a + b, 0), vocabSize });
          const fresh = splitAnswer(answer, part.lengths);
          kept ??= keepTeacher(dir, { identity, tokenizerHash: base.tokenizerHash, vocabSize });
          await kept;
          for (const [i, b] of missing.entries()) {
            found[b] = fresh[i] as Params;
            await writeFileAtomic(named[b] as string, await encodeSafetensors(fresh[i] as Params));
          }
        }
        return joinAnswers(
          found.filter((tree) => tree !== undefined),
          want,
        );
      } finally {
        for (const tree of found) if (tree !== undefined) disposeTree(tree);
      }
    },
    ...(base.sample && { sample: base.sample.bind(base) }),
    ...(base.dispose && { dispose: base.dispose.bind(base) }),
  };
  return standingBefore(cached, base);
}

function keyOf(base: Teacher, want: Wanted, prompt: Int32Array, completion: Int32Array): string {
  const text = `${base.identity} ${base.tokenizerHash} ${JSON.stringify(want)} ${prompt.length}`;
  return hashWords([...Array.from(text, (c) => c.codePointAt(0) as number), ...prompt, ...completion], 4);
}

/**
 * @returns undefined where there is none; a damaged one is none, too, where it can be asked for again
 * @throws CheckpointError naming the file that is damaged, offline
 */
async function readAnswer(path: string, asked: Asked, offline: boolean): Promise<Params | undefined> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return undefined;
    throw error;
  }
  let tree: Params | undefined;
  try {
    tree = await readSafetensors(bytes);
    const answer = joinAnswers([tree], asked.want as Wanted);
    try {
      checkRows(answer, asked);
    } finally {
      disposeRows(answer);
    }
    return tree;
  } catch (cause) {
    if (tree !== undefined) disposeTree(tree);
    if (!offline) return undefined;
    throw new CheckpointError({
      where: path,
      what: 'the teacher’s answer in this file is damaged',
      got: (cause as Error).message,
      fix: 'Remove the file, and run once with the teacher',
      cause,
    });
  }
}

const notThere = (dir: string, row: number): DataError =>
  new DataError({
    where: dir,
    what: `the teacher’s answer for completion ${row} is not in the cache`,
    fix: 'Run once with the teacher, on the same prompts and completions',
  });

/** One tree for each completion; disposes the answer. */
function splitAnswer(answer: TeacherRows, lengths: Int32Array): Params[] {
  let from = 0;
  const trees = Array.from(lengths, (count): Params => {
    const at = from;
    from += count;
    return tidy(() => partOf(answer, at, count)) as Params;
  });
  for (const tree of trees) keepLeaves(tree);
  disposeRows(answer);
  return trees;
}

function partOf(answer: TeacherRows, from: number, count: number): Params {
  if (isDense(answer)) return { full: logSoftmax(teacherLogits(answer, from, count)) };
  if ('sampled' in answer) return { sampled: tensor1d(answer.sampled.slice(from, from + count)) };
  const { ids, logp, tail } = answer.topK;
  const K = ids.length / Math.max(1, tail.length);
  return {
    ids: tensor2d(ids.slice(from * K, (from + count) * K), [count, K], 'int32'),
    logp: tensor2d(logp.slice(from * K, (from + count) * K), [count, K]),
    tail: tensor1d(tail.slice(from, from + count)),
  };
}

function keepLeaves(tree: Params): void {
  for (const leaf of Object.values(tree)) if (isTensor(leaf)) keep(leaf);
}

function joinAnswers(trees: readonly Params[], want: Wanted): TeacherRows {
  const leaf = (tree: Params, name: string): Tensor => tree[name] as Tensor;
  const numbers = (name: string): number[] => trees.flatMap((tree) => Array.from(leaf(tree, name).dataSync()));
  if (want === 'full') {
    const parts = trees.map((tree) => leaf(tree, 'full') as Tensor2D);
    const whole = parts.length === 1 ? slice(parts[0] as Tensor2D, [0, 0]) : concat(parts, 0);
    return { full: keep(whole) };
  }
  if (want === 'sampled') return { sampled: Float32Array.from(numbers('sampled')) };
  return {
    topK: {
      ids: Int32Array.from(numbers('ids')),
      logp: Float32Array.from(numbers('logp')),
      tail: Float32Array.from(numbers('tail')),
    },
  };
}
