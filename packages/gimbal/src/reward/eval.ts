// gimbal eval of a reward model, a preference model or a judge: how often it is right on rows of yours, in all and by slice.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Dataset, Tokenizer } from '@gimbal/language-models';
import type { LoadedReward, PairRow, Share } from '@gimbal/reward-models';
import { ConfigError, DataError, disposeTree, writeFileAtomic } from '@gimbal/tensor-core';
import { counted } from '../cli/format.ts';
import type { Output } from '../cli/output.ts';
import { modelPath } from '../run/model-path.ts';
import { bySlice, checkSlice, sayAccuracy } from './accuracy.ts';
import { toldGuessing } from './guessing.ts';
import { pairMargins } from './pair-margins.ts';

const where = 'gimbal eval --model';

/** Of the command's options, those that a classifier heeds. */
export interface ClassifierEval {
  model: string;
  data: string;
  columns?: Readonly<Record<string, string>> | undefined;
  rows?: number | undefined;
  slice?: string | undefined;
  maxLength?: number | undefined;
  out?: string | undefined;
}

/** What --json prints of it. */
export interface ClassifierAccuracy {
  kind: 'bradley-terry' | 'pairwise' | 'labels';
  /** `all`, and each value of the column as `column value` */
  accuracy: Readonly<Record<string, Share>>;
  /** pairs that the model has no room for, which were not scored; or rows that lost the end of their longer text */
  tooLong: number;
}

/** Whether a name is that of a folder with a sequence-classification checkpoint; what is wrong with it is told on opening. */
export async function isClassifier(name: string): Promise<boolean> {
  try {
    const config = await readFile(join(await modelPath(name, where), 'config.json'), 'utf8');
    const { architectures } = JSON.parse(config) as { architectures?: unknown };
    return Array.isArray(architectures) && /ForSequenceClassification$/.test(String(architectures[0]));
  } catch {
    return false;
  }
}

/** @throws ConfigError for a model without a tokenizer; DataError for rows of another kind, or none with room in the model */
export async function evaluateClassifier(o: ClassifierEval, output: Output): Promise<ClassifierAccuracy> {
  const path = await modelPath(o.model, where);
  const found = existsSync(join(path, 'reward.json'))
    ? await ofPairs(await (await import('@gimbal/reward-models')).loadReward(path), o)
    : await ofHeads(path, o);
  if (found.tooLong > 0)
    output.note(
      found.kind === 'labels'
        ? `${counted(found.tooLong, 'row')} lost the end of their longer text`
        : `${counted(found.tooLong, 'pair')} too long to be scored`,
    );
  if (!output.json) sayAccuracy(found.accuracy, output);
  // of judges, how many classes there are is the model's to say
  const guessing = found.kind !== 'labels' && found.accuracy.all && toldGuessing(found.accuracy.all, 'pairs');
  if (guessing) output.note(`warning: ${guessing}`);
  if (o.out !== undefined) await writeFileAtomic(o.out, `${JSON.stringify(found, null, 2)}\n`);
  return found;
}

/** A checkpoint that says no more than its labels: one is a score, several are classes. */
async function ofHeads(path: string, o: ClassifierEval): Promise<ClassifierAccuracy> {
  const lm = await import('@gimbal/language-models');
  const { rewardModel, shareOf } = await import('@gimbal/reward-models');
  const { model, params, tokenizer } = await lm.loadClassifier(path);
  if (model.labels.length === 1) return ofPairs({ model: rewardModel(model), params, tokenizer, notes: {} }, o);
  try {
    const data = await read(o, ['labelled-pair', 'labelled-text']);
    const limit = Math.min(o.maxLength ?? model.config.contextLength, model.config.contextLength);
    const { rows, cut } = lm.labelledRows(data, withTokenizer(tokenizer, path), { labels: model.labels, limit });
    const answers = await lm.classify(model, params, rows);
    const right = answers.map(({ prediction }, i) => Number(prediction === rows[i]?.target) - 0.5);
    const accuracy = bySlice(data.rows, right, o.slice, (list) =>
      shareOf(Array.from(list).filter((x) => x > 0).length, list.length),
    );
    return { kind: 'labels', accuracy, tooLong: cut.rows };
  } finally {
    disposeTree(params);
  }
}

/** Pairs: right is where the chosen answer scores higher. */
async function ofPairs(
  { model, params, tokenizer, notes }: Pick<LoadedReward, 'model' | 'params' | 'tokenizer' | 'notes'>,
  o: ClassifierEval,
): Promise<ClassifierAccuracy> {
  const reward = await import('@gimbal/reward-models');
  try {
    const kinds = ['preference', 'implicit-preference', 'conversation-preference', 'conversation-implicit-preference'];
    const data = await read(o, kinds as Dataset['kind'][]);
    const own = withTokenizer(tokenizer, o.model);
    const { rows, templated } = reward.pairTexts(data, own);
    const pairs = rows.map(({ row, chosen, rejected }): PairRow => ({ ...row, chosen, rejected }));
    const { fitting, margins } = await pairMargins(model, params, own, pairs, {
      templated: templated || notes.templated === true,
      ...(o.maxLength === undefined ? {} : { maxLength: o.maxLength }),
    });
    if (fitting.length === 0)
      throw new DataError({
        where: o.data,
        what: 'every pair is longer than the model',
        got: pairs.length,
        fix: 'Shorten the texts, or raise --max-length',
      });
    const accuracy = bySlice(fitting, reward.labelledMargins(margins, fitting), o.slice, reward.accuracyOfMargins);
    return { kind: model.kind, accuracy, tooLong: pairs.length - fitting.length };
  } finally {
    disposeTree(params);
  }
}

async function read(o: ClassifierEval, usable: Dataset['kind'][]): Promise<Dataset> {
  const { readRows } = await import('@gimbal/language-models');
  const all = await readRows(o.data, {
    ...(o.columns === undefined ? {} : { columns: o.columns }),
    usable,
  });
  const rows = o.rows === undefined ? all.rows : all.rows.slice(0, o.rows);
  checkSlice('gimbal eval --slice', o.slice, rows);
  return { ...all, rows };
}

function withTokenizer(tokenizer: Tokenizer | undefined, folder: string): Tokenizer {
  if (tokenizer !== undefined) return tokenizer;
  throw new ConfigError({ where, what: 'the folder has no tokenizer', got: folder, wanted: 'tokenizer.json' });
}
