/**
 * ReacherGoal-v0: Reacher-v5 as a goal environment. The reward is 0 with the fingertip within `tolerance` of the goal,
 * which ends the episode, and −1 elsewhere; `computeReward` is pure, so that stored steps can be given other goals.
 */
import { ConfigError, type GoalEnv, ShapeError } from '@gimbal/tensor-core';
import { indexOfName } from '../mujoco/model-info.ts';
import type { PhysicsModel } from '../physics/contract.ts';
import { ReacherEnv, type ReacherOptions } from './arms.ts';

export interface ReacherGoalOptions extends ReacherOptions {
  /** metres; default 0.02 */
  tolerance?: number;
}

export const reacherGoalDefaults = { tolerance: 0.02 };

export class ReacherGoalEnv extends ReacherEnv implements GoalEnv {
  readonly #tolerance: number;
  readonly #tipBody: number;

  constructor(model: PhysicsModel, { tolerance = reacherGoalDefaults.tolerance, ...options }: ReacherGoalOptions = {}) {
    super(model, options, 'ReacherGoal-v0');
    if (!(tolerance > 0)) {
      throw new ConfigError({
        where: 'ReacherGoal-v0',
        what: 'bad tolerance',
        got: tolerance,
        wanted: 'metres above 0',
      });
    }
    this.#tolerance = tolerance;
    this.#tipBody = indexOfName(model.info, 'body', 'fingertip');
  }

  /** Where the fingertip is: x, y in metres. */
  achieved(): Float32Array {
    const { xpos } = this.sim;
    return Float32Array.of(xpos[3 * this.#tipBody] as number, xpos[3 * this.#tipBody + 1] as number);
  }

  /** Where it should be. */
  desired(): Float32Array {
    return Float32Array.from(this.sim.qpos.subarray(2, 4));
  }

  /** Moves the target; the arm stays as it is. */
  setGoal(goal: Float32Array): void {
    if (goal.length !== 2) {
      throw new ShapeError({ where: 'ReacherGoal-v0: setGoal', what: 'no goal', got: goal.length, wanted: 'x and y' });
    }
    const qpos = this.sim.qpos.slice();
    qpos.set(goal, 2);
    this.setPose(qpos, this.sim.qvel.slice());
  }

  computeReward(
    achieved: Float32Array,
    desired: Float32Array,
    tolerance = this.#tolerance,
  ): { reward: number; terminated: boolean } {
    const [ax = 0, ay = 0] = achieved;
    const [dx = 0, dy = 0] = desired;
    const terminated = Math.hypot(ax - dx, ay - dy) < tolerance;
    return { reward: terminated ? 0 : -1, terminated };
  }

  protected override score(action: Float32Array): void {
    super.score(action);
    ({ reward: this.reward, terminated: this.terminated } = this.computeReward(this.achieved(), this.desired()));
  }
}
