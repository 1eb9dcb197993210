/** What distillation refuses, before anything is allocated. */
import {
  ConfigError,
  checkCount,
  checkKnown,
  checkName,
  checkOption,
  checkPositive,
  checkShare,
  createOptimizer,
  schedules,
} from '@gimbal/tensor-core';
import { checkDivergence, divergenceName, isCustom } from '../divergence/divergence.ts';
import { packs } from '../rows/packed-states.ts';
import { baseOf } from '../teachers/base-of.ts';
import type { ModelTeacher } from '../teachers/model-teacher.ts';
import type { Teacher } from '../teachers/teacher.ts';
import { checkTopK } from '../teachers/top-k.ts';
import { checkSameVocabulary, tokenizerHash } from '../teachers/vocabulary.ts';
import { givenOptions } from './check-given.ts';
import { checkGreedy, checkSamplingTemperature, sameWeights, samplingTemperature } from './check-sampling.ts';
import { checkNarrowing, checkUsed } from './check-used.ts';
import { described } from './described.ts';
import { type GkdOptions, gkdDefaults, isOwn, type ResolvedGkd } from './gkd-options.ts';

const known: readonly string[] = [
  ...Object.keys(gkdDefaults),
  ...['student', 'params', 'tokenizer', 'teacher', 'divergence', 'prompts', 'offPolicy', 'maxNewTokens', 'teacherTopK'],
  ...['ignoreTokens', 'vocabularyPerChunk'],
  ...['teacherPrompt', 'reward', 'auxiliary', 'lora', 'rowsPerChunk', 'learningRate', 'batchSize', 'maxGradNorm'],
  ...['replay', 'adaptiveLambda', 'warn', 'selfTeacher'],
  ...['checkpointEvery', 'keepCheckpoints', 'logEvery', 'out', 'seed', 'heldOut', 'evalEvery', 'keepBest', 'earlyStop'],
];

export { described };

/** The teachers by name; one alone has the name ''. */
export function teachersOf({ teacher }: Pick<GkdOptions, 'teacher'>): Readonly<Record<string, Teacher>> {
  if (teacher === undefined) return {};
  return 'score' in teacher && typeof teacher.score === 'function'
    ? { '': teacher as Teacher }
    : (teacher as Readonly<Record<string, Teacher>>);
}

/** @throws ConfigError naming the option; nothing is allocated then */
export function resolveGkd(options: GkdOptions): ResolvedGkd {
  checkKnown('GkdTrainer', options, known);
  const given = givenOptions(options);
  const temperature = samplingTemperature(given.greedy, given.temperature);
  const o: ResolvedGkd = { ...gkdDefaults, ...given, temperature };
  const { divergence } = o;
  if (!isOwn(divergence)) checkDivergence('divergence', divergence);
  for (const key of ['batchSize', 'accumulate', 'maxNewTokens'] as const) checkCount(key, o[key]);
  if (o.rowsPerChunk !== undefined) checkCount('rowsPerChunk', o.rowsPerChunk);
  checkColumns(o);
  for (const key of ['teacherTemperature', 'studentTemperature'] as const) checkPositive(key, o[key]);
  checkSamplingTemperature('temperature', o.greedy, temperature);
  checkGreedy(o);
  checkName('mixing', o.mixing, ['batch', 'sequence']);
  checkName('reduction', o.reduction, ['sequence', 'token']);
  checkName('alignment', o.alignment, ['none', 'spans', 'uld', 'hybrid']);
  checkName('overflow', o.overflow, ['error', 'drop']);
  checkSupport(o);
  if (o.heldOut?.length === 0)
    throw new ConfigError({ where: 'heldOut', what: 'there are none', wanted: 'at least 1' });
  const lambda = schedules.scheduleAt(o.lambda, 0);
  checkShare('lambda', lambda);
  checkShare('futureDiscount', o.futureDiscount);
  checkMix(o);
  if (o.packing && !packs(o.student))
    throw new ConfigError({
      where: 'packing',
      what: 'this student does not read rows one after the other in one line',
      wanted: 'a decoder whose head is one matrix (no capped logits)',
      fix: 'Leave out packing',
    });
  checkObjective(o, lambda);
  checkUsed(o);
  checkReward(o);
  checkReplay(o);
  checkAdaptive(o);
  if (o.auxiliary !== undefined) {
    const { data, weight } = o.auxiliary;
    checkPositive('auxiliary.weight', weight);
    if (data.length === 0) throw new ConfigError({ where: 'auxiliary.data', what: 'there are no rows' });
  }
  if (o.tokenizer.special.eos === undefined)
    throw new ConfigError({
      where: 'tokenizer',
      what: 'it has no end-of-text token, so a completion would never end',
      fix: 'Name one as eos_token in tokenizer_config.json',
    });
  checkEnds(o, lambda);
  checkTeachers(o, lambda);
  createOptimizer(o.optimizer);
  warnOfScale(o);
  return o;
}

