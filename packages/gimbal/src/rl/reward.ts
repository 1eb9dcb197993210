// The functions behind the rewards of the command line (reward-spec.ts).
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { NamedReward } from '@gimbal/fma-pg';
import type { EntailmentJudge, RewardStats } from '@gimbal/reward-models';
import {
  ConfigError,
  DataError,
  disposeTree,
  endOfSchedules,
  type Prompt,
  type RewardFn,
  weighRewards,
} from '@gimbal/tensor-core';
import { modelPath, modelsOfRun } from '../run/model-path.ts';
import { ownFunction } from '../run/own-function.ts';
import { noArticle } from './prompt-rows.ts';
import { type JudgeSettings, parseReward, type RewardBody, type RewardSpec } from './reward-spec.ts';

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
  /** what a reward model's scores are standardised by where its folder does not say */
  stats?: RewardStats | undefined;
}

/** Files that rewards are read from: part of what a result is made from. */
export const rewardFiles = (specs: readonly RewardBody[]): string[] =>
  specs.flatMap((spec) => {
    const { kind, of } = spec;
    if (kind === 'module') return [of];
    if (kind === 'ensemble' && spec.members.length > 0) return rewardFiles(spec.members);
    if (kind !== 'model' && kind !== 'judge' && kind !== 'ensemble') return [];
    const files = ['config.json', 'model.safetensors', 'model.safetensors.index.json', 'reward.json'];
    // of an ensemble, too: where a member of a run changes, so does their average
    const folders = [of, ...modelsOfRun.map((inside) => join(of, inside))];
    return folders.flatMap((folder) => files.map((name) => join(folder, name))).filter((path) => existsSync(path));
  });

/** Whether it, or a member of it, is the newsroom's judge. */
export const readsNewsroom = (spec: RewardBody): boolean =>
  spec.kind === 'world' || (spec.kind === 'ensemble' && spec.members.some(readsNewsroom));

/** Paths of the modules among them. */
export const modulesIn = (specs: readonly RewardBody[]): string[] =>
  specs.flatMap((spec) => {
    if (spec.kind === 'ensemble') return modulesIn(spec.members);
    return spec.kind === 'module' ? [spec.of] : [];
  });

/**
 * Whether it reads completions, and abstains where it has no room: left out of a sum its share would be 0, which is more
 * than log P ever is, so such a completion gets no reward at all.
 */
const readsCompletions = (spec: RewardBody): boolean => {
  if (spec.kind !== 'ensemble') return spec.kind === 'model' || spec.kind === 'judge';
  return spec.members.length === 0 || spec.members.some(readsCompletions); // of a run: its models
};

/**
 * The functions, models and judges as required parts of a sum.
 * @throws ConfigError for a module that cannot be loaded or exports no function; CheckpointError for a damaged folder
 */
export async function loadRewards(specs: readonly RewardSpec[], place: Place): Promise<NamedReward[]> {
  const seen = new Map<string, number>();
  return Promise.all(
    specs.map(async (spec) => {
      const n = (seen.get(spec.name) ?? 0) + 1;
      seen.set(spec.name, n);
      const name = n === 1 ? spec.name : `${spec.name}_${n}`;
      return { name, weight: spec.weight, fn: await load(spec, place), required: readsCompletions(spec) };
    }),
  );
}

/**
 * Their weighted sum over those that do not abstain; null where all do, or one that is required. A weight that moves counts
 * as at its end.
 * @throws (what it returns) DataError, naming reward and row, for an answer that is none
 */
export const sumRewards =
  (rewards: readonly NamedReward[]): RewardFn =>
  async (prompts, completions, rows) =>
    (await weighRewards(rewards, endOfSchedules, prompts, completions, rows)).totals;

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

async function load(spec: RewardBody, place: Place): Promise<RewardFn> {
  const { kind, of } = spec;
  if (kind === 'exact') return exactAnswer(of === '' ? undefined : of, place.where);
  if (kind === 'world') return newsroomReward(place);
  if (kind === 'model') return modelReward(of, place);
  const reward = await import('@gimbal/reward-models');
  if (kind === 'judge') return reward.entailmentReward(await openJudge(of, place, spec.judge));
  if (kind === 'length') return reward.lengthReward(spec.bounds);
  if (kind === 'repetition') return reward.repetitionReward({ n: spec.n });
  if (kind === 'ensemble') {
    const { members, stats } =
      spec.members.length > 0 ? { ...spec, stats: undefined } : await membersOf(of, place.where);
    const fns = [];
    for (const member of members) fns.push(await load(member, { ...place, stats }));
    return reward.ensemble(fns, { reduce: spec.reduce });
  }
  if (kind === 'remote') return reward.remoteReward(of);
  const wanted = 'export default (prompts, completions, rows) => completions.map(score)';
  return told(await ownFunction<RewardFn>(of, place.where, wanted), of, place.where);
}

/** What a function of the user's throws, with its file. */
const told =
  (fn: RewardFn, path: string, where: string): RewardFn =>
  async (...asked) => {
    try {
      return await fn(...asked);
    } catch (cause) {
      // errors that name themselves, as one that stops a run
      if (typeof (cause as { code?: unknown } | null)?.code === 'string') throw cause;
      const said = cause instanceof Error || typeof (cause as Error | null)?.message === 'string';
      const what = `${path} threw: ${said ? (cause as Error).message : String(cause)}`;
      throw new DataError({ where, what, cause });
    }
  };

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

