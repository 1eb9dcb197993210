import { dataset } from '@gimbal/language-models';
import { noteShared, refuseShared } from './shared-rows.ts';

const row = { prompt: 'p', chosen: 'a', rejected: 'b' };
const training = dataset([row, { prompt: 'q', chosen: 'a', rejected: 'b' }]);

test('a row is known again in another order of its columns, with its sides turned, and with another label', () => {
  for (const same of [
    { rejected: 'b', chosen: 'a', prompt: 'p' },
    { prompt: 'p', chosen: 'b', rejected: 'a' },
    { ...row, label: 0, weight: 2, margin: 1, source: 'mine' },
  ])
    expect(() => refuseShared(training, dataset([same]))).toThrow(/this row of --test is in --data too/);
  const others = dataset([{ prompt: 'p', chosen: 'a', rejected: 'c' }]);
  expect(() => refuseShared(training, others)).not.toThrow();
  const notes: string[] = [];
  noteShared('held-out', others, training, (text) => notes.push(text));
  noteShared('held-out', dataset([...others.rows, row]), training, (text) => notes.push(text));
  expect(notes).toEqual([expect.stringMatching(/1 of 2 held-out rows is among the others too/)]);
});
