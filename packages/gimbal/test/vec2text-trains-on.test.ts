// gimbal vec2text train that begins with a model, or goes on with a run: with its sizes, words and held-out sentences.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { disposeTree, flatten, readSafetensors, useBackend } from '@gimbal/tensor-core';
import { type Printed, runMain } from './run-main.ts';

const run = (...argv: string[]): Promise<Printed> =>
  runMain(['vec2text', ...argv], new URL('../src/', import.meta.url));
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gimbal-vec2text-on-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function file(name: string, content: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

test('training goes on from a model that is named, with its sizes and words; a contradiction is refused', async () => {
  await useBackend('auto');
  const texts = 'boy girl doctor king'.split(' ').flatMap((a) => 'lamp box cup'.split(' ').map((b) => `${a} saw ${b}`));
  const data = await file('again.txt', texts.join('\n'));
  const [first, second] = [join(folder, 'first'), join(folder, 'second')];
  const own = ['--data', data, '--objective', 'ae', '--samples', '10', '--steps', '2'];
  const sizes = ['--width', '16', '--vocabulary', '280', '--control-dim', '6', '--memory-slots', '2', '--heads', '2'];
  const mixture = ['--objective', 'mix', '--mix', 'ae=1,dae=1', '--blank', '.2'];
  const often = ['--accumulate', '2', '--eval-every', '1', '--eval-samples', '2', '--stats-samples', '4'];
  expect((await run('train', ...own, ...mixture, ...often, ...sizes, '--out', first)).code).toBe(0);
  const before = await readSafetensors(join(first, 'model', 'model.safetensors'));
  // with no step to speak of, the weights are those that it came with
  const on = await run('train', first, ...own, '--learning-rate', '1e-9', '--out', second);
  expect([on.code, on.stderr]).toEqual([0, expect.any(String)]);
  const after = await readSafetensors(join(second, 'model', 'model.safetensors'));
  for (const [path, weight] of flatten(before)) {
    const other = flatten(after).find(([name]) => name === path)?.[1] as typeof weight;
    expect(other.shape).toEqual(weight.shape);
    const [a, b] = [weight.dataSync(), other.dataSync()];
    expect(Math.max(...Array.from(a, (x, i) => Math.abs(x - (b[i] as number))))).toBeLessThan(1e-5);
  }
  const config = JSON.parse(await readFile(join(second, 'config.json'), 'utf8')) as { options: { model: string } };
  expect(config.options.model).toBe(first);
  const other = await run('train', '--model', first, ...own, '--space', 'ball');
  expect([other.code, other.stderr]).toEqual([2, expect.stringMatching(/--space: .*first has its own/)]);
  // words that the language has and the model has not
  expect((await run('train', first, '--steps', '1', '--out', join(folder, 'third'))).stderr).toMatch(
    /which sentences\?/,
  );
  disposeTree(before);
  disposeTree(after);
}, 120_000);

test('vectors that cannot be used are refused with the flags that help, and leave 2', async () => {
  const first = join(folder, 'first', 'model'); // of the test above
  const code = (x: number): string => JSON.stringify({ code: [x, 0, 0, 0, 0, 0] });
  const outside = await run('decode', first, '--data', await file('outside.jsonl', code(3)));
  expect([outside.code, outside.stderr]).toEqual([2, expect.stringMatching(/outside\.jsonl.*row 0.*--project/s)]);
  const other = await run('invert', first, '--data', await file('inside.jsonl', code(0)));
  expect([other.code, other.stderr]).toEqual([2, expect.stringMatching(/holds no inverter.*gimbal vec2text decode/s)]);
});

test('a run trains on with more steps, its checkpoint serves while it is stopped, and valid is what training had', async () => {
  const texts = 'boy girl doctor king'.split(' ').flatMap((a) => 'lamp box cup'.split(' ').map((b) => `${a} saw ${b}`));
  const [data, out] = [await file('on.txt', texts.join('\n')), join(folder, 'on')];
  const sizes = [
    '--width',
    '16',
    '--vocabulary',
    '280',
    '--objective',
    'ae',
    '--samples',
    '10',
    '--stats-samples',
    '4',
  ];
  const first = await run('train', '--data', data, ...sizes, '--steps', '2', '--held-out', '4', '--out', out, '--json');
  expect(first.code).toBe(0);
  const on = await run('train', '--resume', '--out', out, '--steps', '4', '--json');
  expect([on.code, on.stderr]).toEqual([0, expect.stringMatching(/is trained on, to 4 steps in all/)]);
  expect((JSON.parse(on.stdout) as { steps: number }).steps).toBe(4);
  type Found = { fluency: Record<string, { value: number }> };
  // the sentences that were held out, and no others: their pairs alone are few
  const pairs = new Set((await readFile(join(out, 'word-pairs.txt'), 'utf8')).trim().split('\n'));
  expect(pairs).toContain('^ boy');
  expect(pairs.size).toBe(4 + 4 + 3 + 3);
  const some = await file('some.txt', 'boy saw lamp\ngirl saw box');
  const evaluated = await run(
    'evaluate',
    out,
    '--data',
    some,
    '--samples',
    '10',
    '--out',
    join(folder, 'on-some'),
    '--json',
  );
  expect((JSON.parse(evaluated.stdout) as Found).fluency['validAt(0)']?.value).toBeDefined();
  expect(evaluated.stderr).not.toContain('kept no pairs');
  // as a run that was stopped: no model of its own
  await rm(join(out, 'model'), { recursive: true });
  const encoded = await run('encode', out, '--text', 'boy saw lamp', '--json');
  expect([encoded.code, encoded.stderr]).toEqual([0, expect.stringMatching(/newest checkpoint, step-0+4/)]);
  await rm(join(out, 'training'), { recursive: true });
  expect((await run('encode', out, '--text', 'boy')).stderr).toContain(
    `npx gimbal vec2text train --out ${out} --resume`,
  );
}, 120_000);
