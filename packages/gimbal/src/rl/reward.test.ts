// What reads a policy's completions has room for so many tokens: a run that takes hours does not end at a longer one.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { classifier, encoderConfig, saveClassifier, Tokenizer, trainTokenizer } from '@gimbal/language-models';
import { disposeTree, rng, useBackend } from '@gimbal/tensor-core';
import { LongCompletions } from './long-completions.ts';
import { loadRewards } from './reward.ts';
import { parseReward } from './reward-spec.ts';

let folder: string;
beforeAll(async () => {
  await useBackend('auto');
  folder = await mkdtemp(join(tmpdir(), 'gimbal-judge-'));
  const { json, config } = trainTokenizer(['say red', 'say blue']);
  const [a, b] = ['A', 'B'].map((id, type_id) => ({ Sequence: { id, type_id } }));
  const [mark] = json.added_tokens as { id: number; content: string }[];
  const { id, content } = mark as { id: number; content: string };
  // an encoder's tokenizer has a template for pairs
  const post_processor = {
    type: 'TemplateProcessing',
    single: [a, { SpecialToken: { id: content, type_id: 0 } }],
    pair: [a, { SpecialToken: { id: content, type_id: 0 } }, b],
    special_tokens: { [content]: { id: content, ids: [id], tokens: [content] } },
  };
  const tokenizer = new Tokenizer({ ...json, post_processor } as never, config);
  const size = { width: 16, layers: 1, heads: 2, contextLength: 32 };
  const model = classifier(encoderConfig({ vocabularySize: tokenizer.size, ...size }), ['entailment', 'neutral']);
  const params = model.init(rng(0));
  await saveClassifier(folder, model, params, { tokenizer });
  disposeTree(params);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('a judge of entailment gives a completion that it has no room for no reward, and this is counted and told', async () => {
  const spec = parseReward(`entailment:${folder}`, 'here');
  const texts = [
    ['say red', 'say red'],
    ['say red', 'say red '.repeat(40)],
  ] as const;
  const long = new LongCompletions();
  const [reward] = await loadRewards([spec], { where: 'here', onTooLong: long.onTooLong });
  expect(await reward?.fn(...texts)).toEqual([expect.any(Number), null]);
  expect(long.seen).toBe(1);
  expect(long.told).toMatch(/^1 completion got no reward: .* longer than the judge .* there is room for 23\)/);
  const [strict] = await loadRewards([spec], { where: 'here' });
  await expect(strict?.fn(...texts)).rejects.toThrow(/row 1: the hypothesis is longer than the judge/);
});

test('what is told names reward models and judges apart', () => {
  const long = new LongCompletions();
  long.onTooLong(40, 32, 'model');
  long.onTooLong(36, 32, 'model');
  long.onTooLong(30, 23, 'judge');
  expect(long.seen).toBe(3);
  expect(long.told).toMatch(/^2 completions .*up to 40 tokens, and it reads 32\).*1 completion .*up to 30 tokens/);
});
