import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inputsOf, refuseChangedInputs } from './inputs.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gimbal-inputs-'));
});
afterAll(() => rm(dir, { recursive: true }));

test('files and models are hashed by their content, in a reward behind its kind and before its weight', async () => {
  const [rows, mine, run] = [join(dir, 'rows.jsonl'), join(dir, 'mine.mjs'), join(dir, 'reward-1')];
  await writeFile(rows, '{"text":"a"}\n');
  await writeFile(mine, 'export default () => [1];\n');
  await mkdir(join(run, 'model'), { recursive: true });
  await writeFile(join(run, 'model/config.json'), '{}');
  const options = { data: rows, test: undefined, reward: [`${mine}=0.5`, 'exact', `entailment:${run}`], steps: 3 };
  const inputs = await inputsOf(options);
  expect(Object.keys(inputs)).toEqual([rows, mine, run]);
  const notes: string[] = [];
  const check = (): Promise<void> =>
    refuseChangedInputs(options, inputs, 'gimbal rl --resume', 'runs/rl-1', (text) => notes.push(text));
  await writeFile(join(run, 'log.txt'), 'a line');
  await check();
  await writeFile(join(run, 'model/config.json'), '{"layers":2}');
  await expect(check()).rejects.toMatchObject({
    code: 'ERR_CONFIG',
    message: expect.stringContaining(`${run} (--reward) has changed since the run in runs/rl-1 began`),
  });
  await rm(run, { recursive: true });
  expect(notes).toEqual([]);
  await writeFile(mine, 'export default () => [2];\n'); // mended, which a run is resumed for
  await check();
  expect(notes).toEqual([expect.stringContaining(`${mine} (--reward) has changed`)]);
  await check(); // what is gone is told by who reads it
});

test('what is no file has no hash', async () => {
  expect(await inputsOf({ data: undefined, preference: 'world:newsroom', reward: ['https://host/score=2'] })).toEqual(
    {},
  );
  expect(await inputsOf({ preference: join(dir, 'none.mjs') })).toEqual({});
});
