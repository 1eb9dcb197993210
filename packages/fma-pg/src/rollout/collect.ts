// Acting for a rollout.
import type { Rng } from '@gimbal/tensor-core';
import type { ActorCritic } from '../agents/actor-critic.ts';
import type { DrawsAhead } from '../policies/draws.ts';
import type { PolicyMemory } from '../policies/recurrent.ts';
import { Rollout } from './rollout.ts';
import type { Stepper } from './stepper.ts';

/**
 * T steps of every copy with the policy as it is.
 * @param draws filled once for all of them
 * @param memory of a policy that has one: it moves on
 * @param held what an earlier rollout left: its arrays are written over
 */
export async function collectRollout(
  stepper: Stepper,
  net: ActorCritic,
  T: number,
  { rng, draws }: { rng: Rng; draws: DrawsAhead },
  held?: Rollout,
  memory?: PolicyMemory,
): Promise<Rollout> {
  const { actionSize, outputs } = net.head;
  const N = stepper.env.numEnvs;
  const O = stepper.observation.size;
  const mask = stepper.masks === undefined ? 0 : outputs;
  const rollout =
    held?.size.mask === mask ? held : new Rollout({ steps: T, numEnvs: N, observation: O, action: actionSize, mask });
  rollout.clear();
  rollout.ages.set(stepper.lengths);
  draws.fill(rng, T * N * net.head.draws.count);
  const actions = new Float32Array(N * actionSize);
  for (let t = 0; t < T; t++) {
    const at = t * N;
    rollout.obs.set(stepper.obs, at * O);
    if (stepper.masks !== undefined) {
      if (rollout.size.mask === 0) rollout.openMasks(outputs);
      rollout.masks.set(stepper.masks, at * outputs);
    }
    rollout.starts.set(stepper.starts, at);
    memory?.starts.set(stepper.starts);
    net.act(stepper.obs, N, actions, draws, stepper.masks, memory);
    rollout.actions.set(actions, at * actionSize);
    await stepper.step(actions);
    rollout.rewards.set(stepper.rewards, at);
    rollout.rawRewards.set(stepper.rawRewards, at);
    rollout.terminated.set(stepper.terminated, at);
    rollout.truncated.set(stepper.truncated, at);
    rollout.valid.set(stepper.valid, at);
    if (!stepper.anyEnded()) continue;
    for (let n = 0; n < N; n++) {
      if (stepper.truncated[n] === 0 && stepper.terminated[n] === 0) continue;
      rollout.finals.entries.push(at + n);
      for (let j = 0; j < O; j++) rollout.finals.obs.push(stepper.finalObs[n * O + j] as number);
    }
  }
  rollout.lastObs.set(stepper.obs);
  return rollout;
}
