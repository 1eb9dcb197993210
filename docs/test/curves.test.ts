import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { withCurves } from '../curves.mjs';

test('pictures stand between the marks of their claim, in place of those of before', () => {
  const page = 'a\n<!-- curves of C15 -->\nold\n<!-- end of C15 -->\nb\n';
  const once = withCurves(page, 'C15', ['Hopper-v5']);
  expect(once).toBe(
    'a\n<!-- curves of C15 -->\n![Return of SAC on Hopper-v5, Gimbal beside Stable-Baselines3](../images/fma-pg-C15-Hopper.svg)\n\n<!-- end of C15 -->\nb\n',
  );
  expect(withCurves(once, 'C15', ['Hopper-v5'])).toBe(once);
  expect(() => withCurves('a', 'C15', [])).toThrow('no marks of C15');
});

test('the page of fma-pg has the marks of both claims', () => {
  const page = readFileSync(join(import.meta.dirname, '../packages/fma-pg.md'), 'utf8');
  for (const claim of ['C14', 'C15']) expect(() => withCurves(page, claim, [])).not.toThrow();
});
