// A teacher of 100,000 parameters that learned a task from its right answers, on rows that it has not seen before, until it
// answers 99 % of 500 others right, greedily, or has had the most steps.
import { GkdTrainer, modelTeacher, presets, type Teacher } from '@gimbal/gkd';
import { decoder } from '@gimbal/language-models';
import { cloneTree, disposeTree, rng, schedules } from '@gimbal/tensor-core';
import { breathe } from '../../../reproduce/checks.ts';
import { type Kept, keptResults } from '../../../reproduce/kept.ts';
import { measure, type Student } from './measure.ts';
import type { ToyTask } from './toy-task.ts';

/** A teacher, and how good it is. */
export interface Learned {
  teacher: Teacher;
  /** on 500 prompts that it did not learn from */
  own: Student;
  /** updates that it took */
  steps: number;
}

const batchSize = 64;
const wanted = 0.99;
/** updates between two looks, and the most there are: the newsroom's stays at 92 % from 2000 on, as it would in 8000 */
const [every, most] = [250, 4000];
const heldOut = 500;
const width = 64;
const rate = { peak: 1.5e-3, warmup: 100, final: 1.5e-3 / 20 };

const known = new Map<string, Promise<Learned>>();

/** The teacher of a task, trained once. */
export function learnedTeacher(task: ToyTask, signal: AbortSignal): Promise<Learned> {
  const before = known.get(task.name);
  if (before !== undefined) return before;
  const made = learn(task, signal);
  made.catch(() => known.delete(task.name)); // stopped: made anew when asked again
  known.set(task.name, made);
  return made;
}

/** Its share of right answers, and what they took. */
export const learnedText = ({ own, steps }: Learned): string =>
  `the learned teacher is right in ${(100 * own.score).toFixed(1)} % after ${steps} steps${own.score < wanted ? ', the most' : ''}`;

async function learn(task: ToyTask, signal: AbortSignal): Promise<Learned> {
  const settings = { task: task.name, batchSize, wanted, every, most, heldOut, width, rate };
  const { params, notes } = await keptResults.model('gkd-teacher', settings, () => train(task, signal));
  const { steps, ...own } = notes as unknown as Student & { steps: number };
  return { teacher: modelTeacher(modelOf(task), params, task.vocabulary), own, steps };
}

const modelOf = ({ vocabulary, promptLength, answerLength }: ToyTask) =>
  decoder({
    ...{ family: 'gpt2', width, layers: 2, heads: 4, tieEmbeddings: false, vocabularySize: vocabulary.size },
    contextLength: promptLength + answerLength,
    // GPT-2's .02 is for widths of a thousand and more
    initializerRange: 0.8 / Math.sqrt(width),
    eosIds: [vocabulary.special.eos as number],
    padId: vocabulary.special.pad as number,
  });

async function train(task: ToyTask, signal: AbortSignal): Promise<Kept> {
  const stream = rng(0).split('claims.gkd.teacher');
  const test = task.rows(heldOut, stream.split('test'));
  // each row is drawn once, or where there are few all of them are
  const count = Math.min(most * batchSize, (task.problems ?? Number.POSITIVE_INFINITY) - heldOut);
  const rows = task.rows(count, stream.split('training'), new Set(test.map(({ prompt }) => prompt)));
  const model = modelOf(task);
  const start = model.init(stream.split('init'));
  using trainer = new GkdTrainer({
    ...presets.sft({}),
    ...{ student: model, params: start, tokenizer: task.vocabulary, prompts: rows, batchSize, seed: 0 },
    ...{ divergence: 'nll', maxNewTokens: task.answerLength },
    ...{ optimizer: { name: 'adam', beta1: 0.9, beta2: 0.98 }, maxGradNorm: 1 },
    learningRate: schedules.linear({ ...rate, steps: most }),
  });
  disposeTree(start);
  for (let steps = every; ; steps += every) {
    await trainer.run({ steps, signal });
    await breathe(signal);
    const own = await measure(task, model, trainer.params, test, 0);
    if (own.score < wanted && steps < most) continue;
    return { params: cloneTree(trainer.params), notes: { steps, ...own } };
  }
}
