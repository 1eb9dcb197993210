// An environment of one's own, in full: walk five cells to the right. A wall is no choice: `info.actionMask` says so.
import { box, checkEnv, discrete } from '@gimbal/control-envs';
import type { Action, Env } from '@gimbal/tensor-core';

class Corridor implements Env {
  readonly spec = { id: 'Corridor-v0', dtSeconds: 1, maxSteps: 20 };
  readonly observationSpace = box(0, 5, [1]); // the cell
  readonly actionSpace = discrete(2); // left, right
  #cell = 0;
  #steps = 0;
  #isOver = true;

  reset() {
    [this.#cell, this.#steps, this.#isOver] = [0, 0, false];
    return { obs: Float32Array.of(0), info: { actionMask: [0, 1] } };
  }
  step(action: Action) {
    if (this.#isOver) throw new Error('Corridor: reset first');
    if (action !== 1 && (action !== 0 || this.#cell === 0)) throw new Error(`Corridor: no such move: ${action}`);
    this.#cell += action === 1 ? 1 : -1;
    const terminated = this.#cell === 5; // the task ended
    const truncated = ++this.#steps === this.spec.maxSteps; // time ran out
    this.#isOver = terminated || truncated;
    const info = { actionMask: [this.#cell > 0 ? 1 : 0, 1] }; // 1 = allowed; leave it out where all are
    return { obs: Float32Array.of(this.#cell), reward: terminated ? 1 : -0.01, terminated, truncated, info };
  }
  close() {}
  [Symbol.dispose]() {}
}

console.log(checkEnv(new Corridor())); // [] where nothing is wrong; an agent takes it as env: () => new Corridor()
