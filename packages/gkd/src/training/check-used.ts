/** Options that the others leave without effect: refused, as a number that nobody reads is seldom meant. */
import { ConfigError } from '@gimbal/tensor-core';
import type { ModelTeacher } from '../teachers/model-teacher.ts';
import type { Teacher } from '../teachers/teacher.ts';
import { described } from './described.ts';
import type { ResolvedGkd } from './gkd-options.ts';

/** @throws ConfigError */
export function checkUsed(o: ResolvedGkd): void {
  const { divergence } = o;
  if (divergence === 'nll' || divergence === 'sampled-rkl') {
    const what =
      divergence === 'nll' ? 'nll compares no distributions' : 'sampled-rkl reads log p of the sampled tokens as it is';
    for (const name of ['teacherTemperature', 'studentTemperature'] as const)
      if (o[name] !== 1) throw new ConfigError({ where: name, what, got: o[name], wanted: '1, or leave it out' });
    if (o.teacherTopK !== undefined)
      throw new ConfigError({ where: 'teacherTopK', what, got: o.teacherTopK, fix: 'Leave it out' });
  }
  if (o.futureDiscount > 0 && o.temperature !== 1)
    throw new ConfigError({
      where: 'temperature',
      what: 'futureDiscount is the gradient of the student’s own completions, which those of another temperature are not',
      got: o.temperature,
      wanted: '1 with futureDiscount',
    });
}

/**
 * Columns that are no token can be left out of whole distributions alone.
 * @param own V of the student
 * @throws ConfigError
 */
export function checkNarrowing(o: ResolvedGkd, where: string, teacher: Teacher, own: number): void {
  const { vocabSize } = teacher;
  const { size } = o.tokenizer;
  const fix = 'Give modelTeacher { columns: tokenizer.size }';
  if (o.alignVocab && vocabSize > size && (o.teacherTopK !== undefined || o.divergence === 'sampled-rkl'))
    throw new ConfigError({
      where,
      what: `its log-probabilities are normalised over ${vocabSize} columns, of which ${vocabSize - size} are no token`,
      got: o.divergence === 'sampled-rkl' ? 'sampled-rkl with alignVocab' : 'teacherTopK with alignVocab',
      wanted: 'whole distributions, or log-probabilities of the tokens alone',
      fix,
    });
  const { policy } = teacher as Partial<ModelTeacher>;
  const columns = (policy && described(policy).config?.vocabularySize) ?? vocabSize;
  if (o.teacherMix > 0 && columns !== own)
    throw new ConfigError({
      where: 'teacherMix',
      what: 'the next token’s distributions of student and teacher cannot be mixed: they have other widths',
      got: columns,
      wanted: own,
    });
}
