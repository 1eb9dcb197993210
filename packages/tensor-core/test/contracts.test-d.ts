// Types of the contracts between packages: checked by `tsc`, never run. A line under @ts-expect-error must not compile.
import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { extensions } from '../../tensor-native/src/extensions.ts';
import type { BackendExtensions, BlockWeight } from '../src/backend/extensions.ts';
import {
  type AutoresetMode,
  createOptimizer,
  type DecodeState,
  type Env,
  type LogitPolicy,
  type LoopOptions,
  LoopTrainer,
  loopDefaults,
  type Monitor,
  type OptimizerOptions,
  type Params,
  type PreferenceFn,
  type ResolvedLoopOptions,
  type RewardFn,
  type SampleOptions,
  type Schedule,
  type Space,
  type TextCodec,
  type TokenBatch,
  type TokenPolicy,
  type Trainer,
  type TrainerStep,
  type TrainStep,
  useBackend,
  type VectorEnv,
} from '../src/index.ts';

/** Fails to compile unless both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const check = <T extends true>(): T | undefined => undefined;

declare const batch: TokenBatch;
declare const params: Params;
declare const o: SampleOptions;

// a policy of one's own needs two methods; whole distributions need three more, and `hidden` is free to be absent
const tokens: TokenPolicy = { sample: async () => batch, logProbs: () => ({}) as Tensor2D };
const logits: LogitPolicy = {
  ...tokens,
  logits: () => ({}) as Tensor3D,
  begin: () => ({}) as DecodeState,
  next: (_params, _state, _append?: Int32Array) => ({}) as Tensor2D,
};
const asTokens: TokenPolicy = logits;
check<Same<ReturnType<TokenPolicy['sample']>, Promise<TokenBatch>>>();
check<Same<LogitPolicy['hidden'], NonNullable<LogitPolicy['hidden']> | undefined>>();
// @ts-expect-error a policy of tokens has no distribution to ask for
const noLogits: LogitPolicy = tokens;
// @ts-expect-error a sample needs a limit
void tokens.sample(params, batch, { rng: o.rng });
// @ts-expect-error and a stream to draw from
void tokens.sample(params, batch, { maxNewTokens: 4 });

// rewards: plain or async, null for no reward, rows optional
const length: RewardFn = (_prompts, completions) => completions.map((c) => c.length || null);
const asked: RewardFn = async (prompts, _completions, rows) => prompts.map((_, i) => (rows?.[i] ? 1 : 0));
const shorter: PreferenceFn = (_prompts, a, b) => a.map((text, i) => (text.length < (b[i] as string).length ? 1 : 0));
// @ts-expect-error a text is no reward
const words: RewardFn = (_prompts, completions) => [...completions];
// @ts-expect-error a preference is a number for every row
const unsure: PreferenceFn = (prompts) => prompts.map(() => null);
const monitor: Monitor = {
  check: async (step) => [{ monitor: 'm', step, message: '', value: 1, limit: 0, stop: true }],
};

const codec: TextCodec = { encode: () => batch, decode: (rows) => Array.from(rows.lengths, () => '') };

// a trainer gives flat steps: every field but `step` is a number
declare const trainer: Trainer<TrainStep>;
check<Same<Awaited<ReturnType<typeof trainer.run>>, TrainStep | undefined>>();
check<Same<TrainStep['loss'], number>>();
check<Same<TrainStep['anything'], number>>();
const plain: Trainer = trainer;
const mine: Trainer<TrainerStep & { reward: number }> = trainer as never;
// @ts-expect-error how far is not optional
void trainer.train({});
// @ts-expect-error what a step is, is read only
((await trainer.run({ steps: 1 })) as TrainStep).step = 2;

// options: some are needed, the rest have defaults, and a resolved set has them all
const least: LoopOptions = { learningRate: 1e-3, batchSize: 8, seed: 0 };
const scheduled: Schedule = (step) => 1 / (1 + step);
const full: ResolvedLoopOptions = { ...least, ...loopDefaults, learningRate: scheduled };
check<Same<typeof full.keepCheckpoints, number>>();
// @ts-expect-error a seed is never left to chance
const seedless: LoopOptions = { learningRate: 1e-3, batchSize: 8 };
// @ts-expect-error no such overflow
const wrongOverflow: LoopOptions = { ...least, overflow: 'wrap' };
// @ts-expect-error no such precision
const wrongPrecision: LoopOptions = { ...least, precision: 'fp16' };
const loop = new LoopTrainer({ params, batches: {} as never, loss: () => ({}) as never, options: least });
const asTrainer: Trainer<TrainStep> = loop;

// optimisers are told apart by name, each with its own options
const muon: OptimizerOptions = { name: 'muon', updateScale: 'rms', others: { learningRateScale: 0.5 } };
createOptimizer(muon).init(params).step.dispose();
// @ts-expect-error Lion has no epsilon
createOptimizer({ name: 'lion', epsilon: 1e-8 });
// @ts-expect-error no such optimiser
createOptimizer({ name: 'adamx' });
// @ts-expect-error no such backend
void useBackend('gpu');

// what `native` offers, which imports nothing from here, is what the library asks a backend for
declare const offered: typeof extensions;
const asExtensions: BackendExtensions = offered;
check<Same<Parameters<typeof extensions.blockWeight>[0], BlockWeight>>();

// environments: spaces are told apart by kind, one copy is synchronous and many are not
const size = (space: Space): number =>
  space.kind === 'box' ? space.low.length : space.kind === 'discrete' ? space.n : 0;
declare const env: Env;
declare const many: VectorEnv;
check<Same<typeof many.autoresetMode, AutoresetMode>>();
check<Same<ReturnType<Env['step']>['terminated'], boolean>>();
const reward: Float32Array = (await many.step(new Float32Array(4))).reward;
// @ts-expect-error one step of one copy is not waited for
void env.step(0).then();
// @ts-expect-error actions of many copies are one array
void many.step([1, 2]);

void [asTokens, noLogits, length, asked, shorter, words, unsure, monitor, codec, plain, mine, seedless];
void [wrongOverflow, wrongPrecision, asTrainer, asExtensions, size, reward];