/** A student that cannot end writes every completion to its last token. */
function checkEnds({ student, lambda: share }: ResolvedGkd, lambda: number): void {
  if (described(student).config?.eosIds?.length !== 0 || (typeof share === 'number' && lambda === 0)) return;
  throw new ConfigError({
    ...{ where: 'student', what: 'no token ends its completions', got: 'eosIds []', wanted: 'at least one id' },
    fix: 'Make the model with eosIds',
  });
}

function checkObjective(o: ResolvedGkd, lambda: number): void {
  const { divergence, futureDiscount, offPolicy, reduction } = o;
  const constant = typeof o.lambda === 'number' && o.adaptiveLambda === undefined;
  if (divergence === 'uld' && o.alignment !== 'uld')
    throw new ConfigError({
      where: 'divergence',
      what: 'uld is for teachers with another tokenizer',
      got: `alignment ${o.alignment}`,
      wanted: "alignment 'uld'",
    });
  if (divergence === 'nll' && !(constant && lambda === 0))
    throw new ConfigError({
      where: 'lambda',
      what: 'nll of the student’s own completions would teach it its mistakes',
      got: constant ? lambda : 'a schedule',
      wanted: '0 with divergence nll',
    });
  if (divergence === 'sampled-rkl' && !(constant && lambda === 1))
    throw new ConfigError({
      where: 'lambda',
      what: 'sampled-rkl is an expectation over the student’s own completions',
      got: constant ? lambda : 'a schedule',
      wanted: '1',
    });
  if ((lambda < 1 || !constant) && offPolicy === undefined)
    throw new ConfigError({
      where: 'offPolicy',
      what: `lambda ${constant ? `is ${lambda}` : 'changes'}, and there are no other completions`,
      wanted: "{ source: 'dataset', data } or { source: 'teacher' }",
    });
  if (offPolicy !== undefined) checkName('offPolicy.source', offPolicy.source, ['dataset', 'teacher']);
  if (offPolicy?.source === 'teacher') {
    const { greedy, temperature } = offPolicy;
    checkSamplingTemperature('offPolicy.temperature', greedy, samplingTemperature(greedy, temperature));
  }
  if (futureDiscount > 0 && futureDiscount < 1 && reduction === 'sequence')
    throw new ConfigError({
      where: 'futureDiscount',
      what: 'the mean over a completion depends on its length, which every token decides: there is no discounted form',
      got: futureDiscount,
      wanted: "0, 1, or reduction 'token'",
    });
  if (o.prompts.length === 0 && (lambda > 0 || !constant || offPolicy?.source === 'teacher'))
    throw new ConfigError({ where: 'prompts', what: 'there are none', wanted: 'at least 1' });
}

