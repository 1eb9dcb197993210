// Rows that a judge has read before a model is fine-tuned on them: those it lets through, or all, told apart by a word. What
// entailment rewards are compared with (RLEF, Roit et al., arXiv 2306.00186; Filippova, arXiv 2010.05873).
import { type Dataset, isKind, type PromptCompletionRow } from '@gimbal/language-models';
import { ConfigError, DataError } from '@gimbal/tensor-core';
import { counted, figure, percent } from '../cli/format.ts';
import { openJudge } from '../rl/reward.ts';
import { parseJudge } from '../rl/reward-spec.ts';

/** The options of `gimbal sft` about a judge. */
export interface JudgedOptions {
  /** its folder, with options behind it as in `entailment:folder?aggregate=summac` */
  judge?: string | undefined;
  /** least P(entailment) */
  judgeThreshold?: number | undefined;
  /** at the end of a prompt that entails its completion, and of one that does not */
  controlWords?: readonly string[] | undefined;
}

const where = 'gimbal sft --judge';

/** Refuses what makes no sense, before anything is opened. @throws ConfigError naming the flag */
export function checkJudged(o: JudgedOptions): void {
  for (const [flag, value] of [
    ['judge-threshold', o.judgeThreshold],
    ['control-words', o.controlWords],
  ] as const) {
    if (o.judge !== undefined || value === undefined) continue;
    throw new ConfigError({ where: `gimbal sft --${flag}`, what: 'nobody judges the rows', fix: 'Give --judge' });
  }
  if (o.judge !== undefined) parseJudge(o.judge, where);
  if (o.controlWords === undefined || o.controlWords.length === 2) return;
  const wanted = 'two: for rows that are entailed, and for others';
  throw new ConfigError({ where: 'gimbal sft --control-words', what: 'words', got: o.controlWords.length, wanted });
}

/**
 * The rows to learn from, each at its place in the file; as they are without a judge.
 * @param note is told how many there are, and of how many the judge had no room for
 * @throws ConfigError for rows without prompts; DataError where the judge lets none through, or a row holds a control word
 */
export async function judgedRows(data: Dataset, o: JudgedOptions, note: (text: string) => void): Promise<Dataset> {
  if (o.judge === undefined) return data;
  if (!isKind(data, 'prompt-completion')) {
    throw new ConfigError({
      where,
      what: 'what is judged is a completion of a prompt',
      got: data.kind,
      wanted: 'rows of both',
    });
  }
  const { judgeThreshold: threshold = 0.5, controlWords } = o;
  if (controlWords !== undefined) refuseWords(data, controlWords);
  const { logProbs, fits } = await judgeAll(data, o.judge, note);
  const part = (kept: readonly number[], rows: readonly PromptCompletionRow[]): Dataset => ({
    ...data,
    rows,
    where: (i: number) => data.where(kept[i] as number),
  });
  const rows = fits.map((i) => data.rows[i] as PromptCompletionRow);
  // what was said once is not asked again
  const known = { name: o.judge, logProb: () => Promise.resolve(logProbs) };
  const reward = await import('@gimbal/reward-models');
  if (controlWords !== undefined) {
    const [entailed = '', notEntailed = ''] = controlWords;
    const marked = await reward.withControlTokens(rows, known, { entailed, notEntailed, threshold });
    const share = marked.filter((row) => row.prompt.endsWith(` ${entailed}`)).length / rows.length;
    note(
      `the judge takes ${percent(share)} of ${counted(rows.length, 'row')} for entailed: ask with " ${entailed}" at the end of a prompt`,
    );
    if (share === 0 || share === 1) {
      const [low, high] = [Math.min(...logProbs), Math.max(...logProbs)].map(Math.exp) as [number, number];
      note(
        `warning: all rows end with the same word, which then teaches nothing: the judge's P(entailment) goes from ${figure(low)} to ${figure(high)}, set --judge-threshold between them`,
      );
    }
    return part(fits, marked);
  }
  const surest = Math.exp(Math.max(...logProbs));
  if (surest <= threshold) {
    throw new DataError({
      where: 'gimbal sft --judge-threshold',
      what: `the judge lets none of ${counted(rows.length, 'row')} through: its surest has P(entailment) ${figure(surest)}`,
      got: threshold,
      fix: 'Lower it, or look at how good the judge is: gimbal eval --model its folder',
    });
  }
  const { kept, keptFraction } = await reward.filterByJudge(rows, known, { threshold });
  const places = new Map(rows.map((row, i) => [row, fits[i] as number]));
  note(`the judge lets ${kept.length} of ${counted(rows.length, 'row')} through (${percent(keptFraction)})`);
  return part(
    kept.map((row) => places.get(row) as number),
    kept,
  );
}

/** What the judge says of the rows that it has room for. @throws DataError where it has room for none */
async function judgeAll(
  data: Dataset<'prompt-completion'>,
  folder: string,
  note: (text: string) => void,
): Promise<{ logProbs: Float32Array; fits: number[] }> {
  const { entailmentReward } = await import('@gimbal/reward-models');
  const { of, judge: settings } = parseJudge(folder, where);
  let room = 0;
  const onTooLong = (_: number, limit: number): void => {
    room = limit;
  };
  const judge = await openJudge(of, { where, onTooLong }, settings);
  const found = await entailmentReward(judge)(
    data.rows.map((row) => row.prompt),
    data.rows.map((row) => row.completion),
  );
  const fits = found.flatMap((p, i) => (p === null ? [] : [i]));
  const long = found.flatMap((p, i) => (p === null ? [data.where(i)] : []));
  if (fits.length === 0) {
    const what = 'the judge has no room for any completion';
    throw new DataError({ where: long[0] ?? where, what, wanted: `at most ${room} tokens`, fix: 'Shorten the texts' });
  }
  if (long.length > 0) {
    const more = long.length > 10 ? ` and ${long.length - 10} more` : '';
    note(
      `${counted(long.length, 'completion')} of more than ${room} tokens, which the judge has no room for, left out: ${long.slice(0, 10).join(', ')}${more}`,
    );
  }
  return { logProbs: Float32Array.from(fits, (i) => found[i] as number), fits };
}

/** @throws DataError at the file and line of a text that holds a control word already */
function refuseWords(data: Dataset<'prompt-completion'>, words: readonly string[]): void {
  for (const [i, { prompt, completion }] of data.rows.entries()) {
    const there = words.find((word) => prompt.includes(word) || completion.includes(word));
    if (there === undefined) continue;
    const fix = 'Choose --control-words that no text has';
    throw new DataError({ where: data.where(i), what: 'the text holds a control word already', got: there, fix });
  }
}
