// The token policy that acting with vectors is compared with: the same decoder, with a learned vector for each context in
// place of a code, first trained as a language model on the same sentences.
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
  rng,
  StoppedError,
  type TextCodec,
  type TokenBatch,
} from '@gimbal/tensor-core';
import { codePolicy, specialIds, vec2text, wordTokenizer } from '@gimbal/vec2text';
import { gather, neg, type Scalar, sum, type Tensor2D, tensor1d, tidy } from '@tensorflow/tfjs-core';
import type { ClaimContext } from '../../../reproduce/claim.ts';
import { heldOutRows, once, trainingTexts, world } from './experiment.ts';

/** Contexts of the task. */
export const contexts = 8;
const [steps, batchSize] = [1500, 64];

const tokenizer = wordTokenizer(world.aish.words);
const ids = specialIds(tokenizer);
const module = vec2text({ vocabSize: tokenizer.size, ...ids });
const { maxLength, controlDim } = module.config;

/** Completions for prompts that are the numbers of contexts. */
export const contextPolicy: LogitPolicy = codePolicy(module, codesOf);

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

const models = new Map<number, Promise<Params>>();

/** Pretrained parameters: those of the decoder, and the contexts' vectors. Kept for the claims that follow. */
export const contextParams = (seed: number, c: ClaimContext): Promise<Params> =>
  once(models, seed, () => pretrain(seed, c));

interface Batch {
  target: TokenBatch;
  contexts: Int32Array;
}

const batchOf = (texts: readonly string[], of: Int32Array): Batch => ({
  target: padBatch(
    texts.map((text) => Int32Array.from([...tokenizer.encodeText(text), ids.eosId])),
    ids.padId,
  ),
  contexts: of,
});

/** Σ −log p over the tokens of sentences, each after its context's vector. */
function lossSum(params: Params, { target, contexts: of }: Batch): Scalar {
  const prompts: TokenBatch = { ids: of, width: 1, lengths: new Int32Array(of.length).fill(1) };
  return neg(sum(contextPolicy.logProbs(params, prompts, target))) as Scalar;
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
  const all = module.init(stream.split('init'));
  const decoder = filterTree(all, (path) => !/^(?:encoder|bottleneck)\./.test(path)) as Params;
  const table = stream.split('vectors').normalTensor([contexts, controlDim], 0, 0.1);
  const trainer = new LoopTrainer<Batch>({
    params: { ...decoder, contexts: table },
    batches,
    loss: (params, batch) => ({
      sum: lossSum(params, batch),
      weight: batch.target.lengths.reduce((a, b) => a + b, 0),
    }),
    options: {
      ...{ batchSize, maxGradNorm: 1, logEvery: 250, seed },
      optimizer: { name: 'adamw', weightDecay: 0.01 },
      learningRate: (step) =>
        2e-3 * Math.min(1, (step + 1) / 300) * (0.05 + 0.95 * 0.5 * (1 + Math.cos((Math.PI * step) / steps))),
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

/** Nats a token of held-out sentences under the language model. */
export async function lossOf(seed: number, c: ClaimContext): Promise<number> {
  const params = await contextParams(seed, c);
  const texts = heldOutRows(seed).map(({ text }) => text);
  let [loss, tokens] = [0, 0];
  for (let i = 0; i < texts.length; i += 250) {
    const some = texts.slice(i, i + 250);
    const batch = batchOf(
      some,
      Int32Array.from(some, (_, j) => (i + j) % contexts),
    );
    loss += tidy(() => lossSum(params, batch)).dataSync<'float32'>()[0] as number;
    tokens += batch.target.lengths.reduce((a, b) => a + b, 0);
  }
  return loss / tokens;
}