function checkColumns(o: ResolvedGkd): void {
  const where = 'vocabularyPerChunk';
  if (o.vocabularyPerChunk === undefined) return;
  checkCount(where, o.vocabularyPerChunk);
  const { divergence } = o;
  const what =
    isOwn(divergence) || isCustom(divergence)
      ? `${typeof divergence === 'string' ? divergence : 'a divergence of one’s own'} reads whole rows`
      : o.teacherTopK !== undefined || o.alignment !== 'none'
        ? 'the teacher gives no whole distributions'
        : o.student.hidden === undefined
          ? 'the student gives its logits whole'
          : undefined;
  if (what !== undefined) throw new ConfigError({ where, what, fix: 'Leave it out' });
}

function checkSupport({ topKOf, teacherTopK, ignoreTokens, tokenizer, futureDiscount, alignment }: ResolvedGkd): void {
  checkName('topKOf', topKOf, ['teacher', 'student']);
  if (topKOf === 'student' && teacherTopK === undefined)
    throw new ConfigError({
      where: 'topKOf',
      what: 'whole distributions are compared',
      fix: 'Say how many: teacherTopK',
    });
  if (ignoreTokens === undefined) return;
  const where = 'ignoreTokens';
  const bad = ignoreTokens.find((id) => !Number.isSafeInteger(id) || id < 0 || id >= tokenizer.size);
  if (bad !== undefined)
    throw new ConfigError({ where, what: 'no token', got: bad, wanted: `ids from 0 to ${tokenizer.size - 1}` });
  const against = futureDiscount > 0 ? 'futureDiscount' : alignment === 'none' ? undefined : 'alignment';
  if (against === undefined) return;
  const what = 'scores are of whole completions or stretches of text, in which no token can be left out';
  throw new ConfigError({ where: against, what, fix: `Leave out ignoreTokens, or ${against}` });
}

function checkReplay(o: ResolvedGkd): void {
  const { replay } = o;
  if (replay === undefined) return;
  checkKnown('replay', replay, ['capacity', 'fresh']);
  checkCount('replay.capacity', replay.capacity);
  checkShare('replay.fresh', schedules.scheduleAt(replay.fresh, 0));
  const against =
    o.reward !== undefined
      ? 'reward'
      : o.futureDiscount > 0
        ? 'futureDiscount'
        : o.mixWeights !== 'none'
          ? 'mixWeights'
          : o.divergence === 'sampled-rkl'
            ? 'divergence'
            : undefined;
  if (against === undefined) return;
  throw new ConfigError({
    where: against,
    what: 'completions of earlier steps are not samples of the student as it is, which a score function takes them for',
    fix: `Leave out replay, or ${against}`,
  });
}

function checkAdaptive({ adaptiveLambda, lambda, heldOut, evalEvery }: ResolvedGkd): void {
  if (adaptiveLambda === undefined) return;
  const where = 'adaptiveLambda';
  checkKnown(where, adaptiveLambda, ['raise', 'tolerance']);
  const { raise, tolerance } = adaptiveLambda;
  checkOption(`${where}.raise`, raise, raise > 0 && raise <= 1, 'a number above 0, at most 1');
  checkOption(`${where}.tolerance`, tolerance, tolerance >= 0 && Number.isFinite(tolerance), 'a finite number ≥ 0');
  const refuse = (option: string, got: unknown, wanted: string): never => {
    throw new ConfigError({ where: option, what: 'an adaptive λ goes by evaluations, from a number on', got, wanted });
  };
  if (typeof lambda !== 'number' || lambda >= 1) refuse('lambda', lambda, 'a number below 1');
  if (heldOut === undefined) refuse('heldOut', 'none', 'rows with completions');
  if (evalEvery === undefined) refuse('evalEvery', 'none', 'a number of steps');
}

