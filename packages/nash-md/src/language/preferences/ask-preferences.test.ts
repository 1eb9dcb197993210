// What is asked again and what is not.
import { DataError } from '@gimbal/tensor-core';
import { askPreferences } from './ask-preferences.ts';

const pairs = { prompts: ['p'], a: ['x'], b: ['y'] };

test('a function that throws is asked again; one that refuses the rows is not', async () => {
  let calls = 0;
  const once = async (): Promise<number[]> => {
    if (++calls === 1) throw new Error('busy');
    return [0.25];
  };
  expect([...(await askPreferences(once, pairs)).preferences]).toEqual([0.25]);
  expect(calls).toBe(2);
  calls = 0;
  const refusal = new DataError({ where: 'preference, row 0', what: 'prompt and answer are longer than the model' });
  const refuses = async (): Promise<number[]> => {
    calls++;
    throw refusal;
  };
  await expect(askPreferences(refuses, pairs)).rejects.toBe(refusal);
  expect(calls).toBe(1);
});
