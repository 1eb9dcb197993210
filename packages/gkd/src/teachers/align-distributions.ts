/**
 * Whole distributions of a teacher with another tokenizer, one for each stretch of text that both have: that of its first
 * token, and what all of its tokens have together (chain rule). Row k is the one that predicts token k.
 */
import type { TokenBatch } from '@gimbal/tensor-core';
import { clone, keep, reshape, type Tensor2D, type Tensor3D, tidy } from '@tensorflow/tfjs-core';
import type { AlignedRows, DenseRows } from '../rows/aligned-rows.ts';
import { takeRows } from '../rows/chunked-distill-loss.ts';
import { ownLogProbs } from '../rows/own-log-probs.ts';
import { disposeRows } from '../rows/teacher-logits.ts';
import { alignBatch, shares } from './align-spans.ts';
import { checkAnswer } from './check-answer.ts';
import { cellsOnce } from './shared-cells.ts';
import type { Teacher } from './teacher.ts';
import type { Vocabulary } from './vocabulary.ts';

/**
 * Whole answers of a teacher with another tokenizer.
 * @param prompts as texts
 * @param temperature of the teacher's softmax
 */
export async function distributionRows(
  teacher: Teacher,
  own: Vocabulary,
  prompts: readonly string[],
  completions: TokenBatch,
  o: { hybrid: boolean; temperature: number; signal: AbortSignal | undefined },
): Promise<AlignedRows | undefined> {
  const other = teacher.vocabulary as Vocabulary;
  const aligned = alignBatch(own, other, prompts, completions);
  if (aligned.completions.width === 0) return undefined;
  const { signal } = o;
  const want = 'full';
  const given = await teacher.score(aligned.prompts, aligned.completions, { want, ...(signal && { signal }) });
  const answer = checkAnswer(given, { want, rows: aligned.other.length, vocabSize: teacher.vocabSize }) as DenseRows;
  try {
    const { ids, width, lengths } = aligned.completions;
    const tokens = Array.from(lengths).flatMap((n, b) => [...ids.subarray(b * width, b * width + n)]);
    const logp = ownLogProbs(answer, Int32Array.from(tokens), o.temperature);
    const S = aligned.stretches;
    const [firsts, sizes, logProbs] = [new Int32Array(S).fill(-1), new Int32Array(S), new Float32Array(S)];
    for (const [r, span] of aligned.other.entries()) {
      if (firsts[span] === -1) firsts[span] = r;
      sizes[span] = (sizes[span] as number) + 1;
      logProbs[span] = (logProbs[span] as number) + (logp[r] as number);
    }
    return {
      aligned: {
        ...{ rows: pick(answer, firsts), logProbs, lengths: sizes, first: firsts.map((r) => tokens[r] as number) },
        ...{ sampled: shares(aligned, logp), spans: aligned.own },
        ...(o.hybrid && { cells: cellsOnce(own, other) }),
      },
    };
  } finally {
    disposeRows(answer);
  }
}

/** Copies of some rows. */
function pick(rows: DenseRows, places: Int32Array): DenseRows {
  const of = (x: Tensor2D): Tensor2D =>
    keep(tidy(() => clone(takeRows(reshape(x, [1, ...x.shape]) as Tensor3D, places))));
  return 'full' in rows ? { full: of(rows.full) } : { hidden: of(rows.hidden), head: keep(clone(rows.head)) };
}
