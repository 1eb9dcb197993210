/** Runs an environment and records it: all at once, or step by step. */
import { ConfigError, type Env, type Info } from '@gimbal/tensor-core';
import { type Body, bodyOf } from './body.ts';
import { chooser, type RecordPolicy } from './policy.ts';
import { Recorder, type Recording } from './recording.ts';

/** How long and with which actions `recordEpisode` runs. */
export interface RecordOptions {
  /** default 200 */
  steps?: number;
  /** default 0 */
  seed?: number;
  /** who acts; default 'random', which draws from the seed */
  policy?: RecordPolicy;
  /** called after each frame, for pictures on the way */
  onFrame?: (body: Pick<Body, 'render'>) => void;
}

/** Poses in one recording: they become one string of JSON, whose length JavaScript limits. */
const mostFloats = 2 ** 26;

/**
 * A recording that is made step by step, for programs that show how far it is or stop it on the way; episodes that end
 * begin again.
 */
export class EpisodeRecorder {
  /** steps to be taken */
  readonly steps: number;
  /** steps taken */
  taken = 0;
  /** seconds between two frames */
  readonly frameSeconds: number;
  readonly #env: Env;
  readonly #body: Body;
  readonly #recorder: Recorder;
  readonly #choose: ReturnType<typeof chooser>;
  readonly #onFrame: RecordOptions['onFrame'];
  /** what the last reset or step gave */
  #seen: { obs: unknown; info: Info };
  #begins = true;

  /**
   * Resets the environment and takes down the first frame.
   * @throws DataError for an environment without a body to show; ConfigError for too many steps
   */
  constructor(env: Env, { steps = 200, seed = 0, policy = 'random', onFrame }: RecordOptions = {}) {
    this.steps = steps;
    this.#env = env;
    this.#body = bodyOf(env, 'record');
    this.frameSeconds = this.#body.frameSeconds;
    const most = Math.floor(mostFloats / (7 * this.#body.shapes.geomType.length)) - 1;
    if (!(Number.isSafeInteger(steps) && steps >= 0 && steps <= most)) {
      const wanted = `a whole number of steps from 0 to ${most}`;
      throw new ConfigError({ where: `record ${env.spec.id}`, what: 'bad steps', got: steps, wanted });
    }
    this.#recorder = new Recorder(env, seed);
    this.#choose = chooser(env, policy, seed);
    this.#onFrame = onFrame;
    this.#seen = env.reset({ seed });
    this.#recorder.begin();
    onFrame?.(this.#body);
  }

  /** Takes one step. @returns false where all are taken */
  advance(): boolean {
    if (this.taken >= this.steps) return false;
    const env = this.#env;
    const action = this.#choose(this.#seen.obs, this.taken, this.#begins, this.#seen.info);
    const result = env.step(action);
    const ended = result.terminated || result.truncated;
    this.#seen = ended ? env.reset() : result;
    this.#begins = ended;
    this.#recorder.step(action, result.reward, ended);
    this.taken++;
    this.#onFrame?.(this.#body);
    return true;
  }

  /** A picture of the present frame, `[height * width * 3]`. */
  render(o?: { width?: number; height?: number; out?: Uint8Array }): Uint8Array {
    return this.#body.render(o);
  }

  /** What was taken down so far. */
  finish(): Recording {
    return this.#recorder.finish();
  }
}

/**
 * Runs an environment and records it; episodes that end begin again.
 * @throws DataError for an environment without a body to show; ConfigError for too many steps
 */
export function recordEpisode(env: Env, options: RecordOptions = {}): Recording {
  const recorder = new EpisodeRecorder(env, options);
  while (recorder.advance());
  return recorder.finish();
}
