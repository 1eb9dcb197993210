// Small students of a teacher that is known exactly: a start fine-tuned on a few prompts, and what each method makes of
// it. What was measured is kept, so that claims which compare the same methods train them once.
import { type GkdOptions, GkdTrainer, modelTeacher, type Objective, presets, type Teacher } from '@gimbal/gkd';
import { decoder, type LanguageModel, rougeN } from '@gimbal/language-models';
import { disposeTree, flatten, type Params, type RewardFn, rng, type TokenBatch, unflatten } from '@gimbal/tensor-core';
import { exp, logSoftmax, matMul, mul, neg, reshape, sum, type Tensor2D, tensor, tidy } from '@tensorflow/tfjs-core';
import { StageCache } from '../../../pipeline/cache.ts';
import { codeVersion, hashValue } from '../../../pipeline/hash.ts';
import { breathe } from '../../../reproduce/checks.ts';
import { cacheFolder } from '../../../run/run-folder.ts';
import { lecunInit } from './lecun-init.ts';
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

/** Of 500 fresh prompts. */
export interface Student {
  /** share that are answered right, greedily */
  score: number;
  /** of the student's next-token distributions on what it writes at temperature 1, nats a token */
  entropy: number;
  /** share that says nothing false, greedily; 0 where the task does not tell */
  faithful: number;
  /** mean ROUGE-2 of greedy completions and the answers */
  rouge2: number;
}

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
const students = new Map<string, Promise<Student>>();
const learned = new Map<string, Teacher>();

const taskNamed = (name: ToySetup['task']): ToyTask => (tasks[name] ??= makers[name]());

/** The fine-tuned start, as it is. */
export async function startOf(setup: ToySetup, seed: number, signal: AbortSignal): Promise<Student> {
  return (await started(setup, seed, signal)).student;
}

/**
 * A student after a method. The same seed gives every method the same start, prompts and order of prompts. What was
 * measured is kept on the disk by settings and code, so that a run that was stopped goes on.
 */
export function studentOf(setup: ToySetup, method: Method, seed: number, signal: AbortSignal): Promise<Student> {
  const settings = { setup, method, seed };
  const key = JSON.stringify(settings);
  const known = students.get(key);
  if (known !== undefined) return known;
  const made = keptStudent(settings, () => distilled(setup, method, seed, signal));
  made.catch(() => students.delete(key)); // stopped: made anew when asked again
  students.set(key, made);
  return made;
}

async function keptStudent(settings: object, make: () => Promise<Student>): Promise<Student> {
  const cache = new StageCache(cacheFolder());
  const [stage, key] = ['gkd-student', hashValue({ settings, code: await codeVersion() })];
  const { value } = (await cache.find(stage, key)) ?? (await cache.make(stage, key, settings, make));
  return value as Student;
}

async function distilled(setup: ToySetup, method: Method, seed: number, signal: AbortSignal): Promise<Student> {
  const { task, model, training, test } = bench(setup, seed);
  const { params: saved } = await started(setup, seed, signal);
  const params = unflatten(saved.map(([path, shape, values]) => [path, tensor(values, shape)])) as Params;
  const { objective, lambda = 0, fixed = 'answers', topK, alpha } = method;
  const teacher = setup.teacher !== 'learned' && task.teacher ? task.teacher : await learnedTeacher(task, signal);
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

/**
 * 100,000 parameters, taught on 8000 problems (the arithmetic has 10,240 in all), each about sixteen times, and tried on
 * 500 others.
 * @throws where there is an exact teacher to compare with and it is right in less than 99 % of them
 */
async function learnedTeacher(task: ToyTask, signal: AbortSignal): Promise<Teacher> {
  const known = learned.get(task.name);
  if (known !== undefined) return known;
  const stream = rng(0).split('claims.gkd.teacher');
  const rows = task.rows(8000, stream.split('training'));
  const test = task.rows(500, stream.split('test'), new Set(rows.map((row) => row.prompt)));
  const { vocabulary } = task;
  const model = decoder({
    ...{ family: 'gpt2', width: 64, layers: 2, heads: 4, tieEmbeddings: false, vocabularySize: vocabulary.size },
    contextLength: task.promptLength + task.answerLength,
    eosIds: [vocabulary.special.eos as number],
    padId: vocabulary.special.pad as number,
  });
  const start = model.init(stream.split('init'));
  const rate = (step: number): number => 3e-3 * Math.min(1, 2 - step / 1000);
  const options = { student: model, params: start, tokenizer: vocabulary, prompts: rows, batchSize: 64, seed: 0 };
  const trainer = new GkdTrainer({
    ...{ ...presets.sft({}), divergence: 'nll', ...options, maxNewTokens: task.answerLength, learningRate: rate },
  });
  await trainer.run({ steps: 2000, signal });
  await breathe(signal);
  disposeTree(start);
  const { score } = await measure(task, model, trainer.params, test, 0);
  if (task.teacher !== undefined && score < 0.99) throw new Error(`the teacher is right in ${score} of the cases`);
  const made = modelTeacher(model, trainer.params, vocabulary);
  learned.set(task.name, made);
  return made;
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

async function measure(
  task: ToyTask,
  model: LanguageModel,
  params: Params,
  rows: readonly ToyRow[],
  seed: number,
): Promise<Student> {
  const prompts = task.vocabulary.encode(rows.map((row) => row.prompt));
  const stream = rng(seed).split('claims.gkd.measure');
  const o = { maxNewTokens: task.answerLength, rng: stream };
  const greedy = await model.sample(params, prompts, { ...o, temperature: 0 });
  const texts = task.vocabulary.decode(greedy);
  const right = rows.filter(({ prompt }, i) => greedy.ended?.[i] === 1 && task.check(prompt, texts[i] as string));
  const sampled = await model.sample(params, prompts, { ...o, temperature: 1 });
  const faithful = rows.filter(({ prompt }, i) => task.faithful?.(prompt, texts[i] as string)).length / rows.length;
  const overlap = rows.reduce((sum, { completion }, i) => sum + rougeN(texts[i] as string, completion, 2).f1, 0);
  return {
    ...{ score: right.length / rows.length, entropy: entropyOn(model, params, prompts, sampled) },
    ...{ faithful, rouge2: overlap / rows.length },
  };
}

/** Mean entropy of the distributions that the completions' tokens were drawn from. */
function entropyOn(model: LanguageModel, params: Params, prompts: TokenBatch, completions: TokenBatch): number {
  const each = tidy(() => {
    const { states, head } = model.hidden?.(params, prompts, completions) ?? refuse();
    const rows = states.shape[0] * states.shape[1];
    const logQ = logSoftmax(matMul(reshape(states, [rows, states.shape[2]]) as Tensor2D, head, false, true));
    return neg(sum(mul(exp(logQ), logQ), 1)).dataSync<'float32'>();
  });
  let [total, count] = [0, 0];
  for (const [b, length] of completions.lengths.entries())
    for (let t = 0; t < length; t++, count++) total += each[b * completions.width + t] as number;
  return total / count;
}

const faithfulness =
  (task: ToyTask): RewardFn =>
  (prompts, completions) =>
    prompts.map((prompt, i) => Number(task.faithful?.(prompt, completions[i] as string) ?? false));

function refuse(): never {
  throw new Error('a decoder without capped logits has states');
}
