/**
 * Students and teacher compared with little noise: the same held-out prompts and random numbers for all models, divergences
 * of whole distributions on the prefixes that each model writes, differences paired by prompt.
 */
import { bootstrapMean, distinctN, type Interval, padBatch, rowOf, sentenceBleu } from '@gimbal/language-models';
import {
  ConfigError,
  checkCount,
  checkKnown,
  checkName,
  checkPositive,
  DataError,
  eventTurn,
  type LogitPolicy,
  type Params,
  rng,
  StoppedError,
  type TokenBatch,
} from '@gimbal/tensor-core';
import { slice, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { placesOf } from '../rows/places.ts';
import { rowLoss } from '../rows/row-loss.ts';
import { width as columnCount, columnOf } from '../rows/table.ts';
import { disposeRows, narrowed } from '../rows/teacher-logits.ts';
import { spanRows } from '../teachers/align-spans.ts';
import { checkAnswer } from '../teachers/check-answer.ts';
import { readable } from '../teachers/readable.ts';
import type { Teacher } from '../teachers/teacher.ts';
import { checkSameVocabulary, tokenizerHash, type Vocabulary } from '../teachers/vocabulary.ts';
import { described } from '../training/described.ts';
import { readPrompt } from '../training/read-prompt.ts';
import { studentRows } from '../training/student-rows.ts';

/** How completions are decoded for an evaluation. */
export type Decoding = 'greedy' | { temperature: number; samples: number };

/** What is compared, on what. */
export interface EvaluateDistillationOptions {
  /** by name; the first is what the others are compared with */
  models: Readonly<Record<string, { policy: LogitPolicy; params: Params }>>;
  /** of all of them */
  tokenizer: Vocabulary;
  /** what divergences are taken from */
  teacher: Teacher;
  /** held out; shared by all models */
  prompts: readonly string[];
  /** one row of the report for each, and each model */
  decode: readonly Decoding[];
  /** score of a completion: 1 or 0 for exact matches, ROUGE, BLEU, a reward */
  metric(prompt: string, completion: string): number;
  /** most tokens of a completion; default 64 */
  maxNewTokens?: number;
  /**
   * 'spans': the teacher has another tokenizer. Its log-probabilities are then those of stretches of text, `rkl` is their
   * mean difference to the model's own on what it wrote, which is KL(q‖p) in expectation at temperature 1, and `fkl`,
   * `acceptance` and `entropy` are NaN. Default 'none', refused
   */
  alignment?: 'none' | 'spans';
  /**
   * one tokenizer, but logits of different widths (padded to a round number): compare the tokenizer's ids only; default
   * refused
   */
  alignVocab?: boolean;
  /** the prompts as the teacher reads them, in their order, with `alignment`; default as they are */
  teacherPrompts?: readonly string[];
  /** prompts at a time; default 16 */
  batchSize?: number;
  /** of sampling and of the intervals' resampling */
  seed: number;
  /** stops between two batches, with a StoppedError */
  signal?: AbortSignal;
}

/** One model under one decoding. Means over tokens, in nats, at temperature 1. */
export interface EvalRow {
  /** its name */
  model: string;
  /** 'greedy' or 'temperature 1' */
  decoding: string;
  /** mean of the metric over prompts, with a 95 % interval */
  score: Interval;
  /** score less the first model's, prompt by prompt; absent for the first */
  difference?: Interval;
  /** KL(p‖q) on the prefixes that the model wrote */
  fkl: number;
  /** KL(q‖p) there */
  rkl: number;
  /** Σ min(p, q): share of the model's tokens that the teacher would accept as drafts */
  acceptance: number;
  /** log p of the model's tokens: their quality in the teacher's eyes */
  teacherLogProb: number;
  /** of the model's next token */
  entropy: number;
  /** different bigrams over all bigrams, of words */
  distinct2: number;
  /** mean BLEU of a prompt's samples against its others, 0 to 100; absent with fewer than two samples */
  selfBleu?: number;
  /** KL(q‖p) at each position of a completion: errors that build up show as a rise */
  rklByPosition: readonly number[];
  /** share of completions that end by themselves */
  eosRate: number;
  /** mean tokens of a completion */
  meanLength: number;
  /** completions that a teacher with another tokenizer could not read, which its divergences leave out; with `alignment` */
  unread?: number;
}

/** All rows. */
export interface EvalReport {
  /** in the order of decodings, then models */
  rows: readonly EvalRow[];
}

interface Sums {
  scores: number[];
  texts: string[];
  table: Float64Array;
  byPosition: { sum: number; count: number }[];
  tokens: number;
  ended: number;
  completions: number;
  written: number;
  unread: number;
}

/**
 * Compares models, a row at a time; the generator's result is the report.
 * @throws ConfigError for no model, prompt or decoding, and for a teacher with another tokenizer; StoppedError where the
 * signal stopped it
 * @example
 * const models = { start: { policy, params: start }, distilled: { policy, params: trainer.params } };
 * const metric = (prompt: string, completion: string) => Number(completion === answers[prompt]);
 * const rows = evaluateDistillation({ models, tokenizer, teacher, prompts, decode: ['greedy'], metric, seed: 0 });
 * for await (const { model, score, rkl } of rows) console.log(model, score.estimate, rkl);
 */
export async function* evaluateDistillation(
  o: EvaluateDistillationOptions,
): AsyncGenerator<EvalRow, EvalReport, undefined> {
  checkEvaluation(o);
  const rows: EvalRow[] = [];
  for (const decoding of o.decode) {
    let base: readonly number[] | undefined;
    for (const [model, { policy, params }] of Object.entries(o.models)) {
      const sums = await measure(o, policy, params, decoding);
      const row = rowOfSums(o, model, decoding, sums, base);
      base ??= sums.scores;
      rows.push(row);
      yield row;
    }
  }
  return { rows };
}

const names = [
  ...['models', 'tokenizer', 'teacher', 'prompts', 'decode', 'metric', 'maxNewTokens', 'alignment', 'alignVocab'],
  ...['teacherPrompts', 'batchSize', 'seed', 'signal'],
];

/** @throws ConfigError where a model's logits are not as wide as the teacher's */
function checkWidths({ models, teacher, tokenizer, alignVocab = false }: EvaluateDistillationOptions): void {
  if (alignVocab) return;
  for (const [name, { policy }] of Object.entries(models)) {
    const V = described(policy).config?.vocabularySize ?? tokenizer.size;
    if (V === teacher.vocabSize) continue;
    throw new ConfigError({
      where: `evaluateDistillation, model ${name}`,
      what: 'the teacher’s logits are wider or narrower than its own',
      got: teacher.vocabSize,
      wanted: V,
      fix: `Pass alignVocab: true to compare the tokenizer’s ${tokenizer.size} ids only`,
    });
  }
}

function checkEvaluation(o: EvaluateDistillationOptions): void {
  checkKnown('evaluateDistillation', o, names);
  checkGiven(o);
  if ((o.alignment ?? 'none') === 'none') checkWidths(o);
}

function checkGiven({
  models,
  tokenizer,
  teacher,
  prompts,
  decode,
  metric,
  maxNewTokens = 64,
  batchSize = 16,
  alignment = 'none',
  teacherPrompts,
}: EvaluateDistillationOptions): void {
  const where = 'evaluateDistillation';
  const none = (what: string): ConfigError => new ConfigError({ where, what, wanted: 'at least 1' });
  if (!Array.isArray(prompts)) throw new ConfigError({ where, what: 'prompts are no array', got: typeof prompts });
  if (typeof metric !== 'function') throw new ConfigError({ where, what: 'metric is no function', got: typeof metric });
  if (Object.keys(models).length === 0) throw none('there are no models');
  if (prompts.length === 0) throw none('there are no prompts');
  if (decode.length === 0) throw none('there is no decoding');
  for (const [name, texts] of Object.entries({ prompts, ...(teacherPrompts && { teacherPrompts }) }))
    for (const [i, text] of texts.entries()) checkText(text, `${where}, ${name}, row ${i}`);
  checkName('alignment', alignment, ['none', 'spans']);
  if (teacherPrompts !== undefined && (alignment === 'none' || teacherPrompts.length !== prompts.length))
    throw new ConfigError({
      where: 'teacherPrompts',
      what:
        alignment === 'none'
          ? 'without alignment the teacher reads the models’ own tokens'
          : 'another number of prompts',
      got: teacherPrompts.length,
      wanted: alignment === 'none' ? "alignment 'spans'" : prompts.length,
    });
  if (alignment === 'spans') {
    if (teacher.vocabulary === undefined)
      throw new ConfigError({ where, what: 'the teacher does not say which tokenizer it has', wanted: 'a vocabulary' });
  } else if (teacher.tokenizerHash !== tokenizerHash(tokenizer)) {
    if (teacher.vocabulary !== undefined) checkSameVocabulary(tokenizer, teacher.vocabulary);
    throw new ConfigError({
      where,
      what: 'the teacher has another tokenizer',
      wanted: 'that of the models',
      fix: "Pass alignment: 'spans'",
    });
  }
  checkCount('maxNewTokens', maxNewTokens);
  checkCount('batchSize', batchSize);
  for (const d of decode) {
    if (d === 'greedy') continue;
    checkPositive('decode.temperature', d.temperature);
    checkCount('decode.samples', d.samples);
  }
}

/** @throws DataError */
function checkText(text: unknown, where: string): void {
  if (typeof text !== 'string') throw new DataError({ where, what: 'it is no text', got: text, wanted: 'a text' });
}

async function measure(
  o: EvaluateDistillationOptions,
  policy: LogitPolicy,
  params: Params,
  decoding: Decoding,
): Promise<Sums> {
  const { tokenizer, prompts, batchSize = 16, maxNewTokens = 64, signal } = o;
  const { temperature, samples } = decoding === 'greedy' ? { temperature: 0, samples: 1 } : decoding;
  const sums: Sums = {
    ...{ scores: [], texts: [], byPosition: [], tokens: 0, written: 0, unread: 0, ended: 0, completions: 0 },
    table: new Float64Array(columnCount),
  };
  for (let from = 0; from < prompts.length; from += batchSize) {
    await eventTurn();
    if (signal?.aborted) throw new StoppedError({ where: 'evaluateDistillation', what: 'the signal stopped it' });
    const part = prompts.slice(from, from + batchSize);
    const repeated = part.flatMap((prompt) => Array.from({ length: samples }, () => prompt));
    const batch = padBatch(
      repeated.map((prompt) => readPrompt(policy, tokenizer, prompt)),
      tokenizer.special.pad ?? 0,
    );
    // the same numbers for every model
    const stream = rng(o.seed).split('evaluation').split(String(temperature)).split(from);
    const out = await policy.sample(params, batch, {
      temperature,
      maxNewTokens,
      rng: stream,
      ...(signal && { signal }),
    });
    const texts = tokenizer.decode(out);
    for (const [i, prompt] of part.entries()) {
      const own = texts.slice(i * samples, (i + 1) * samples);
      const scores = own.map((text) => o.metric(prompt, text));
      const bad = scores.findIndex((score) => !Number.isFinite(score));
      if (bad >= 0)
        throw new DataError({ where: 'metric', what: 'no score', got: scores[bad], wanted: 'a finite number' });
      sums.scores.push(scores.reduce((a, b) => a + b, 0) / samples);
    }
    sums.texts.push(...texts);
    sums.completions += texts.length;
    sums.ended += out.ended?.reduce((a, b) => a + b, 0) ?? 0;
    const { alignment, teacherPrompts = prompts } = o;
    const asked =
      alignment !== 'spans'
        ? undefined
        : part.flatMap((_, i) => Array.from({ length: samples }, () => teacherPrompts[from + i] as string));
    sums.written += out.lengths.reduce((a, b) => a + b, 0);
    await addRows(sums, o, policy, params, batch, out, asked);
  }
  return sums;
}

/** Divergences on the prefixes that were written. @param asked prompts of a teacher with other tokens */
async function addRows(
  sums: Sums,
  o: EvaluateDistillationOptions,
  policy: LogitPolicy,
  params: Params,
  prompts: TokenBatch,
  completions: TokenBatch,
  asked: readonly string[] | undefined,
): Promise<void> {
  const { teacher, tokenizer, signal, alignVocab } = o;
  if (asked !== undefined) {
    const reads = readable(teacher, tokenizer, asked, completions);
    if (reads.includes(false)) {
      const kept = [...reads.keys()].filter((b) => reads[b]);
      sums.unread += reads.length - kept.length;
      if (kept.length === 0) return;
      const pick = (t: TokenBatch): TokenBatch =>
        padBatch(
          kept.map((b) => rowOf(t, b)),
          tokenizer.special.pad ?? 0,
        );
      const texts = kept.map((b) => asked[b] as string);
      return addRows(sums, o, policy, params, pick(prompts), pick(completions), texts);
    }
  }
  const places = placesOf(completions);
  if (places.length === 0) return;
  const given = await (asked !== undefined
    ? spanRows(teacher, tokenizer, asked, completions, signal)
    : teacher.score(prompts, completions, { want: 'full', ...(signal && { signal }) }));
  const want = asked === undefined ? 'full' : 'sampled';
  const checked = checkAnswer(given, { want, rows: places.length, vocabSize: teacher.vocabSize });
  const columns = alignVocab ? tokenizer.size : undefined;
  const answer = columns === undefined ? checked : narrowed(checked, columns);
  try {
    const table = tidy(() => {
      const ids = Int32Array.from(places, (i) => completions.ids[i] as number);
      // logits chunk by chunk, as in training
      const student = studentRows(policy, params, { prompts, completions, places }, { columns });
      const weights = new Float32Array(places.length);
      const rows = { student, teacher: answer, weights, ids, divergence: 'fkl' as const };
      const { table: all } = rowLoss({ ...rows, gradient: false });
      return (slice(all, [0, 0], all.shape) as Tensor).dataSync<'float32'>().slice();
    });
    for (const [r, place] of places.entries()) {
      for (let c = 0; c < columnCount; c++)
        sums.table[c] = (sums.table[c] as number) + (table[r * columnCount + c] as number);
      const t = place % completions.width;
      sums.byPosition[t] ??= { sum: 0, count: 0 };
      const at = sums.byPosition[t];
      at.sum += table[r * columnCount + columnOf('rkl')] as number;
      at.count++;
    }
    sums.tokens += places.length;
  } finally {
    disposeRows(answer);
  }
}

function rowOfSums(
  o: EvaluateDistillationOptions,
  model: string,
  decoding: Decoding,
  sums: Sums,
  base: readonly number[] | undefined,
): EvalRow {
  const mean = (column: Parameters<typeof columnOf>[0]): number =>
    sums.tokens === 0 && sums.unread > 0
      ? Number.NaN
      : (sums.table[columnOf(column)] as number) / Math.max(1, sums.tokens);
  const samples = decoding === 'greedy' ? 1 : decoding.samples;
  const interval = (values: readonly number[]): Interval =>
    bootstrapMean(values, { rng: rng(o.seed).split('bootstrap') });
  return {
    model,
    decoding: decoding === 'greedy' ? 'greedy' : `temperature ${decoding.temperature}`,
    score: interval(sums.scores),
    ...(base && { difference: interval(sums.scores.map((s, i) => s - (base[i] as number))) }),
    ...{ fkl: mean('fkl'), rkl: mean('rkl'), acceptance: 1 - mean('tvd'), teacherLogProb: mean('logP') },
    entropy: mean('entropy'),
    distinct2: distinctN(sums.texts, 2),
    ...(samples > 1 && { selfBleu: selfBleu(sums.texts, samples) }),
    rklByPosition: sums.byPosition.map(({ sum, count }) => sum / count),
    eosRate: sums.ended / Math.max(1, sums.completions),
    meanLength: sums.written / Math.max(1, sums.completions),
    ...(o.alignment === 'spans' && { unread: sums.unread }),
  };
}

/** Each sample against the others of its prompt. */
function selfBleu(texts: readonly string[], samples: number): number {
  let [total, count] = [0, 0];
  for (let from = 0; from < texts.length; from += samples) {
    const own = texts.slice(from, from + samples);
    if (own.length < 2) continue; // nothing to be like
    for (const [i, text] of own.entries()) {
      total += sentenceBleu(
        text,
        own.filter((_, j) => j !== i),
      );
      count++;
    }
  }
  return total / Math.max(1, count);
}
