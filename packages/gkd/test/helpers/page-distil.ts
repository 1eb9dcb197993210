// What a page does in test/page.test.ts.
import { rng, useBackend } from '@gimbal/tensor-core';
import { evaluateDistillation, GkdTrainer } from '../../src/browser.ts';
import { counting, smallModel } from '../helpers.ts';

export interface PageResult {
  losses: number[];
  /** of the start, then of the trained student */
  scores: number[];
  acceptance: number[];
}

async function run(): Promise<PageResult> {
  await useBackend('cpu');
  const { vocabulary: tokenizer, teacher, right } = counting(0.9);
  const student = smallModel(tokenizer, 8);
  const params = student.init(rng(0));
  const prompts = Array.from('0123456789');
  using trainer = new GkdTrainer({
    ...{ student, params, tokenizer, teacher, prompts, divergence: 'fkl', maxNewTokens: 5 },
    ...{ batchSize: 8, learningRate: 0.03, seed: 1 },
  });
  const losses: number[] = [];
  for await (const { loss } of trainer.train({ steps: 40 })) losses.push(loss);
  const [scores, acceptance]: [number[], number[]] = [[], []];
  for await (const row of evaluateDistillation({
    models: { start: { policy: student, params }, distilled: { policy: student, params: trainer.params } },
    ...{ tokenizer, teacher, prompts, decode: ['greedy'], seed: 0, maxNewTokens: 5 },
    metric: (prompt, completion) => Number(completion === right(prompt)),
  })) {
    scores.push(row.score.estimate);
    acceptance.push(row.acceptance);
  }
  return { losses, scores, acceptance };
}

Object.assign(globalThis, { run });
