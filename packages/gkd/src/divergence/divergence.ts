/** Which divergence between teacher and student, and its checks. */
import { ConfigError, checkKnown, checkName, checkShare, type DivergenceOptions } from '@gimbal/tensor-core';
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';

/**
 * D(p‖q), p the teacher's next-token distribution and q the student's (arXiv 2306.13649, section 3). 'fkl' KL(p‖q),
 * 'rkl' KL(q‖p), 'tvd' ½ Σ |p − q|. jsd: β KL(p‖M) + (1 − β) KL(q‖M), M = βp + (1 − β)q, so that β small is like fkl and
 * near 1 like rkl, of small scale; at exactly 0 and 1 it *is* fkl and rkl, and `scale` 'normalised' divides by β(1 − β),
 * which is continuous there. skew-fkl: KL(p‖αp + (1 − α)q); skew-rkl: KL(q‖(1 − α)p + αq) (arXiv 2402.03898).
 */
export type Divergence =
  | 'fkl'
  | 'rkl'
  | 'tvd'
  | { kind: 'jsd'; beta: number; scale?: 'paper' | 'normalised' }
  | { kind: 'skew-fkl' | 'skew-rkl'; alpha: number }
  | CustomDivergence;

/** One of the user's own, differentiated as it is written. */
export interface CustomDivergence {
  kind: 'custom';
  /** for the log and the saved run; default 'custom' */
  name?: string;
  /** from log p and log q `[rows, V]` to D `[rows]` */
  value(logTeacher: Tensor2D, logStudent: Tensor2D): Tensor1D;
}

/** It is infinite where the teacher gives a token no probability that the student gives some: a reverse KL. */
export const isReverse = (d: Divergence): boolean =>
  d === 'rkl' ||
  (typeof d === 'object' && ((d.kind === 'jsd' && d.beta === 1) || (d.kind === 'skew-rkl' && d.alpha === 0)));

/** Where the logits of either side are divided. */
export interface Temperatures {
  /** of the teacher's softmax inside D; default 1 */
  teacherTemperature?: number;
  /** of the student's softmax inside D; default 1 */
  studentTemperature?: number;
}

const kinds = ['fkl', 'rkl', 'tvd', 'jsd', 'skew-fkl', 'skew-rkl', 'custom'];

/** What an object of each kind has. */
const parts = {
  jsd: ['kind', 'beta', 'scale'],
  'skew-fkl': ['kind', 'alpha'],
  'skew-rkl': ['kind', 'alpha'],
  custom: ['kind', 'name', 'value'],
} as const;

export const isCustom = (d: Divergence): d is CustomDivergence => typeof d === 'object' && d.kind === 'custom';

/** @throws ConfigError for none, a name that is none, β or α outside [0, 1] */
export function checkDivergence(where: string, d: Divergence | undefined): asserts d is Divergence {
  if (d === undefined || d === null)
    throw new ConfigError({ where, what: 'there is none', wanted: `one of ${kinds.join(', ')}` });
  const kind = typeof d === 'string' ? d : d.kind;
  checkName(where, kind, kinds);
  if (typeof d === 'string') {
    if (d !== 'fkl' && d !== 'rkl' && d !== 'tvd')
      throw new ConfigError({
        where,
        what: `${kind} has a parameter`,
        got: d,
        wanted:
          kind === 'jsd' ? "{ kind: 'jsd', beta }" : kind === 'custom' ? 'an object' : `{ kind: '${kind}', alpha }`,
      });
    return;
  }
  checkKnown(where, d, parts[d.kind]);
  if (d.kind === 'jsd') {
    checkShare(`${where}.beta`, d.beta);
    if (d.scale !== undefined) checkName(`${where}.scale`, d.scale, ['paper', 'normalised']);
  } else if (d.kind === 'custom') {
    if (typeof d.value !== 'function')
      throw new ConfigError({ where: `${where}.value`, what: 'no function', got: typeof d.value });
  } else checkShare(`${where}.alpha`, d.alpha);
}

/** The same as options of tensor-core's op; undefined for a user's own. */
export function opOptions(d: Divergence, t: Temperatures = {}): DivergenceOptions | undefined {
  if (isCustom(d)) return undefined;
  const { teacherTemperature: targetTemperature = 1, studentTemperature: temperature = 1 } = t;
  const shared = { temperature, targetTemperature };
  if (typeof d === 'string') return { kind: d, ...shared };
  if (d.kind === 'jsd') return { kind: 'jsd', mix: d.beta, ...(d.scale && { scale: d.scale }), ...shared };
  return { kind: d.kind, mix: d.alpha, ...shared };
}

/** In a few characters: jsd:0.9. */
export function divergenceName(d: Divergence): string {
  if (typeof d === 'string') return d;
  if (d.kind === 'custom') return d.name ?? 'custom';
  if (d.kind === 'jsd') return `jsd:${d.beta}${d.scale === 'normalised' ? ':normalised' : ''}`;
  return `${d.kind}:${d.alpha}`;
}

/**
 * The inverse: what `--divergence` takes.
 * @example parseDivergence('jsd:0.9') // { kind: 'jsd', beta: 0.9 }
 * @throws ConfigError
 */
export function parseDivergence(text: string): Divergence {
  const where = 'divergence';
  const [kind = '', number, scale, ...more] = text.split(':');
  checkName(where, kind, kinds.slice(0, -1));
  if (kind === 'fkl' || kind === 'rkl' || kind === 'tvd') {
    if (number !== undefined) throw new ConfigError({ where, what: `${kind} has no parameter`, got: text });
    return kind;
  }
  if (number === undefined || number === '')
    throw new ConfigError({ where, what: `${kind} needs a number`, got: text, wanted: `${kind}:0.5, for example` });
  if (more.length > 0 || (scale !== undefined && kind !== 'jsd'))
    throw new ConfigError({
      ...{ where, what: `${kind} has fewer parts`, got: text },
      wanted: kind === 'jsd' ? 'jsd:β or jsd:β:normalised' : `${kind}:α`,
    });
  const d: Divergence =
    kind === 'jsd'
      ? { kind, beta: Number(number), ...(scale !== undefined && { scale: scale as 'paper' }) }
      : { kind: kind as 'skew-fkl', alpha: Number(number) };
  checkDivergence(where, d);
  return d;
}
