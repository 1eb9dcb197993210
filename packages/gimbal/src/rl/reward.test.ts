// What reads a policy's completions has room for so many tokens: a run that takes hours does not end at a longer one.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  classifier,
  decoder,
  decoderConfig,
  encoderConfig,
  saveClassifier,
  savePretrained,
  Tokenizer,
  trainTokenizer,
} from '@gimbal/language-models';
import { rewardModel, saveReward } from '@gimbal/reward-models';
import { disposeTree, rng, useBackend } from '@gimbal/tensor-core';
import { LongCompletions } from './long-completions.ts';
import { loadRewards, sumRewards } from './reward.ts';
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
  // beside a rule, too: left out of the sum, what the judge cannot read would be the best there is
  const specs = [spec, parseReward('length:..100', 'here')];
  const rewards = await loadRewards(specs, { where: 'here', onTooLong: () => {} });
  expect(rewards.map(({ required }) => required)).toEqual([true, false]);
  expect(await sumRewards(rewards)(...texts)).toEqual([expect.any(Number), null]);
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

test('members of a run of gimbal warm are standardised as their average is, and what has no head is told so', async () => {
  const run = join(folder, 'warm-1');
  const { json, config } = trainTokenizer(['say red', 'say blue']);
  const tokenizer = new Tokenizer(json, config);
  const size = { vocabularySize: tokenizer.size, width: 16, layers: 1, heads: 2, contextLength: 32 };
  const model = rewardModel(decoderConfig(size));
  const members = ['a', 'b'].map((name) => join(run, 'members', name));
  for (const [i, member] of members.entries()) {
    const params = model.init(rng(i));
    await saveReward(member, model, params, { tokenizer });
    if (i === 0) await saveReward(join(run, 'model'), model, params, { tokenizer, stats: { mean: 3, std: 2 } });
    disposeTree(params);
  }
  const record = (...names: string[]): Promise<void> =>
    writeFile(
      join(run, 'model/warm.json'),
      JSON.stringify({ members: names.map((of) => ({ folder: `../members/${of}` })) }),
    );
  const score = async (text: string): Promise<number> => {
    const [reward] = await loadRewards([parseReward(text, 'here')], { where: 'here' });
    return (await reward?.fn(['say'], [' red']))?.[0] as number;
  };
  const [a, b] = [await score(members[0] as string), await score(members[1] as string)];
  const ensemble = `ensemble:${join(run, 'model')}`;
  await record('a', 'b');
  expect(await score(ensemble)).toBeCloseTo(((a - 3) / 2 + (b - 3) / 2) / 2, 6);
  await record('a');
  expect(await score(ensemble)).toBeCloseTo(await score(join(run, 'model')), 6);
  await expect(score(`entailment:${members[0]}`)).rejects.toThrow(
    /here: this is a reward model, no judge of entailment/,
  );
  const plain = decoder(size);
  const params = plain.init(rng(0));
  await savePretrained(join(folder, 'base'), plain, params, { tokenizer });
  disposeTree(params);
  for (const text of [join(folder, 'base'), `entailment:${join(folder, 'base')}`])
    await expect(score(text)).rejects.toThrow(
      /here: this is a language model, which has no head that scores; .*gimbal reward/,
    );
});

test('the newsroom’s judge names a text that is no article by its place among those that it was asked about', async () => {
  const [reward] = await loadRewards([parseReward('world:newsroom', 'here')], { where: 'gimbal rl --reward' });
  await expect(async () => reward?.fn(['no article'], ['a summary'])).rejects.toMatchObject({
    code: 'ERR_DATA',
    where: 'gimbal rl --reward, row 0 of this batch',
  });
});
