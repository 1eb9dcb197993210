/** Completions that their teacher, which has another tokenizer, cannot read: the loss leaves them out. */
import { padBatch } from '@gimbal/language-models';
import { readable } from '../teachers/readable.ts';
import { promptText } from './encode-rows.ts';
import type { Example } from './examples.ts';
import type { ResolvedGkd } from './gkd-options.ts';
import { byTeacher } from './teacher-of.ts';

/** The examples that are read, in their order: all, where teachers have the student's tokens or are not asked. */
export function readByTeachers(o: ResolvedGkd, examples: readonly Example[], padId: number): Example[] {
  if (o.alignment === 'none' || o.divergence === 'nll') return [...examples];
  const kept = new Set<Example>();
  const { teacherPrompt = promptText } = o;
  for (const [teacher, members] of byTeacher(o, examples.keys(), (b) => (examples[b] as Example).row)) {
    const own = members.map((b) => examples[b] as Example);
    const completions = padBatch(
      own.map((e) => e.completion),
      padId,
    );
    const texts = own.map(({ row }) => teacherPrompt(row));
    for (const [i, reads] of readable(teacher, o.tokenizer, texts, completions).entries())
      if (reads) kept.add(own[i] as Example);
  }
  return examples.filter((e) => kept.has(e));
}
