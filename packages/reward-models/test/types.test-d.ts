// Types of the public surface: checked by `tsc`, never run. A line under @ts-expect-error must not compile.
import type { Classifier, Dataset, Tokenizer } from '@gimbal/language-models';
import type { Monitor, Params, PreferenceFn, RewardFn, Trainer, TrainStep } from '@gimbal/tensor-core';
import {
  type AskedReward,
  classifierJudge,
  type EntailmentJudge,
  ensemble,
  entailmentReward,
  hackingMonitor,
  type JudgeOptions,
  type LoadedReward,
  lengthReward,
  loadReward,
  mixRewards,
  type PreferenceModel,
  type PreferenceTrainer,
  preferenceFn,
  type preferenceFromReward,
  type RewardModel,
  type RewardOptions,
  type RewardTrainer,
  rewardFn,
  type SlotJudgeOptions,
  type SlotJudgeTrainer,
  type WarmOptions,
} from '../src/index.ts';

/** Fails to compile unless both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const check = <T extends true>(): T | undefined => undefined;

declare const model: Classifier;
declare const params: Params;
declare const tokenizer: Tokenizer;
declare const data: Dataset;

// a folder that is asked for by kind goes straight into the function of that kind
const reward = await loadReward('folder', { kind: 'bradley-terry' });
check<Same<typeof reward, AskedReward<RewardModel>>>();
const scores: RewardFn = rewardFn(reward.model, reward.params, reward.tokenizer);
const preference = await loadReward('folder', { kind: 'pairwise' });
check<Same<typeof preference, AskedReward<PreferenceModel>>>();
const prefers: PreferenceFn = preferenceFn(preference.model, preference.params, preference.tokenizer);
// @ts-expect-error a preference model scores no single answer
rewardFn(preference.model, preference.params, preference.tokenizer);
// @ts-expect-error a judge is loaded by loadClassifier
loadReward('folder', { kind: 'entailment' });
// one of whatever kind says which, and may have no tokenizer
const either = await loadReward('folder');
check<Same<typeof either, LoadedReward>>();
// @ts-expect-error it may be a preference model, without a tokenizer
rewardFn(either.model, either.params, either.tokenizer);
if (either.model.kind === 'bradley-terry' && either.tokenizer) {
  rewardFn(either.model, either.params, either.tokenizer);
}

// rewards are rewards to a mixture, an ensemble and a preference, whoever made them
const mixture = mixRewards([
  { name: 'model', weight: 1, fn: scores },
  { name: 'length', weight: (step) => step / 100, fn: lengthReward({ max: 20 }) },
]);
const all: RewardFn[] = [scores, mixture.fn, ensemble([scores, mixture.fn], { reduce: { meanMinusVariance: 1 } })];
check<Same<ReturnType<typeof preferenceFromReward>, PreferenceFn>>();
// @ts-expect-error a part has a name
mixRewards([{ weight: 1, fn: scores }]);
// @ts-expect-error no such way to combine
ensemble(all, { reduce: 'max' });

// a judge: nothing is assumed of its classes, nor of empty texts
const judge: EntailmentJudge = classifierJudge(model, params, tokenizer, {
  labels: { entailment: 0, neutral: 1, contradiction: 2 },
  emptyPolicy: 'reject',
  tooLong: 'abstain',
});
const entails: RewardFn = entailmentReward(judge);
// @ts-expect-error what an empty text is has to be said
classifierJudge(model, params, tokenizer, { labels: { entailment: 0, other: 1 } });
// @ts-expect-error a hypothesis is never cut
const cut: JudgeOptions['tooLong'] = 'cut';

const monitor: Monitor = hackingMonitor({ control: entails, patience: 3 });
// @ts-expect-error patience has no default
hackingMonitor({ control: entails });

// trainers are trainers; what a judge of clauses would ignore is no option of it
declare const trainers: [RewardTrainer, PreferenceTrainer, SlotJudgeTrainer];
const same: readonly Trainer<TrainStep>[] = trainers;
check<Same<Awaited<ReturnType<typeof SlotJudgeTrainer.resume>>, SlotJudgeTrainer>>();
const options: RewardOptions = { model: reward.model, params, tokenizer, data, seed: 0 };
// @ts-expect-error a seed has to be given
const seedless: RewardOptions = { model: reward.model, params, tokenizer, data };
// @ts-expect-error no row of clauses is long
const slots: SlotJudgeOptions = { words: [], data, seed: 0, overflow: 'cut' };
// @ts-expect-error members are ranked when they are done, none is evaluated before
const early: Partial<WarmOptions> = { evalEvery: 10 };

export { cut, early, monitor, options, prefers, same, seedless, slots };
