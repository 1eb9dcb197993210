/** Short names of what a run reads, so that a resumed one is told when it was exchanged. */
import { flatten, hashWords, type Params, type Prompt } from '@gimbal/tensor-core';
import { reshape, slice, tidy } from '@tensorflow/tfjs-core';
import type { ModelTeacher } from '../teachers/model-teacher.ts';
import type { Teacher } from '../teachers/teacher.ts';
import { teachersOf } from './check-options.ts';
import type { ResolvedGkd } from './gkd-options.ts';

/** Of rows' prompts, completions and teachers, in their order; what else they have is the reward's. */
export function rowsName(rows: readonly Prompt[]): string {
  return hashWords(
    codesOf(rows, (row) => (typeof row === 'string' ? [row] : [row.prompt, row.completion ?? '', row.teacher ?? ''])),
  );
}

/** Of the prompts as the teachers read them; undefined where it is in the student's words. */
export function teacherPromptsName({ teacherPrompt, prompts }: ResolvedGkd): string | undefined {
  return teacherPrompt && hashWords(codesOf(prompts, (row) => [teacherPrompt(row)]));
}

function* codesOf(rows: readonly Prompt[], partsOf: (row: Prompt) => readonly unknown[]): Generator<number> {
  for (const row of rows)
    for (const part of partsOf(row)) {
      const text = String(part);
      for (let i = 0; i < text.length; i++) yield text.charCodeAt(i);
      // no code unit: texts that are cut elsewhere are others
      yield 0x10000;
    }
}

/** Of each teacher by its name; null: it does not say who it is. */
export function teacherNames(o: Pick<ResolvedGkd, 'teacher'>): Record<string, string | null> {
  return Object.fromEntries(Object.entries(teachersOf(o)).map(([name, teacher]) => [name, teacherName(teacher)]));
}

function teacherName(teacher: Teacher): string | null {
  const { params } = teacher as Partial<ModelTeacher>;
  // its identity is a hash of every number, which takes minutes for a large model
  return params === undefined ? (teacher.identity ?? null) : weightsName(params);
}

/** numbers of each leaf that are looked at */
const sample = 16;

/** Of names, shapes and the first numbers of each leaf. */
function weightsName(params: Params): string {
  const words = function* (): Generator<number> {
    for (const [path, leaf] of flatten(params)) {
      for (const c of `${path} ${leaf.shape}`) yield c.codePointAt(0) as number;
      const count = Math.min(sample, leaf.size);
      const values = tidy(() =>
        slice(reshape(leaf, [-1]), [0], [count])
          .dataSync<'float32'>()
          .slice(),
      );
      yield* new Uint32Array(Float32Array.from(values).buffer);
    }
  };
  return hashWords(words());
}
