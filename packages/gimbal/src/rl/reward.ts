/**
 * Rewards by the names of the command line, one grammar for every command that takes one:
 *
 *   exact, exact:column        1 where the completion is the row's answer, else 0
 *   world:newsroom             1 where the article entails the summary, else 0, by the world that made the article
 *   folder                     a reward model's score (gimbal reward, gimbal warm): the model's folder, or the run's
 *   entailment:folder          log P(the prompt entails the completion) of a judge (gimbal reward --kind entailment)
 *   https://host/score         a server's score of { prompts, completions }: what is too large for this machine
 *   ./file.mjs                 a function of yours: (prompts, completions, rows) => numbers, or null to abstain
 *
 * each with =weight behind it where several are summed.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { NamedReward } from '@gimbal/fma-pg';
import { ConfigError, DataError, type Prompt, type RewardFn } from '@gimbal/tensor-core';
import { modelPath, modelsOfRun } from '../run/model-path.ts';
import { isModule, ownFunction } from '../run/own-function.ts';

/** What reads completions, and has room for so many tokens. */
export type Reader = 'model' | 'judge';

/** Where a reward is written: `gimbal rl --reward`. */
interface Place {
  where: string;
  /** options of the generated newsroom that differ from its defaults, for its judge */
  world?: object | undefined;
  /**
   * Where a policy writes: a completion that, read again, is longer than a reward model or a judge gets no reward, and this
   * is told. Without it such a text is refused.
   */
  onTooLong?: ((tokens: number, limit: number, reader: Reader) => void) | undefined;
}

/** A reward as it is written, in its parts. */
export interface RewardSpec {
  kind: 'exact' | 'world' | 'module' | 'model' | 'judge' | 'remote';
  /** column, or path */
  of: string;
  weight: number;
  /** in metrics */
  name: string;
}

const forms =
  'exact, exact:column, world:newsroom, a reward model’s folder, entailment:folder, https://…, or a path to a .mjs or .js';

/** Reads the grammar; nothing is loaded. @throws ConfigError for what is no reward */
export function parseReward(text: string, where: string): RewardSpec {
  const [, body = text, factor] = /^(.*?)(?:=([^=/\\]*))?$/.exec(text) ?? [];
  // an address may hold an = of its own
  const isAddress = /^https?:\/\//.test(text);
  if (isAddress && (factor === undefined || factor === '' || !Number.isFinite(Number(factor))))
    return { kind: 'remote', of: text, weight: 1, name: 'remote' };
  const weight = factor === undefined ? 1 : Number(factor);
  if (!Number.isFinite(weight) || factor === '')
    throw new ConfigError({ where, what: 'the weight is no number', got: text, wanted: 'for example exact=0.5' });
  if (isAddress) return { kind: 'remote', of: body, weight, name: 'remote' };
  if (body === 'exact' || body.startsWith('exact:')) return { kind: 'exact', of: body.slice(6), weight, name: 'exact' };
  if (body === 'world:newsroom') return { kind: 'world', of: 'newsroom', weight, name: 'entailed' };
  if (isModule(body)) {
    const name = (body.split(/[\\/]/).at(-1) as string).replace(/\.[mc]?[jt]s$/, '').replace(/\W+/g, '_');
    return { kind: 'module', of: body, weight, name };
  }
  if (body.startsWith('entailment:')) return { kind: 'judge', of: body.slice(11), weight, name: 'entailment' };
  if (existsSync(join(body, 'config.json'))) return { kind: 'model', of: body, weight, name: 'model' };
  throw new ConfigError({ where, what: 'no such reward', got: text, wanted: forms });
}

/** Files that rewards are read from: part of what a result is made from. */
export const rewardFiles = (specs: readonly RewardSpec[]): string[] =>
  specs.flatMap(({ kind, of }) => {
    if (kind === 'module') return [of];
    if (kind !== 'model' && kind !== 'judge') return [];
    const files = ['config.json', 'model.safetensors', 'model.safetensors.index.json', 'reward.json'];
    const folders = [of, ...modelsOfRun.map((inside) => join(of, inside))];
    return folders.flatMap((folder) => files.map((name) => join(folder, name))).filter((path) => existsSync(path));
  });

/** The functions. @throws ConfigError for a module that cannot be loaded or exports no function */
export async function loadRewards(specs: readonly RewardSpec[], place: Place): Promise<NamedReward[]> {
  const seen = new Map<string, number>();
  return Promise.all(
    specs.map(async (spec) => {
      const n = (seen.get(spec.name) ?? 0) + 1;
      seen.set(spec.name, n);
      return { name: n === 1 ? spec.name : `${spec.name}_${n}`, weight: spec.weight, fn: await load(spec, place) };
    }),
  );
}

