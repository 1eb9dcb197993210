// Encoders and classifiers that Python's transformers wrote: the same logits, loss, gradients and states here.
// The files were made by golden/make_encoders.py (torch 2.13.0, transformers 5.24.0).
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  crossEntropy,
  disposeTree,
  flatten,
  openSafetensors,
  type Params,
  rng,
  unflatten,
  useBackend,
  valueAndGrad,
  type WeightFile,
} from '@gimbal/tensor-core';
import {
  mean,
  memory,
  mul,
  reshape,
  type Scalar,
  squaredDifference,
  type Tensor,
  tensor1d,
} from '@tensorflow/tfjs-core';
import { distanceBucket } from '../src/encoder/deberta-attention.ts';
import {
  type EncoderBatch,
  type EncoderConfig,
  encoder,
  loadClassifier,
  loadEncoder,
  loadSeq2Seq,
  type PretrainedClassifier,
  poolStates,
  saveClassifier,
  saveEncoder,
} from '../src/index.ts';
import { difference } from './helpers/difference.ts';

const folder = (name: string): string => fileURLToPath(new URL(`golden/${name}`, import.meta.url));
let dir: string;
beforeAll(async () => {
  await useBackend('auto');
  dir = await mkdtemp(join(tmpdir(), 'gimbal-encoders-'));
});
afterAll(() => rm(dir, { recursive: true }));

const encoders = ['bert-tiny', 'roberta-tiny', 'deberta-tiny'];
describe.each([...encoders, 'llama-reward-tiny', 'gpt2-reward-tiny'])('%s', (name) => {
  let loaded: PretrainedClassifier;
  let expected: WeightFile;
  let batch: EncoderBatch;
  beforeAll(async () => {
    loaded = await loadClassifier(folder(name));
    expected = await openSafetensors(join(folder(name), 'expected.safetensors'));
    const [ids, types, lengths] = [
      await expected.values('ids'),
      await expected.values('types'),
      await expected.values('lengths'),
    ];
    batch = { ids: ids as Int32Array, types: types as Int32Array, lengths: lengths as Int32Array, width: 40 };
  });
  afterAll(async () => {
    disposeTree(loaded.params);
    await expected.close();
  });

  it('gives the logits of transformers within 1e-4, padding or not', async () => {
    const { model, params, warnings } = loaded;
    expect(warnings).toEqual([]);
    const before = memory().numTensors;
    const logits = model.logits(params, batch);
    expect(memory().numTensors).toBe(before + 1);
    expect(difference(logits.dataSync(), await expected.values('logits'))).toBeLessThan(1e-4);
    const short = {
      ids: batch.ids.slice(40, 63),
      types: batch.types?.slice(40, 63) as Int32Array,
      lengths: Int32Array.of(23),
      width: 23,
    };
    const labels = model.labels.length;
    expect(difference(model.logits(params, short).dataSync(), logits.dataSync().slice(labels))).toBeLessThan(1e-5);
  });

  it('gives its loss and gradients', async () => {
    const labels = await expected.values('labels');
    const { value, grads } = valueAndGrad((p: Params): Scalar => {
      const logits = loaded.model.logits(p, batch);
      if (labels instanceof Int32Array) return crossEntropy(logits, tensor1d(labels, 'int32'));
      return mean(squaredDifference(reshape(logits, [-1]), tensor1d(labels as Float32Array)));
    })(loaded.params);
    expect(difference(value.dataSync(), await expected.values('loss'))).toBeLessThan(1e-4);
    const byPath = new Map(flatten(grads));
    const checked = expected.names.filter((tensor) => tensor.startsWith('gradient:'));
    expect(checked.length).toBeGreaterThanOrEqual(2);
    for (const tensor of checked) {
      const ours = byPath.get(tensor.slice('gradient:'.length));
      expect(difference(ours?.dataSync() ?? [], await expected.values(tensor))).toBeLessThan(1e-4);
    }
    disposeTree(grads);
  });

  it('is saved byte for byte as transformers wrote it, and loads again', async () => {
    const target = join(dir, name);
    await saveClassifier(target, loaded.model, loaded.params);
    const [ours, theirs] = [
      await readFile(join(target, 'model.safetensors')),
      await readFile(join(folder(name), 'model.safetensors')),
    ];
    expect(ours.equals(theirs)).toBe(true);
    const again = await loadClassifier(target);
    expect(again.model.config).toEqual(loaded.model.config);
    expect(again.model.labels).toEqual(loaded.model.labels);
    disposeTree(again.params);
  });
});

