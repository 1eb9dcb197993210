// Opening folders of models: what is refused, what is found odd, what is kept beside.
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { disposeTree, flatten, openSafetensors, type Params, useBackend, writeSafetensors } from '@gimbal/tensor-core';
import { memory, slice, type Tensor2D, tensor2d } from '@tensorflow/tfjs-core';
import {
  loadConfig,
  loadPretrained,
  loadTokenizer,
  type Pretrained,
  savePretrained,
  Tokenizer,
  trainTokenizer,
} from '../src/index.ts';
import { writeTokenizerFiles } from '../src/pretrained/pretrained.node.ts';
import { difference } from './helpers/difference.ts';

const folder = (name: string): string => fileURLToPath(new URL(`golden/${name}`, import.meta.url));

beforeAll(() => useBackend('auto'));

describe('loadPretrained', () => {
  let dir: string;
  let tied: Pretrained;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'gimbal-pretrained-'));
    tied = await loadPretrained(folder('gpt2-tiny'));
  });
  afterAll(() => rm(dir, { recursive: true }));

  /** A folder with the config of the tied model and these tensors. */
  const write = async (params: Params, config: Record<string, unknown> = {}): Promise<string> => {
    const target = await mkdtemp(join(dir, 'm-'));
    const json = JSON.parse(await readFile(join(folder('gpt2-tiny'), 'config.json'), 'utf8'));
    await writeFile(join(target, 'config.json'), JSON.stringify({ ...json, ...config }));
    await writeSafetensors(join(target, 'model.safetensors'), params);
    return target;
  };
  const logitsOf = async (target: string): Promise<{ values: Float32Array; warnings: readonly string[] }> => {
    const { model, params, warnings } = await loadPretrained(target);
    const logits = model.apply(params, tensor2d([[5, 6, 7]], [1, 3], 'int32'));
    const values = logits.dataSync().slice() as Float32Array;
    logits.dispose();
    disposeTree(params);
    return { values, warnings };
  };

  it('ties the output matrix to the embedding whichever of them is stored, and uses both where they differ', async () => {
    const transformer = tied.params.transformer as Params;
    const { wte, ...rest } = transformer as { wte: Params; [key: string]: Params };
    const weight = wte.weight as Tensor2D;
    const other = tensor2d(
      Float32Array.from(weight.dataSync(), (x) => 2 * x),
      weight.shape,
    );
    const embeddingOnly = await logitsOf(await write({ transformer }));
    const headOnly = await logitsOf(await write({ transformer: rest, lm_head: { weight } }));
    const both = await logitsOf(await write({ transformer, lm_head: { weight } }));
    expect(headOnly).toEqual(embeddingOnly);
    expect(both).toEqual(embeddingOnly);
    expect(both.warnings).toEqual([]);
    const different = await logitsOf(await write({ transformer, lm_head: { weight: other } }));
    expect(different.warnings).toEqual([expect.stringMatching(/ties lm_head.weight .* two that differ/)]);
    expect(
      difference(
        different.values,
        embeddingOnly.values.map((x) => 2 * x),
      ),
    ).toBeLessThan(1e-5);
    await expect(write({ transformer: rest }).then(loadPretrained)).rejects.toMatchObject({
      code: 'ERR_CHECKPOINT',
      message: expect.stringMatching(/missing transformer.wte.weight \[64,32\]/),
    });
  });

  it('reads shards of BF16 that transformers wrote, and writes such shards without loss', async () => {
    const source = folder('qwen3-bf16-tiny');
    const { model, params, dtype } = await loadPretrained(source);
    expect(dtype).toBe('bfloat16');
    const expected = await openSafetensors(join(source, 'expected.safetensors'));
    const logits = model.apply(params, tensor2d((await expected.values('ids')) as Int32Array, [2, 24], 'int32'));
    expect(difference(logits.dataSync(), await expected.values('logits'))).toBeLessThan(1e-4);
    await expected.close();
    const target = join(dir, 'bf16');
    await savePretrained(target, model, params, { maxShardBytes: 12000 }); // in the type that it was read from
    const again = await loadPretrained(target);
    expect(again.dtype).toBe('bfloat16');
    const saved = new Map(flatten(again.params));
    for (const [path, tensor] of flatten(params)) expect(saved.get(path)?.dataSync()).toEqual(tensor.dataSync());
    const shards = (await readdir(target)).filter((file) => file.endsWith('.safetensors'));
    expect(shards.length).toBeGreaterThan(1);
    await savePretrained(target, model, params, { dtype: 'float32' });
    expect(
      await openSafetensors(target).then((file) => file.close().then(() => file.entry(file.names[0] as string))),
    ).toMatchObject({ dtype: 'F32' });
    disposeTree(params);
    disposeTree(again.params);
  });

  it('accepts names without the prefix and drops the buffers of old files', async () => {
    const target = await write({ ...(tied.params.transformer as Params) });
    expect(await logitsOf(target)).toEqual(
      await logitsOf(await write({ transformer: tied.params.transformer as Params })),
    );
  });

  it('lists what is missing, unknown and of another shape', async () => {
    const { wpe, ...rest } = tied.params.transformer as { wpe: Params; [key: string]: Params };
    const cut = slice(wpe.weight as Tensor2D, [0, 0], [30, -1]);
    const wrong = await write({ transformer: { ...rest, wpe: { weight: cut }, extra: { weight: cut } } });
    await expect(loadPretrained(wrong)).rejects.toThrow(
      /transformer.wpe.weight is \[30,32\], wanted \[40,32\]; unknown transformer.extra.weight/,
    );
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('names the tensor and the element that holds %p', async (bad) => {
    const { wpe, ...rest } = tied.params.transformer as { wpe: Params; [key: string]: Params };
    const weight = wpe.weight as Tensor2D;
    const values = weight.dataSync();
    values[37] = bad;
    const wrong = await write({ transformer: { ...rest, wpe: { weight: tensor2d(values, weight.shape) } } });
    const before = memory().numTensors;
    await expect(loadPretrained(wrong)).rejects.toThrow(
      `tensor "transformer.wpe.weight": element 37 of its weights is no finite number; got ${bad}`,
    );
    expect(memory().numTensors).toBe(before);
  });

  it('refuses weights that are no floats by tensor and type, and quantised ones by method', async () => {
    const { wpe, ...rest } = tied.params.transformer as { wpe: Params; [key: string]: Params };
    const { shape } = wpe.weight as Tensor2D;
    const codes = tensor2d(new Int32Array(shape[0] * shape[1]), shape, 'int32');
    const packed = await write({ transformer: { ...rest, wpe: { weight: codes } } });
    const before = memory().numTensors;
    await expect(loadPretrained(packed)).rejects.toMatchObject({
      code: 'ERR_CHECKPOINT',
      message: expect.stringMatching(
        /tensor "transformer.wpe.weight": a weight of a type that is no float; got "I32", wanted "?F32, F16, BF16 or F64/,
      ),
    });
    const params = { transformer: tied.params.transformer as Params };
    for (const quant_method of ['gptq', 'nonsense']) {
      const quantised = write(params, { quantization_config: { quant_method, bits: 4 } });
      await expect(quantised.then(loadPretrained)).rejects.toThrow(
        new RegExp(`config.json quantization_config: the weights are quantised .*; got "${quant_method}"`),
      );
    }
    expect(memory().numTensors).toBe(before);
    disposeTree((await loadPretrained(await write(params, { quantization_config: null }))).params);
  });

  it('says what to do with a folder that has SentencePiece’s own file alone', async () => {
    const target = await write({ transformer: tied.params.transformer as Params });
    expect(await loadTokenizer(target, false)).toBeUndefined();
    await writeFile(join(target, 'spiece.model'), Uint8Array.of(10, 14, 10, 5));
    const before = memory().numTensors;
    for (const open of [loadPretrained, loadTokenizer] as const) {
      await expect(open(target)).rejects.toThrow(
        /spiece.model: SentencePiece’s own file is not read here.*from_pretrained/s,
      );
    }
    expect(memory().numTensors).toBe(before);
  });

  it('says which architecture it does not know and which option it cannot run', async () => {
    const params = { transformer: tied.params.transformer as Params };
    await expect(write(params, { model_type: 'mamba' }).then(loadPretrained)).rejects.toThrow(
      /this architecture is not known here; got "mamba", wanted one of llama, gpt2, mistral, qwen2/,
    );
    await expect(write(params, { activation_function: 'relu' }).then(loadPretrained)).rejects.toThrow(
      /config.json activation_function: cannot be used; got "relu".*Use a model that does without it/,
    );
    await expect(write(params, { n_head: 'four' }).then(loadPretrained)).rejects.toThrow(
      /n_head: cannot be used; got "four", wanted "?a number"?.*copy the folder again/,
    );
    await expect(write(params, { model_type: 'bert' }).then(loadPretrained)).rejects.toThrow(
      /got "bert", wanted .*or t5, an encoder-decoder.*loadEncoder or loadClassifier.*they write no text/,
    );
    await expect(write(params, { n_layer: 1e9 }).then(loadPretrained)).rejects.toThrow(
      /layers: bad size; got 1000000000, wanted a whole number from 1 to 10000/,
    );
    await expect(loadPretrained(join(dir, 'nothing'))).rejects.toThrow(/config.json: the file cannot be read/);
  });

  it('does not replace a folder that holds something else', async () => {
    const target = await mkdtemp(join(dir, 'other-'));
    await writeFile(join(target, 'letter.txt'), 'dear');
    await expect(savePretrained(target, tied.model, tied.params)).rejects.toThrow(
      /something else than a model; got "letter.txt"/,
    );
    // a run of the command line has a config.json of its own
    await writeFile(join(target, 'config.json'), '{"command":"align"}');
    await expect(savePretrained(target, tied.model, tied.params)).rejects.toThrow(/something else than a model/);
    expect(await readFile(join(target, 'letter.txt'), 'utf8')).toBe('dear');
  });
});

