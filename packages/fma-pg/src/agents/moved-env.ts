// Whether an agent goes on where it was trained.
import { CheckpointError, type VectorEnv } from '@gimbal/tensor-core';

/** Steps of its time limit; null without one, as JSON has no Infinity. */
export const limitOf = ({ spec }: VectorEnv): number | null => (Number.isFinite(spec.maxSteps) ? spec.maxSteps : null);

/** Why a checkpoint is not to be trained on here: it was made on an environment of another name or time limit. */
export function movedError(
  where: string,
  env: VectorEnv,
  saved: { envId?: string; envMaxSteps?: number | null },
): CheckpointError | undefined {
  const { id } = env.spec;
  if (saved.envId !== undefined && saved.envId !== id) {
    const fix = 'Resume with that one; on others it can be evaluated and played';
    const what = 'the checkpoint is of another environment';
    return new CheckpointError({ where, what, got: id, wanted: saved.envId, fix });
  }
  const limit = limitOf(env);
  if (saved.envMaxSteps === undefined || saved.envMaxSteps === limit) return undefined;
  const told = (steps: number | null): string => (steps === null ? 'none' : `maxSteps ${steps}`);
  return new CheckpointError({
    where,
    what: `the checkpoint is of ${id} with another time limit`,
    got: told(limit),
    wanted: told(saved.envMaxSteps),
    fix: 'Resume with that one; with others it can be evaluated and played',
  });
}