describe.each(encoders)('%s as an encoder', (name) => {
  it('gives the last hidden states, alone and saved again', async () => {
    const { model, params, pooling } = await loadEncoder(folder(name));
    const expected = await openSafetensors(join(folder(name), 'expected.safetensors'));
    const ids = (await expected.values('ids')).slice(0, 40) as Int32Array;
    const types = (await expected.values('types')).slice(0, 40) as Int32Array;
    const batch = { ids, types, lengths: Int32Array.of(40), width: 40 };
    const wanted = (await expected.values('states')).slice(0, 40 * 32);
    expect(difference(model.states(params, batch).dataSync(), wanted)).toBeLessThan(1e-4);
    // the mean's direction
    const average = Array.from(
      { length: 32 },
      (_, d) => Array.from({ length: 40 }, (_, t) => wanted[t * 32 + d] as number).reduce((a, b) => a + b) / 40,
    );
    const norm = Math.hypot(...average);
    const pooled = poolStates(model, params, batch, pooling).dataSync();
    expect(
      difference(
        pooled,
        average.map((x) => x / norm),
      ),
    ).toBeLessThan(1e-5);
    const target = join(dir, `${name}-body`);
    await saveEncoder(target, model, params);
    const again = await loadEncoder(target);
    expect(difference(again.model.states(again.params, batch).dataSync(), wanted)).toBeLessThan(1e-4);
    disposeTree(params);
    disposeTree(again.params);
    await expected.close();
  });
});

/** A copy of a golden folder whose config.json says something else. */
async function edited(name: string, key: string, change: object): Promise<string> {
  const target = join(dir, `${name}-${key}`);
  await cp(folder(name), target, { recursive: true });
  const path = join(target, 'config.json');
  await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, 'utf8')), ...change }));
  return target;
}

