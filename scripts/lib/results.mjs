// What a runner of the checks found: printed as it goes, and kept in build/results/ for the last line of CI.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './run.mjs';

/** The folder of results: one `<runner>.json` with `{ passed, failed, failures }` for each runner. */
export const resultsFolder = join(root, 'build', 'results');

const codes = { red: 31, green: 32, yellow: 33 };
const coloured = process.stdout.isTTY && !process.env.NO_COLOR;
const colour = (name, text) => (coloured ? `\x1b[${codes[name]}m${text}\x1b[39m` : text);
const seconds = (s) => `${s.toFixed(1)} s`.padStart(8);

/** Collects what one runner found. */
export class Results {
  passed = 0;
  failed = 0;
  /** @type {string[]} names of what failed */
  failures = [];
  #runner;
  #started = performance.now();

  /** @param {string} runner the name of the file the results are kept in */
  constructor(runner) {
    this.#runner = runner;
    mkdirSync(resultsFolder, { recursive: true });
    rmSync(join(resultsFolder, `${runner}.json`), { force: true });
  }

  /** Prints one success; `count: false` when its parts have been added already. */
  pass(name, time, { count = true } = {}) {
    if (count) this.passed += 1;
    this.#line('green', '✓', name, time);
  }

  /** Prints one failure after everything the command said, and what to do about it. */
  fail(name, time, { output = '', advice = '', count = true } = {}) {
    if (count) {
      this.failed += 1;
      this.failures.push(name);
    }
    if (output.trim()) console.log(output.trimEnd());
    this.#line('red', '✗', name, time, advice);
  }

  #line(tint, mark, name, time, advice = '') {
    console.log(`${colour(tint, mark)} ${name.padEnd(72)}${seconds(time)}${advice && `   ${advice}`}`);
  }

  /** Something that cannot run here, with the reason. */
  skip(name, reason) {
    console.log(`${colour('yellow', '-')} ${name}: skipped, ${reason}`);
  }

  /** Adds counts found by another tool, without a line of their own. */
  add({ passed = 0, failed = 0, failures = [] }) {
    this.passed += passed;
    this.failed += failed;
    this.failures.push(...failures);
  }

  /** Writes the results down, prints the sum and sets the exit code. */
  finish() {
    const { passed, failed, failures } = this;
    writeFileSync(join(resultsFolder, `${this.#runner}.json`), JSON.stringify({ passed, failed, failures }, null, 2));
    const time = (performance.now() - this.#started) / 1000;
    console.log(`${this.#runner}: ${passed} passed, ${failed} failed in ${time.toFixed(0)} s`);
    for (const name of failures) console.log(colour('red', `  ✗ ${name}`));
    process.exitCode = failed > 0 ? 1 : 0;
  }
}

/** Reads one runner's results; undefined when it ended before it wrote any. */
export function readResults(runner) {
  try {
    return JSON.parse(readFileSync(join(resultsFolder, `${runner}.json`), 'utf8'));
  } catch {
    return undefined;
  }
}