function checkMix(o: ResolvedGkd): void {
  const { teacherMix } = o;
  checkOption(
    'teacherMix',
    teacherMix,
    typeof teacherMix === 'number' && teacherMix >= 0 && teacherMix < 1,
    'a number from 0 to below 1',
  );
  checkName('mixWeights', o.mixWeights, ['none', 'token', 'exact']);
  if (o.mixWeights !== 'none') {
    const against = teacherMix === 0 ? 'teacherMix' : o.temperature !== 1 ? 'temperature' : undefined;
    if (against !== undefined)
      throw new ConfigError({
        where: against,
        what: `mixWeights ${o.mixWeights} is about completions of the mixture as it is`,
        got: o[against],
        wanted: against === 'teacherMix' ? 'above 0' : '1',
      });
    if (o.reward !== undefined)
      throw new ConfigError({ where: 'mixWeights', what: 'rewards are not weighed', fix: 'Leave out one of both' });
  }
  if (teacherMix === 0) return;
  const [teacher, ...others] = Object.values(teachersOf(o)) as Partial<ModelTeacher>[];
  if (teacher?.policy === undefined || others.length > 0 || o.alignment !== 'none' || o.teacherPrompt !== undefined)
    throw new ConfigError({
      where: 'teacherMix',
      what: 'both must say the next token’s distribution while a completion is written',
      wanted: 'one modelTeacher of the student’s tokenizer and prompts',
    });
}

function checkReward({ reward, batchSize, divergence }: ResolvedGkd): void {
  if (reward === undefined) return;
  checkShare('reward.alpha', reward.alpha);
  const K = reward.samplesPerPrompt;
  checkCount('reward.samplesPerPrompt', K, 2);
  if (typeof reward.fn !== 'function')
    throw new ConfigError({ where: 'reward.fn', what: 'no function', got: typeof reward.fn });
  if (batchSize % K !== 0)
    throw new ConfigError({
      where: 'batchSize',
      what: 'completions of a prompt are each other’s baseline',
      got: batchSize,
      wanted: `a multiple of reward.samplesPerPrompt = ${K}`,
    });
  if (divergence === 'nll') throw new ConfigError({ where: 'reward', what: 'nll has no completions to reward' });
}

/** JSD goes to 0 at both ends of β, and is a KL at them: a β near one of them is seldom meant. */
function warnOfScale({ divergence, warn }: ResolvedGkd): void {
  if (warn === undefined || typeof divergence !== 'object' || divergence.kind !== 'jsd') return;
  const { beta, scale } = divergence;
  const near = Math.min(beta, 1 - beta);
  if (scale === 'normalised' || near === 0 || near >= 0.01) return;
  const end = beta < 0.5 ? 'forward KL' : 'reverse KL';
  warn(
    `jsd with β ${beta} is about ${Number(near.toPrecision(2))} times the ${end}, which β ${Math.round(beta)} is: so small a loss does not stand beside a reward, clipping or SGD. scale: 'normalised' has none of that`,
  );
}

/** What each way of alignment minimises. */
const aligned: Readonly<Record<'spans' | 'uld' | 'hybrid', { what: string; wanted: string }>> = {
  spans: { what: 'stretches of text have log-probabilities, not distributions', wanted: "divergence 'sampled-rkl'" },
  uld: { what: 'sorted probabilities have a distance of their own', wanted: "divergence 'uld'" },
  hybrid: { what: 'distributions are compared, of parts that both tokenizers have', wanted: 'a divergence of them' },
};

function checkAlignment(o: ResolvedGkd, where: string, { vocabulary }: Teacher): void {
  const { alignment, divergence } = o;
  if (alignment === 'none') return;
  if (vocabulary === undefined)
    throw new ConfigError({ where, what: 'it does not say which tokenizer it has', wanted: 'a vocabulary' });
  if (divergence === 'nll') return;
  const fits = {
    spans: divergence === 'sampled-rkl',
    uld: divergence === 'uld',
    hybrid: !isOwn(divergence),
  }[alignment];
  if (!fits) {
    const got = typeof divergence === 'string' ? divergence : divergenceName(divergence);
    throw new ConfigError({ where: 'alignment', ...aligned[alignment], got });
  }
  if (alignment === 'spans') return;
  const against = o.futureDiscount > 0 ? 'futureDiscount' : o.teacherTopK !== undefined ? 'teacherTopK' : undefined;
  if (against === undefined && !o.alignVocab) return;
  throw new ConfigError({
    where: against ?? 'alignVocab',
    what: `alignment ${alignment} compares whole distributions of stretches of text`,
    fix: `Leave out ${against ?? 'alignVocab'}`,
  });
}

