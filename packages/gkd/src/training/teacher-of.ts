/** Which teacher a row is to be asked of. */
import { DataError, type Prompt } from '@gimbal/tensor-core';
import type { Teacher } from '../teachers/teacher.ts';
import { teachersOf } from './check-options.ts';
import type { ResolvedGkd } from './gkd-options.ts';

/** Its `teacher` column's, or the first. @throws DataError for a name that is none's */
export function teacherOf(o: ResolvedGkd, row: Prompt, where = 'prompts'): Teacher {
  const teachers = teachersOf(o);
  const names = Object.keys(teachers);
  const tag = typeof row === 'string' ? undefined : row.teacher;
  if (names.length === 1 || tag === undefined) return teachers[names[0] as string] as Teacher;
  const found = Object.hasOwn(teachers, String(tag)) ? teachers[String(tag)] : undefined;
  if (found !== undefined) return found;
  throw new DataError({
    where,
    what: 'a row names a teacher that is not there',
    got: tag,
    wanted: names.join(', '),
  });
}

/** @throws DataError naming the row, where its `teacher` column names nobody */
export function checkTag(o: ResolvedGkd, row: Prompt, where: string): void {
  if (Object.keys(teachersOf(o)).length > 1) teacherOf(o, row, where);
}

/** Numbers of rows by their teacher, in the rows' order. */
export function byTeacher(
  o: ResolvedGkd,
  numbers: Iterable<number>,
  rowOf: (n: number) => Prompt,
): Map<Teacher, number[]> {
  const groups = new Map<Teacher, number[]>();
  for (const n of numbers) {
    const teacher = teacherOf(o, rowOf(n));
    const members = groups.get(teacher) ?? [];
    members.push(n);
    groups.set(teacher, members);
  }
  return groups;
}
