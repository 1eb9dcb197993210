// The kinds of members that WARM averages: how one of each is trained, how good it is, and how it is kept.
import {
  type Classifier,
  ClassifierTrainer,
  classifier,
  classify,
  labelledRows,
  saveClassifier,
} from '@gimbal/language-models';
import type { Params } from '@gimbal/tensor-core';
import { pairTexts, preferencePairs } from '../data/preference-pairs.ts';
import { type PairRow, pairwiseAccuracy, preferenceAccuracy } from '../evaluation/accuracy.ts';
import type { PreferenceModel } from '../models/preference-model.ts';
import type { RewardModel } from '../models/reward-model.ts';
import { saveReward } from '../pretrained/reward-folder.node.ts';
import { preferenceFn } from '../scoring/preference-fn.ts';
import { type RewardStats, rewardFn, rewardStats } from '../scoring/reward-fn.ts';
import { PreferenceTrainer } from '../training/preference-trainer.ts';
import { RewardTrainer } from '../training/reward-trainer.ts';
import type { MemberRun, MemberTrainer, WarmOptions } from './warm-options.ts';

/** What WARM does with members, whatever they are. */
export interface MemberKind {
  readonly name: 'bradley-terry' | 'pairwise' | 'classifier';
  readonly classifier: Classifier;
  /** A new trainer, or one that goes on from a checkpoint folder. */
  train(run: MemberRun, from: string | undefined): Promise<MemberTrainer>;
  /** Share of the selection rows that is right. */
  rank(params: Params): Promise<number>;
  save(folder: string, params: Params): Promise<void>;
  /** Scale of the scores on the answers of the selection rows; undefined for what has none. */
  stats?(params: Params): Promise<RewardStats>;
}

/** @throws DataError for rows that cannot be used */
export function memberKind(o: WarmOptions): MemberKind {
  const kind = 'classifier' in o.model ? pairMembers(o.model, o) : classMembers(o.model, o);
  const { train, rank, probe = true } = o;
  // a trainer of one's own may read rows in its own way; the probe reads them as ours do
  if (train === undefined || probe) checkRows(o);
  return { ...kind, ...(train && { train: async (run, from) => train(run, from) }), ...(rank && { rank }) };
}

/** @throws DataError for the rows of which a trainer could make nothing */
function checkRows({ model, data, tokenizer, maxLength, overflow }: WarmOptions): void {
  const length = { ...(maxLength !== undefined && { maxLength }), ...(overflow && { overflow }) };
  if ('classifier' in model) {
    const together = model.kind === 'pairwise' && model.form === 'antisymmetric';
    preferencePairs(data, model.classifier.config, tokenizer, { ...length, together });
    return;
  }
  const { labels, config } = model;
  labelledRows(data, tokenizer, { labels, limit: Math.min(maxLength ?? config.contextLength, config.contextLength) });
}

/** Options of every run. */
function common(o: WarmOptions) {
  const { init: _, grid: _1, runs: _2, members: _3, selection: _4, stepsPerRun: _5, probe: _6, ...rest } = o;
  const { pretrainId: _7, model: _8, train: _9, rank: _10, schedule: _11, ...options } = rest;
  return options;
}

const settingsOf = ({ params, learningRate: peak, dropout, seed, out }: MemberRun, { schedule }: WarmOptions) => ({
  params,
  learningRate: schedule ? schedule(peak) : peak,
  dropout,
  seed,
  out,
});

/** Reward and preference models, of pairs. */
function pairMembers(model: RewardModel | PreferenceModel, o: WarmOptions): MemberKind {
  const { tokenizer, maxLength } = o;
  const scored = (data: WarmOptions['data']): PairRow[] =>
    pairTexts(data, tokenizer).rows.map(({ row, chosen, rejected }) => ({ ...row, chosen, rejected }));
  const selection = scored(o.selection);
  const { templated } = pairTexts(o.data, tokenizer);
  const scoring = { templated, ...(maxLength === undefined ? {} : { maxLength }) };
  const base = {
    name: model.kind,
    classifier: model.classifier,
    save: (folder: string, params: Params) =>
      saveReward(folder, model, params, { tokenizer, ...(templated && { templated }) }),
  };
  if (model.kind === 'pairwise') {
    return {
      ...base,
      async train(run, from) {
        const { centerCoef: _, ...options } = { ...common(o), ...settingsOf(run, o), model };
        return from === undefined ? new PreferenceTrainer(options) : PreferenceTrainer.resume(from, options);
      },
      rank: async (params) =>
        (await preferenceAccuracy(preferenceFn(model, params, tokenizer, scoring), selection)).value,
    };
  }
  return {
    ...base,
    async train(run, from) {
      const options = { ...common(o), ...settingsOf(run, o), model };
      return from === undefined ? new RewardTrainer(options) : RewardTrainer.resume(from, options);
    },
    stats: (params) =>
      rewardStats(
        rewardFn(model, params, tokenizer, scoring),
        selection.flatMap(({ prompt, chosen, rejected }) =>
          [chosen, rejected].map((completion) => ({ prompt, completion })),
        ),
      ),
    rank: async (params) => (await pairwiseAccuracy(rewardFn(model, params, tokenizer, scoring), selection)).value,
  };
}

/** Classifiers, of labelled rows; judges of entailment are such. */
function classMembers(model: Classifier, o: WarmOptions): MemberKind {
  const { tokenizer, maxLength } = o;
  const { config, labels } = model;
  const limit = Math.min(maxLength ?? config.contextLength, config.contextLength);
  const { rows } = labelledRows(o.selection, tokenizer, { labels, limit });
  return {
    name: 'classifier',
    classifier: model,
    async train(run, from) {
      const { dropout, ...settings } = settingsOf(run, o);
      const { lora: _, labelSmoothing: _1, centerCoef: _2, ...options } = common(o);
      const noisy = classifier({ ...config, dropout }, labels); // the same parameters under a body that drops
      const all = { batchSize: 16, maxGradNorm: 1, ...options, ...settings, model: noisy };
      return from === undefined ? new ClassifierTrainer(all) : ClassifierTrainer.resume(from, all);
    },
    async rank(params) {
      const found = await classify(model, params, rows);
      return found.filter(({ prediction }, i) => prediction === rows[i]?.target).length / rows.length;
    },
    save: (folder, params) => saveClassifier(folder, model, params, { tokenizer }),
  };
}
