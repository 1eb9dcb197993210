import type { Action, Env, EnvStep, Info, Obs } from '@gimbal/tensor-core';
import { Recorder, type Recording } from '../recording/recording.ts';
import { EnvWrapper } from './wrapper.ts';

/** Which episodes are recorded, and who gets them. */
export interface RecordEpisodesOptions {
  /** whether episode n, counted from 0, is recorded; default: 0, 1, 8, 27, … up to 1000, then every 1000th */
  when?: (episode: number) => boolean;
  /** gets each recording when its episode ends, is reset or the environment is closed */
  onRecording: (recording: Recording, episode: number) => void;
}

/**
 * Records episodes while an agent trains or is evaluated; `viewerHtml` and `gimbal control view` show them.
 * @example new RecordEpisodes(env, { onRecording: async (r, n) => writeFile(`${n}.html`, await viewerHtml(r)) });
 */
export class RecordEpisodes extends EnvWrapper {
  /** Episodes begun so far. */
  episode = -1;
  readonly #o: Required<RecordEpisodesOptions>;
  #recorder: Recorder | undefined;

  /** @throws DataError for an environment without a body to show, at the first recorded episode */
  constructor(env: Env, { when = cubes, onRecording }: RecordEpisodesOptions) {
    super(env);
    this.#o = { when, onRecording };
  }

  override reset(o?: { seed?: number; options?: object }): { obs: Obs; info: Info } {
    this.#hand();
    const result = this.env.reset(o);
    this.episode++;
    if (this.#o.when(this.episode)) {
      this.#recorder = new Recorder(this, o?.seed ?? 0);
      this.#recorder.begin();
    }
    return result;
  }

  override step(action: Action): EnvStep {
    const result = this.env.step(action);
    this.#recorder?.step(action, result.reward);
    if (result.terminated || result.truncated) this.#hand();
    return result;
  }

  override close(): void {
    this.#hand();
    this.env.close();
  }

  protected override ownState(): number[] {
    return [this.episode];
  }

  /** The rest of an episode is no recording: what there is of another is handed over, the next one is recorded. */
  protected override restoreOwn([episode]: Float64Array): void {
    this.#hand();
    this.episode = episode as number;
  }

  #hand(): void {
    const recorder = this.#recorder;
    this.#recorder = undefined;
    if (recorder !== undefined) this.#o.onRecording(recorder.finish(), this.episode);
  }
}

/** Often at the beginning, seldom later: cubes, then every thousandth. */
const cubes = (episode: number): boolean =>
  episode < 1000 ? Math.round(Math.cbrt(episode)) ** 3 === episode : episode % 1000 === 0;
