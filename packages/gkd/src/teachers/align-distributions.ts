/**
 * Whole distributions of a teacher with another tokenizer, one for each stretch of text that both have: that of its first
 * token, times the probabilities of the stretch's further tokens (chain rule), as in TRL's GOLD; such a row sums to less
 * than 1. Row k is the one that predicts token k.
 */
import type { TokenBatch } from '@gimbal/tensor-core';
import { clone, keep, reshape, type Tensor2D, type Tensor3D, tidy } from '@tensorflow/tfjs-core';
import type { AlignedRows, DenseRows, MatchedTokens } from '../rows/aligned-rows.ts';
import { takeRows } from '../rows/chunked-distill-loss.ts';
import { ownLogProbs } from '../rows/own-log-probs.ts';
import { disposeRows } from '../rows/teacher-logits.ts';
import { alignBatch, shares } from './align-spans.ts';
import { checkAnswer } from './check-answer.ts';
import type { Teacher } from './teacher.ts';
import type { Vocabulary } from './vocabulary.ts';

/**
 * Tokens that are written alike, each once, and the two ends of text.
 */
export function matchedTokens(own: Vocabulary, other: Vocabulary): MatchedTokens {
  const ends = [own.special.eos, other.special.eos] as const;
  const places = new Map<string, number>();
  for (let id = 0; id < other.size; id++) {
    const token = other.token(id);
    if (token !== undefined && id !== ends[1] && !places.has(token)) places.set(token, id);
  }
  const pairs: [number, number][] = [];
  for (let id = 0; id < own.size; id++) {
    const token = own.token(id);
    const twin = id === ends[0] ? ends[1] : token === undefined ? undefined : places.get(token);
    if (twin === undefined) continue;
    pairs.push([id, twin]);
    if (token !== undefined && id !== ends[0]) places.delete(token);
  }
  const [taken, given] = [new Set(pairs.map(([id]) => id)), new Set(pairs.map(([, id]) => id))];
  const rest = (size: number, without: ReadonlySet<number>): Int32Array =>
    Int32Array.from(Array.from({ length: size }).keys()).filter((id) => !without.has(id));
  return {
    own: Int32Array.from(pairs, ([id]) => id),
    other: Int32Array.from(pairs, ([, id]) => id),
    ...{ ownRest: rest(own.size, taken), otherRest: rest(other.size, given) },
  };
}

const matches = new WeakMap<Vocabulary, WeakMap<Vocabulary, MatchedTokens>>();

/** Both vocabularies are walked through once, not with each batch. */
function matchOnce(own: Vocabulary, other: Vocabulary): MatchedTokens {
  const ofOwn = matches.get(own) ?? new WeakMap<Vocabulary, MatchedTokens>();
  matches.set(own, ofOwn);
  const found = ofOwn.get(other) ?? matchedTokens(own, other);
  ofOwn.set(other, found);
  return found;
}

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
    const first = new Int32Array(aligned.stretches).fill(-1);
    const further = new Float32Array(aligned.stretches);
    for (const [r, span] of aligned.other.entries())
      if (first[span] === -1) first[span] = r;
      else further[span] = (further[span] as number) + (logp[r] as number);
    return {
      aligned: {
        ...{ rows: pick(answer, first), further, sampled: shares(aligned, logp), spans: aligned.own },
        ...(o.hybrid && { matched: matchOnce(own, other) }),
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
