// Acting by emitting a vector: an environment of one-step episodes. It shows a prompt, as numbers; the action is a code, in
// whitened coordinates; the decoded text is scored.

import type { Env, EnvStep, RewardFn, Rng } from '@gimbal/tensor-core';
import { ConfigError, optionNames, rng, ShapeError } from '@gimbal/tensor-core';
import { argMax, sum, tensor2d, tidy } from '@tensorflow/tfjs-core';
import { codePolicy, numberedRows } from '../decoding/code-policy.ts';
import { checkKnown } from '../internal/check-names.ts';
import { refusal } from '../internal/refuse.ts';
import type { Vec2Text } from '../model/module.ts';
import { holdPacked } from '../model/trained.ts';
import type { Codes } from '../space/codes.ts';
import { type ActionSpaceOptions, asActionSpace } from './action-space.ts';
import { checkedRewards } from './rewards.ts';

/** What is asked, and how the answer is scored. */
export interface TextEnvOptions extends ActionSpaceOptions {
  /** An episode shows one of them, each equally likely. */
  prompts: readonly string[];
  /** What an agent sees of a prompt: as many numbers for each. */
  observe(prompt: string): Float32Array;
  /** Scores the decoded text at once: an environment's step does not wait, so no promises. */
  reward: RewardFn;
  /** Of the order of prompts, until `reset` is given another. */
  seed: number;
}

const names = optionNames<TextEnvOptions>({
  ...{ prompts: true, observe: true, reward: true, seed: true, coordinates: true, bound: true },
});

/**
 * An environment whose action is a vector of the control space [k] and whose reward is that of its text. Steps tell
 * `{ prompt, text }` in `info`. The model stays the caller's.
 * @throws ConfigError for no prompts, a space without bounds (`UNBOUNDED`); ShapeError for observations of different sizes
 * @example const agent = await OnPolicyAgent.create({ env: () => textEnv(model, { prompts, observe, reward, seed: 0 }), seed: 0 });
 */
