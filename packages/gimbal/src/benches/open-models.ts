// What people do with small open models, beside transformers: a training step and generation on a random one of 30 M
// parameters in Llama's shape, generation from 4 bits beside our own float32, and with --model a .gguf file beside
// transformers and node-llama-cpp.
import {
  decoder,
  decodeTokens,
  type LanguageModel,
  loadPretrained,
  padBatch,
  quantizeWeights,
} from '@gimbal/language-models';
import { ConfigError, disposeTree, type Params, rng } from '@gimbal/tensor-core';
import { countHostKernels } from '../bench/host-kernels.ts';
import type { Peer } from '../bench/peer.ts';
import { compare, known } from '../bench/row.ts';
import { ours } from '../bench/sampler.ts';
import { type BenchRow, defineSuite, type SuiteContext } from '../bench/suite.ts';
import { batchOf, disposeBatch, type LmSizes, LmTraining, randomIds } from './internal/lm-workload.ts';

const sizes: LmSizes = {
  family: 'llama',
  vocabularySize: 8192,
  contextLength: 512,
  width: 512,
  layers: 8,
  heads: 8,
  feedForward: 1408,
};
/** The same as a LlamaConfig. */
const shape = {
  vocab_size: sizes.vocabularySize,
  max_position_embeddings: sizes.contextLength,
  hidden_size: sizes.width,
  num_hidden_layers: sizes.layers,
  num_attention_heads: sizes.heads,
  intermediate_size: sizes.feedForward,
  tie_word_embeddings: true,
};
const [rows, columns] = [4, 256];
const [promptTokens, newTokens] = [32, 64];
const [filePrompt, fileTokens] = [256, 64];
const milliseconds = { unit: 'ms', value: (seconds: number): number => seconds * 1e3 };
const sampling = { rounds: 7, roundSeconds: 1, budgetSeconds: 30, warmSeconds: 2 };

export const suite = defineSuite({
  name: 'open-models',
  summary: 'a Llama of 30 M parameters beside transformers, 4 bits, and a .gguf file (--model)',
  parts: ['train', 'generate', '4-bit', 'file'],
  async *run(context) {
    const { model: file, parts, seed } = context.options;
    if (file === undefined && parts?.includes('file'))
      throw new ConfigError({ where: 'gimbal bench open-models', what: 'which file?', wanted: '--model FILE.gguf' });
    if (context.wants('train')) yield await trainingStep(context);
    if (file !== undefined && context.wants('file')) yield* fileRows(context, file);
    if (!context.wants('generate') && !context.wants('4-bit')) return;
    const model = decoder(sizes);
    const params = model.init(rng(seed));
    if (context.wants('generate')) {
      const peer = await context.peer('open_models.py');
      yield await generation(context, peer, model, params, 1, 3);
      yield await generation(context, peer, model, params, 32, 2);
    }
    if (context.wants('4-bit')) yield await fourBits(context, model, params);
    disposeTree(params);
  },
});

async function trainingStep(context: SuiteContext): Promise<BenchRow> {
  const peer = await context.peer('open_models.py');
  using training = new LmTraining(sizes, context.options.seed);
  const data = batchOf(randomIds(sizes, rows, columns + 1, context.options.seed));
  const row = await compare(context, {
    name: `step of ${rows} × ${columns} tokens, 30 M parameters, float32`,
    ...milliseconds,
    goal: 1.2,
    work: (calls) => {
      for (let i = 0; i < calls; i++) training.step(data).dispose();
    },
    against: { peer, case: 'train-step', arguments: { shape, rows, columns } },
    sampling,
  });
  disposeBatch(data);
  return row;
}

/** Greedy tokens after random prompts; nothing ends early. */
function writing(model: LanguageModel, params: Params, batch: number, prompt: number, tokens: number, seed: number) {
  const stream = rng(seed).split('ids');
  const { vocabularySize } = model.config;
  const prompts = padBatch(
    Array.from({ length: batch }, () => Int32Array.from({ length: prompt }, () => stream.int(vocabularySize))),
    0,
  );
  return async (calls: number): Promise<void> => {
    for (let i = 0; i < calls; i++) {
      const steps = decodeTokens(model, params, prompts, { maxNewTokens: tokens, temperature: 0, rng: rng(0) });
      for await (const _ of steps); // all of them
    }
  };
}

async function generation(
  context: SuiteContext,
  peer: Peer | undefined,
  model: LanguageModel,
  params: Params,
  batch: number,
  goal: number,
): Promise<BenchRow> {
  using _packed = model.pack(params);
  return await compare(context, {
    name: `generate, batch ${batch}, 30 M parameters, float32`,
    ...milliseconds,
    goal,
    work: writing(model, params, batch, promptTokens, newTokens, context.options.seed),
    against: { peer, case: 'generate', arguments: { shape, rows: batch, promptTokens, newTokens } },
    sampling,
  });
}

async function fourBits(context: SuiteContext, model: LanguageModel, params: Params): Promise<BenchRow> {
  const { seed } = context.options;
  const small = await quantizeWeights(model, params, 'Q4_0');
  using _floats = model.pack(params);
  using _blocks = model.pack(small);
  try {
    const { value } = milliseconds;
    const sides = [small, params].map((tree) => ours(writing(model, tree, 1, promptTokens, newTokens, seed)));
    const { value: timings, hostKernels } = await countHostKernels(() => context.sampler.interleave(sides, sampling));
    const [blocks, floats] = timings.map(({ median }) => value(median)) as [number, number];
    const name = 'generate, batch 1, Q4_0 (peer: our own float32)';
    return known({ name, unit: milliseconds.unit, ours: blocks, peer: floats, goal: 2, hostKernels });
  } finally {
    disposeTree(small);
  }
}

async function* fileRows(context: SuiteContext, file: string): AsyncIterable<BenchRow> {
  const { model, params } = await loadPretrained(file, { weights: 'blocks' });
  using _packed = model.pack(params);
  const python = await context.peer('open_models.py');
  const llama = context.options.peer ? await context.companion('llama-cpp.mjs') : undefined;
  const { seed } = context.options;
  const cases = [
    { name: `prompt of ${filePrompt}`, case: 'file-prompt', tokens: 1, arguments: { file, promptTokens: filePrompt } },
    {
      name: `prompt of ${filePrompt} and ${fileTokens} tokens`,
      case: 'file-generate',
      tokens: fileTokens,
      arguments: { file, promptTokens: filePrompt, newTokens: fileTokens },
    },
  ];
  for (const c of cases)
    for (const [peer, who] of [
      [python, 'transformers'],
      [llama, 'node-llama-cpp'],
    ] as const)
      yield await compare(context, {
        name: `${c.name}, batch 1 (peer: ${who})`,
        ...milliseconds,
        goal: 1,
        work: writing(model, params, 1, filePrompt, c.tokens, seed),
        against: { peer, case: c.case, arguments: c.arguments },
        sampling,
      });
  disposeTree(params);
}