function checkTeachers(o: ResolvedGkd, lambda: number): void {
  const teachers = teachersOf(o);
  const names = Object.keys(teachers);
  const needed = o.divergence !== 'nll' || o.offPolicy?.source === 'teacher';
  if (o.selfTeacher !== undefined) {
    checkKnown('selfTeacher', o.selfTeacher, ['decay']);
    checkShare('selfTeacher.decay', o.selfTeacher.decay);
    const against = names.length > 0 ? 'teacher' : o.alignment !== 'none' ? 'alignment' : undefined;
    if (against === undefined) return;
    const what = 'the student is its own teacher, with its own tokens';
    throw new ConfigError({ where: against, what, fix: `Leave out selfTeacher, or ${against}` });
  }
  if (names.length === 0) {
    if (!needed) return;
    throw new ConfigError({ where: 'teacher', what: 'there is none', wanted: 'a Teacher, or several by name' });
  }
  const hash = tokenizerHash(o.tokenizer);
  const own = described(o.student).config?.vocabularySize ?? o.tokenizer.size;
  for (const [name, teacher] of Object.entries(teachers)) {
    const where = name === '' ? 'teacher' : `teacher.${name}`;
    const model = teacher as Partial<ModelTeacher>;
    const { params: fixed } = baseOf(teacher) as Partial<ModelTeacher>;
    if (fixed !== undefined && sameWeights(fixed, o.params) && !o.selfDistillation)
      throw new ConfigError({
        where,
        what: 'it is the student itself: both have the same weights',
        fix: 'Give another model, or selfDistillation: true',
      });
    const apart = described(o.student).readsWholePrompts ?? false;
    if (model.policy !== undefined && (described(model.policy).readsWholePrompts ?? false) !== apart)
      throw new ConfigError({
        where,
        what: 'an encoder-decoder reads a prompt with other tokens around it than a decoder',
        got: apart ? 'a decoder, of an encoder-decoder' : 'an encoder-decoder, of a decoder',
        wanted: 'teacher and student of one kind',
      });
    if (o.offPolicy?.source === 'teacher' && (lambda < 1 || typeof o.lambda !== 'number') && !teacher.sample)
      throw new ConfigError({ where, what: 'it cannot write completions', fix: "Use offPolicy { source: 'dataset' }" });
    if (o.teacherTopK !== undefined) checkTopK(o.teacherTopK, teacher.vocabSize);
    if (o.alignment !== 'none') {
      checkAlignment(o, where, teacher);
      continue;
    }
    if (teacher.tokenizerHash !== hash) {
      if (model.vocabulary !== undefined) checkSameVocabulary(o.tokenizer, model.vocabulary);
      throw new ConfigError({
        where,
        what: 'it has another tokenizer than the student: tokens, end of text or normaliser differ',
        got: teacher.tokenizerHash,
        wanted: hash,
        fix: 'Use models with one tokenizer, or pass alignment',
      });
    }
    if (teacher.vocabSize !== own && !o.alignVocab)
      throw new ConfigError({
        where: 'gkd',
        what: 'the teacher’s logits are wider or narrower than the student’s',
        got: teacher.vocabSize,
        wanted: own,
        fix: `Pass alignVocab: true to compare the tokenizer’s ${o.tokenizer.size} ids only`,
      });
    checkNarrowing(o, where, teacher, own);
  }
  if (o.teacherTopK !== undefined && o.teacherTemperature !== 1)
    throw new ConfigError({
      where: 'teacherTemperature',
      what: 'the likeliest tokens alone do not tell another temperature',
      got: o.teacherTemperature,
      wanted: '1 with teacherTopK',
    });
}
