// A classifier of text pairs as a judge: log P(the premise entails the hypothesis), as RLEF rewards it (Roit et al., arXiv
// 2306.00186), on premises of any length.
//   whole      max over windows of the premise, the hypothesis in one piece
//   summac     mean over the hypothesis's sentences of the max over the premise's (Laban et al., arXiv 2111.09525)
//   minClause  min over the hypothesis's sentences of the max over windows of the premise
import { type Classifier, classify, frameTokens, type Tokenizer } from '@gimbal/language-models';
import {
  ConfigError,
  checkCount,
  checkKnown,
  DataError,
  optionNames,
  type Params,
  StoppedError,
} from '@gimbal/tensor-core';
import type { EncodedRow } from '../data/answer-encoder.ts';
import { checkTokenizer } from '../data/check-tokenizer.ts';
import { splitSentences } from './sentences.ts';
import { windowsOf } from './windows.ts';

/** What an article can say of a text. */
export type NliLabel = 'entailment' | 'neutral' | 'contradiction';

/** Says how surely premises entail hypotheses. */
export interface EntailmentJudge {
  /** For reports. */
  readonly name: string;
  /** It leaves pairs without a judgement, which are NaN, rather than refuse them (false). */
  readonly abstains?: boolean;
  /** log P(entailment) of each pair [B], each ≤ 0; NaN of a pair that it abstains on. */
  logProb(
    premises: readonly string[],
    hypotheses: readonly string[],
    o?: { signal?: AbortSignal },
  ): Promise<Float32Array>;
}

/** How a classifier judges. */
export interface JudgeOptions {
  /** Index of each class. There is no default: checkpoints differ in their order. `nliLabels` reads named ones. */
  labels: Readonly<Record<NliLabel, number>> | { readonly entailment: number; readonly other: number };
  /** What an empty hypothesis is: most classifiers `accept` it, and a policy finds that out. */
  emptyPolicy: 'reject' | 'accept';
  /** A premise longer than the model: read in overlapping windows, of which the best counts; or refused (`split`). */
  longPremise?: 'split' | 'error';
  /**
   * A hypothesis that the model has no room for: refused, or left without a judgement, as reinforcement learning wants of
   * what a policy writes (`error`). `onTooLong` is told of each.
   */
  tooLong?: 'error' | 'abstain';
  /** Told the length in tokens of each hypothesis, or part of one, that is left without a judgement, and the most there is room for. */
  onTooLong?(tokens: number, limit: number): void;
  /** What is compared with what (`whole`). */
  aggregate?: 'whole' | 'summac' | 'minClause';
  /** Least probability that is told apart, in (0, 1): the floor is its logarithm (1e-3). */
  pMin?: number;
  /** Longest row in tokens (the model's context, which is also the most). */
  maxLength?: number;
  /** Pairs at a time (32). */
  batchSize?: number;
  /** For reports (`classifier`). */
  name?: string;
}

/**
 * The index of each class of a classifier by the names that its checkpoint has.
 * @throws ConfigError where none of them is called entailment
 */
export function nliLabels({ labels }: Pick<Classifier, 'labels'>): JudgeOptions['labels'] {
  const at = (name: string): number => labels.findIndex((label) => label.toLowerCase() === name);
  const [entailment, neutral, contradiction] = [at('entailment'), at('neutral'), at('contradiction')];
  if (entailment >= 0 && neutral >= 0 && contradiction >= 0) return { entailment, neutral, contradiction };
  if (entailment >= 0 && labels.length === 2) return { entailment, other: 1 - entailment };
  throw new ConfigError({
    where: 'judge.labels',
    what: 'the classifier does not say which class is entailment',
    got: labels.join(', '),
    wanted: 'entailment, neutral, contradiction',
    fix: 'Give labels: { entailment: index, neutral: index, contradiction: index } as its model card says',
  });
}

const judgeNames = optionNames<JudgeOptions>({
  labels: true,
  emptyPolicy: true,
  longPremise: true,
  tooLong: true,
  onTooLong: true,
  aggregate: true,
  pMin: true,
  maxLength: true,
  batchSize: true,
  name: true,
});