test('loadConfig reads what a model is, and needs no weights for it', async () => {
  const { model, params } = await loadPretrained(folder('llama-tiny'));
  disposeTree(params);
  expect(await loadConfig(folder('llama-tiny'))).toEqual(model.config);
  const bare = await mkdtemp(join(tmpdir(), 'bare-'));
  await writeFile(join(bare, 'config.json'), await readFile(join(folder('llama-tiny'), 'config.json')));
  expect((await loadConfig(bare)).contextLength).toBe(model.config.contextLength);
  await rm(bare, { recursive: true });
});

it('a stretching of the layers that slide alone is refused by name', async () => {
  const target = await mkdtemp(join(tmpdir(), 'stretched-'));
  const json = JSON.parse(await readFile(join(folder('gemma3-tiny'), 'config.json'), 'utf8'));
  const write = (sliding: object): Promise<void> => {
    const full = { rope_type: 'linear', rope_theta: 1e6, factor: 8 };
    const rope_parameters = { full_attention: full, sliding_attention: { rope_theta: 500, ...sliding } };
    return writeFile(join(target, 'config.json'), JSON.stringify({ ...json, rope_parameters }));
  };
  await write({ rope_type: 'default' });
  expect(await loadConfig(target)).toMatchObject({ ropeScaling: { factor: 8 }, localRopeTheta: 500 });
  await write({ rope_type: 'linear', factor: 3 });
  await expect(loadConfig(target)).rejects.toThrow(/silently wrong; got "linear in layers that slide"/);
  await rm(target, { recursive: true });
});

