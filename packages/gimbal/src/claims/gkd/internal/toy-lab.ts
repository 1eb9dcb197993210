// Small students of a teacher that is known exactly: a start fine-tuned on a few prompts, and what each method makes of
// it. What was measured is kept, so that claims which compare the same methods train them once.
import { type GkdOptions, GkdTrainer, type Objective, presets, type Teacher } from '@gimbal/gkd';
import { decoder, type LanguageModel } from '@gimbal/language-models';
import { disposeTree, flatten, type Params, type RewardFn, rng, type TokenBatch, unflatten } from '@gimbal/tensor-core';
import { tensor } from '@tensorflow/tfjs-core';
import { breathe } from '../../../reproduce/checks.ts';
import { keptResults } from '../../../reproduce/kept.ts';
import { type Learned, learnedTeacher } from './learned-teacher.ts';
import { lecunInit } from './lecun-init.ts';
import { measure, type Student } from './measure.ts';
import { chain, summaries, type ToyRow, type ToyTask, translation } from './toy-task.ts';

/** What is tried, and on how much. */
export interface ToySetup {
  task: 'chain' | 'mini' | 'newsroom';
  /** of the student; default 1 */
  layers?: number;
  /** of its layers */
  width: number;
  /** training prompts */
  prompts: number;
  batchSize: number;
  /** steps of fine-tuning that every method starts from */
  start: number;
  /** steps of a method */
  steps: number;
  /** constant in fine-tuning; what a method begins with, on a straight line to 0 */
  learningRate: { start: number; distil: number };
  /** the world itself, or a model of two layers that learned from it; default the world */
  teacher?: 'exact' | 'learned';
}

/** What students are distilled with: whose completions, and what is minimised. */
export interface Method {
  objective: Objective;
  /** share of the student's own; default 0 */
  lambda?: number;
  /** whose the others are: the task's answers, or one of the teacher's for each prompt, drawn once. Default answers */
  fixed?: 'answers' | 'teacher';
  /** the teacher gives only so many tokens and the rest's sum */
  topK?: number;
  /** beside a reward of 1 for a faithful completion, the weight of the divergence; default no reward */
  alpha?: number;
}

export type { Student };

/** The methods that every comparison has. */
export const methods = {
  sft: { objective: 'nll' },
  seqkd: { objective: 'nll', fixed: 'teacher' },
  supervised: { objective: 'fkl' },
  imitkd: { objective: 'fkl', lambda: 0.5 },
  'f-distill': { objective: 'tvd', lambda: 0.5 },
  fkl: { objective: 'fkl', lambda: 1 },
  'jsd:0.1': { objective: { kind: 'jsd', beta: 0.1 }, lambda: 1 },
  'jsd:0.5': { objective: { kind: 'jsd', beta: 0.5 }, lambda: 1 },
  'jsd:0.9': { objective: { kind: 'jsd', beta: 0.9 }, lambda: 1 },
  rkl: { objective: 'rkl', lambda: 1 },
} as const satisfies Record<string, Method>;

const makers = { chain, mini: translation, newsroom: summaries };
const tasks: { [name in ToySetup['task']]?: ToyTask } = {};
const starts = new Map<string, { params: [string, number[], Float32Array][]; student: Student }>();

const taskNamed = (name: ToySetup['task']): ToyTask => (tasks[name] ??= makers[name]());

/** The learned teacher of a task, as it is. */
export const teacherOf = ({ task }: ToySetup, signal: AbortSignal): Promise<Learned> =>
  learnedTeacher(taskNamed(task), signal);

/** The fine-tuned starts, as they are: that of each seed. */
export async function startsOf(
  setup: ToySetup,
  { seeds, signal }: { seeds: readonly number[]; signal: AbortSignal },
): Promise<Student[]> {
  const found: Student[] = [];
  for (const seed of seeds) found.push((await started(setup, seed, signal)).student);
  return found;
}

/**
 * A student after a method. The same seed gives every method the same start, prompts and order of prompts. What was
 * measured is kept on the disk by settings, code and backend, so that a run that was stopped goes on.
 */
export function studentOf(setup: ToySetup, method: Method, seed: number, signal: AbortSignal): Promise<Student> {
  const settings = { setup, method, seed };
  return keptResults.value('gkd-student', settings, () => distilled(setup, method, seed, signal));
}

