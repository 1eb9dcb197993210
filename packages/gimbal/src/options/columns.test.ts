import { checkColumns } from './columns.ts';

const known = ['text', 'prompt', 'completion'];

test('a misspelt name of ours is told with the nearest one, before a file is read', () => {
  expect(() => checkColumns('align', { promt: 'question', completion: 'answer' }, known)).toThrow(
    /gimbal align --columns: there is no column promt .*got "promt=question", wanted .*text, prompt, completion.*Did you mean prompt=question\?/,
  );
  expect(() => checkColumns('align', { question: 'prompt' }, known)).toThrow(/Did you mean prompt=question\?/);
  expect(() => checkColumns('generate', { text: 'question' }, ['prompt'])).toThrow(/wanted "?prompt=…/);
  checkColumns('align', { prompt: 'question', completion: 'answer' }, known);
  checkColumns('align', undefined, known);
  expect(() => checkColumns('align', { better: 'good' }, ['chosen'], '--preference-columns')).toThrow(
    /gimbal align --preference-columns: there is no column better/,
  );
});
