// What a page does in test/page.test.ts.
import { rng, useBackend } from '@gimbal/tensor-core';
import { RewardTrainer, rewardFn, rewardModel } from '../../src/browser.ts';
import { colourPairs, smallDecoder, wordTokenizer } from './toy.ts';

export interface PageResult {
  losses: number[];
  scores: number[];
}

async function run(): Promise<PageResult> {
  await useBackend('cpu');
  const model = rewardModel(smallDecoder());
  const tokenizer = wordTokenizer();
  const params = model.init(rng(0));
  using trainer = new RewardTrainer({ model, params, tokenizer, data: colourPairs, learningRate: 5e-3, seed: 0 });
  const losses: number[] = [];
  for await (const { loss } of trainer.train({ steps: 10 })) losses.push(loss);
  const scores = await rewardFn(model, trainer.params, tokenizer)(['say red'], ['it is red']);
  return { losses, scores: scores as number[] };
}

Object.assign(globalThis, { run });
