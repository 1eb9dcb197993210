// The browser's entry bundles without a module of Node's, and trains and scores in a realm that has what a page has.
import { fileURLToPath } from 'node:url';
import { bundlePage, filesOfNode, startPage } from '../../language-models/test/helpers/page-realm.ts';
import type { PageResult } from './helpers/page-reward.ts';

test('a page trains a reward model and scores with it', async () => {
  const bundle = await bundlePage(fileURLToPath(new URL('helpers/page-reward.ts', import.meta.url)));
  expect(filesOfNode(bundle)).toEqual([]);
  const { losses, scores } = await startPage<[], PageResult>(bundle)();
  expect(losses.at(-1)).toBeLessThan(losses[0] as number);
  expect(scores.every(Number.isFinite)).toBe(true);
}, 60_000);
