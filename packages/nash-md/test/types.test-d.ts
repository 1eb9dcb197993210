// Types of the public surface: checked by `tsc`, never run. A line under @ts-expect-error must not compile.
import type { LogitPolicy, Params, PreferenceFn, Schedule, TextCodec, Trainer, TrainerStep } from '@gimbal/tensor-core';
import {
  type CellResult,
  type Contestant,
  type DpoStep,
  DpoTrainer,
  type dualityGap,
  type elo,
  exploitability,
  iterate,
  type NashMdOptions,
  type NashMdStep,
  NashMdTrainer,
  nashAverage,
  type Opponent,
  type PlayedMatrix,
  type PreferenceMatrix,
  type Preview,
  preferenceMatrix,
  regularizedGame,
  type solveExact,
  type TabularStep,
  type TokenTable,
  tokenTable,
  type WinRateMatrix,
  winRateMatrix,
  winRates,
} from '../src/index.ts';

/** Fails to compile unless both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const check = <T extends true>(): T | undefined => undefined;

declare const params: Params;
declare const codec: TextCodec;
const table: TokenTable = tokenTable({ vocabulary: 3, length: 1 });
const policy: LogitPolicy = table;
const contestant: Contestant = { policy, params };

// coefficients: a number, or a function of the step
check<Same<NonNullable<NashMdOptions['klCoef']>, Schedule>>();
const coefficients: Schedule[] = [0.008, (step) => 0.1 / (step + 1)];
// @ts-expect-error not a list with one value an epoch
coefficients.push([0.1, 0.2]);

// opponents: each kind has what it needs, and nothing of the others
const opponents: Opponent[] = [
  { kind: 'mixture', mixtureCoef: 0.125 },
  { kind: 'mixture', mixtureCoef: (step) => step / 100 },
  { kind: 'ema', decay: 0.999 },
  { kind: 'ema', decay: 0.999, form: 'anchored' },
  { kind: 'fixed', contestant },
];
// @ts-expect-error a mixture has a weight
opponents.push({ kind: 'mixture' });
// @ts-expect-error the decay of an average is one number
opponents.push({ kind: 'ema', decay: (step: number) => step });
// @ts-expect-error a fixed opponent is somebody
opponents.push({ kind: 'fixed' });
// @ts-expect-error the mixture's weight is not the average's
opponents.push({ kind: 'ema', decay: 0.5, mixtureCoef: 0.1 });
// @ts-expect-error no such kind
opponents.push({ kind: 'self' });
declare const opponent: Opponent;
if (opponent.kind === 'fixed') check<Same<typeof opponent.contestant, Contestant>>();

// the trainer: needs what has no default; its options cover sync and async preferences
const preference: PreferenceFn = async (_, a) => a.map(() => 0.5);
const options: NashMdOptions = {
  ...{ policy, params, codec, prompts: ['a'], preference, maxNewTokens: 8, batchSize: 4, learningRate: 1e-3, seed: 0 },
};
const trainer: Trainer<NashMdStep> = new NashMdTrainer(options);
new NashMdTrainer({ ...options, objective: 'online-dpo', dpoLoss: 'sigmoid-norm', klCoef: (step) => 1 / (step + 1) });
new NashMdTrainer({ ...options, prompts: [{ prompt: 'a' }], preference: (_, a) => a.map(() => 0.5) });
// @ts-expect-error nobody says who is preferred
new NashMdTrainer({
  policy,
  params,
  codec,
  prompts: ['a'],
  maxNewTokens: 8,
  batchSize: 4,
  learningRate: 1e-3,
  seed: 0,
});
// @ts-expect-error no such objective
new NashMdTrainer({ ...options, objective: 'dpo' });
// @ts-expect-error only the distribution that is sampled from
new NashMdTrainer({ ...options, temperature: 0.7 });
// @ts-expect-error a policy without next-token logits cannot be mixed
new NashMdTrainer({ ...options, policy: { sample: policy.sample, logProbs: policy.logProbs } });
check<Same<Awaited<ReturnType<typeof NashMdTrainer.resume>>, NashMdTrainer>>();
declare const nash: NashMdTrainer;
check<Same<typeof nash.average, Params | undefined>>();
check<Same<ReturnType<typeof nash.deployable>, Contestant>>();

// a step is plain numbers, and a few texts
declare const step: NashMdStep;
const asAny: TrainerStep = step;
type Metric = 'step' | 'loss' | 'winRate' | 'kl' | 'klCoef' | 'mixtureCoef' | 'entropy' | 'length' | 'eosRate';
check<Same<NashMdStep[Metric | 'gradNorm' | 'learningRate'], number>>();
check<Same<typeof step.orderBias, number | undefined>>();
check<Same<typeof step.samples, readonly Preview[]>>();
for await (const s of nash.train({ steps: 1, signal: new AbortController().signal }))
  check<Same<typeof s, NashMdStep>>();
// @ts-expect-error steps are read, not written
step.loss = 0;

// DPO: pairs, and no preference function
declare const dpo: ConstructorParameters<typeof DpoTrainer>[0];
const offline: Trainer<DpoStep> = new DpoTrainer(dpo);
// @ts-expect-error nothing is asked
new DpoTrainer({ ...dpo, preference });

// games: float64 arrays, no promises
const P: PreferenceMatrix = preferenceMatrix([
  [0.5, 0.8],
  [0.2, 0.5],
]);
const game = regularizedGame(P, 0.1, [0.5, 0.5]);
check<Same<ReturnType<typeof solveExact>['policy'], Float64Array>>();
check<Same<ReturnType<typeof dualityGap>, number>>();
for (const row of iterate(game, { solver: 'nash-md', steps: 1 })) check<Same<typeof row, TabularStep>>();
// @ts-expect-error no such solver
iterate(game, { solver: 'nash', steps: 1 });

// measured win rates are a preference matrix: every measure of one takes them
const rates: WinRateMatrix = winRates([{ a: 'x', b: 'y', score: 0.5 }]);
const matrix: PreferenceMatrix = rates;
check<WinRateMatrix extends PreferenceMatrix ? true : false>();
check<Same<typeof rates.labels, readonly string[]>>();
exploitability(rates, nashAverage(rates).weights);
check<Same<ReturnType<typeof elo>, Float64Array>>();
// @ts-expect-error a preference matrix has no intervals
const measured: WinRateMatrix = P;
const cells = winRateMatrix(
  { a: contestant, b: nash.deployable('mixture') },
  { codec, preference, prompts: ['a'], maxNewTokens: 8, samplesPerCell: 10, seed: 0 },
);
check<typeof cells extends AsyncGenerator<CellResult, PlayedMatrix> ? true : false>();
check<PlayedMatrix extends WinRateMatrix ? true : false>();

void [coefficients, opponents, trainer, asAny, offline, matrix, measured];
