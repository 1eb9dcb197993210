import type { ReportContext } from '../pipeline/stage.ts';
import type { ReportSection, ScoreCell, TablePart } from '../report/part.ts';
import { choiceText, type EvaluateResult, rowsText, stage } from './evaluate.ts';

const estimate = (value: number) => ({ value, low: value - 0.1, high: value + 0.1, n: 40 });
const result = (losses: number[], scores: number[]): EvaluateResult => ({
  rows: 40,
  lossRows: 40,
  scoredRows: 40,
  chosenOn: 30,
  duplicates: 0,
  scoreName: 'exact match',
  versions: losses.map((loss, i) => ({ name: `v${i}`, loss: estimate(loss), score: estimate(scores[i] as number) })),
});
const context = {
  input: () => ({ value: { task: 'completion', source: 'rows.jsonl', trainRows: 9 }, dir: '' }),
  environment: { seed: 0, backend: 'cpu', threads: 1 },
} as unknown as ReportContext<never>;

/** Which cells of the table stand out: loss, perplexity, score of each version. */
async function emphasized(r: EvaluateResult): Promise<boolean[][]> {
  const sections = (await stage.report?.(r, context)) as readonly ReportSection[];
  const table = sections.find((s) => s.slot === 'scores')?.parts[0] as TablePart;
  return table.rows.map((row) => row.slice(1).map((cell) => (cell as ScoreCell).emphasis === true));
}

test('the best of each column stands out, and none where all are equal', async () => {
  expect(await emphasized(result([6, 2], [0, 0.5]))).toEqual([
    [false, false, false],
    [true, true, true],
  ]);
  expect(await emphasized(result([6, 2], [0, 0]))).toEqual([
    [false, false, false],
    [true, true, false],
  ]);
});

test('the report says how many rows each number is of', () => {
  const all = { rows: 40, lossRows: 40, scoredRows: 40, scoreName: 'exact match' };
  expect(rowsText(all)).toBe('40 rows');
  expect(rowsText({ ...all, rows: 1, lossRows: 1, scoredRows: 1 })).toBe('1 row');
  expect(rowsText({ ...all, lossRows: 31, scoredRows: 38 })).toBe(
    '40 rows (the loss on the 31 that fit the context, the score on the 38 whose prompt leaves room in it)',
  );
});

test('the report says which rows the kept step was chosen on, and what equal rows there were', () => {
  expect(choiceText(result([6, 2], [0, 1]))).toBe('The step that is kept was chosen on other held-out rows (30).');
  expect(choiceText({ ...result([6, 2], [0, 1]), chosenOn: 0, duplicates: 12 })).toMatch(
    /chosen on these same rows.* 12 rows of the data are equal to others/,
  );
});
