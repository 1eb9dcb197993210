import { disposeTree, flatten, rng, treeSize, useBackend } from '@gimbal/tensor-core';
import { memory, tensor2d } from '@tensorflow/tfjs-core';
import { decoder, decoderConfig, type FamilyName, padBatch } from '../index.ts';

beforeAll(async () => {
  await useBackend('auto');
});
const small = { vocabularySize: 32, width: 16, layers: 2, heads: 2, contextLength: 16 };

describe('decoderConfig', () => {
  it('fills in sizes: a head is width / heads, the MLP 8/3 or 4 times the width', () => {
    expect(decoderConfig({ vocabularySize: 10 })).toMatchObject({
      family: 'llama',
      headWidth: 32,
      kvHeads: 4,
      feedForward: 352,
    });
    expect(decoderConfig({ vocabularySize: 10, family: 'gpt2' })).toMatchObject({
      feedForward: 512,
      tieEmbeddings: true,
    });
  });

  it('refuses what does not fit, by name, and suggests the nearest option', () => {
    const refuse = (o: object): string => {
      try {
        decoderConfig({ vocabularySize: 10, ...o });
      } catch (error) {
        return (error as Error).message;
      }
      return 'accepted';
    };
    expect(refuse({ widht: 8 })).toMatch(/unknown option widht.*Did you mean width\?/);
    expect(refuse({ width: 10, heads: 4 })).toMatch(/decoder.headWidth: bad size; got 2.5/);
    expect(refuse({ heads: 4, kvHeads: 3 })).toMatch(/decoder.kvHeads: does not divide/);
    expect(refuse({ family: 'gpt2', kvHeads: 2 })).toMatch(/Use family llama/);
    expect(refuse({ width: 12, heads: 4 })).toMatch(/an even number/);
    expect(refuse({ family: 'rnn' })).toMatch(/unknown family; got "rnn"/);
    expect(refuse({ layers: 0 })).toMatch(/decoder.layers: bad size/);
    expect(refuse({ eosIds: [10] })).toMatch(/decoder.eosIds: no token of the vocabulary; got 10, wanted 0 to 9/);
    expect(refuse({ dropout: 1 })).toMatch(/decoder.dropout/);
  });
});

