/** Which teacher stands behind one that remembers its answers. */
import type { Teacher } from './teacher.ts';

const bases = new WeakMap<Teacher, Teacher>();

/** @returns the outer one, whose answers are the base's */
export function standingBefore<T extends Teacher>(outer: T, base: Teacher): T {
  bases.set(outer, base);
  return outer;
}

/** The innermost; itself where none is behind it. */
export function baseOf(teacher: Teacher): Teacher {
  const base = bases.get(teacher);
  return base === undefined ? teacher : baseOf(base);
}
