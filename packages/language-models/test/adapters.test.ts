// Adapters that Python's PEFT wrote, and adapters trained here.
// The files were made by golden/make_adapters.py (torch 2.13.0, transformers 5.24.0, peft 0.21.2).
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  crossEntropy,
  disposeTree,
  flatten,
  mapTree,
  openSafetensors,
  type Params,
  readSafetensors,
  rng,
  useBackend,
  valueAndGrad,
  writeSafetensors,
} from '@gimbal/tensor-core';
import {
  clone,
  div,
  memory,
  ones,
  type Scalar,
  slice,
  type Tensor,
  type Tensor2D,
  tensor2d,
} from '@tensorflow/tfjs-core';
import { loraShape } from '../src/adapters/lora-config.ts';
import {
  type AdaptableConfig,
  adaptTree,
  CausalLmTrainer,
  createLora,
  dataset,
  decoder,
  disposeAdapter,
  generate,
  loadAdapter,
  loadPretrained,
  loadSeq2Seq,
  loraConfig,
  mergeLora,
  padBatch,
  Seq2SeqTrainer,
  saveAdapter,
  seq2seqLoss,
  trainTokenizer,
  unmergeLora,
} from '../src/index.ts';
import { difference } from './helpers/difference.ts';

const folder = (name: string): string => fileURLToPath(new URL(`golden/${name}`, import.meta.url));
let dir: string;
beforeAll(async () => {
  await useBackend('auto');
  dir = await mkdtemp(join(tmpdir(), 'gimbal-adapters-'));
});
afterAll(() => rm(dir, { recursive: true }));

/** A checkpoint here with what make_adapters.py computes of its golden rows. */
interface Opened {
  config: AdaptableConfig;
  params: Params;
  logitsOf(tree: Params): Float32Array;
  /** Of the file's logits those of real tokens. */
  seen(logits: Float32Array): Float32Array;
  /** The mean over tokens. */
  loss(tree: Params, o: { gradientCheckpointing: boolean }): Scalar;
}

async function open(base: string): Promise<Opened> {
  const golden = await openSafetensors(join(folder(base), 'expected.safetensors'));
  const ids = (await golden.values('ids')) as Int32Array;
  const valuesOf = (logits: Tensor): Float32Array => {
    const values = logits.dataSync().slice() as Float32Array;
    logits.dispose();
    return values;
  };
  if (!base.startsWith('t5')) {
    await golden.close();
    const { model, params } = await loadPretrained(folder(base));
    const all = (): Tensor2D => tensor2d(ids, [2, 24], 'int32');
    return {
      config: model.config,
      params,
      logitsOf: (tree) => valuesOf(model.apply(tree, all())),
      seen: (logits) => logits,
      loss: (tree, o) =>
        crossEntropy(model.apply(tree, slice(all(), [0, 0], [2, 23]), o), slice(all(), [0, 1], [2, 23])),
    };
  }
  const labels = (await golden.values('labels')) as Int32Array;
  await golden.close();
  const { model, params } = await loadSeq2Seq(folder(base));
  const sources = padBatch([ids.subarray(0, 40), ids.subarray(40, 69)], 0);
  const targets = padBatch([labels.subarray(0, 17), labels.subarray(24)], 0);
  const batch = { sources, targets, tokens: 17 + 24 };
  const width = model.config.vocabularySize;
  const seen = (logits: Float32Array): Float32Array =>
    Float32Array.of(...logits.subarray(0, 17 * width), ...logits.subarray(24 * width));
  return {
    config: model.config,
    params,
    logitsOf: (tree) => seen(valuesOf(model.logits(tree, sources, targets))),
    seen,
    loss: (tree, o) => div(seq2seqLoss(model, tree, batch, o), batch.tokens),
  };
}

