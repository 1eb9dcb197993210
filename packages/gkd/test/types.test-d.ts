// Types of the public surface: checked by `tsc`, never run. A line under @ts-expect-error must not compile.
import type { LogitPolicy, Params, Trainer } from '@gimbal/tensor-core';
import { sub, sum, type Tensor1D, type Tensor2D, type Tensor3D } from '@tensorflow/tfjs-core';
import {
  type Divergence,
  distillLoss,
  type EvalReport,
  type EvalRow,
  evaluateDistillation,
  type GkdOptions,
  type GkdStep,
  GkdTrainer,
  type gkdDefaults,
  type ModelTeacher,
  type modelTeacher,
  type openTeacherCache,
  presets,
  type Teacher,
  type TeacherRows,
  type TopK,
  tokenDivergence,
  type Vocabulary,
} from '../src/index.ts';

/** Fails to compile unless both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const check = <T extends true>(): T | undefined => undefined;

declare const student: LogitPolicy;
declare const params: Params;
declare const tokenizer: Vocabulary;
declare const teacher: Teacher;
declare const [zS, zT]: [Tensor2D, Tensor2D];
declare const [bS, bT]: [Tensor3D, Tensor3D];

// divergences: those without a parameter by name, the others as objects with theirs
const named: Divergence[] = ['fkl', 'rkl', 'tvd', { kind: 'jsd', beta: 0.5 }, { kind: 'skew-fkl', alpha: 0.1 }];
// @ts-expect-error a jsd has a β
const without: Divergence = { kind: 'jsd' };
// @ts-expect-error and is no name alone
const alone: Divergence = 'jsd';
const own: Divergence = { kind: 'custom', value: (logTeacher, logStudent) => sum(sub(logTeacher, logStudent), 1) };
const rowsOf: Tensor1D = tokenDivergence(zS, zT, own, { teacherTemperature: 2 });
// @ts-expect-error completions have a mask
void distillLoss({ zS: bS, zT: bT, divergence: 'fkl' });

// a trainer: the essentials, all else has a default
const least: GkdOptions = {
  ...{ student, params, tokenizer, teacher, prompts: ['a'], divergence: 'fkl', maxNewTokens: 4 },
  ...{ batchSize: 2, learningRate: 0.1, seed: 0 },
};
const trainer: Trainer<GkdStep> = new GkdTrainer(least);
void new GkdTrainer({ ...least, teacher: { up: teacher, down: teacher }, lambda: (step) => Math.min(1, step / 10) });
void new GkdTrainer({ ...least, ...presets.gkd({ divergence: 'rkl' }) });
// @ts-expect-error no such preset
void presets.grpo;
// @ts-expect-error completions of nobody
void new GkdTrainer({ ...least, offPolicy: { source: 'student' } });
check<Same<(typeof gkdDefaults)['mixing'], 'batch'>>();
check<Same<GkdStep['reward'], number | undefined>>();

// a teacher of one's own: three members; a model as one says which model
const remote: Teacher = {
  tokenizerHash: '',
  vocabSize: 3,
  score: async (): Promise<TeacherRows> => ({ sampled: new Float32Array(1) }),
};
// @ts-expect-error likeliest tokens come with the sum of the others
const bare: TopK = { ids: new Int32Array(1), logp: new Float32Array(1) };
check<Same<ReturnType<typeof modelTeacher>, ModelTeacher>>();
check<Same<ReturnType<typeof openTeacherCache>, Promise<Teacher>>>();

// an evaluation yields rows, and ends in all of them
declare const rows: ReturnType<typeof evaluateDistillation>;
check<Same<typeof rows, AsyncGenerator<EvalRow, EvalReport, undefined>>>();
// @ts-expect-error a score is a number
void evaluateDistillation({ models: {}, tokenizer, teacher, prompts: [], decode: [], seed: 0, metric: () => '1' });

void [rowsOf, named, without, alone, trainer, remote, bare];
