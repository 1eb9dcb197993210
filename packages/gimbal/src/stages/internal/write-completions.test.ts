import { decoder, type Pretrained, trainTokenizer } from '@gimbal/language-models';
import { rng, useBackend } from '@gimbal/tensor-core';
import { batchesByRoom, promptLength } from './room.ts';
import { fitsContext, writeCompletions } from './write-completions.ts';

beforeAll(async () => {
  await useBackend('auto');
});

test('what is written for a prompt does not depend on the prompts beside it', async () => {
  const tokenizer = trainTokenizer(['a'], { vocabularySize: 258 });
  // no end token: every completion is as long as it may be
  const model = decoder({
    vocabularySize: tokenizer.size,
    width: 8,
    layers: 1,
    heads: 2,
    contextLength: 32,
    eosIds: [],
  });
  const pretrained = {
    model,
    params: model.init(rng(1)),
    tokenizer,
    warnings: [],
    generation: {},
  } as unknown as Pretrained;
  const write = (prompts: string[]): Promise<string[]> =>
    writeCompletions(pretrained, prompts, {
      batchSize: 8,
      maxNewTokens: 12,
      temperature: 0,
      rng: rng(2),
      promptSuffix: false,
      signal: new AbortController().signal,
    });
  const short = ['ab', 'cd', 'ef'];
  const long = 'x'.repeat(31);
  const alone = await write(short);
  const among = await write(['ab', long, 'cd', 'ef']);
  expect([among[0], among[2], among[3]]).toEqual(alone);
  expect(among[1]?.length).toBeLessThan(alone[0]?.length as number);
});

test('rows with less room are completed apart, and what the tokenizer puts in front counts', () => {
  expect(batchesByRoom([2, 15, 3, 4, 14], { contextLength: 16, most: 4, batchSize: 2 })).toEqual([
    { rows: [0, 2], maxNewTokens: 4 },
    { rows: [3], maxNewTokens: 4 },
    { rows: [1], maxNewTokens: 1 },
    { rows: [4], maxNewTokens: 2 },
  ]);
  const tokenizer = { begin: [7, 7], encodeText: (text: string) => [...text], promptSuffix: '\n' };
  const model = { config: { contextLength: 6 } };
  const pretrained = { model, tokenizer } as unknown as Pretrained;
  expect(promptLength(pretrained.tokenizer as never, 'abc', true)).toBe(6);
  expect([fitsContext(pretrained, 'abc', true), fitsContext(pretrained, 'ab', true)]).toEqual([false, true]);
});