describe('what config.json says of a head', () => {
  it('DeBERTa’s pooler has the activation of the file, kept in a saved one', async () => {
    const batch = { ids: Int32Array.of(5, 6, 7), lengths: Int32Array.of(3), width: 3 };
    const target = join(dir, 'pooler');
    for (const [name, f] of [
      ['tanh', Math.tanh],
      ['relu', (x: number) => Math.max(x, 0)],
    ] as const) {
      const { model, params } = await loadClassifier(await edited('deberta-tiny', name, { pooler_hidden_act: name }));
      const width = model.config.width;
      const values = Object.fromEntries(flatten(params).map(([path, t]) => [path, t.dataSync()]));
      const first = encoder(model.config as EncoderConfig)
        .states(params, batch)
        .dataSync()
        .slice(0, width);
      const dense = (x: ArrayLike<number>, path: string): number[] =>
        Array.from(values[`${path}.bias`] ?? [], (bias, o) =>
          Array.from(x).reduce((sum, v, i) => sum + v * Number(values[`${path}.weight`]?.[o * width + i]), bias),
        );
      const wanted = dense(dense(first, 'pooler.dense').map(f), 'classifier');
      expect(difference(model.logits(params, batch).dataSync(), wanted)).toBeLessThan(1e-5);
      await saveClassifier(target, model, params);
      expect(JSON.parse(await readFile(join(target, 'config.json'), 'utf8')).pooler_hidden_act).toBe(name);
      disposeTree(params);
    }
    await expect(loadClassifier(await edited('deberta-tiny', 'mish', { pooler_hidden_act: 'mish' }))).rejects.toThrow(
      /pooler_hidden_act: cannot be used; got "mish"/,
    );
  });

  it('refuses by file and key what is not run here', async () => {
    const other = await edited('bert-tiny', 'relative', { position_embedding_type: 'relative_key' });
    for (const open of [loadEncoder, loadClassifier] as const) {
      await expect(open(other)).rejects.toThrow(
        /bert-tiny-relative.config.json position_embedding_type: cannot be used.*Use a model that does without it/,
      );
    }
  });

  it('refuses a tokenizer with more tokens than the model, before anything else', async () => {
    const encodes = await edited('bert-tiny', 'vocabulary', { vocab_size: 8 });
    await cp(folder('saved/llama/tokenizer.json'), join(encodes, 'tokenizer.json'));
    const pairs = await edited('t5-tiny', 'vocabulary', { vocab_size: 8 });
    for (const open of [() => loadEncoder(encodes), () => loadClassifier(encodes), () => loadSeq2Seq(pairs)]) {
      await expect(open()).rejects.toThrow(/tokenizer.json: token ".*" has an id that the model has no embedding for/);
    }
  });

  it('problem_type is read, kept, and refused where it is none', async () => {
    const said = { problem_type: 'multi_label_classification' };
    const { model, params } = await loadClassifier(await edited('bert-tiny', 'multi', said));
    expect(model.problem).toBe('multi-label');
    const target = join(dir, 'problem');
    await saveClassifier(target, model, params);
    expect(JSON.parse(await readFile(join(target, 'config.json'), 'utf8'))).toMatchObject(said);
    disposeTree(params);
    const plain = await loadClassifier(folder('bert-tiny'));
    expect(plain.model.problem).toBe('single-label');
    disposeTree(plain.params);
    await expect(loadClassifier(await edited('bert-tiny', 'odd', { problem_type: 'ranking' }))).rejects.toThrow(
      /problem_type: cannot be used; got "ranking"/,
    );
  });
});

describe('sentence embeddings', () => {
  const batch = { ids: Int32Array.of(5, 6, 7, 8, 5, 6, 0, 0), lengths: Int32Array.of(4, 2), width: 4 };

  it.each(['mean', 'first'] as const)('%s: a row beside a longer one is as it is alone', async (pooling) => {
    const { model, params } = await loadEncoder(folder('bert-tiny'));
    const alone = { ids: Int32Array.of(5, 6), lengths: Int32Array.of(2), width: 2 };
    const both = poolStates(model, params, batch, { pooling, normalize: false });
    expect(both.shape).toEqual([2, 32]);
    const own = poolStates(model, params, alone, { pooling, normalize: false }).dataSync();
    expect(difference(both.dataSync().slice(32), own)).toBeLessThan(1e-5);
    disposeTree(params);
  });

  it('the steps are those of modules.json, and others are refused', async () => {
    const target = await edited('bert-tiny', 'steps', {});
    const write = (...types: string[]): Promise<void> =>
      writeFile(
        join(target, 'modules.json'),
        JSON.stringify(
          types.map((type, i) => ({ type: `sentence_transformers.models.${type}`, path: i ? 'pool' : '' })),
        ),
      );
    await write('Transformer', 'Pooling');
    await expect(loadEncoder(target)).rejects.toThrow(/pool.config\.json: the file cannot be read/);
    await mkdir(join(target, 'pool'));
    await writeFile(join(target, 'pool/config.json'), JSON.stringify({ pooling_mode_cls_token: true }));
    const { pooling, params } = await loadEncoder(target);
    expect(pooling).toMatchObject({ pooling: 'first', normalize: false });
    disposeTree(params);
    await write('Transformer', 'Pooling', 'Dense');
    const before = memory().numTensors;
    await expect(loadEncoder(target)).rejects.toThrow(/steps are not known here; got "Transformer, Pooling, Dense"/);
    expect(memory().numTensors).toBe(before);
  });
});

