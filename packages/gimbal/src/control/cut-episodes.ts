// What is said where a policy went nowhere: an episode was cut, at what was asked for or for want of a time limit.
import type { Evaluation } from '@gimbal/fma-pg';
import { counted } from '../cli/format.ts';
import type { EnvFlags } from './agent-flags.ts';
import { envOf } from './env-options.ts';

/**
 * @param maxSteps where --max-steps cut them
 * @returns undefined where no episode was cut
 */
export async function cutEpisodes(
  env: EnvFlags,
  { cut, lengths }: Pick<Evaluation, 'cut' | 'lengths'>,
  maxSteps?: number,
): Promise<string | undefined> {
  if (cut === 0) return undefined;
  const what = `${cut} of ${counted(lengths.length, 'episode')} did not end and ${cut === 1 ? 'was' : 'were'} cut after ${counted(Math.max(...lengths), 'step')}`;
  return maxSteps === undefined ? `${what}${await unlimited(env)}` : `${what} (--max-steps)`;
}

/** The same of evaluations during training, said once. */
export const cutInTraining = async (env: EnvFlags, cut: number): Promise<string> =>
  `${counted(cut, 'episode')} of an evaluation did not end and ${cut === 1 ? 'was' : 'were'} cut${await unlimited(env)}`;

/** That an environment has no time limit, and how to set one; nothing of one that has. */
async function unlimited(flags: EnvFlags): Promise<string> {
  const made = await envOf(flags.env, flags.envOptions);
  const isLimited = Number.isFinite(made.spec.maxSteps);
  made.close();
  if (isLimited) return '';
  const { listEnvs } = await import('@gimbal/control-envs');
  const isOption = 'maxSteps' in (listEnvs().find(({ id }) => id === flags.env)?.defaults ?? {});
  return `: ${flags.env} has no time limit${isOption ? '. To set one, train with --env-options maxSteps=200' : ''}`;
}
