// One line for each stage: a bar, where it stands, how fast it goes and how long it will take. On a terminal the line is
// rewritten; elsewhere (a log file, CI) a plain line is printed every few seconds.
import { duration, figure, quantity } from './format.ts';
import type { Output } from './output.ts';

/** What a stage reports; only `step` is needed. */
export interface ProgressUpdate {
  /** steps done */
  step: number;
  /** steps in all, where known */
  total?: number;
  loss?: number;
  tokensPerSecond?: number;
  /** a few words: `row 120`, `held-out 2.31` */
  text?: string;
}

const liveIntervalMs = 100;
const plainIntervalMs = 5000;
const barWidth = 20;

export class Progress {
  private readonly began = performance.now();
  private shown = Number.NEGATIVE_INFINITY;
  /** step and moment of the first report: a resumed stage must not count steps of the earlier run as fast */
  private origin: { step: number; at: number } | undefined;

  constructor(
    private readonly output: Output,
    private readonly name: string,
  ) {}

  get seconds(): number {
    return (performance.now() - this.began) / 1000;
  }

  /** Show where the stage stands, if the last line is old enough. */
  update(u: ProgressUpdate): void {
    const now = performance.now();
    this.origin ??= { step: u.step, at: now };
    const interval = this.output.live ? liveIntervalMs : plainIntervalMs;
    if (now - this.shown < interval) return;
    this.shown = now;
    const text = this.line(u, now);
    if (this.output.live) this.output.status(text.slice(0, this.output.width + ansiLength(text) - 1));
    else this.output.note(text);
  }

  /** The stage ended: its last line stays. */
  done(summary: string, cached = false): void {
    const { noteColors: c } = this.output;
    const time = cached ? 'cached' : duration(this.seconds);
    this.output.note(`${c.green('✓')} ${this.name.padEnd(nameWidth)} ${c.dim(time.padStart(8))}  ${summary}`);
  }

  private line(u: ProgressUpdate, now: number): string {
    const { noteColors: c } = this.output;
    const parts: string[] = [];
    if (u.total !== undefined && u.total > 0) {
      const share = Math.min(1, u.step / u.total);
      const full = Math.round(share * barWidth);
      // two characters, so that it reads without colours too
      parts.push(c.cyan('━'.repeat(full)) + c.dim('┄'.repeat(barWidth - full)));
      parts.push(`${u.step}/${u.total}`);
    } else if (u.step > 0) parts.push(String(u.step));
    if (u.loss !== undefined) parts.push(`loss ${figure(u.loss)}`);
    if (u.text) parts.push(u.text);
    if (u.tokensPerSecond !== undefined) parts.push(`${quantity(u.tokensPerSecond)} tokens/s`);
    const left = this.secondsLeft(u, now);
    if (left !== undefined) parts.push(`${duration(left)} left`);
    return `${c.dim('·')} ${this.name.padEnd(nameWidth)} ${parts.join('  ')}`;
  }

  private secondsLeft(u: ProgressUpdate, now: number): number | undefined {
    if (u.total === undefined || !this.origin || u.step <= this.origin.step) return undefined;
    const secondsPerStep = (now - this.origin.at) / 1000 / (u.step - this.origin.step);
    return secondsPerStep * Math.max(0, u.total - u.step);
  }
}

/** room for the longest stage name in use */
const nameWidth = 12;

// biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control characters
const ansi = /\u001b\[\d+m/g;
const ansiLength = (text: string): number => (text.match(ansi) ?? []).join('').length;