/**
 * Makes a judge of a text-pair classifier.
 * @param params used until the last call; the caller disposes them after it
 * @throws ConfigError for labels that are not the classifier's, or options that are unknown or out of range. Its `logProb`
 * throws DataError for an empty premise and, unless tooLong is 'abstain', for a hypothesis that the model has no room for:
 * neither is ever cut
 */
export function classifierJudge(
  model: Classifier,
  params: Params,
  tokenizer: Tokenizer,
  o: JudgeOptions,
): EntailmentJudge {
  checkKnown('classifierJudge', o, judgeNames);
  const { longPremise = 'split', tooLong = 'error', onTooLong, aggregate = 'whole', pMin = 1e-3 } = o;
  const { batchSize = 32, emptyPolicy, name = 'classifier' } = o;
  const entailment = checkLabels(model, o.labels);
  checkChoice('emptyPolicy', emptyPolicy, ['reject', 'accept']);
  checkChoice('aggregate', aggregate, ['whole', 'summac', 'minClause']);
  checkChoice('longPremise', longPremise, ['split', 'error']);
  checkChoice('tooLong', tooLong, ['error', 'abstain']);
  if (!(pMin > 0 && pMin < 1)) {
    throw new ConfigError({ where: 'judge.pMin', what: 'out of range', got: pMin, wanted: 'a number between 0 and 1' });
  }
  checkCount('judge.batchSize', batchSize);
  const limit = checkTokenizer('judge', model.config, tokenizer, o.maxLength);
  const specials = frameTokens(tokenizer, new Int32Array(), new Int32Array()).ids.length;
  const least = Math.min(16, Math.floor(limit / 4));
  /** of a hypothesis beside the narrowest window */
  const most = limit - specials - least;
  if (most < 1 || least < 1) {
    const wanted = `at least ${Math.max(4, specials + 2)}: ${specials} special tokens, and room for both texts`;
    throw new ConfigError({ where: 'judge.maxLength', what: 'it leaves no room', got: limit, wanted });
  }

  /** Also what the tokenizer takes nothing from (a zero-width space): a policy would find it. */
  const isEmpty = (text: string): boolean => text.trim() === '' || tokenizer.encodeText(text).length === 0;
  /** Rows of tokens for one premise and one hypothesis; undefined where there is no room and `tooLong` abstains. */
  const rowsOf = (premise: Int32Array, hypothesis: Int32Array, where: string) => {
    const room = limit - specials - hypothesis.length;
    // a window that is too narrow shows no sentence whole
    if (room < Math.min(premise.length, least)) {
      if (tooLong === 'abstain') {
        onTooLong?.(hypothesis.length, most);
        return undefined;
      }
      const got = `${hypothesis.length} tokens`;
      const fix =
        'A hypothesis is never cut: shorten it, or use aggregate summac or minClause; tooLong abstain gives NaN';
      throw new DataError({
        where,
        what: 'the hypothesis is longer than the judge',
        got,
        wanted: `at most ${most}`,
        fix,
      });
    }
    if (premise.length > room && longPremise === 'error') {
      const fix = 'Use longPremise split';
      const wanted = `at most ${room}`;
      throw new DataError({ where, what: 'the premise is longer than the judge', got: premise.length, wanted, fix });
    }
    return windowsOf(premise, room).map((window) => frameTokens(tokenizer, window, hypothesis));
  };

  /**
   * The cells that pair `i` is judged by: for each part of the hypothesis, the rows of which the best counts. Undefined
   * where a part has no room.
   */
  const cellsOf = (premise: string, hypothesis: string, i: number) => {
    const where = `judge ${name}, row ${i}`;
    if (isEmpty(premise)) throw new DataError({ where, what: 'the premise is empty', wanted: 'a text' });
    const parts = aggregate === 'whole' ? [hypothesis] : splitSentences(hypothesis).filter((part) => !isEmpty(part));
    const sources = aggregate === 'summac' ? splitSentences(premise).filter((part) => !isEmpty(part)) : [premise];
    const encoded = sources.map((text) => tokenizer.encodeText(text));
    const cells: EncodedRow[][] = [];
    for (const part of parts) {
      const tokens = tokenizer.encodeText(part);
      const cell: EncodedRow[] = [];
      for (const source of encoded) {
        const rows = rowsOf(source, tokens, where);
        if (rows === undefined) return undefined;
        cell.push(...rows);
      }
      cells.push(cell);
    }
    return cells;
  };

  return {
    name,
    abstains: tooLong === 'abstain',
    async logProb(premises, hypotheses, { signal } = {}) {
      if (premises.length !== hypotheses.length) {
        const what = 'premises and hypotheses differ in number';
        throw new DataError({ where: `judge ${name}`, what, got: hypotheses.length, wanted: premises.length });
      }
      const pairs = premises.map((premise, i) => {
        const hypothesis = hypotheses[i] as string;
        return isEmpty(hypothesis) ? 'empty' : cellsOf(premise, hypothesis, i);
      });
      const rows = pairs.flatMap((cells) => (typeof cells === 'object' ? cells.flat() : []));
      const probabilities: number[] = [];
      // batches of like length inside a stretch; the signal is looked at between stretches
      const stretch = batchSize * 8;
      for (let at = 0; at < rows.length; at += stretch) {
        if (signal?.aborted) throw new StoppedError({ where: `judge ${name}`, what: 'stopped' });
        const found = await classify(model, params, rows.slice(at, at + stretch), { batchSize });
        for (const { logits } of found) probabilities.push(probabilityOf(logits, entailment));
      }
      let next = 0;
      const floor = Math.log(pMin);
      return Float32Array.from(pairs, (cells) => {
        if (cells === undefined) return Number.NaN;
        if (cells === 'empty') return emptyPolicy === 'accept' ? 0 : floor;
        const best = cells.map((cell) => Math.max(...cell.map(() => probabilities[next++] as number)));
        const p = aggregate === 'summac' ? best.reduce((a, b) => a + b, 0) / best.length : Math.min(...best);
        return Math.max(Math.log(p), floor);
      });
    },
  };
}