describe.each([
  ['lora-tiny', 'llama-tiny'],
  ['rslora-tiny', 'llama-tiny'],
  ['dora-tiny', 'llama-tiny'],
  ['gpt2-lora-tiny', 'gpt2-tiny'],
  ['t5-lora-tiny', 't5-tiny'],
  ['t5-dora-tiny', 't5-gated-tiny'],
])('%s on %s', (name, base) => {
  it('gives the logits, loss and gradients of PEFT, merged or not, and is saved as PEFT reads it', async () => {
    const { config, params, logitsOf, seen, loss } = await open(base);
    const adapter = await loadAdapter(folder(name), config);
    const expected = await openSafetensors(join(folder(name), 'expected.safetensors'));
    const wanted = seen((await expected.values('logits')) as Float32Array);
    expect(difference(logitsOf(params), wanted)).toBeGreaterThan(1e-2); // the adapter matters
    expect(difference(logitsOf(adaptTree(params, adapter)), wanted)).toBeLessThan(1e-4);

    const merged = mergeLora(config, params, adapter);
    expect(difference(logitsOf(merged), wanted)).toBeLessThan(1e-4);
    if (!adapter.config.dora) {
      const again = unmergeLora(config, merged, adapter);
      for (const [path, tensor] of flatten(again)) {
        const original = new Map(flatten(params)).get(path);
        expect(difference(tensor.dataSync(), original?.dataSync() ?? [])).toBeLessThan(1e-6);
      }
      disposeTree(again);
    } else expect(() => unmergeLora(config, merged, adapter)).toThrow(/DoRA cannot be taken out/);
    disposeTree(merged);

    for (const gradientCheckpointing of [false, true]) {
      const { value, grads } = valueAndGrad((p: Params) =>
        loss(adaptTree(params, adapter, p), { gradientCheckpointing }),
      )(adapter.params);
      expect(difference(value.dataSync(), await expected.values('loss'))).toBeLessThan(1e-4);
      const byPath = new Map(flatten(grads));
      const checked = expected.names.filter((tensor) => tensor.startsWith('gradient:'));
      expect(checked.length).toBeGreaterThanOrEqual(4);
      for (const tensor of checked) {
        const ours = byPath.get(tensor.slice('gradient:'.length).replace('vector.weight', 'vector'));
        expect(difference(ours?.dataSync() ?? [], await expected.values(tensor))).toBeLessThan(1e-4);
      }
      disposeTree(grads);
    }

    const target = join(dir, name);
    await saveAdapter(target, config, adapter, { base });
    const loaded = await loadAdapter(target, config);
    expect(loaded.config).toEqual(adapter.config);
    const theirs = await openSafetensors(join(folder(name), 'adapter_model.safetensors'));
    const ours = await openSafetensors(join(target, 'adapter_model.safetensors'));
    expect(ours.names.sort()).toEqual(theirs.names.sort());
    for (const tensor of ours.names) expect(await ours.values(tensor)).toEqual(await theirs.values(tensor));
    for (const file of [expected, theirs, ours]) await file.close();
    disposeAdapter(loaded);
    disposeAdapter(adapter);
    disposeTree(params);
  });
});

it('refuses a new input table where it would be the output matrix too, and names whole modules when it writes', async () => {
  const { model, params } = await loadPretrained(folder('llama-tiny'));
  const adapter = createLora(model.config, params, { targetModules: ['q_proj'] }, rng(0));
  const { weight } = (params.model as { embed_tokens: { weight: Tensor } }).embed_tokens;
  const replaced = { model: { embed_tokens: { weight: clone(weight) } } };
  const target = join(dir, 'table');
  await saveAdapter(target, model.config, { ...adapter, replaced });
  const written = JSON.parse(await readFile(join(target, 'adapter_config.json'), 'utf8')) as Record<string, unknown>;
  expect(written.modules_to_save).toEqual(['model.embed_tokens']);
  const again = await loadAdapter(target, model.config);
  expect(again.replaced).toBeDefined();
  await expect(loadAdapter(target, { ...model.config, tieEmbeddings: true })).rejects.toThrow(
    /model.embed_tokens.weight is for the input alone, but it is this model's output matrix too/,
  );
  for (const each of [{ ...adapter, replaced }, again]) disposeAdapter(each);
  disposeTree(params);
});

it('scales by layer: patterns of ranks and alphas, with and without the stabilised rank', () => {
  const c = loraConfig({ rank: 8, alpha: 16, rankPattern: { 'layers.1.q_proj': 4 }, alphaPattern: { q_proj: 32 } });
  expect(loraShape(c, 'layers.1.q_proj')).toEqual({ rank: 4, scale: 8 });
  for (const layer of [0, 2, 11]) expect(loraShape(c, `layers.${layer}.q_proj`)).toEqual({ rank: 8, scale: 4 });
  expect(loraShape(c, 'layers.1.v_proj')).toEqual({ rank: 8, scale: 2 });
});

