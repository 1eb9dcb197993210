import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decoder, trainTokenizer } from '@gimbal/language-models';
import { disposeTree, type RewardFn, rng, useBackend } from '@gimbal/tensor-core';
import { trainPolicy, valueOptions } from './train-policy.ts';

test('a value function has what is said of it, and else the preset’s', () => {
  const learningRate = 1e-4;
  expect(valueOptions({ learningRate, valueTrunk: 'policy' })).toEqual({});
  expect(valueOptions({ learningRate, valueTrunk: 'own' }).value).toEqual({
    learningRate,
    gaeLambda: 0.95,
    trunk: 'own',
  });
  expect(valueOptions({ learningRate, gaeLambda: 1 }).value).toEqual({ learningRate: 1e-3, gaeLambda: 1 });
  expect(valueOptions({ learningRate, valueTrunk: 'own', valueLearningRate: 1 }).value).toMatchObject({
    learningRate: 1,
  });
});

describe('what a reward did not teach', () => {
  let dir: string;
  beforeAll(async () => {
    await useBackend('auto');
    dir = await mkdtemp(join(tmpdir(), 'policy-'));
  });
  afterAll(() => rm(dir, { recursive: true }));

  /** Two steps of a small model. @returns what was noted, and whether the run was told to have learnt nothing */
  const learn = async (name: string, fn: RewardFn, tooLong: () => number) => {
    const tokenizer = trainTokenizer(['a b c d']);
    const policy = decoder({ vocabularySize: tokenizer.size, width: 16, layers: 1, heads: 2, contextLength: 16 });
    const params = policy.init(rng(0));
    const notes: string[] = [];
    let taught = true;
    try {
      using _trainer = await trainPolicy({
        ...{ policy, params, tokenizer, prompts: ['a', 'b', 'c', 'd'], seed: 0, where: 'gimbal rl --reward', tooLong },
        ...{ rewards: [{ name: 'own', weight: 1, fn }], out: join(dir, name), signal: new AbortController().signal },
        settings: { preset: 'rloo', steps: 2, batchSize: 4, learningRate: 1e-3, temperature: 1, maxNewTokens: 4 },
        progress: () => {},
        note: (text) => void notes.push(text),
        untaught: () => {
          taught = false;
        },
      });
    } finally {
      disposeTree(params);
    }
    return { notes, taught };
  };

  test('is told to who asks: a reward that is always the same', async () => {
    const { notes, taught } = await learn(
      'same',
      (prompts) => prompts.map(() => 1),
      () => 0,
    );
    expect([notes.join(), taught]).toEqual([expect.stringContaining('so nothing was learnt from it'), false]);
    let asked = 0;
    const varied = await learn(
      'varied',
      (prompts) => prompts.map(() => asked++),
      () => 0,
    );
    expect(varied.taught).toBe(true);
  });

  test('is laid to completions that were too long in its steps, not to those that were scored before', async () => {
    await expect(
      learn(
        'before',
        (prompts) => prompts.map(() => null),
        () => 5,
      ),
    ).rejects.toThrow('all were abstained on, and nothing was learnt');
    let seen = 5;
    const long: RewardFn = (prompts) => {
      seen += prompts.length;
      return prompts.map(() => null);
    };
    const { notes, taught } = await learn('within', long, () => seen);
    expect([notes.join(), taught]).toEqual([expect.stringContaining('all were empty, cut or too long'), false]);
  });
});
