/**
 * Rewards by the names of the command line, one grammar for every command that takes one:
 *
 *   exact, exact:column        1 where the completion is the row's answer, else 0
 *   world:newsroom             1 where the article entails the summary, else 0, by the world that made the article
 *   folder                     a reward model's score (gimbal reward, gimbal warm): the model's folder, the run's, or its name in runs/
 *   entailment:folder          log P(the prompt entails the completion) of a judge (gimbal reward --kind entailment)
 *                              ?aggregate=summac or minClause, ?p-min=0.01, ?empty=accept
 *   ensemble:a+b+c             predictions of several as one; of a run of gimbal warm, those of its members
 *                              ?reduce=mean, median or min, or ?variance=1: the mean less so many variances
 *   length:20..40              0 within so many words, −1 for each word outside; a bound may be left out
 *   repetition, repetition:4   −(the share of a text's runs of 3, or of 4, words that it has had before)
 *   https://host/score         a server's score of { prompts, completions }: what is too large for this machine; a number at
 *                              the end of ?name=0.5 is the parameter's, and a weight stands behind it: ?name=0.5=2
 *   ./file.mjs                 a function of yours: (prompts, completions, rows) => numbers, or null to abstain
 *
 * Options stand behind it, each after a ?, and at the end its weight, where several are summed: =0.5, or one that moves with
 * the updates, =0..0.5@100: from 0 to .5 in the first hundred.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { EnsembleOptions, JudgeOptions, LengthBounds } from '@gimbal/reward-models';
import { ConfigError, checkName, type Schedule } from '@gimbal/tensor-core';
import { moves, readMoving } from '../options/moving.ts';
import { orNamedRun } from '../run/named-run.ts';
import { isModule } from '../run/own-function.ts';

/** How a judge judges, as far as it can be said in a reward. */
export type JudgeSettings = Partial<Pick<JudgeOptions, 'aggregate' | 'pMin' | 'emptyPolicy'>>;

/** A reward as it is written, without its weight. */
export type RewardBody =
  | { kind: 'exact' | 'world' | 'module' | 'model' | 'remote' /** column, or path */; of: string }
  | { kind: 'judge'; of: string; judge?: JudgeSettings }
  | { kind: 'length'; of: string; bounds: LengthBounds }
  | { kind: 'repetition'; of: string; n: number }
  | { kind: 'ensemble'; of: string; members: readonly RewardBody[]; reduce: NonNullable<EnsembleOptions['reduce']> };

/** A reward as it is written, in its parts. */
export type RewardSpec = RewardBody & {
  weight: Schedule;
  /** in metrics */
  name: string;
};

/** what an ensemble can take */
const memberForms =
  'world:newsroom, a reward model’s folder, entailment:folder, length:20..40, repetition, or a path to a .mjs or .js';
const forms =
  'exact, exact:column, world:newsroom, a reward model’s folder, entailment:folder, ensemble:folder+folder, length:20..40, repetition, https://…, or a path to a .mjs or .js';

/**
 * Reads the grammar; nothing is loaded.
 * @param o.moving whether somebody counts updates, so that a weight may move with them
 * @throws ConfigError for what is no reward, or an option that it has not
 */
