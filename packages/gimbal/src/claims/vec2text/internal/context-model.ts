// The token policy that acting with vectors is compared with: the same decoder, with a learned vector for each context in
// place of a code, first trained as a language model on the same sentences. That language model is also the judge of what
// the claims' models write: no decoder judges itself.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { padBatch } from '@gimbal/language-models';
import {
  type BatchSource,
  cloneTree,
  disposeTree,
  EpochSampler,
  filterTree,
  type LogitPolicy,
  LoopTrainer,
  type Params,
  readSafetensors,
  rng,
  StoppedError,
  schedules,
  type TextCodec,
  type TokenBatch,
  writeSafetensors,
} from '@gimbal/tensor-core';
import { codePolicy, specialIds, vec2text, wordTokenizer } from '@gimbal/vec2text';
import { gather, neg, type Scalar, sum, type Tensor2D, tensor1d, tidy } from '@tensorflow/tfjs-core';
import type { ClaimContext } from '../../../reproduce/claim.ts';
import { heldOutRows, trainingTexts, world } from './language.ts';
import { modelsIn, once } from './once.ts';

/** Contexts of the task. */
export const contexts = 8;
const [steps, batchSize] = [1500, 64];

const tokenizer = wordTokenizer(world.aish.words);
const ids = specialIds(tokenizer);
const network = vec2text({ vocabSize: tokenizer.size, ...ids });
const { maxLength, controlDim } = network.config;

/** Completions for prompts that are the numbers of contexts. */
export const contextPolicy: LogitPolicy = codePolicy(network, codesOf);

function codesOf(params: Params, prompts: TokenBatch): Tensor2D {
  return gather(params.contexts as Tensor2D, tensor1d(prompts.ids, 'int32'));
}

/** Prompts `0` to `7`; completions as text. */
export const contextCodec: TextCodec = {
  encode: (texts) => ({
    ids: Int32Array.from(texts, Number),
    width: 1,
    lengths: new Int32Array(texts.length).fill(1),
  }),
  decode: (tokens) => tokenizer.decode(tokens),
};

/** Longest completion, the end included. */
export const longest = maxLength;

const models = new Map<string, Promise<Params>>();

/** Pretrained parameters: those of the decoder, and the contexts' vectors. Kept for the claims that follow, and on disk. */
export const contextParams = (seed: number, c: ClaimContext): Promise<Params> => {
  const path = join(modelsIn(c), `language-model-${seed}.safetensors`);
  return once(models, path, async () => {
    if (existsSync(path)) return readSafetensors(path);
    const params = await pretrain(seed, c);
    await writeSafetensors(path, params);
    return params;
  });
};

interface Batch {
  target: TokenBatch;
  contexts: Int32Array;
}

const batchOf = (texts: readonly string[], of: Int32Array): Batch => ({
  target: padBatch(
    // a decoder that came to no end fills all positions: there is none for an end
    texts.map((text) => Int32Array.from([...tokenizer.encodeText(text), ids.eosId].slice(0, maxLength))),
    ids.padId,
  ),
  contexts: of,
});

/** log p of the tokens of sentences [B,T], each after its context's vector; 0 where a sentence is over. */
function logProbs(params: Params, { target, contexts: of }: Batch): Tensor2D {
  const prompts: TokenBatch = { ids: of, width: 1, lengths: new Int32Array(of.length).fill(1) };
  return contextPolicy.logProbs(params, prompts, target);
}

async function pretrain(seed: number, { signal, note }: ClaimContext): Promise<Params> {
  const stream = rng(seed).split('contexts');
  const texts = trainingTexts(seed);
  const sampler = new EpochSampler(texts.length, { batchSize, rng: stream.split('data') });
  const batches: BatchSource<Batch> = {
    next: () => {
      const rows = sampler.next();
      return batchOf(
        Array.from(rows, (i) => texts[i] as string),
        rows.map((i) => i % contexts),
      );
    },
    state: () => sampler.state(),
    restore: (s) => sampler.restore(s),
  };
  const all = network.init(stream.split('init'));
  const decoder = filterTree(all, (path) => !/^(?:encoder|bottleneck)\./.test(path)) as Params;
  const table = stream.split('vectors').normalTensor([contexts, controlDim], 0, 0.1);
  const trainer = new LoopTrainer<Batch>({
    params: { ...decoder, contexts: table },
    batches,
    loss: (params, batch) => ({
      sum: neg(sum(logProbs(params, batch))) as Scalar,
      weight: batch.target.lengths.reduce((a, b) => a + b, 0),
    }),
    options: {
      ...{ batchSize, maxGradNorm: 1, logEvery: 250, seed },
      optimizer: { name: 'adamw', weightDecay: 0.01 },
      learningRate: schedules.cosine({ peak: 2e-3, steps, warmup: 300, final: 1e-4 }),
    },
  });
  disposeTree(all);
  table.dispose();
  try {
    for await (const { step, loss } of trainer.train({ steps, signal }))
      note(`language model, seed ${seed}: step ${step}, loss ${loss.toFixed(3)}`);
    if (trainer.stopReason === 'signal')
      throw new StoppedError({
        where: 'gimbal reproduce vec2text',
        what: 'stopped while a language model was trained',
      });
    return cloneTree(trainer.params); // outlives the trainer
  } finally {
    trainer.dispose();
  }
}

/** How likely texts are under the language model of a seed. */
export interface Likelihood {
  /** Mean log-probability of a token of each text, its end included; contexts take turns. */
  score(texts: readonly string[]): Promise<number[]>;
  /** Nats a token, over all tokens of all texts. */
  loss(texts: readonly string[]): number;
}

/** The language model of a seed, to judge texts by. */
export async function languageModelOf(seed: number, c: ClaimContext): Promise<Likelihood> {
  const params = await contextParams(seed, c);
  const sums = (texts: readonly string[]): { logProb: number; tokens: number }[] => {
    const rows: { logProb: number; tokens: number }[] = [];
    for (let i = 0; i < texts.length; i += 250) {
      const some = texts.slice(i, i + 250);
      const batch = batchOf(
        some,
        Int32Array.from(some, (_, j) => (i + j) % contexts),
      );
      const found = tidy(() => sum(logProbs(params, batch), 1)).dataSync<'float32'>();
      batch.target.lengths.forEach((tokens, j) => {
        rows.push({ logProb: found[j] as number, tokens });
      });
    }
    return rows;
  };
  return {
    score: async (texts) => sums(texts).map(({ logProb, tokens }) => logProb / tokens),
    loss: (texts) => {
      const rows = sums(texts);
      return -rows.reduce((s, { logProb }) => s + logProb, 0) / rows.reduce((n, { tokens }) => n + tokens, 0);
    },
  };
}

/** Nats a token of held-out sentences under the language model. */
export async function lossOf(seed: number, c: ClaimContext): Promise<number> {
  return (await languageModelOf(seed, c)).loss(heldOutRows(seed).map(({ text }) => text));
}