it('what generation_config.json asks for and does not get is named, and written back', async () => {
  const target = await mkdtemp(join(tmpdir(), 'asked-'));
  const { model, params, warnings } = await loadPretrained(folder('llama-tiny'));
  expect(warnings).toEqual([]);
  await savePretrained(target, model, params);
  const path = join(target, 'generation_config.json');
  const read = async (): Promise<object> => JSON.parse(await readFile(path, 'utf8'));
  const asked = { forced_eos_token_id: 2, typical_p: 0.9, min_new_tokens: 3, suppress_tokens: [5], max_length: 20 };
  const idle = { epsilon_cutoff: 0, num_beam_groups: 1, bad_words_ids: [], num_assistant_tokens: 20 };
  await writeFile(path, JSON.stringify({ ...(await read()), ...idle, ...asked, use_cache: true, constraints: null }));
  const again = await loadPretrained(target);
  expect(again.warnings).toEqual([
    'generation_config.json: not applied here: forced_eos_token_id, typical_p, min_new_tokens, suppress_tokens, max_length',
  ]);
  expect(again.generation.others).toEqual({ ...idle, ...asked });
  await savePretrained(target, again.model, again.params, { generation: again.generation });
  expect(await read()).toMatchObject({ ...idle, ...asked });
  await writeFile(path, JSON.stringify({ ...idle, max_length: model.config.contextLength }));
  const plain = await loadPretrained(target);
  expect(plain.warnings).toEqual([]);
  for (const tree of [params, again.params, plain.params]) disposeTree(tree);
  await rm(target, { recursive: true });
});

it('a chat template in a file of its own is written back as one', async () => {
  const [target, copy] = [await mkdtemp(join(tmpdir(), 'template-')), await mkdtemp(join(tmpdir(), 'template-'))];
  const template = '{{ messages[0].content }}\n';
  const { json } = trainTokenizer(['the nurse'], { vocabularySize: 258 });
  await writeTokenizerFiles(target, new Tokenizer(json, { eos_token: '<|endoftext|>' }));
  expect(await readdir(target)).toEqual(['tokenizer.json', 'tokenizer_config.json']);
  await writeFile(join(target, 'chat_template.jinja'), template);
  await writeTokenizerFiles(copy, await loadTokenizer(target));
  expect(await readFile(join(copy, 'chat_template.jinja'), 'utf8')).toBe(template);
  for (const file of ['tokenizer.json', 'tokenizer_config.json']) {
    expect(await readFile(join(copy, file), 'utf8')).toBe(await readFile(join(target, file), 'utf8'));
  }
  expect((await loadTokenizer(copy)).config.chat_template).toBe(template);
  for (const folder of [target, copy]) await rm(folder, { recursive: true });
});
