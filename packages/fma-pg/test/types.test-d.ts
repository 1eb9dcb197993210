// Types of the public surface: checked by `tsc`, never run. A line under @ts-expect-error must not compile.
import type { Env, Params, RewardFn, TextCodec, TokenPolicy, Trainer } from '@gimbal/tensor-core';
import type { Scalar, Tensor2D } from '@tensorflow/tfjs-core';
import {
  type Anneal,
  baselineAdvantages,
  type EnvSource,
  type Evaluation,
  evaluate,
  klRewards,
  linear,
  mdps,
  OffPolicyAgent,
  type OffPolicyOptions,
  type OffPolicyStep,
  OnPolicyAgent,
  type OnPolicyOptions,
  type OnPolicyStep,
  type offPolicyDefaults,
  type onPolicyDefaults,
  ppo,
  type Surrogate,
  type SurrogateName,
  sac,
  surrogates,
  type TabularIteration,
  type TabularMethod,
  type TokenPolicyOptions,
  type TokenPolicyStep,
  TokenPolicyTrainer,
  tabularFmaPg,
  tokenPresets,
} from '../src/index.ts';

/** Fails to compile unless both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const check = <T extends true>(): T | undefined => undefined;

declare const makeEnv: () => Env;
declare const policy: TokenPolicy;
declare const params: Params;
declare const codec: TextCodec;
declare const reward: RewardFn;
declare const rows: Tensor2D;

// surrogates: pure functions; options that may change over the run are numbers, lines or functions of its share
const loss: Scalar = surrogates.sppo()({ logProbs: rows, oldLogProbs: rows, advantages: rows }).loss;
const falling: Anneal[] = [0.2, linear(0.2, 0), (done) => 0.2 * (1 - done)];
void surrogates.ppoClip({ clipEpsilon: { low: linear(0.2, 0), high: 0.3 } });
// @ts-expect-error a side alone
void surrogates.ppoClip({ clipEpsilon: { low: 0.2 } });
// @ts-expect-error SPMA's KL is that of the samples
void surrogates.spma({ klEstimator: 'k1' });
// @ts-expect-error only a clip may be optimistic
void surrogates.ppoClip({ pessimistic: false });
// @ts-expect-error it reads what the policy that acted thought
void surrogates.ratio()({ logProbs: rows, advantages: rows });
check<Same<SurrogateName, 'reinforce' | 'ratio' | 'ppoClip' | 'ppoKl' | 'mdpo' | 'smdpo' | 'sppo' | 'spma' | 'mpo'>>();
check<Same<Surrogate['replay'], boolean | undefined>>();

// tables: no tensors; each inner loop has its own options
const table: Iterable<TabularIteration> = tabularFmaPg(mdps.cliffWorld(), {
  ...{ method: 'smdpo', eta: 1, inner: { kind: 'closed-form' }, iterations: 3 },
});
void tabularFmaPg(mdps.bandit([0, 1]), {
  method: 'trpo',
  inner: { kind: 'constrained', delta: 0.1, steps: 1 },
  iterations: 1,
});
// @ts-expect-error how is it maximised?
void tabularFmaPg(mdps.cliffWorld(), { method: 'smdpo', eta: 1, iterations: 3 });
// @ts-expect-error a step size is of the fixed loop
void tabularFmaPg(mdps.cliffWorld(), { method: 'ppo', inner: { kind: 'closed-form', alpha: 1 }, iterations: 3 });
check<Same<TabularMethod, 'reinforce' | 'cpi' | 'npg' | 'trpo' | 'ppo' | 'mdpo' | 'smdpo' | 'sppo' | 'mpo'>>();

// agents: an environment and a seed are enough
const least: OnPolicyOptions = { env: makeEnv, seed: 0 };
void OnPolicyAgent.create({ ...least, ...ppo(), learningRate: linear(3e-4, 0), normalize: { obs: true } });
void OffPolicyAgent.create({ ...sac(), env: makeEnv, seed: 0, buffer: { capacity: 1000, her: { strategy: 'final' } } });
const source: EnvSource = async () => makeEnv();
// @ts-expect-error no seed, no run that can be repeated
const seedless: OnPolicyOptions = { env: makeEnv };
// @ts-expect-error further losses are of agents on policy
const further: OffPolicyOptions = { env: makeEnv, seed: 0, auxLosses: [] };
declare const agent: OnPolicyAgent;
const trainer: Trainer<OnPolicyStep> = agent;
const off: Trainer<OffPolicyStep> = {} as OffPolicyAgent;
const played: Promise<Evaluation> = evaluate(agent, { episodes: 2, seed: 1 });
check<Same<(typeof onPolicyDefaults)['valueCoef'], 0.5>>();
check<Same<(typeof offPolicyDefaults)['algorithm'], 'sac'>>();

// tokens: any policy, any reward
const tokens: TokenPolicyOptions = {
  ...{ policy, params, codec, reward, prompts: ['a', { prompt: 'b', answer: 4 }], maxNewTokens: 4 },
  ...{ batchSize: 2, learningRate: 0.1, seed: 0 },
};
const learns: Trainer<TokenPolicyStep> = new TokenPolicyTrainer({ ...tokens, ...tokenPresets.grpo() });
void new TokenPolicyTrainer({ ...tokens, missingEos: 'mask', klCoef: (step) => 0.1 / (1 + step) });
// @ts-expect-error an end is worth something, or takes something off
void new TokenPolicyTrainer({ ...tokens, missingEos: {} });
// @ts-expect-error no such preset
void tokenPresets.dpo;
// @ts-expect-error two names for one thing: this one is nobody's
void baselineAdvantages([1, 2], Int32Array.of(0, 0), { baseline: 'group', normalise: 'group' });
// @ts-expect-error which of the two mixtures?
void klRewards(rows, rows, rows, Float32Array.of(1), { klCoef: 0.1 });
check<Same<TokenPolicyStep['klK3'], number>>();

void [loss, falling, table, source, seedless, further, trainer, off, played, learns];
