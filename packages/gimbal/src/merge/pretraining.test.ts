import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { refuseOtherPretraining } from './pretraining.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gimbal-merge-'));
  const texts = {
    a: '{"lineage":{"pretrainId":"one","run":0}}',
    b: '{"lineage":{"pretrainId":"one","run":1}}',
    c: '{"lineage":{"pretrainId":"two","run":0}}',
    damaged: '{"lineage"',
  };
  for (const [name, text] of Object.entries(texts)) {
    await mkdir(join(dir, name));
    await writeFile(join(dir, name, 'member.json'), text);
  }
  await mkdir(join(dir, 'plain'));
});
afterAll(() => rm(dir, { recursive: true }));
const folders = (...names: string[]): string[] => names.map((name) => join(dir, name));

test('members of one pretraining go together, and with folders that say nothing', async () => {
  await refuseOtherPretraining(folders('plain', 'a', 'plain', 'b'));
});

test('the first of another pretraining is named, and a file that is no JSON', async () => {
  await expect(refuseOtherPretraining(folders('plain', 'a', 'b', 'c'))).rejects.toMatchObject({
    code: 'ERR_CHECKPOINT',
    message: expect.stringMatching(
      /c\/member\.json: it comes from another pretraining than .*\/a; got "two", wanted one/,
    ),
  });
  await expect(refuseOtherPretraining(folders('damaged', 'a'))).rejects.toThrow(/damaged\/member\.json: not JSON/);
});
