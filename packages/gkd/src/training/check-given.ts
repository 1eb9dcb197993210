/** Whether options are there at all, and of the kind that is read: what a caller without types may give. */
import { ConfigError, checkKnown } from '@gimbal/tensor-core';
import type { GkdOptions } from './gkd-options.ts';

/** What stands in options of an object each. */
const nested = {
  lora: ['rank', 'alpha', 'rankStabilized', 'dora', 'targetModules', 'rankPattern', 'alphaPattern'],
  reward: ['fn', 'alpha', 'samplesPerPrompt'],
  auxiliary: ['data', 'weight'],
} as const;

/**
 * The options without those that are undefined, so that defaults fill them in.
 * @throws ConfigError naming the option that is missing, null, or of another kind; a misspelt one within an option
 */
export function givenOptions(options: GkdOptions): GkdOptions {
  const o = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  for (const [name, value] of Object.entries(o))
    if (value === null) throw new ConfigError({ where: name, what: 'null is no value', fix: 'Leave it out' });
  const kinds: readonly [name: string, is: (value: unknown) => boolean, wanted: string][] = [
    ['student', isPolicy, 'a model: decoder, seq2seq, or another LogitPolicy'],
    ['params', isObject, 'the parameters of the student'],
    ['tokenizer', isTokenizer, 'a tokenizer'],
    ['prompts', Array.isArray, 'an array of texts, or of rows with a prompt each'],
    ['maxNewTokens', (value) => typeof value === 'number', 'a whole number ≥ 1'],
  ];
  for (const [name, is, wanted] of kinds) checkKind(name, o[name], is, wanted);
  if (o.ignoreTokens !== undefined) checkKind('ignoreTokens', o.ignoreTokens, Array.isArray, 'an array of ids');
  if (o.heldOut !== undefined) checkKind('heldOut', o.heldOut, Array.isArray, 'an array of prompts');
  for (const name of ['teacherPrompt', 'warn'])
    if (o[name] !== undefined) checkKind(name, o[name], (value) => typeof value === 'function', 'a function');
  if (o.lambda !== undefined) checkSchedule('lambda', o.lambda);
  for (const [name, known] of Object.entries(nested)) if (o[name] !== undefined) checkKnown(name, o[name], known);
  const { auxiliary, offPolicy } = o;
  if (auxiliary !== undefined) checkKind('auxiliary.data', auxiliary.data, Array.isArray, 'an array of rows');
  if (offPolicy !== undefined) {
    checkKnown('offPolicy', offPolicy, offPolicyNames(offPolicy.source));
    if (offPolicy.data !== undefined) checkKind('offPolicy.data', offPolicy.data, Array.isArray, 'an array of rows');
  }
  if (o.teacher !== undefined) checkTeachers(o.teacher);
  return o as unknown as GkdOptions;
}

function offPolicyNames(source: unknown): readonly string[] {
  const own = { dataset: ['data'], teacher: ['temperature', 'greedy'] };
  return ['source', ...(source === 'dataset' || source === 'teacher' ? own[source] : Object.values(own).flat())];
}

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);

const has = (value: unknown, names: readonly string[]): boolean =>
  isObject(value) && names.every((name) => typeof (value as Record<string, unknown>)[name] === 'function');

const isPolicy = (value: unknown): boolean => has(value, ['logits', 'logProbs', 'sample']);

const isTokenizer = (value: unknown): boolean =>
  has(value, ['encode', 'decode', 'token']) && isObject((value as { special?: unknown }).special);

function checkKind(where: string, got: unknown, is: (value: unknown) => boolean, wanted: string): void {
  if (is(got)) return;
  const what = got === undefined ? 'it is missing' : 'it is of another kind';
  throw new ConfigError({
    where,
    what,
    ...(got !== undefined && { got: Array.isArray(got) ? 'an array' : typeof got }),
    wanted,
  });
}

function checkSchedule(where: string, got: unknown): void {
  checkKind(where, got, (value) => typeof value === 'number' || typeof value === 'function', 'a number or a schedule');
}

function checkTeachers(teacher: unknown): void {
  const wanted = 'a Teacher (modelTeacher, oracleTeacher, cachedTeacher), or several by name';
  checkKind('teacher', teacher, isObject, wanted);
  if (has(teacher, ['score'])) return;
  for (const [name, each] of Object.entries(teacher as object))
    checkKind(`teacher.${name}`, each, (value) => has(value, ['score']), wanted);
}