describe.each<FamilyName>(['llama', 'gpt2'])('decoder of family %s', (family) => {
  const model = decoder({ family, ...small });

  it('makes the parameters it lists, from named streams: the same seed gives the same ones', () => {
    const [a, b, c] = [model.init(rng(1)), model.init(rng(1)), model.init(rng(2))];
    expect(flatten(a).map(([path, tensor]) => [path, tensor.shape])).toEqual(
      model.parameters.map((p) => [p.path, p.shape]),
    );
    expect(flatten(a).map(([, t]) => t.dataSync())).toEqual(flatten(b).map(([, t]) => t.dataSync()));
    expect(flatten(a)[0]?.[1].dataSync()).not.toEqual(flatten(c)[0]?.[1].dataSync());
    // the embedding's spread is .02, that of a branch's output smaller by √(2 layers)
    const spread = (end: string): number => {
      const values = flatten(a)
        .find(([path]) => path.endsWith(end))?.[1]
        .dataSync() as Float32Array;
      return Math.sqrt(values.reduce((s, x) => s + x * x, 0) / values.length);
    };
    expect(spread(family === 'llama' ? 'embed_tokens.weight' : 'wte.weight')).toBeCloseTo(0.02, 2);
    expect(spread(family === 'llama' ? 'down_proj.weight' : 'mlp.c_proj.weight')).toBeCloseTo(0.01, 3);
    for (const tree of [a, b, c]) disposeTree(tree);
  });

  it('sees nothing of the future, and nothing of padding', () => {
    const params = model.init(rng(1));
    const logits = (ids: number[]): Float32Array =>
      model.apply(params, tensor2d([ids], [1, ids.length], 'int32')).dataSync() as Float32Array;
    const [a, b] = [logits([1, 2, 3, 4]), logits([1, 2, 9, 9, 9, 9])];
    expect(a.subarray(0, 64).every((x, i) => Math.abs(x - (b[i] as number)) < 1e-6)).toBe(true);
    expect(Math.abs((a[64] as number) - (b[64] as number))).toBeGreaterThan(1e-6);
    disposeTree(params);
  });

  it('drops elements in training only, by the seed', () => {
    const dropping = decoder({ family, ...small, dropout: 0.5 });
    const params = dropping.init(rng(1));
    const ids = tensor2d([[1, 2, 3]], [1, 3], 'int32');
    const run = (seed?: number): number[] => [
      ...dropping.apply(params, ids, seed === undefined ? {} : { rng: rng(seed) }).dataSync(),
    ];
    expect(run()).toEqual([...model.apply(params, ids).dataSync()]);
    expect(run(3)).toEqual(run(3));
    expect(run(3)).not.toEqual(run(4));
    expect(run(3)).not.toEqual(run());
    disposeTree(params);
  });

  it('leaves no tensors behind but what it returns', () => {
    const params = model.init(rng(1));
    const ids = tensor2d([[1, 2, 3]], [1, 3], 'int32');
    const [prompts, completions] = [padBatch([[1, 2], [3]], 0), padBatch([[4], [5, 6]], 0)];
    const before = memory().numTensors;
    for (const tensor of [
      model.apply(params, ids),
      model.states(params, ids),
      model.logits(params, prompts, completions),
      model.logProbs(params, prompts, completions),
      ...Object.values(model.hidden?.(params, prompts, completions) ?? {}),
    ]) {
      tensor.dispose();
    }
    expect(memory().numTensors).toBe(before);
    disposeTree(params);
  });

  it('refuses rows longer than the context, empty prompts, and parameters of another config', () => {
    const params = model.init(rng(1));
    const long = tensor2d(new Int32Array(17), [1, 17], 'int32');
    expect(() => model.apply(params, long)).toThrow(/longer than the context; got 17, wanted at most 16 tokens/);
    const prompts = padBatch([[1], []], 0);
    expect(() => model.begin(params, prompts, { maxNewTokens: 2 })).toThrow(/prompt 1 is empty/);
    const five = padBatch([[1, 2, 3, 4, 5]], 0);
    expect(() => model.begin(params, five, { maxNewTokens: 64 })).toThrow(
      /got "5 and 64 tokens", wanted at most 16 together\. Lower maxNewTokens to 11, or/,
    );
    expect(() => model.logits(params, padBatch([[1]], 0), padBatch([[1], [2]], 0))).toThrow(
      /differ in number; got 2, wanted 1/,
    );
    expect(() => model.apply({}, tensor2d([[1]], [1, 1], 'int32'))).toThrow(/the parameters lack/);
    disposeTree(params);
  });
});

describe('size', () => {
  it('of the benchmark’s decoder is 3.5 million parameters', () => {
    const params = decoder({
      family: 'gpt2',
      vocabularySize: 1024,
      width: 256,
      layers: 4,
      heads: 4,
      contextLength: 128,
    }).init(rng(0));
    // 1024·256 + 128·256 + 4 (256·768 + 768 + 256·256 + 256 + 2·256·1024 + 1024 + 256 + 4·256) + 512
    expect(treeSize(params)).toBe(3454464);
    disposeTree(params);
  });
});

describe('pack', () => {
  it('changes no number, may be nested, and lets training go on', () => {
    for (const family of ['llama', 'gpt2'] as const) {
      const model = decoder({ family, ...small });
      const params = model.init(rng(1));
      const ids = tensor2d([[1, 2, 3]], [1, 3], 'int32');
      const run = (): number[] => [...model.apply(params, ids).dataSync()];
      const before = run();
      const outer = model.pack(params);
      const inner = model.pack(params);
      const packed = run();
      inner.dispose();
      inner.dispose();
      const still = run();
      outer.dispose();
      for (const values of [packed, still, run()]) {
        values.forEach((value, i) => {
          expect(value).toBeCloseTo(before[i] as number, 5);
        });
      }
      disposeTree(params);
    }
  });
});
