import { dataset } from '@gimbal/language-models';
import { checkJudgeRows, judgeLabels } from './judge-rows.ts';

const rows = (...labels: unknown[]) =>
  dataset(
    labels.map((label) => ({ premise: 'p', hypothesis: 'h', label })),
    { kind: 'labelled-pair' },
  );

test('labels are names in any letter case, or numbers, whose order is told', () => {
  expect(checkJudgeRows(rows('Entailment', 'neutral'), judgeLabels)).toBeUndefined();
  expect(checkJudgeRows(rows(0, 2), judgeLabels)).toMatch(
    /read as 0 entailment, 1 neutral, 2 contradiction: .*--labels/,
  );
});

test('others, and empty texts, are refused with their place', () => {
  for (const label of ['yes', 3, -1, 0.5])
    expect(() => checkJudgeRows(rows('neutral', label), judgeLabels)).toThrow(
      /row 1: the label is none of the classes.*--labels/,
    );
  const empty = dataset([{ premise: ' ', hypothesis: 'h', label: 0 }], { kind: 'labelled-pair' });
  expect(() => checkJudgeRows(empty, judgeLabels)).toThrow(/row 0: the premise is empty/);
});
