// Reward and preference models as folders: a sequence-classification checkpoint that Python's transformers opens, with
// `reward.json` beside it that says what its scores mean.
import { join } from 'node:path';
import {
  type ClassifierWriter,
  classifierWriter,
  loadClassifier,
  replaceModelFolder,
  type Tokenizer,
} from '@gimbal/language-models';
import {
  CheckpointError,
  checkKnown,
  checkName,
  checkPositive,
  disposeTree,
  type Params,
  writeFileDurable,
} from '@gimbal/tensor-core';
import { type PreferenceModel, preferenceModel } from '../models/preference-model.ts';
import { type RewardModel, rewardModel } from '../models/reward-model.ts';
import { type RewardNotes, readRewardNotes } from './reward-notes.node.ts';

/** A folder's model. */
export interface LoadedReward<M extends RewardModel | PreferenceModel = RewardModel | PreferenceModel> {
  /** Which of the two, by its `kind`. */
  readonly model: M;
  /** Float32; the caller disposes the tree. */
  readonly params: Params;
  /** Undefined where the folder has none. */
  readonly tokenizer: Tokenizer | undefined;
  /** What was measured when it was saved. */
  readonly notes: RewardNotes;
  /** What was found odd while reading, such as a head that the file lacks. */
  readonly warnings: readonly string[];
}

/** A folder's model of the kind that was asked for, with a tokenizer: what `rewardFn` or `preferenceFn` takes. */
export interface AskedReward<M extends RewardModel | PreferenceModel> extends LoadedReward<M> {
  /** The folder's. */
  readonly tokenizer: Tokenizer;
}

/**
 * Writes a folder in one piece; only another model's is replaced.
 * @throws CheckpointError if the folder holds something else than a model, or the disk is full; ConfigError for an option that
 * is unknown or out of range, before anything is written
 */
export async function saveReward(
  folder: string,
  model: RewardModel | PreferenceModel,
  params: Params,
  o: RewardNotes & { tokenizer?: Tokenizer } = {},
): Promise<void> {
  checkKnown('saveReward', o, ['tokenizer', 'temperature', 'stats', 'templated']);
  if (o.temperature !== undefined) checkPositive('saveReward.temperature', o.temperature);
  if (o.stats !== undefined) checkPositive('saveReward.stats.std', o.stats.std);
  const { tokenizer, ...notes } = o;
  await replaceModelFolder(folder, async (temporary) => {
    await (classifierWriter() as ClassifierWriter)(temporary, model.classifier, params, {
      ...(tokenizer && { tokenizer }),
    });
    const form = model.kind === 'pairwise' ? { form: model.form } : {};
    const json = { kind: model.kind, ...form, ...notes };
    await writeFileDurable(join(temporary, 'reward.json'), `${JSON.stringify(json, null, 2)}\n`);
  });
}

/**
 * Opens the folder of a reward or a preference model. One without `reward.json`, of Python's making or a trainer's
 * checkpoint, is a reward model where it has one label.
 * @param o.kind the kind that the folder has to hold, with a tokenizer; either kind, whose `model.kind` says which
 * @throws CheckpointError for a missing or damaged file, an architecture that is not known here, or a folder that does not
 * hold what was asked for
 * @example
 * const { model, params, tokenizer } = await loadReward('runs/reward-1/model', { kind: 'bradley-terry' });
 * const reward = rewardFn(model, params, tokenizer);
 */
export function loadReward(folder: string, o: { kind: 'bradley-terry' }): Promise<AskedReward<RewardModel>>;
export function loadReward(folder: string, o: { kind: 'pairwise' }): Promise<AskedReward<PreferenceModel>>;
export function loadReward(folder: string, o?: { kind?: undefined }): Promise<LoadedReward>;
export async function loadReward(
  folder: string,
  o: { kind?: 'bradley-terry' | 'pairwise' | undefined } = {},
): Promise<LoadedReward> {
  checkKnown('loadReward', o, ['kind']);
  if (o.kind !== undefined) checkName('loadReward.kind', o.kind, ['bradley-terry', 'pairwise']);
  const where = join(folder, 'reward.json');
  const { kind = 'bradley-terry', form, ...notes } = await readRewardNotes(folder);
  const { model: heads, params, tokenizer, warnings } = await loadClassifier(folder);
  const refused = (error: CheckpointError): CheckpointError => {
    disposeTree(params);
    return error;
  };
  if (kind === 'bradley-terry' && heads.labels.length !== 1) {
    throw refused(
      new CheckpointError({
        where: join(folder, 'config.json'),
        what: 'this is a classifier, no reward model',
        got: heads.labels.join(', '),
        wanted: 'one label',
        fix: 'A judge of entailment is asked for as entailment:FOLDER',
      }),
    );
  }
  if (o.kind !== undefined && o.kind !== kind) {
    const names = { 'bradley-terry': 'reward model', pairwise: 'preference model' };
    const what = `this is a ${names[kind]}`;
    const fix = kind === 'pairwise' ? 'preferenceFn takes it' : 'rewardFn takes it';
    throw refused(
      new CheckpointError({ where: folder, what, got: kind, wanted: `${o.kind}, a ${names[o.kind]}`, fix }),
    );
  }
  if (o.kind !== undefined && tokenizer === undefined) {
    const fix = 'Copy it there, or leave `kind` out and give a tokenizer of your own to the function';
    throw refused(new CheckpointError({ where: folder, what: 'there is no tokenizer', wanted: 'tokenizer.json', fix }));
  }
  return { model: modelOf(), params, tokenizer, notes, warnings };

  function modelOf(): RewardModel | PreferenceModel {
    if (kind === 'bradley-terry') return rewardModel(heads);
    try {
      return preferenceModel(heads, { ...(form && { form }) });
    } catch (cause) {
      const what = `form: the head does not fit ${form ?? 'antisymmetric, which is meant where none is named'}`;
      const wanted = 'one label of antisymmetric, an even number of skew-symmetric';
      throw refused(new CheckpointError({ where, what, got: `${heads.labels.length} labels`, wanted, cause }));
    }
  }
}
