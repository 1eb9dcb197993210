/**
 * Throughput and time left. Wall-clock readings stay in here and in the fields it gives: no result depends on them.
 */
export interface Throughput {
  /** updates per second, over the last twenty */
  stepsPerSecond: number;
  /** weight of the losses (target tokens) per second */
  tokensPerSecond: number;
  /** until the last step, without evaluations and saves */
  secondsLeft: number;
}

const window = 20;

/** Measures steps. */
export class Meter {
  readonly #laps: { seconds: number; weight: number }[] = [];
  #started = 0;

  /** A step begins; time between steps (evaluation, saving, the caller's) does not count. */
  start(): void {
    this.#started = performance.now();
  }

  /** The step ended. */
  lap(weight: number): void {
    this.#laps.push({ seconds: (performance.now() - this.#started) / 1000, weight });
    if (this.#laps.length > window) this.#laps.shift();
  }

  /** Over the last 20 steps. */
  read(stepsLeft: number): Throughput {
    const seconds = this.#laps.reduce((s, lap) => s + lap.seconds, 0);
    const weight = this.#laps.reduce((w, lap) => w + lap.weight, 0);
    const stepsPerSecond = seconds > 0 ? this.#laps.length / seconds : 0;
    return {
      stepsPerSecond,
      tokensPerSecond: seconds > 0 ? weight / seconds : 0,
      secondsLeft: stepsPerSecond > 0 ? stepsLeft / stepsPerSecond : 0,
    };
  }
}
