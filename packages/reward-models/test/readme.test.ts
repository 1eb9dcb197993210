import { readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { classifier, encoderConfig, saveClassifier, Tokenizer } from '@gimbal/language-models';
import { disposeTree, rng, useBackend } from '@gimbal/tensor-core';
import { loadReward } from '../src/index.ts';

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');

/** What a program prints. */
async function printedBy(program: () => Promise<unknown>): Promise<unknown[][]> {
  const printed: unknown[][] = [];
  const log = console.log;
  console.log = (...values) => printed.push(values);
  try {
    await program();
  } finally {
    console.log = log;
  }
  return printed;
}

test('the README shows examples/quick-start.ts, which learns and prints what the README says', async () => {
  expect(/```ts\n(.*?)```/s.exec(read('README.md'))?.[1]).toBe(read('examples/quick-start.ts'));
  const last = (await printedBy(() => import('../examples/quick-start.ts'))).slice(-2).map(([text]) => text);
  expect(last).toEqual(['red is better than blue: true', 'accuracy 1, 95 % from 0.76 to 1.00, 12 pairs']);
  expect(read('README.md')).toContain(last.join('\n'));
});

describe('in the folder where runs are', () => {
  const golden = fileURLToPath(new URL('golden/saved', import.meta.url));
  const before = process.cwd();
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'gimbal-readme-'));
    await mkdir(join(dir, 'runs/reward-1'), { recursive: true });
    await cp(golden, join(dir, 'runs/reward-1/model'), { recursive: true });
    process.chdir(dir);
  });
  afterAll(async () => {
    process.chdir(before);
    await rm(dir, { recursive: true });
  });

  test('the README opens a reward model as test/readme/score.ts does, and in Python, which gives the same score', async () => {
    for (const [language, file] of [
      ['ts', 'score.ts'],
      ['python', 'score.py'],
    ])
      expect(read('README.md')).toContain(`\`\`\`${language}\n${read(`test/readme/${file}`)}\`\`\``);
    const [[good, bad, share] = []] = await printedBy(() => import('./readme/score.ts'));
    // what transformers said of the same folder, prompt and answer (golden/check_reward.py; score.py prints it too)
    const { cases } = JSON.parse(read('test/golden/saved/transformers.json')) as {
      cases: { prompt: string; answer: string; reward: number }[];
    };
    const [said] = cases;
    expect([said?.prompt, said?.answer]).toEqual(['the nurse', ' hid the coat']);
    expect(good).toBeCloseTo(said?.reward as number, 5);
    expect(share).toBeCloseTo(1 / (1 + Math.exp(((bad as number) - (good as number)) / 1.25)), 9);
  });

  test('the README opens a judge as test/readme/judge.ts does', async () => {
    expect(read('README.md')).toContain(`\`\`\`ts\n${read('test/readme/judge.ts')}\`\`\``);
    await useBackend('auto');
    const { tokenizer, params: unused } = await loadReward(golden);
    disposeTree(unused);
    // a template for pairs is what an encoder's tokenizer has
    const { json, config } = tokenizer as Tokenizer;
    const [a, b] = ['A', 'B'].map((id, type_id) => ({ Sequence: { id, type_id } }));
    const post_processor = { type: 'TemplateProcessing', single: [a], pair: [a, b], special_tokens: {} };
    const pairs = new Tokenizer({ ...json, post_processor } as never, config);
    const size = { vocabularySize: pairs.size, width: 16, layers: 1, heads: 2, contextLength: 128 };
    const judge = classifier(encoderConfig(size), ['entailment', 'neutral', 'contradiction']);
    const params = judge.init(rng(0));
    await saveClassifier(join(dir, 'runs/reward-2/model'), judge, params, { tokenizer: pairs });
    disposeTree(params);
    const [[scores] = []] = await printedBy(() => import('./readme/judge.ts'));
    expect(scores).toEqual([expect.any(Number), expect.any(Number)]);
    for (const score of scores as number[]) expect(score).toBeLessThan(0);
  });
});
