import { disposeTree, type Params, rng, useBackend } from '@gimbal/tensor-core';
import { memory } from '@tensorflow/tfjs-core';
import { decoder, padBatch, scoreContinuations } from '../index.ts';

beforeAll(async () => {
  await useBackend('auto');
});

describe('scoreContinuations', () => {
  const model = decoder({ vocabularySize: 8, width: 8, layers: 1, heads: 2, contextLength: 16 });
  const [a, b, c, d, e] = [1, 2, 3, 4, 5];
  let params: Params;
  beforeAll(() => {
    params = model.init(rng(1));
  });
  afterAll(() => disposeTree(params));

  it('scores exactly the continuation, with the last context that fits the window', async () => {
    const before = memory().numTensors;
    const pair = { context: [a, b, c], continuation: [d, e] };
    const [scored] = await scoreContinuations(model, params, [pair], { window: 3 });
    expect(scored).toHaveLength(2);
    // inputs b c d: of three tokens two are predicted
    const wanted = model.logProbs(params, padBatch([[b, c]], 0), padBatch([[d, e]], 0));
    expect([...(scored ?? [])]).toEqual([...wanted.dataSync()]);
    wanted.dispose();
    const whole = model.logProbs(params, padBatch([[a, b, c]], 0), padBatch([[d, e]], 0));
    const [roomy, other] = await scoreContinuations(model, params, [pair, { context: [a], continuation: [b] }], {
      window: 16,
    });
    roomy?.forEach((p, i) => {
      expect(p).toBeCloseTo(whole.dataSync()[i] as number, 5);
    });
    expect(other).toHaveLength(1);
    whole.dispose();
    expect(memory().numTensors).toBe(before);
  });

  it.each([
    [[a, b], [a, b, c, d], /pair 0: the continuation is longer than the window; got 4, wanted "?at most 3 tokens/],
    [[], [a], /there is no context/],
    [[a], [], /there is no continuation/],
  ])('refuses context %j with continuation %j', async (context, continuation, message) => {
    await expect(scoreContinuations(model, params, [{ context, continuation }], { window: 3 })).rejects.toThrow(
      message,
    );
  });
});