export function parseReward(text: string, where: string, { moving = false } = {}): RewardSpec {
  if (/^https?:\/\//.test(text)) return { kind: 'remote', ...addressOf(text, where, moving), name: 'remote' };
  const [head = '', ...given] = text.split('?');
  const options: [name: string, value: string][] = [];
  let factor: string | undefined;
  for (const [i, part] of given.entries()) {
    const [name = '', value, last, ...more] = part.split('=');
    if (value === undefined || value === '' || more.length > 0 || (last !== undefined && i < given.length - 1)) {
      const wanted = 'for example entailment:folder?aggregate=summac?p-min=0.01=0.5, the weight at the end';
      throw new ConfigError({ where, what: 'an option is a name and a value', got: text, wanted });
    }
    if (options.some(([earlier]) => earlier === name))
      throw new ConfigError({ where, what: `an option is given twice: ?${name}`, got: text });
    options.push([name, value]);
    factor = last;
  }
  let body = head;
  if (given.length === 0) [, body = head, factor] = /^(.*?)(?:=([^=/\\]*))?$/.exec(head) ?? [];
  return { ...readBody(body, options, text, where), weight: weightOf(factor, text, where, moving), name: nameOf(body) };
}

/**
 * A judge as `--judge` names it: its folder, with options behind it.
 * @throws ConfigError for what is no judge, or a weight: nothing is summed there
 */
export function parseJudge(text: string, where: string): RewardBody & { kind: 'judge' } {
  const { weight, name, ...spec } = parseReward(`entailment:${text}`, where);
  if (spec.kind !== 'judge') throw new ConfigError({ where, what: 'no judge', got: text, wanted: 'its folder' });
  if (weight === 1 && !/=1(\.0*)?$/.test(text)) return spec;
  const fix = 'Leave it out: weights are for rewards that are summed';
  throw new ConfigError({ where, what: 'a judge has no weight here', got: text, fix });
}

/** An address, which may hold a ? and an = of its own, and its weight. */
function addressOf(text: string, where: string, moving: boolean): { of: string; weight: Schedule } {
  const [, of = text, factor = ''] = /^(.*)=([^=/\\?&]*)$/.exec(text) ?? [];
  const isWeight = factor.trim() !== '' && (Number.isFinite(Number(factor)) || /^.+\.\..+@\d+$/.test(factor));
  // of a query the last parameter has its value first
  const last = of.includes('?') ? of.split(/[?&]/).at(-1) : undefined;
  if (!isWeight || last?.includes('=') === false) return { of: text, weight: 1 };
  return { of, weight: weightOf(factor, text, where, moving) };
}

/** In metrics. */
function nameOf(body: string): string {
  if (isModule(body)) return (body.split(/[\\/]/).at(-1) as string).replace(/\.[mc]?[jt]s$/, '').replace(/\W+/g, '_');
  if (body === 'world:newsroom') return 'entailed';
  return /^(exact|entailment|ensemble|length|repetition)(:|$)/.exec(body)?.[1] ?? 'model';
}

function readBody(
  body: string,
  options: readonly [string, string][],
  text: string,
  where: string,
  wanted = forms,
): RewardBody {
  const colon = body.indexOf(':');
  const [kind, of] = colon < 0 ? [body, ''] : [body.slice(0, colon), body.slice(colon + 1)];
  if (kind === 'entailment' && of !== '') return { kind: 'judge', of: orNamedRun(of), ...judgeOf(options, where) };
  if (kind === 'ensemble' && of !== '')
    return { kind: 'ensemble', of: orNamedRun(of), ...ensembleOf(of, options, text, where) };
  const found = plainBody(kind, of, body, text, where, wanted);
  const [first] = options;
  if (first === undefined) return found;
  const fix = 'entailment: and ensemble: have some (gimbal rl --help); a weight is written =0.5';
  throw new ConfigError({ where, what: `this reward has no options: ?${first.join('=')}`, got: text, fix });
}

function plainBody(kind: string, of: string, body: string, text: string, where: string, known: string): RewardBody {
  if (isModule(body)) return { kind: 'module', of: body };
  if (kind === 'exact') return { kind, of };
  if (body === 'world:newsroom') return { kind: 'world', of };
  if (kind === 'length') {
    const [, low, high] = /^(\d*)\.\.(\d*)$/.exec(of) ?? [];
    const bounds = { ...(low && { min: Number(low) }), ...(high && { max: Number(high) }) };
    const { min = 0, max = Number.POSITIVE_INFINITY } = bounds;
    if (Object.keys(bounds).length > 0 && min <= max) return { kind, of, bounds };
    const wanted = 'fewest and most words: length:20..40, length:..40 or length:20..';
    throw new ConfigError({ where, what: 'bounds that no length fits, or none', got: text, wanted });
  }
  if (kind === 'repetition') {
    const n = of === '' ? 3 : Number(of);
    if (Number.isSafeInteger(n) && n >= 1) return { kind, of, n };
    const wanted = 'words of a run: repetition:3';
    throw new ConfigError({ where, what: 'no whole number above 0', got: text, wanted });
  }
  const folder = orNamedRun(body);
  if (existsSync(join(folder, 'config.json'))) return { kind: 'model', of: folder };
  throw new ConfigError({ where, what: 'no such reward', got: text, wanted: known });
}

function judgeOf(options: readonly [string, string][], where: string): { judge?: JudgeSettings } {
  const judge: JudgeSettings = {};
  for (const [name, value] of options) {
    checkName(`${where} ?`, name, ['aggregate', 'p-min', 'empty']);
    if (name === 'aggregate') judge.aggregate = oneOf(`${where} ?aggregate`, value, ['whole', 'summac', 'minClause']);
    else if (name === 'empty') judge.emptyPolicy = oneOf(`${where} ?empty`, value, ['reject', 'accept']);
    else judge.pMin = numberIn(`${where} ?p-min`, value, (p) => p > 0 && p < 1, 'a number between 0 and 1');
  }
  return options.length === 0 ? {} : { judge };
}

function ensembleOf(
  of: string,
  options: readonly [string, string][],
  text: string,
  where: string,
): Pick<RewardBody & { kind: 'ensemble' }, 'members' | 'reduce'> {
  let reduce: NonNullable<EnsembleOptions['reduce']> = 'mean';
  for (const [name, value] of options) {
    checkName(`${where} ?`, name, ['reduce', 'variance']);
    if (name === 'reduce')
      reduce = oneOf<'mean' | 'median' | 'min'>(`${where} ?reduce`, value, ['mean', 'median', 'min']);
    else {
      const penalty = numberIn(`${where} ?variance`, value, (x) => x >= 0, 'how many variances are taken off: 1');
      reduce = { meanMinusVariance: penalty };
    }
  }
  if (options.length > 1) {
    const fix = 'Give ?reduce=median, say, or ?variance=1';
    throw new ConfigError({ where, what: 'predictions become one in one way', got: text, fix });
  }
  const names = of.split('+');
  // of a run of gimbal warm its members, which are known where it is opened
  const members = names.length === 1 ? [] : names.map((name) => readBody(name, [], text, where, memberForms));
  const odd = members.find(({ kind }) => kind === 'exact' || kind === 'ensemble');
  if (odd === undefined) return { members, reduce };
  const fix = 'Name reward models, judges as entailment:folder, or ./file.mjs';
  throw new ConfigError({ where, what: `no member of an ensemble: ${odd.kind}`, got: text, fix });
}

/** A number, or a straight line over the first updates. */
function weightOf(factor: string | undefined, text: string, where: string, mayMove: boolean): Schedule {
  if (factor === undefined) return 1;
  const weight = Number(factor);
  if (factor.trim() !== '' && Number.isFinite(weight)) return weight;
  const moving = readMoving(factor);
  if (moving?.steps === undefined) {
    const wanted = 'for example exact=0.5, or exact=0..0.5@100: from 0 to .5 in 100 updates';
    throw new ConfigError({ where, what: 'the weight is no number', got: text, wanted });
  }
  if (!mayMove) {
    const fix = 'Give one number; weights of gimbal rl --reward may move';
    throw new ConfigError({ where, what: 'nothing counts updates here, so no weight can move', got: text, fix });
  }
  return moves(moving, moving.steps);
}

function oneOf<T extends string>(where: string, got: string, known: readonly T[]): T {
  checkName(where, got, known);
  return got as T;
}

function numberIn(where: string, text: string, good: (x: number) => boolean, wanted: string): number {
  const x = Number(text);
  if (text.trim() !== '' && Number.isFinite(x) && good(x)) return x;
  throw new ConfigError({ where, what: 'out of range', got: text, wanted });
}
