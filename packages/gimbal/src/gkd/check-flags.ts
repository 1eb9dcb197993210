// Flags of gimbal gkd that do not go together, and what the library refuses in the words of the flags.
import { ConfigError, type GimbalError } from '@gimbal/tensor-core';
import { refuseGiven } from '../options/refuse-given.ts';
import type { Given } from '../options/resolve.ts';
import type { GkdFlags } from './command.ts';
import { flagsOfOptions } from './trainer-flags.ts';

const where = 'gimbal gkd';

/** Methods that minimise one thing, and why. */
const oneObjective: Partial<Record<GkdFlags['preset'], string>> = {
  sft: 'it learns the rows’ completions by heart: no divergence is taken (--preset supervised-kd takes one of them)',
  seqkd: 'it learns the teacher’s completions by heart: no divergence is taken (--preset gkd --lambda 0 takes one)',
  'sampled-opd':
    'its reverse KL is known from samples alone (--preset gkd --divergence rkl takes it of whole distributions)',
};

/** @throws ConfigError for flags that would be ignored, or change the method that --preset names */
export function checkFlags(o: GkdFlags, given: ReadonlyMap<string, Given>): void {
  if (o.reward === undefined)
    refuseGiven(where, given, ['alpha', 'samplesPerPrompt'], 'it stands beside a reward, and there is no --reward');
  const objective = oneObjective[o.preset];
  if (objective !== undefined) refuseGiven(where, given, ['divergence'], `with --preset ${o.preset} ${objective}`);
  const refuse = (flag: string, what: string, fix: string): never => {
    throw new ConfigError({ where: `${where} --${flag}`, what, fix });
  };
  const { preset, lambda, alignment } = o;
  if ((preset === 'sft' || preset === 'seqkd') && lambda !== undefined && lambda !== 0)
    refuse('lambda', `--preset ${preset} would teach the student its own mistakes`, 'Leave it out, or --preset imitkd');
  if (preset === 'sampled-opd' && lambda !== undefined && lambda !== 1)
    refuse('lambda', '--preset sampled-opd is an expectation over the student’s own completions', 'Leave it out');
  if (o.reward !== undefined && (preset === 'sft' || preset === 'seqkd'))
    refuse('reward', `--preset ${preset} writes no completions to reward`, 'Take --preset gkd');
  if (o.reward !== undefined && preset === 'minillm')
    refuse(
      'reward',
      '--preset minillm corrects for sampling with the teacher, which rewards do not',
      'Take --preset gkd --divergence rkl',
    );
  if (o.teacherTopK !== undefined && (alignment === 'uld' || alignment === 'hybrid'))
    refuse('teacher-top-k', `--alignment ${alignment} compares whole distributions`, 'Leave it out');
}

/** Options of the library by flag. */
const flags: Readonly<Record<string, string>> = {
  ...{
    lambda: '--lambda',
    offPolicy: '--lambda',
    teacherTopK: '--teacher-top-k',
    topK: '--teacher-top-k',
    topKOf: '--top-k-of',
  },
  ...{ divergence: '--divergence', alignment: '--alignment', packing: '--packing', batchSize: '--batch-size' },
  ...{ teacherTemperature: '--teacher-temperature', reward: '--reward', teacher: '--teacher', lora: '--lora' },
  ...flagsOfOptions,
  ...{ learningRate: '--learning-rate', maxNewTokens: '--max-new-tokens', temperature: '--temperature' },
};

/** In text that helps. */
const words: readonly (readonly [RegExp, string])[] = [
  [/\b(pass|Pass) alignment(?:: 'spans')?/g, '$1 --alignment hybrid, spans or uld'],
  [/\bteacherTopK\b/g, '--teacher-top-k'],
  [/\bdivergence (?='|nll|\{)/g, '--divergence '],
  [/\boffPolicy\.data\b/g, '--data with completions'],
  [/\bLeave out (\w+), or (\w+)\b/g, 'Leave out one of both'],
];

/** Calls what ends in the library. @throws ConfigError naming the flag where it refuses an option, else as it came */
export async function inGkdFlags<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    const { code, where: place = '', what, got, wanted, fix } = error as Partial<GimbalError>;
    const name = /^\w+/.exec(place)?.[0] ?? '';
    const flag = place === 'gkd' || place === 'evaluateDistillation' ? '--teacher' : flags[name];
    if (code !== 'ERR_CONFIG' || flag === undefined) throw error;
    const said = (text: string): string => words.reduce((now, [from, to]) => now.replace(from, to), text);
    throw new ConfigError({
      ...{ where: `${where} ${flag}`, what: said(`${what}`), got, cause: error },
      ...(wanted !== undefined && { wanted: typeof wanted === 'string' ? said(wanted) : wanted }),
      ...(fix !== undefined && { fix: said(fix) }),
    });
  }
}