/** @throws (what it returns) DataError for a prompt that is no article of the newsroom, naming its row in the batch */
async function newsroomReward({ world, where }: Place): Promise<RewardFn> {
  const { newsroom } = await import('@gimbal/worlds');
  const desk = newsroom(world);
  const read = (text: string, i: number): ReturnType<typeof desk.parse> => {
    try {
      return desk.parse(text);
    } catch (cause) {
      throw new DataError({ where: `${where}, row ${i} of this batch`, ...noArticle(text, cause) });
    }
  };
  return (prompts, completions) =>
    prompts.map((text, i) => (desk.entails(read(text, i), completions[i] as string).label === 'entailment' ? 1 : 0));
}

/** A reward model's score; its weights stay in memory until the process ends. */
async function modelReward(folder: string, { where, onTooLong, stats: others }: Place): Promise<RewardFn> {
  const { loadReward, rewardFn } = await import('@gimbal/reward-models');
  const path = await modelPath(folder, where);
  await refuseLanguageModel(path, where, 'gimbal reward trains one on pairs of answers');
  const { model, params, tokenizer, notes } = await loadReward(path);
  if (model.kind === 'pairwise') {
    const fix = 'A preference between two completions is no reward of one';
    throw new ConfigError({ where, what: 'this is a preference model', got: folder, wanted: 'a reward model', fix });
  }
  if (!tokenizer)
    throw new ConfigError({ where, what: 'the folder has no tokenizer', got: folder, wanted: 'tokenizer.json' });
  const { stats = others, templated = false } = notes;
  const long = abstaining('model', onTooLong);
  return rewardFn(model, params, tokenizer, { templated, ...(stats && { stats }), ...long });
}

/** Options of what reads completions: it abstains on long ones where somebody is told. */
const abstaining = (reader: Reader, onTooLong: Place['onTooLong']) =>
  onTooLong && {
    tooLong: 'abstain' as const,
    onTooLong: (tokens: number, limit: number) => onTooLong(tokens, limit, reader),
  };

/**
 * The members of a run of gimbal warm, or of the folder of its average, and what the average's scores are standardised by: so
 * are theirs, which nobody has measured, and one KL coefficient means the same beside the ensemble and beside the average.
 */
async function membersOf(
  folder: string,
  where: string,
): Promise<{ members: RewardBody[]; stats: RewardStats | undefined }> {
  const homes = [folder, ...modelsOfRun.map((inside) => join(folder, inside))];
  const home = homes.find((one) => existsSync(join(one, 'warm.json')));
  if (home === undefined) {
    const wanted = 'a run of gimbal warm, or two or more: a+b';
    throw new ConfigError({ where, what: 'there are no members', got: `ensemble:${folder}`, wanted });
  }
  const { readRewardNotes, readWarmRecord } = await import('@gimbal/reward-models');
  const members = (await readWarmRecord(home)).members.map(
    ({ folder: of }): RewardBody => ({ kind: existsSync(join(of, 'reward.json')) ? 'model' : 'judge', of }),
  );
  return { members, stats: (await readRewardNotes(home)).stats };
}

/** A language model has no head that scores. @param fix what makes one @throws ConfigError */
async function refuseLanguageModel(folder: string, where: string, fix: string): Promise<void> {
  let first: unknown;
  try {
    const config = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8')) as {
      architectures?: unknown;
    } | null;
    first = (config?.architectures as readonly unknown[] | undefined)?.[0];
  } catch {
    return; // told by who opens it
  }
  if (typeof first !== 'string' || !/(ForCausalLM|LMHeadModel)$/.test(first)) return;
  const what = 'this is a language model, which has no head that scores';
  throw new ConfigError({ where, what, got: `${folder} (${first})`, fix });
}

/** A judge of entailment, which rejects what is empty where nothing else is said; its weights stay in memory. */
export async function openJudge(
  folder: string,
  { where, onTooLong }: Place,
  settings: JudgeSettings = {},
): Promise<EntailmentJudge> {
  const { loadClassifier } = await import('@gimbal/language-models');
  const { classifierJudge, nliLabels } = await import('@gimbal/reward-models');
  const path = await modelPath(folder, where);
  await refuseLanguageModel(path, where, 'gimbal reward --kind entailment trains a judge');
  const { model, params, tokenizer } = await loadClassifier(path);
  if (!tokenizer)
    throw new ConfigError({ where, what: 'the folder has no tokenizer', got: folder, wanted: 'tokenizer.json' });
  if (model.labels.length === 1) {
    disposeTree(params);
    const what = 'this is a reward model, no judge of entailment';
    throw new ConfigError({ where, what, got: folder, fix: `As a reward it is written ${folder}` });
  }
  const labels = nliLabels(model);
  const options = { labels, emptyPolicy: 'reject' as const, name: folder, ...abstaining('judge', onTooLong) };
  return classifierJudge(model, params, tokenizer, { ...options, ...settings });
}
