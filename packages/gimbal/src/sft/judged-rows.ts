// Rows that a judge has read before a model is fine-tuned on them: those it lets through, or all, told apart by a word. What
// entailment rewards are compared with (RLEF, Roit et al., arXiv 2306.00186; Filippova, arXiv 2010.05873).
import { type Dataset, isKind } from '@gimbal/language-models';
import { ConfigError } from '@gimbal/tensor-core';
import { counted, percent } from '../cli/format.ts';
import { openJudge } from '../rl/reward.ts';
import { parseReward } from '../rl/reward-spec.ts';

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
  if (o.judge !== undefined) parseReward(`entailment:${o.judge}`, where);
  if (o.controlWords === undefined || o.controlWords.length === 2) return;
  const wanted = 'two: for rows that are entailed, and for others';
  throw new ConfigError({ where: 'gimbal sft --control-words', what: 'words', got: o.controlWords.length, wanted });
}

/**
 * The rows to learn from, each at its place in the file; as they are without a judge.
 * @param note is told how many there are
 * @throws ConfigError for rows without prompts; DataError where the judge lets none through, or a row is none it can read
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
  const reward = await import('@gimbal/reward-models');
  const spec = parseReward(`entailment:${o.judge}`, where);
  const judge = await openJudge(spec.of, { where }, spec.kind === 'judge' ? spec.judge : {});
  const { judgeThreshold: threshold = 0.5, controlWords } = o;
  if (controlWords !== undefined) {
    const [entailed = '', notEntailed = ''] = controlWords;
    const rows = await reward.withControlTokens(data.rows, judge, { entailed, notEntailed, threshold });
    const share = rows.filter((row) => row.prompt.endsWith(` ${entailed}`)).length / rows.length;
    note(
      `the judge takes ${percent(share)} of ${counted(rows.length, 'row')} for entailed: ask with " ${entailed}" at the end of a prompt`,
    );
    return { ...data, rows };
  }
  const { kept, keptFraction } = await reward.filterByJudge(data.rows, judge, { threshold });
  const places = new Map(data.rows.map((row, i) => [row, i]));
  note(`the judge lets ${kept.length} of ${counted(data.rows.length, 'row')} through (${percent(keptFraction)})`);
  return {
    ...data,
    rows: kept,
    where: (i: number) => data.where(places.get(kept[i] as (typeof kept)[number]) as number),
  };
}
