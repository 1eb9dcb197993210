// Encoders and classifiers that Python's transformers wrote: the same logits, loss, gradients and states here.
// The files were made by golden/make_encoders.py (torch 2.13.0, transformers 5.24.0).
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  crossEntropy,
  disposeTree,
  flatten,
  openSafetensors,
  type Params,
  useBackend,
  valueAndGrad,
  type WeightFile,
} from '@gimbal/tensor-core';
import { mean, memory, reshape, type Scalar, squaredDifference, tensor1d } from '@tensorflow/tfjs-core';
import { distanceBucket } from '../src/encoder/deberta-attention.ts';
import {
  type EncoderBatch,
  encoder,
  loadClassifier,
  loadEncoder,
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
