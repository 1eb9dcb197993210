// Three ways to the same task: policy gradient on vectors, the cross-entropy method on vectors, policy gradient on tokens.
// Each may score 19,200 texts.
import { baselineAdvantages, surrogates, TokenPolicyTrainer } from '@gimbal/fma-pg';
import {
  createOptimizer,
  disposeTree,
  distributions,
  type Params,
  type RewardFn,
  rng,
  StoppedError,
  valueAndGrad,
  variables,
} from '@gimbal/tensor-core';
import { asActionSpace, decodeCodes, optimise, type Vec2Text } from '@gimbal/vec2text';
import {
  gather,
  type Scalar,
  type Tensor,
  type Tensor1D,
  tensor1d,
  tensor2d,
  tidy,
  zeros,
} from '@tensorflow/tfjs-core';
import { contextCodec, contextPolicy, contexts, longest } from './context-model.ts';
import type { Task } from './task.ts';

/** Texts a run may score. */
export const episodes = 19_200;
const [batch, perContext] = [64, 8];
const updates = episodes / batch;
const prompts = Array.from({ length: contexts }, (_, i) => String(i));

/** What a run ends with, greedily. */
export interface Outcome {
  reward: number;
  /** share of contexts fully right */
  met: number;
}

/** When a run is looked at, in texts scored, and what was found then. */
export type Curve = { episodes: number; reward: number }[];

const looks = new Set([2432, 4800, 9600, 19_200]); // 2.4k, in whole updates

/** REINFORCE on the parameters of a normal distribution over whitened vectors for each context. */
export async function vectorPolicyGradient(
  model: Vec2Text,
  task: Task,
  seed: number,
  signal: AbortSignal,
): Promise<Outcome & { curve: Curve }> {
  const stream = rng(seed).split('vectorPolicyGradient');
  const space = asActionSpace(model);
  const [k] = space.shape;
  const params = variables({ mean: zeros([contexts, k]), logStd: zeros([contexts, k]) });
  const optimizer = createOptimizer({ name: 'adam', groups: [{ match: 'logStd', learningRateScale: 0.2 }] });
  const state = optimizer.init(params);
  const loss = surrogates.reinforce();
  const rows = Int32Array.from({ length: batch }, (_, i) => Math.floor(i / perContext));
  const asked = Array.from(rows, String);
  const policyOf = (p: Params) => {
    const at = tensor1d(rows, 'int32');
    return distributions.diagonalGaussian({
      mean: gather(p.mean as Tensor, at),
      logStd: gather(p.logStd as Tensor, at),
    });
  };
  const curve: Curve = [];
  const greedy = async (): Promise<Outcome> => {
    const z = space.toCode((params.mean as Tensor).dataSync<'float32'>() as Float32Array);
    return task.score((await decodeCodes(model, z, { project: true, signal })).map(({ text }) => text));
  };
  try {
    for (let update = 0; update < updates; update++) {
      const actions = tidy(() => policyOf(params).sample(stream.split(update)).dataSync<'float32'>() as Float32Array);
      const texts = (await decodeCodes(model, space.toCode(actions), { project: true, signal })).map(
        ({ text }) => text,
      );
      const rewards = await task.reward(asked, texts);
      const advantages = baselineAdvantages(rewards, rows, { baseline: 'leave-one-out', normalize: 'batch' });
      const { value, grads } = valueAndGrad((p: Params): Scalar => {
        const logProbs = policyOf(p).logProb(tensor2d(actions, [batch, k])) as Tensor1D;
        const old = logProbs.dataSync<'float32'>().slice();
        return loss({ logProbs, oldLogProbs: tensor1d(old), advantages: tensor1d(advantages) }).loss;
      })(params);
      value.dispose();
      optimizer.update(params, grads, state, 0.05);
      disposeTree(grads);
      const scored = (update + 1) * batch;
      if (looks.has(scored)) curve.push({ episodes: scored, reward: (await greedy()).reward });
    }
    return { ...(await greedy()), curve };
  } finally {
    disposeTree(params);
    disposeTree(state);
  }
}

/** The cross-entropy method, a search for each context. */
export async function crossEntropyMethod(
  model: Vec2Text,
  task: Task,
  seed: number,
  signal: AbortSignal,
): Promise<Outcome> {
  const texts: string[] = [];
  for (const prompt of prompts) {
    const stream = rng(seed).split('crossEntropyMethod').split(prompt);
    const search = optimise(model, task.reward, { episodes: episodes / contexts, prompt, rng: stream, signal });
    for (;;) {
      const next = await search.next();
      if (!next.done) continue;
      texts.push(next.value.mean.text);
      break;
    }
  }
  return task.score(texts);
}

/** REINFORCE on the tokens of a pretrained decoder. */
export async function tokenPolicyGradient(
  start: Params,
  task: Task,
  o: { seed: number; learningRate: number; signal: AbortSignal },
): Promise<Outcome & { curve: Curve }> {
  const reward: RewardFn = task.reward;
  const trainer = new TokenPolicyTrainer({
    ...{ policy: contextPolicy, params: start, codec: contextCodec, prompts, reward },
    ...{ klCoef: 0, credit: 'sequence', baseline: 'leave-one-out', normalizeAdvantage: 'batch' },
    ...{ batchSize: batch, samplesPerPrompt: perContext, maxNewTokens: longest, maxGradNorm: 1, seed: o.seed },
    surrogate: surrogates.reinforce({ aggregate: 'row-mean' }),
    optimizer: { name: 'adam' },
    learningRate: o.learningRate,
  });
  const curve: Curve = [];
  const greedy = async (): Promise<Outcome> => {
    const encoded = contextCodec.encode(prompts);
    const stream = rng(o.seed).split('greedy');
    const found = await contextPolicy.sample(trainer.params, encoded, {
      temperature: 0,
      maxNewTokens: longest,
      rng: stream,
    });
    return task.score(contextCodec.decode(found));
  };
  try {
    for await (const { step } of trainer.train({ steps: updates, signal: o.signal })) {
      if (looks.has(step * batch)) curve.push({ episodes: step * batch, reward: (await greedy()).reward });
    }
    if (o.signal.aborted)
      throw new StoppedError({ where: 'gimbal reproduce vec2text', what: 'stopped while a policy was trained' });
    return { ...(await greedy()), curve };
  } finally {
    trainer.dispose();
  }
}