/** softmax(logits)[index], in float64. */
function probabilityOf(logits: Float32Array, index: number): number {
  const top = Math.max(...logits);
  const total = logits.reduce((sum, z) => sum + Math.exp(z - top), 0);
  return Math.exp((logits[index] as number) - top) / total;
}

/** @returns the index of entailment. @throws ConfigError where the map is not one of the classifier's classes */
function checkLabels(model: Classifier, map: JudgeOptions['labels'] | undefined): number {
  const where = 'judge.labels';
  if (map === undefined) {
    const fix = 'Give { entailment, neutral, contradiction } as its model card says, or nliLabels(model)';
    throw new ConfigError({ where, what: 'nothing says which class is entailment', got: model.labels.join(', '), fix });
  }
  const indices = Object.values(map) as number[];
  const good = indices.every((i) => Number.isInteger(i) && i >= 0 && i < model.labels.length);
  if (!good || new Set(indices).size < indices.length || indices.length !== model.labels.length) {
    const wanted = `different indices of ${model.labels.length} classes: ${model.labels.join(', ')}`;
    throw new ConfigError({ where, what: 'not the classes of this model', got: map, wanted });
  }
  for (const [name, index] of Object.entries(map)) {
    const own = (model.labels[index] as string).toLowerCase();
    const known = ['entailment', 'neutral', 'contradiction'];
    if (name === 'other' || own === name || !known.includes(own)) continue;
    throw new ConfigError({ where, what: `class ${index} has another name in the checkpoint`, got: name, wanted: own });
  }
  return map.entailment;
}

function checkChoice(option: string, got: string | undefined, known: readonly string[]): void {
  if (got !== undefined && known.includes(got)) return;
  throw new ConfigError({ where: `judge.${option}`, what: 'unknown', got, wanted: known.join(' or ') });
}
