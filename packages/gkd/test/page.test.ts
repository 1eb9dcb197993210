// The browser's entry bundles without a module of Node's, and distils in a realm that has what a page has.
import { fileURLToPath } from 'node:url';
import { bundlePage, filesOfNode, startPage } from '../../language-models/test/helpers/page-realm.ts';
import type { PageResult } from './helpers/page-distil.ts';

test('a page distils a student, and compares it with its start', async () => {
  const bundle = await bundlePage(fileURLToPath(new URL('helpers/page-distil.ts', import.meta.url)));
  expect(filesOfNode(bundle)).toEqual([]);
  const { losses, scores, acceptance } = await startPage<[], PageResult>(bundle)();
  expect(losses.at(-1)).toBeLessThan((losses[0] as number) / 2);
  expect(scores).toEqual([expect.any(Number), expect.any(Number)]);
  expect(acceptance[1]).toBeGreaterThan(acceptance[0] as number);
}, 60_000);