it('keeps the patterns of a model’s layers in PEFT’s file: shapes and scales are the same when it is read', async () => {
  const model = decoder({ vocabularySize: 8, width: 32, layers: 12, heads: 2 });
  const params = model.init(rng(0));
  const patterns = { rankPattern: { 'layers.1.self_attn.q_proj': 4 }, alphaPattern: { q_proj: 32 } };
  const options = { rank: 8, alpha: 16, targetModules: ['q_proj', 'v_proj'], ...patterns };
  const made = createLora(model.config, params, options, rng(1));
  const target = join(dir, 'patterns');
  await saveAdapter(target, model.config, { ...made, params: mapTree(made.params, (t) => ones(t.shape)) });
  const json = JSON.parse(await readFile(join(target, 'adapter_config.json'), 'utf8'));
  expect(json).toMatchObject({ r: 8, rank_pattern: patterns.rankPattern, alpha_pattern: patterns.alphaPattern });
  const adapter = await loadAdapter(target, model.config);
  const merged = mergeLora(model.config, params, adapter);
  const [before, after] = [params, merged].map((tree) => new Map(flatten(tree)));
  const added = (layer: number, name: string): number => {
    const path = `model.layers.${layer}.self_attn.${name}.weight`;
    return (after?.get(path)?.dataSync()[0] as number) - (before?.get(path)?.dataSync()[0] as number);
  };
  // of ones: scale times rank
  for (let i = 0; i < 12; i++) {
    expect(added(i, 'q_proj')).toBeCloseTo(i === 1 ? 8 * 4 : 4 * 8, 3);
    expect(added(i, 'v_proj')).toBeCloseTo(2 * 8, 3);
  }
  const q = (i: number) => new Map(flatten(adapter.params)).get(`model.layers.${i}.self_attn.q_proj.lora_A.weight`);
  expect([q(0)?.shape, q(1)?.shape]).toEqual([
    [8, 32],
    [4, 32],
  ]);
  disposeTree(merged);
  disposeAdapter(adapter);
  disposeAdapter(made);
  disposeTree(params);
});

it('an adapter of ones in BF16 adds 4 r-stabilised, 1 each otherwise times its rank, and is taken out again', async () => {
  const model = decoder({ vocabularySize: 8, width: 32, layers: 1, heads: 2 });
  const params = model.init(rng(0));
  for (const rankStabilized of [true, false]) {
    const made = createLora(
      model.config,
      params,
      { rank: 16, alpha: 16, rankStabilized, targetModules: ['q_proj'] },
      rng(1),
    );
    const target = join(dir, `ones-${rankStabilized}`);
    await saveAdapter(target, model.config, { ...made, params: mapTree(made.params, (t) => ones(t.shape)) });
    const file = join(target, 'adapter_model.safetensors');
    const tree = await readSafetensors(file);
    await writeSafetensors(file, tree, { dtype: 'BF16' });
    const adapter = await loadAdapter(target, model.config);
    const merged = mergeLora(model.config, params, adapter);
    const back = unmergeLora(model.config, merged, adapter);
    const again = mergeLora(model.config, back, adapter);
    const path = 'model.layers.0.self_attn.q_proj.weight';
    const [before, after, restored, twice] = [params, merged, back, again].map(
      (of) => new Map(flatten(of)).get(path)?.dataSync() as Float32Array,
    ) as [Float32Array, Float32Array, Float32Array, Float32Array];
    // B A is a matrix of 16; alpha / √16 = 4, alpha / 16 = 1
    expect((after[0] as number) - (before[0] as number)).toBeCloseTo(rankStabilized ? 4 * 16 : 16, 3);
    expect(difference(twice, after)).toBe(0);
    // 64 added to float32 rounds what is smaller: 2⁻¹⁸ is half a unit there
    expect(difference(restored, before)).toBeLessThanOrEqual(rankStabilized ? 2 ** -18 : 1e-6);
    for (const made of [merged, back, again, tree]) disposeTree(made);
  }
});