async function distilled(setup: ToySetup, method: Method, seed: number, signal: AbortSignal): Promise<Student> {
  const { task, model, training, test } = bench(setup, seed);
  const { params: saved } = await started(setup, seed, signal);
  const params = unflatten(saved.map(([path, shape, values]) => [path, tensor(values, shape)])) as Params;
  const { objective, lambda = 0, fixed = 'answers', topK, alpha } = method;
  const teacher =
    setup.teacher !== 'learned' && task.teacher ? task.teacher : (await learnedTeacher(task, signal)).teacher;
  const data = fixed === 'answers' ? training : await taught(task, teacher, training, seed);
  const student = await trained(
    {
      ...common(setup, task, model, training, seed),
      ...{ params, divergence: objective, lambda, teacher },
      ...(lambda < 1 && { offPolicy: { source: 'dataset' as const, data } }),
      ...(topK !== undefined && { teacherTopK: topK }),
      ...(alpha !== undefined && { reward: { fn: faithfulness(task), alpha, samplesPerPrompt: 4 } }),
      mixing: 'sequence',
      learningRate: (step) => setup.learningRate.distil * (1 - step / setup.steps),
    },
    setup.steps,
    signal,
    (end) => measure(task, model, end, test, seed),
  );
  disposeTree(params);
  return student;
}

/** Every method on every seed: `found[method][i]` is that of `seeds[i]`. */
export async function compare<M extends string>(
  setup: ToySetup,
  of: Readonly<Record<M, Method>>,
  { seeds, signal, note }: { seeds: readonly number[]; signal: AbortSignal; note(text: string): void },
  id: string,
): Promise<Record<M, Student[]>> {
  const found = Object.fromEntries(Object.keys(of).map((name) => [name, []])) as unknown as Record<M, Student[]>;
  for (const seed of seeds) {
    for (const [name, method] of Object.entries(of) as [M, Method][]) {
      await breathe(signal);
      found[name].push(await studentOf(setup, method, seed, signal));
    }
    const scores = Object.entries(found) as [string, Student[]][];
    note(`${id}, seed ${seed}: ${scores.map(([name, all]) => `${name} ${all.at(-1)?.score.toFixed(2)}`).join(', ')}`);
  }
  return found;
}

function bench(setup: ToySetup, seed: number) {
  const task = taskNamed(setup.task);
  const stream = rng(seed).split(`claims.gkd.${setup.task}`);
  const training = task.rows(setup.prompts, stream.split('training'));
  const test = task.rows(500, stream.split('test'), new Set(training.map((row) => row.prompt)));
  const model = decoder({
    ...{ family: 'gpt2', layers: setup.layers ?? 1, heads: 2, tieEmbeddings: false },
    ...{ width: setup.width, vocabularySize: task.vocabulary.size },
    contextLength: task.promptLength + task.answerLength,
    eosIds: [task.vocabulary.special.eos as number],
    padId: task.vocabulary.special.pad as number,
  });
  return { task, model, training, test, stream };
}

const common = (setup: ToySetup, task: ToyTask, model: LanguageModel, prompts: readonly ToyRow[], seed: number) => ({
  ...{ student: model, tokenizer: task.vocabulary, prompts, seed, batchSize: setup.batchSize },
  maxNewTokens: task.answerLength,
  optimizer: { name: 'adam' as const },
});

async function started(setup: ToySetup, seed: number, signal: AbortSignal) {
  const { steps: _, teacher: __, ...start } = setup;
  const key = JSON.stringify([start, seed]);
  const known = starts.get(key);
  if (known !== undefined) return known;
  const { task, model, training, test, stream } = bench(setup, seed);
  const params = lecunInit(model, stream.split('init'));
  const options = {
    ...common(setup, task, model, training, seed + 1000),
    params,
    learningRate: setup.learningRate.start,
  };
  const made = await trained(
    { ...presets.sft({}), divergence: 'nll', ...options },
    setup.start,
    signal,
    async (end) => ({
      params: flatten(end).map(([path, t]): [string, number[], Float32Array] => [
        path,
        [...t.shape],
        t.dataSync<'float32'>().slice(),
      ]),
      student: await measure(task, model, end, test, seed),
    }),
  );
  disposeTree(params);
  starts.set(key, made);
  return made;
}

async function trained<R>(
  options: GkdOptions,
  steps: number,
  signal: AbortSignal,
  then: (params: Params) => Promise<R>,
): Promise<R> {
  using trainer = new GkdTrainer(options);
  await trainer.run({ steps, signal });
  await breathe(signal);
  return await then(trainer.params);
}

/** One completion of the teacher's for each prompt. */
async function taught(task: ToyTask, teacher: Teacher, rows: readonly ToyRow[], seed: number): Promise<ToyRow[]> {
  const { vocabulary, answerLength } = task;
  const prompts = vocabulary.encode(rows.map((row) => row.prompt));
  const stream = rng(seed).split('claims.gkd.taught');
  const written = await teacher.sample?.(prompts, { temperature: 1, maxNewTokens: answerLength, rng: stream });
  const texts = vocabulary.decode(written as TokenBatch);
  return rows.map(({ prompt }, i) => ({ prompt, completion: texts[i] as string }));
}

const faithfulness =
  (task: ToyTask): RewardFn =>
  (prompts, completions) =>
    prompts.map((prompt, i) => Number(task.faithful?.(prompt, completions[i] as string) ?? false));
