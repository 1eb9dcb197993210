// What is not there is nothing; what cannot be read is an error, and not taken for nothing. A file where a folder should
// be and a folder where a file should be stand for it: they fail for every user, whatever the permissions.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { copyLogs } from './cache.ts';
import { scriptsOf } from './hash.ts';
import { refuseChanged } from './provenance.ts';
import { defineStage } from './stage.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gimbal-absent-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const stage = defineStage({
  name: 'train',
  summary: 'Train.',
  version: 1,
  needs: [],
  prefix: '',
  options: z.object({}),
  uses: [],
  run: async () => 1,
  describe: () => '',
});
const made = { train: { version: 1, options: {}, environment: {}, files: {} } };

test('built code: none before the first build, an error where it cannot be listed', async () => {
  const dist = join(folder, 'dist');
  expect(await scriptsOf(dist)).toEqual([]);
  await writeFile(dist, '');
  await expect(scriptsOf(dist)).rejects.toMatchObject({ code: 'ENOTDIR' });
  await rm(dist);
  await mkdir(join(dist, 'chunks'), { recursive: true });
  for (const name of ['b.js', 'a.js', 'chunks/c.js', 'a.d.ts']) await writeFile(join(dist, name), '');
  expect(await scriptsOf(dist)).toEqual(['a.js', 'b.js', 'chunks/c.js'].map((name) => join(dist, name)));
});

test('logs of a stage: nothing to copy where it logged none, an error where they cannot be listed', async () => {
  const [from, to] = [join(folder, 'from'), join(folder, 'to')];
  await copyLogs(from, to);
  await expect(readFile(join(to, 'metrics.jsonl'))).rejects.toMatchObject({ code: 'ENOENT' });
  await writeFile(from, '');
  await expect(copyLogs(from, to)).rejects.toMatchObject({ code: 'ENOTDIR' });
});

test('a begun stage: nothing is refused without checkpoints or a note, and an unreadable one is no missing one', async () => {
  await refuseChanged(folder, stage, made);
  await mkdir(join(folder, 'stages/train/checkpoints'), { recursive: true });
  await refuseChanged(folder, stage, made);
  await mkdir(join(folder, 'stages/train.json'));
  await expect(refuseChanged(folder, stage, made)).rejects.toMatchObject({ code: 'EISDIR' });
  await rm(join(folder, 'stages/train'), { recursive: true });
  await writeFile(join(folder, 'stages/train'), '');
  await expect(refuseChanged(folder, stage, made)).rejects.toMatchObject({ code: 'ENOTDIR' });
});