export function textEnv(model: Vec2Text, o: TextEnvOptions): Env {
  const where = 'textEnv';
  checkKnown(where, o, names);
  const { prompts, reward } = o;
  for (const [name, value] of Object.entries({ observe: o.observe, reward }))
    if (typeof value !== 'function')
      throw refusal('CONFIG', { where: `${where}.${name}`, what: 'no function', got: typeof value });
  if (!Array.isArray(prompts))
    throw refusal('CONFIG', { where: `${where}.prompts`, what: 'no list of prompts', got: typeof prompts });
  if (prompts.length === 0)
    throw new ConfigError({ where: `${where}.prompts`, what: 'there is none', wanted: 'at least one' });
  const seen = prompts.map((prompt, i) => {
    const numbers: unknown = o.observe(prompt);
    if (Array.isArray(numbers) || ArrayBuffer.isView(numbers)) return Float32Array.from(numbers as Float32Array);
    const what = `prompt ${i} is seen as no list of numbers`;
    throw refusal('CONFIG', { where: `${where}.observe`, what, got: typeof numbers, wanted: 'a Float32Array' });
  });
  const size = (seen[0] as Float32Array).length;
  const odd = seen.findIndex((x) => x.length !== size);
  if (size === 0 || odd >= 0)
    throw new ShapeError({
      where: `${where}.observe`,
      what: `prompt ${Math.max(odd, 0)} is seen as another number of numbers`,
      got: seen[Math.max(odd, 0)]?.length,
      wanted: size === 0 ? 'at least one' : size,
    });
  const blind = seen.findIndex((x) => !x.every(Number.isFinite));
  if (blind >= 0) {
    const what = `prompt ${blind} is seen as what is no finite number`;
    throw refusal('NOT_FINITE', {
      where: `${where}.observe`,
      what,
      got: seen[blind]?.find((x) => !Number.isFinite(x)),
    });
  }
  const actions = asActionSpace(model, {
    ...(o.coordinates !== undefined && { coordinates: o.coordinates }),
    ...(o.bound !== undefined && { bound: o.bound }),
  });
  const [k] = actions.shape;
  let stream: Rng = rng(o.seed).split('env');
  let current: number | undefined;
  const dispose = (): void => {};
  return {
    spec: { id: 'TextEnv-v0', dtSeconds: 1, maxSteps: 1 },
    observationSpace: {
      kind: 'box',
      shape: [size],
      dtype: 'float32',
      low: new Float64Array(size).fill(Number.NEGATIVE_INFINITY),
      high: new Float64Array(size).fill(Number.POSITIVE_INFINITY),
    },
    actionSpace: {
      kind: 'box',
      shape: [k],
      dtype: 'float32',
      low: Float64Array.from(actions.low),
      high: Float64Array.from(actions.high),
    },
    reset({ seed } = {}) {
      if (seed !== undefined) stream = rng(seed).split('env');
      current = stream.int(prompts.length);
      return { obs: (seen[current] as Float32Array).slice(), info: { prompt: prompts[current] } };
    },
    step(action): EnvStep {
      if (current === undefined)
        throw new ConfigError({ where: `${where}.step`, what: 'the episode has ended', fix: 'Call reset first' });
      // two codes are a multiple of one, too: only one is an action
      const numbers = typeof action === 'number' ? undefined : action.length;
      if (numbers !== k) {
        const what = 'the action is a vector of the space';
        throw refusal('SHAPE', { where: `${where}.step`, what, got: numbers ?? action, wanted: `${k} numbers` });
      }
      const prompt = prompts[current] as string;
      const [text] = decodeNow(model, actions.toCode(action as Float32Array)) as [string];
      const rewards = reward([prompt], [text]);
      if (!Array.isArray(rewards) && !ArrayBuffer.isView(rewards)) {
        // one that fails would end the process: what it says is not waited for
        Promise.resolve(rewards).catch(() => undefined);
        const fix = 'Give a reward that answers at once, or use optimise, which waits';
        throw refusal('CONFIG', { where: `${where}.reward`, what: 'a step does not wait for promises', fix });
      }
      const [scored] = checkedRewards(rewards as ArrayLike<number | null>, [text]) as [number];
      if (scored === Number.NEGATIVE_INFINITY)
        throw refusal('CONFIG', {
          where: `${where}.reward`,
          what: `no reward for ‘${text}’`,
          got: null,
          wanted: 'a number',
        });
      const obs = (seen[current] as Float32Array).slice();
      current = undefined;
      return { obs, reward: scored, terminated: true, truncated: false, info: { prompt, text } };
    },
    close: dispose,
    [Symbol.dispose]: dispose,
  };
}

/** Greedy texts of codes inside the space, at once. */
function decodeNow(model: Vec2Text, z: Codes): string[] {
  const { module, params, tokenizer } = model;
  const { controlDim, maxLength, eosId } = module.config;
  const n = z.length / controlDim;
  holdPacked(model);
  const policy = codePolicy(module, () => tensor2d(z, [n, controlDim]));
  using state = policy.begin(params, numberedRows(n), { maxNewTokens: maxLength });
  const rows: number[][] = Array.from({ length: n }, () => []);
  const open = new Set(rows.keys());
  let append: Int32Array | undefined;
  for (let t = 0; t < maxLength && open.size > 0; t++) {
    const last = append;
    const [ids, sums] = tidy(() => {
      const logits = policy.next(params, state, last);
      return [argMax(logits, -1).dataSync<'int32'>(), sum(logits, -1).dataSync<'float32'>()];
    }) as unknown as [Int32Array, Float32Array];
    // of logits that are none, argMax makes a token all the same
    if (sums.some((x) => !Number.isFinite(x)))
      throw refusal('NOT_FINITE', { where: 'textEnv', what: 'the model’s logits are no finite numbers' });
    for (const row of open) {
      if (ids[row] === eosId) open.delete(row);
      else (rows[row] as number[]).push(ids[row] as number);
    }
    append = Int32Array.from(ids);
  }
  return rows.map((ids) => tokenizer.decodeIds(ids));
}
