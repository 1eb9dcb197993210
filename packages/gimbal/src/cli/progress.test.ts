import { Writable } from 'node:stream';
import { Output } from './output.ts';
import { Progress } from './progress.ts';

const clock = performance.now;
let text: string;
let now: number;
let progress: Progress;
beforeEach(() => {
  text = '';
  now = 0;
  performance.now = () => now;
  const stderr = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  progress = new Progress(new Output({ stdout: stderr, stderr }, false), 'pretrain');
});
afterEach(() => {
  performance.now = clock;
});

test('without colours the bar still shows how far it is', () => {
  progress.update({ step: 1, total: 4 });
  expect(text).toBe(`· pretrain     ${'━'.repeat(5)}${'┄'.repeat(15)}  1/4\n`);
});

test('the loss, a few words and the throughput stand behind the bar', () => {
  progress.update({ step: 2, total: 4, loss: 2.31449, text: 'held-out 2.310', tokensPerSecond: 7142 });
  expect(text).toMatch(/ {2}2\/4 {2}loss 2\.314 {2}held-out 2\.310 {2}7\.14k tokens\/s\n$/);
});

test('the time left is that of the remaining steps at the speed since the first report', () => {
  progress.update({ step: 100, total: 400 }); // a resumed stage: the first hundred took no time here
  expect(text).not.toContain('left');
  now = 10_000;
  progress.update({ step: 120, total: 400 });
  // 20 steps in 10 s: half a second each, 280 are left
  expect(text).toMatch(/ {2}120\/400 {2}2m 20s left\n$/);
  now = 20_000;
  progress.update({ step: 400, total: 400, tokensPerSecond: 950 });
  expect(text).toMatch(/ {2}400\/400 {2}950 tokens\/s {2}0 ms left\n$/);
});

test('without a total there is a step, no bar and no time left', () => {
  progress.update({ step: 3 });
  now = 10_000;
  progress.update({ step: 9, tokensPerSecond: 12.5 });
  expect(text).toBe('· pretrain     3\n· pretrain     9  12.5 tokens/s\n');
});

describe('at a terminal', () => {
  const shown = (columns: number, term: string): string => {
    const before = process.env;
    // a worker of jest may have been told to force colours
    const { NO_COLOR: _no, FORCE_COLOR: _force, ...others } = before;
    process.env = { ...others, TERM: term };
    let out = '';
    const stderr = Object.assign(
      new Writable({
        write(chunk: Buffer, _encoding, done) {
          out += chunk.toString();
          done();
        },
      }),
      { isTTY: true, columns },
    );
    new Progress(new Output({ stdout: stderr, stderr }, false), 'pretrain').update({ step: 1, total: 4, loss: 2.5 });
    process.env = before;
    return out;
  };

  test('that does not know its width the whole line is shown', () => {
    expect(shown(0, 'xterm')).toContain('1/4  loss 2.500');
    expect(shown(24, 'xterm')).not.toContain('loss');
  });

  test('that is dumb there are plain lines', () => {
    expect(shown(80, 'dumb')).toBe(`· pretrain     ${'━'.repeat(5)}${'┄'.repeat(15)}  1/4  loss 2.500\n`);
  });
});

test('lines of a log file are seconds apart', () => {
  for (now = 0; now < 12_000; now += 1000) progress.update({ step: now / 1000, total: 100 });
  expect(text.trim().split('\n')).toHaveLength(3); // at 0, 5 and 10 s
});
