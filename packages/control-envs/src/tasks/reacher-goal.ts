/**
 * ReacherGoal-v0: Reacher-v5 as a goal environment. The reward is 0 with the fingertip within `tolerance` of the goal,
 * which ends the episode, and −1 elsewhere; `computeReward` is pure, so that stored steps can be given other goals. The
 * observation is the dictionary of Gymnasium-Robotics: nothing in `observation` depends on the goal.
 */
import { ConfigError, type GoalEnv, type Info, type Obs, ShapeError } from '@gimbal/tensor-core';
import { indexOfName } from '../mujoco/model-info.ts';
import type { PhysicsModel } from '../physics/contract.ts';
import { dict } from '../spaces/spaces.ts';
import { ReacherEnv, type ReacherOptions } from './arms.ts';
import { layoutOf, qvelNames } from './layout.ts';
import { unbounded } from './mujoco-env.ts';

export interface ReacherGoalOptions extends ReacherOptions {
  /** metres; default 0.02 */
  tolerance?: number;
}

export const reacherGoalDefaults = { tolerance: 0.02 };

export class ReacherGoalEnv extends ReacherEnv implements GoalEnv {
  readonly #tolerance: number;
  readonly #tipBody: number;

  constructor(model: PhysicsModel, { tolerance = reacherGoalDefaults.tolerance, ...options }: ReacherGoalOptions = {}) {
    const { joint } = model.info.names;
    const { obsDtype = 'float64' } = options;
    const layout = layoutOf([
      { name: 'cos', size: 2, names: [`${joint[0]}.cos`, `${joint[1]}.cos`] },
      { name: 'sin', size: 2, names: [`${joint[0]}.sin`, `${joint[1]}.sin`] },
      { name: 'qvel', size: 2, names: qvelNames(model.info).slice(0, 2) },
    ]);
    const [arm, goal] = [unbounded(layout.size, obsDtype), unbounded(2, obsDtype)];
    const observationSpace = dict({ observation: arm, achieved_goal: goal, desired_goal: goal });
    super(model, options, { id: 'ReacherGoal-v0', layout, observationSpace });
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

  protected override observe(out: Obs): void {
    const { observation, achieved_goal, desired_goal } = out as { [part: string]: Float64Array };
    const { qpos, qvel, xpos } = this.sim;
    for (let i = 0; i < 2; i++) {
      const angle = qpos[i] as number;
      (observation as Float64Array)[i] = Math.cos(angle);
      (observation as Float64Array)[2 + i] = Math.sin(angle);
      (observation as Float64Array)[4 + i] = qvel[i] as number;
      (achieved_goal as Float64Array)[i] = xpos[3 * this.#tipBody + i] as number;
      (desired_goal as Float64Array)[i] = qpos[2 + i] as number;
    }
  }

  protected override taskInfo(): Info {
    return { ...super.taskInfo(), isSuccess: this.terminated };
  }

  protected override score(action: Float32Array): void {
    super.score(action);
    ({ reward: this.reward, terminated: this.terminated } = this.computeReward(this.achieved(), this.desired()));
  }
}
