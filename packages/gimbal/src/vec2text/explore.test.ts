// Names of models on the page's switch.
import { namesOf } from './explore.ts';

test('a model is called by its objective, and by its folder too where another has the same', () => {
  const at = (path: string, objective?: string) => ({ path, objective });
  expect(namesOf([at('runs/a/model', 'rtt'), at('runs/b/model', 'ae')])).toEqual(['rtt', 'ae']);
  expect(namesOf([at('runs/a/model', 'rtt'), at('runs/b/model', 'rtt')])).toEqual(['rtt (a)', 'rtt (b)']);
  const checkpoint = 'runs/b/training/checkpoints/step-00000004/model';
  expect(namesOf([at('runs/a/model', 'rtt'), at(checkpoint, 'rtt')])).toEqual(['rtt (a)', 'rtt (b)']);
  // folders of one name by their paths; without a run by the file
  expect(namesOf([at('x/a/model', 'ae'), at('y/a/model', 'ae')])).toEqual(['ae (x/a)', 'ae (y/a)']);
  expect(namesOf([at('a/one.safetensors'), at('b/one.safetensors')])).toEqual(['one (a)', 'one (b)']);
});
