// What is said where a policy went nowhere: an episode without a time limit was cut.
import type { Evaluation } from '@gimbal/fma-pg';
import { counted } from '../cli/format.ts';

/** @returns undefined where no episode was cut */
export async function cutEpisodes(
  env: string,
  { truncated, lengths }: Pick<Evaluation, 'truncated' | 'lengths'>,
): Promise<string | undefined> {
  if (truncated === 0) return undefined;
  const what = `${truncated} of ${counted(lengths.length, 'episode')} did not end and ${truncated === 1 ? 'was' : 'were'} cut after ${Math.max(...lengths)} steps`;
  return `${what}: ${await limitOf(env)}`;
}

/** The same of evaluations during training, said once. */
export const cutInTraining = async (env: string, truncated: number): Promise<string> =>
  `${counted(truncated, 'episode')} of an evaluation did not end and ${truncated === 1 ? 'was' : 'were'} cut: ${await limitOf(env)}`;

async function limitOf(env: string): Promise<string> {
  const { listEnvs } = await import('@gimbal/control-envs');
  const defaults = listEnvs().find(({ id }) => id === env)?.defaults ?? {};
  const isOption = 'maxSteps' in defaults;
  return `${env} has no time limit${isOption ? '. To set one, train with --env-options maxSteps=200' : ''}`;
}
