import { z } from 'zod';
import { optionInfos } from '../options/kind.ts';
import { againCommand } from './again.ts';

const infos = optionInfos(
  z.object({
    data: z.string().optional(),
    columns: z.record(z.string(), z.string()).optional(),
    size: z.enum(['auto', 'tiny']).default('auto'),
    minutes: z.number().default(3),
    fineTuneSteps: z.int().optional(),
    seed: z.int().default(0),
    shuffle: z.boolean().default(true),
    json: z.boolean().default(false),
  }),
);
const values = { size: 'auto', minutes: 5, seed: 0, shuffle: true, json: true };
type Values = { readonly [name: string]: unknown };
const again = (more: Values, settled: Values = {}): string =>
  againCommand('align', infos, { ...values, ...more }, settled, new Set(['json']));

test('spells out what was chosen, and leaves out what was measured with', () => {
  const settled = { size: 'tiny', minutes: undefined, fineTuneSteps: 200, seed: 0 };
  expect(again({}, settled)).toBe('npx gimbal align --size tiny --fine-tune-steps 200 --seed 0');
});

test('keeps what was given, quoted for a shell', () => {
  expect(again({ data: "my rows'.jsonl", columns: { prompt: 'q', completion: 'a' }, shuffle: false })).toBe(
    "npx gimbal align --data 'my rows'\\''.jsonl' --columns prompt=q,completion=a --minutes 5 --no-shuffle",
  );
});
