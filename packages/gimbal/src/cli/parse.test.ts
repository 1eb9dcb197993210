import { z } from 'zod';
import { optionInfos } from '../options/kind.ts';
import { parseLine } from './parse.ts';

test('a text that begins as a flag does is refused as a forgotten value, and passed behind =', () => {
  const infos = optionInfos(z.object({ prompt: z.string().optional(), seed: z.int().optional() }));
  const parse = (...argv: string[]) => parseLine('generate', argv, infos, []);
  expect(() => parse('--prompt', '--seed=5')).toThrow(
    /--prompt needs a value\. See gimbal generate --help; a value that begins so is passed as --prompt=--seed=5/,
  );
  expect(parse('--prompt=--seed=5').flags.get('prompt')).toBe('--seed=5');
});