it('trains an adapter in place of the model: the model stays, the loss falls, a run resumes, PEFT’s files are written', async () => {
  const rows = Array.from({ length: 24 }, (_, i) => ({
    prompt: `${i % 6} + ${i % 5} =`,
    completion: `${(i % 6) + (i % 5)}`,
  }));
  const tokenizer = trainTokenizer(rows.map((r) => `${r.prompt}\n${r.completion}`));
  const model = decoder({ vocabularySize: tokenizer.size, width: 32, layers: 2, heads: 4, contextLength: 32 });
  const before = memory().numTensors;
  const params = model.init(rng(0));
  const copy = mapTree(params, (t) => clone(t));
  const adapter = createLora(model.config, params, { rank: 4, dora: true }, rng(1));
  const options = { model, params, adapter, tokenizer, data: dataset(rows), learningRate: 3e-2, batchSize: 8, seed: 0 };
  const trainer = new CausalLmTrainer({ ...options, out: join(dir, 'run') });
  const first = await trainer.run({ steps: 1 });
  const middle = await trainer.run({ steps: 20 });
  expect(middle?.loss).toBeLessThan((first?.loss as number) - 0.3);
  const written = join(dir, 'run', 'checkpoints');
  const [latest] = (await readdir(written)).sort().reverse();
  expect((await readdir(join(written, latest as string, 'model'))).sort()).toEqual([
    'adapter_config.json',
    'adapter_model.safetensors',
    'tokenizer.json',
    'tokenizer_config.json',
  ]);
  const resumed = await CausalLmTrainer.resume(join(dir, 'run'), options);
  const [a, b] = [await trainer.run({ steps: 25 }), await resumed.run({ steps: 25 })];
  expect(b?.loss).toBe(a?.loss);
  for (const [path, tensor] of flatten(copy)) {
    expect(new Map(flatten(params)).get(path)?.dataSync()).toEqual(tensor.dataSync());
  }
  trainer.dispose();
  resumed.dispose();
  disposeAdapter(adapter);
  disposeTree(copy);
  disposeTree(params);
  expect(memory().numTensors).toBe(before);
});

it('trains an adapter of an encoder-decoder, which resumes and writes what the merged model writes', async () => {
  const { model, params, tokenizer } = await loadSeq2Seq(folder('t5-gated-tiny'));
  if (tokenizer === undefined) throw new Error('no tokenizer');
  const data = dataset(['nurse', 'coat', 'hid'].map((word) => ({ prompt: `the ${word}`, completion: `${word} the` })));
  const adapter = createLora(model.config, params, { rank: 8 }, rng(1));
  const before = new Map(flatten(params).map(([path, tensor]) => [path, tensor.dataSync().slice()]));
  const run = join(dir, 'seq2seq');
  const options = { model, params, adapter, tokenizer, data, seed: 2, learningRate: 2e-2, batchSize: 3 };
  using trainer = new Seq2SeqTrainer({ ...options, out: run });
  const first = await trainer.run({ steps: 1 });
  const middle = await trainer.run({ steps: 30 });
  expect(middle?.loss).toBeLessThan((first?.loss as number) / 2);
  using resumed = await Seq2SeqTrainer.resume(run, options);
  const [a, b] = [await trainer.run({ steps: 35 }), await resumed.run({ steps: 35 })];
  expect(b?.loss).toBe(a?.loss);
  for (const [path, tensor] of flatten(params)) expect(tensor.dataSync()).toEqual(before.get(path));

  const trained = { ...adapter, params: trainer.params };
  const merged = mergeLora(model.config, params, trained);
  const o = { temperature: 0, maxNewTokens: 6, rng: rng(0) };
  const prompts = data.rows.map(({ prompt }) => prompt as string);
  const [apart, whole] = await Promise.all(
    [adaptTree(params, trained), merged].map(async (tree) =>
      (await generate(model, tree, tokenizer, prompts, o)).map(({ ids }) => ids),
    ),
  );
  expect(whole).toEqual(apart);
  for (const tree of [merged, params]) disposeTree(tree);
  disposeAdapter(adapter);
});

it('refuses adapters and options that do not fit', async () => {
  const { model, params } = await loadPretrained(folder('llama-tiny'));
  await expect(loadAdapter(folder('gpt2-lora-tiny'), model.config)).rejects.toThrow(
    /does not fit this llama model: unknown transformer.h.0.attn.c_attn.lora_A.weight/,
  );
  expect(() => createLora(model.config, params, { targetModules: ['query'] }, rng(0))).toThrow(
    /no layer of the model is named so; got .*query.*, wanted q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj/,
  );
  expect(() => loraConfig({ rank: 0 })).toThrow(/lora.rank: bad rank/);
  const { model: t5, params: theirs } = await loadSeq2Seq(folder('t5-tiny'));
  await expect(loadAdapter(folder('lora-tiny'), t5.config)).rejects.toThrow(
    /does not fit this t5 model: unknown model.layers.0/,
  );
  expect(() => createLora(t5.config, theirs, { targetModules: ['lm_head'] }, rng(0))).toThrow(
    /no layer of the model is named so; got .*lm_head.*, wanted q, k, v, o, wi, wo/,
  );
  for (const tree of [params, theirs]) disposeTree(tree);
});
