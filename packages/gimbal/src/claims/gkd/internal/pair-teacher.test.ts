import { type TokenBatch, useBackend } from '@gimbal/tensor-core';
import { pairTask } from './pair-teacher.ts';

await useBackend('auto');

const task = pairTask(0.05);
const prompt = '7+1+3-1-3+1=';

const ofText = async (kind: 'single' | 'paired', text: string): Promise<number[]> => {
  const t = task[kind];
  const read = (of: string): number[] => Array.from(t.encodeText?.(of) ?? []);
  const ids = [...read(text), t.special.eos as number];
  const batch = (row: number[]): TokenBatch => ({
    ids: Int32Array.from(row),
    width: row.length,
    lengths: Int32Array.of(row.length),
  });
  const answer = await task[`${kind}Teacher`].score(batch(read(prompt)), batch(ids), {
    want: 'sampled',
  });
  return 'sampled' in answer ? [...answer.sampled] : [];
};
const sum = (x: readonly number[]): number => x.reduce((a, b) => a + b, 0);

test.each(['81078', '8107', '8', '', '8=1+3', '=81', '+11111', '8_1_07'])(
  'a text has one probability, told in digits or in pairs: %s',
  async (text) => {
    const [single, paired] = [await ofText('single', text), await ofText('paired', text)];
    expect(sum(paired)).toBeCloseTo(sum(single), 4);
    if (/\d\d/.test(text)) expect(paired.length).toBeLessThan(single.length);
  },
);

test('the right answer is likely in both, and reads back as it was written', async () => {
  // .95 · .9 and a little of the uniform for each of five results; the last digit alone, then the end
  const digits = await ofText('single', '81078');
  expect(digits.slice(0, 5).map(Math.exp)).toEqual(Array(5).fill(expect.closeTo(0.95 * 0.9 + 0.05 / 17, 5)));
  expect((await ofText('paired', '81078')).length).toBe(4);
  for (const t of [task.single, task.paired]) {
    expect(t.decode(t.encode(['81078', '7+1+3-1-3+1=']))).toEqual(['81078', '7+1+3-1-3+1=']);
  }
});