it('DeBERTa’s scores are divided by √(D · (1 + kinds of distances))', () => {
  const o = { family: 'deberta-v2', vocabularySize: 20, width: 8, layers: 1, heads: 2, contextLength: 8 } as const;
  const batch = { ids: Int32Array.of(3, 9, 4, 7, 11), lengths: Int32Array.of(5), width: 5 };
  /** States where distances say nothing, so that the divisor alone is left of them; queries times `scale`. */
  const states = (types: readonly ('c2p' | 'p2c')[], scale: number): ArrayLike<number> => {
    const model = encoder({ ...o, initializerRange: 1, relative: { types, normTable: false } });
    const params = model.init(rng(0));
    const changed = unflatten(
      flatten(params).map(([path, t]): [string, Tensor] => {
        const factor = path.includes('rel_embeddings') ? 0 : path.includes('query_proj') ? scale : 1;
        return [path, mul(t, factor)];
      }),
    );
    const out = model.states(changed, batch).dataSync();
    for (const tree of [params, changed]) disposeTree(tree);
    return out;
  };
  const none = (kinds: number): ArrayLike<number> => states([], 1 / Math.sqrt(1 + kinds));
  expect(difference(states(['c2p'], 1), none(1))).toBeLessThan(1e-5);
  expect(difference(states(['p2c'], 1), none(1))).toBeLessThan(1e-5);
  expect(difference(states(['c2p', 'p2c'], 1), none(2))).toBeLessThan(1e-5);
  expect(difference(none(1), none(2))).toBeGreaterThan(1e-3);
});

describe('classifiers', () => {
  it('get a new head for other labels, and say so', async () => {
    const labels = ['entailment', 'other'];
    const { model, params, fresh, warnings } = await loadClassifier(folder('bert-tiny'), { labels, seed: 1 });
    expect(model.labels).toEqual(labels);
    expect(fresh).toEqual(['classifier.weight', 'classifier.bias']);
    expect(warnings).toEqual([]); // it was asked for
    const batch = { ids: Int32Array.of(5, 6), lengths: Int32Array.of(2), width: 2 };
    expect(model.logits(params, batch).shape).toEqual([1, 2]);
    disposeTree(params);
  });

  it('warn of a head that nobody asked for and the file has not', async () => {
    const body = await loadEncoder(folder('bert-tiny'));
    const target = join(dir, 'headless');
    await saveEncoder(target, body.model, body.params);
    const { params, fresh, warnings } = await loadClassifier(target);
    expect(fresh).toEqual(expect.arrayContaining(['classifier.weight', 'classifier.bias']));
    expect(warnings).toEqual([expect.stringMatching(/new, not trained yet: .*classifier\.weight, classifier\.bias$/)]);
    for (const tree of [body.params, params]) disposeTree(tree);
    const whole = await loadClassifier(folder('bert-tiny'));
    expect([whole.fresh, whole.warnings]).toEqual([[], []]);
    disposeTree(whole.params);
  });

  it('refuse what they cannot read', async () => {
    const { model, params } = await loadEncoder(folder('bert-tiny'));
    const row = { ids: Int32Array.of(5, 99), lengths: Int32Array.of(2), width: 2 };
    expect(() => model.states(params, row)).toThrow(/no token of the vocabulary; got 99/);
    expect(() => model.states(params, { ids: new Int32Array(50), lengths: Int32Array.of(50), width: 50 })).toThrow(
      /longer than the context/,
    );
    await expect(loadEncoder(folder('llama-tiny'))).rejects.toThrow(/not known here; got "llama", wanted one of bert/);
    disposeTree(params);
    expect(() => encoder({ vocabularySize: 8, width: 10, heads: 3 })).toThrow(/headWidth: bad size/);
  });

  it('puts distances into the buckets of DeBERTa', () => {
    const o = { buckets: 256, maxDistance: 512, types: [], shareKeys: true, normTable: true, positions: false };
    expect([127, 128, 129, 200, 300, 511].map((d) => distanceBucket(d, o))).toEqual([127, 128, 129, 169, 207, 255]);
    expect([127, 128, 129, 200, 300, 511].map((d) => distanceBucket(-d, o))).toEqual([
      -127, -128, -129, -169, -207, -255,
    ]);
  });
});