/** Their weighted sum over those that do not abstain; null where all do. A weight that moves counts as at the start. */
export const sumRewards =
  (rewards: readonly NamedReward[]): RewardFn =>
  async (prompts, completions, rows) => {
    const totals = completions.map((): number | null => null);
    for (const { weight, fn } of rewards) {
      const scores = await fn(prompts, completions, rows);
      const factor = typeof weight === 'number' ? weight : weight(0);
      for (const [i, score] of scores.entries()) if (score !== null) totals[i] = (totals[i] ?? 0) + factor * score;
    }
    return totals;
  };

/** The weighted sum of rewards by their names. @throws as `parseReward` and `loadRewards` */
export async function openSum(texts: readonly string[], place: Place): Promise<RewardFn> {
  return sumRewards(
    await loadRewards(
      texts.map((text) => parseReward(text, place.where)),
      place,
    ),
  );
}

/**
 * Refuses rewards that are no names, or that compare with an answer, before anything is opened.
 * @param no why there is no answer, and what to do
 * @throws ConfigError
 */
export function checkWithoutAnswers(texts: readonly string[], where: string, no: { what: string; fix: string }): void {
  for (const text of texts)
    if (parseReward(text, where).kind === 'exact') throw new ConfigError({ where, got: text, ...no });
}

async function load({ kind, of }: RewardSpec, place: Place): Promise<RewardFn> {
  if (kind === 'exact') return exactAnswer(of === '' ? undefined : of, place.where);
  if (kind === 'world') return newsroomReward(place.world);
  if (kind === 'model') return modelReward(of, place);
  if (kind === 'judge') return judgeReward(of, place);
  if (kind === 'remote') return (await import('@gimbal/reward-models')).remoteReward(of);
  return ownFunction<RewardFn>(
    of,
    place.where,
    'export default (prompts, completions, rows) => completions.map(score)',
  );
}

/** columns that hold an answer, where none is named */
const answerColumns = ['answer', 'completion', 'reference'];

/**
 * 1 where the completion equals the row's column, but for space around it.
 * @throws DataError for a row without the column
 */
export function exactAnswer(column: string | undefined, where: string): RewardFn {
  return (_, completions, rows = []) =>
    completions.map((text, i) => {
      const answer = answerOf(rows[i], column, where);
      return text.trim() === answer.trim() ? 1 : 0;
    });
}

function answerOf(row: Prompt | undefined, column: string | undefined, where: string): string {
  const columns: { [name: string]: unknown } = typeof row === 'object' ? row : {};
  const name = column ?? answerColumns.find((c) => columns[c] !== undefined) ?? answerColumns[0];
  const value = columns[name as string];
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  const wanted = `text in column ${name}`;
  const fix = `Rows have ${Object.keys(columns).join(', ')}; name the answer's column, as --reward exact:${answerColumns[0]}`;
  throw new DataError({ where, what: 'a row has no answer', got: value, wanted, fix });
}

async function newsroomReward(world: object | undefined): Promise<RewardFn> {
  const { newsroom } = await import('@gimbal/worlds');
  const desk = newsroom(world);
  return (prompts, completions) =>
    prompts.map((article, i) =>
      desk.entails(desk.parse(article), completions[i] as string).label === 'entailment' ? 1 : 0,
    );
}

/** A reward model's score; its weights stay in memory until the process ends. */
async function modelReward(folder: string, { where, onTooLong }: Place): Promise<RewardFn> {
  const { loadReward, rewardFn } = await import('@gimbal/reward-models');
  const { model, params, tokenizer, notes } = await loadReward(await modelPath(folder, where));
  if (model.kind === 'pairwise') {
    const fix = 'A preference between two completions is no reward of one';
    throw new ConfigError({ where, what: 'this is a preference model', got: folder, wanted: 'a reward model', fix });
  }
  if (!tokenizer)
    throw new ConfigError({ where, what: 'the folder has no tokenizer', got: folder, wanted: 'tokenizer.json' });
  const { stats, templated = false } = notes;
  const long = abstaining('model', onTooLong);
  return rewardFn(model, params, tokenizer, { templated, ...(stats && { stats }), ...long });
}

/** Options of what reads completions: it abstains on long ones where somebody is told. */
const abstaining = (reader: Reader, onTooLong: Place['onTooLong']) =>
  onTooLong && {
    tooLong: 'abstain' as const,
    onTooLong: (tokens: number, limit: number) => onTooLong(tokens, limit, reader),
  };

/** A judge of entailment, which rejects what is empty. */
async function judgeReward(folder: string, { where, onTooLong }: Place): Promise<RewardFn> {
  const { loadClassifier } = await import('@gimbal/language-models');
  const { classifierJudge, entailmentReward, nliLabels } = await import('@gimbal/reward-models');
  const { model, params, tokenizer } = await loadClassifier(await modelPath(folder, where));
  if (!tokenizer)
    throw new ConfigError({ where, what: 'the folder has no tokenizer', got: folder, wanted: 'tokenizer.json' });
  const labels = nliLabels(model);
  const long = abstaining('judge', onTooLong);
  return entailmentReward(
    classifierJudge(model, params, tokenizer, { labels, emptyPolicy: 'reject', name: folder, ...long }),
  );
}
