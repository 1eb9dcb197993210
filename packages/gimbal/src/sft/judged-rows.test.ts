import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  classifier,
  dataset,
  encoderConfig,
  type PromptCompletionRow,
  saveClassifier,
  Tokenizer,
  trainTokenizer,
} from '@gimbal/language-models';
import { disposeTree, rng, useBackend } from '@gimbal/tensor-core';
import { openJudge } from '../rl/reward.ts';
import { checkJudged, judgedRows } from './judged-rows.ts';

let judge: string;
const data = dataset(
  Array.from({ length: 12 }, (_, i) => ({ prompt: `the ${i} is`, completion: ` ${'abc'[i % 3]} ${i}` })),
);
const rows = data.rows as readonly PromptCompletionRow[];
beforeAll(async () => {
  judge = await mkdtemp(join(tmpdir(), 'gimbal-judged-'));
  await useBackend('auto');
  const { json, config } = trainTokenizer(rows.map((row) => row.prompt + row.completion));
  const [a, b] = ['A', 'B'].map((id, type_id) => ({ Sequence: { id, type_id } }));
  const post_processor = { type: 'TemplateProcessing', single: [a], pair: [a, b], special_tokens: {} };
  const tokenizer = new Tokenizer({ ...json, post_processor } as never, config);
  const size = { vocabularySize: tokenizer.size, width: 16, layers: 1, heads: 2, contextLength: 64 };
  const model = classifier(encoderConfig({ ...size, initializerRange: 0.1 }), [
    'entailment',
    'neutral',
    'contradiction',
  ]);
  const params = model.init(rng(0));
  await saveClassifier(join(judge, 'model'), model, params, { tokenizer });
  disposeTree(params);
  judge = join(judge, 'model');
});
afterAll(() => rm(join(judge, '..'), { recursive: true }));

test('rows are those that the judge lets through, at their places, or all with a word of what it says', async () => {
  const scores = await (await openJudge(judge, { where: 'here' })).logProb(
    rows.map((row) => row.prompt),
    rows.map((row) => row.completion),
  );
  // between the sixth and the seventh
  const [below = 0, above = 0] = [...scores].sort((x, y) => x - y).slice(5, 7);
  const judgeThreshold = (Math.exp(below) + Math.exp(above)) / 2;
  const good = rows.flatMap((_, i) => ((scores[i] as number) > Math.log(judgeThreshold) ? [i] : []));
  expect(good.length).toBeGreaterThan(0);
  expect(good.length).toBeLessThan(rows.length);
  const notes: string[] = [];
  const note = (text: string): void => void notes.push(text);
  expect(await judgedRows(data, {}, note)).toBe(data);
  const kept = await judgedRows(data, { judge, judgeThreshold }, note);
  expect(kept.rows).toEqual(good.map((i) => rows[i]));
  expect(kept.rows.map((_, i) => kept.where(i))).toEqual(good.map((i) => data.where(i)));
  expect(notes).toEqual([expect.stringMatching(new RegExp(`lets ${good.length} of 12 rows through`))]);
  const told = await judgedRows(data, { judge, judgeThreshold, controlWords: ['faithful', 'free'] }, note);
  expect(told.rows).toEqual(
    rows.map((row, i) => ({ ...row, prompt: `${row.prompt} ${good.includes(i) ? 'faithful' : 'free'}` })),
  );
  expect(notes[1]).toContain('ask with " faithful" at the end of a prompt');
  await judgedRows(data, { judge, judgeThreshold: 1e-6, controlWords: ['faithful', 'free'] }, note);
  expect(notes.at(-1)).toMatch(/^warning: all rows end with the same word.* set --judge-threshold between them$/);
  // options stand behind the folder as in a reward
  await expect(judgedRows(data, { judge: `${judge}?p-min=0.999`, judgeThreshold: 0.9999 }, note)).rejects.toThrow(
    /--judge-threshold: the judge lets none of 12 rows through: its surest has P\(entailment\) 0\.999/,
  );
  const controlWords = ['no such word', ' a 3'];
  await expect(judgedRows(data, { judge, controlWords }, note)).rejects.toThrow(
    `${data.where(3)}: the text holds a control word already`,
  );
});

test('what the judge has no room for is left out, and its place is told', async () => {
  const notes: string[] = [];
  const [first, second] = rows as [PromptCompletionRow, PromptCompletionRow];
  const mixed = dataset([first, { ...second, completion: second.completion.repeat(100) }, second]);
  const options = { judge, judgeThreshold: 1e-6 };
  const kept = await judgedRows(mixed, options, (text) => notes.push(text));
  expect(kept.rows).toEqual([first, second]);
  expect([0, 1].map((i) => kept.where(i))).toEqual([mixed.where(0), mixed.where(2)]);
  expect(notes[0]).toMatch(/^1 completion of more than \d+ tokens, which the judge has no room for, left out: /);
  expect(notes[0]).toContain(mixed.where(1));
  expect(notes[1]).toContain('lets 2 of 2 rows through');
  await expect(judgedRows(dataset([mixed.rows[1] as PromptCompletionRow]), options, () => {})).rejects.toThrow(
    /the judge has no room for any completion/,
  );
});

test('what makes no sense is refused before anything is opened', async () => {
  for (const [options, message] of [
    [{ judgeThreshold: 0.5 }, /--judge-threshold: nobody judges the rows/],
    [{ controlWords: ['a', 'b'] }, /--control-words: nobody judges the rows/],
    [{ judge, controlWords: ['a'] }, /--control-words: words; got 1, wanted two/],
    [{ judge: `${judge}?agregate=summac` }, /Did you mean aggregate/],
  ] as const)
    expect(() => checkJudged(options)).toThrow(message);
  const plain = dataset([{ text: 'a' }]);
  await expect(judgedRows(plain, { judge }, () => {})).rejects.toThrow(/what is judged is a completion of a prompt/);
});
