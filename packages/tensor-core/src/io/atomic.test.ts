import { execFileSync } from 'node:child_process';
import { lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  isTemporaryName,
  recoverReplaced,
  removeLeftovers,
  writeDirectoryAtomic,
  writeFileAtomic,
  writeFileDurable,
} from './atomic.node.ts';
import { type FileSystem, nodeFileSystem } from './file-system.node.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gimbal-io-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** The file system with its n-th call of one kind failing. */
function failing(call: keyof FileSystem | 'write' | 'sync', code: string): FileSystem {
  const fail = async (): Promise<never> => {
    throw Object.assign(new Error(`${code}: simulated`), { code });
  };
  return {
    ...nodeFileSystem,
    ...(call in nodeFileSystem && { [call]: fail }),
    create: async (path) => {
      if (call === 'create') return fail();
      const file = await nodeFileSystem.create(path);
      return {
        write: call === 'write' ? fail : (bytes) => file.write(bytes),
        sync: call === 'sync' ? fail : () => file.sync(),
        close: () => file.close(),
      };
    },
  };
}

test('a file is replaced in one piece and nothing else is left in the folder', async () => {
  const path = join(folder, 'a.json');
  await writeFileAtomic(path, 'one');
  await writeFileAtomic(path, [new TextEncoder().encode('t'), new TextEncoder().encode('wo')]);
  expect(await readFile(path, 'utf8')).toBe('two');
  expect(await readdir(folder)).toEqual(['a.json']);
});

test.each(['create', 'write', 'sync', 'rename'] as const)(
  'a full disk in %s leaves the old file and no temporary',
  async (call) => {
    const path = join(folder, 'a.json');
    await writeFileAtomic(path, 'old');
    const write = writeFileAtomic(path, 'new', failing(call, 'ENOSPC'));
    await expect(write).rejects.toMatchObject({
      code: 'ERR_CHECKPOINT',
      message: expect.stringContaining('the disk is full'),
    });
    expect(await readFile(path, 'utf8')).toBe('old');
    expect(await readdir(folder)).toEqual(['a.json']);
  },
);

test('a content that throws half-way leaves the old file', async () => {
  const path = join(folder, 'a.bin');
  await writeFileAtomic(path, 'old');
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield new Uint8Array(10);
    throw new Error('source lost');
  }
  await expect(writeFileAtomic(path, broken())).rejects.toThrow('source lost');
  expect(await readFile(path, 'utf8')).toBe('old');
});

test('leftovers of dead processes are removed, those of live ones and other targets stay', async () => {
  const dead = '.a.json.4194000-0.partial'; // beyond Linux's default pid range
  const live = `.a.json.${process.ppid}-3.partial`;
  const other = '.b.json.4194000-0.partial';
  for (const name of [dead, live, other]) await writeFile(join(folder, name), '');
  await writeFileAtomic(join(folder, 'a.json'), 'x');
  expect((await readdir(folder)).sort()).toEqual([live, other, 'a.json'].sort());
  expect([dead, live, other].every(isTemporaryName)).toBe(true);
  expect(['a.json', '.hidden', 'step-1.partial'].some(isTemporaryName)).toBe(false);
});

test('a folder appears complete or not at all', async () => {
  const path = join(folder, 'runs', 'step-1');
  await expect(
    writeDirectoryAtomic(path, async (temporary) => {
      await writeFileDurable(join(temporary, 'a'), 'x');
      throw new Error('stopped');
    }),
  ).rejects.toThrow('stopped');
  expect(await readdir(join(folder, 'runs'))).toEqual([]);
  await writeDirectoryAtomic(path, async (temporary) => {
    await writeFileDurable(join(temporary, 'a'), 'x');
    expect(await readdir(join(folder, 'runs'))).toEqual([expect.stringMatching(/^\.step-1\..*\.partial$/)]);
  });
  expect(await readdir(path)).toEqual(['a']);
});

test('a folder that exists is not replaced', async () => {
  const path = join(folder, 'x');
  await mkdir(path);
  await writeFile(join(path, 'old'), '');
  const write = writeDirectoryAtomic(path, (temporary) => writeFileDurable(join(temporary, 'new'), '').then(() => {}));
  await expect(write).rejects.toMatchObject({ code: expect.stringMatching(/ENOTEMPTY|EEXIST/) });
  expect(await readdir(path)).toEqual(['old']);
});

test('what stepped aside for a folder of a longer name, or is another living process’s, is left alone', async () => {
  const [model, longer, living] = ['model', '.model.v2.4194000-0.replaced', `.model.${process.ppid}-0.replaced`];
  for (const aside of [longer, living]) await mkdir(join(folder, aside));
  await recoverReplaced(join(folder, model));
  await writeDirectoryAtomic(join(folder, model), async () => {}, nodeFileSystem, { replace: true });
  expect((await readdir(folder)).sort()).toEqual([living, longer, model].sort());
});

test('a folder is replaced when the new one is complete, and put back after a kill between the two renames', async () => {
  const path = join(folder, 'x');
  const write = (content: string, fs?: FileSystem): Promise<void> =>
    writeDirectoryAtomic(path, (temporary) => writeFileDurable(join(temporary, 'a'), content).then(() => {}), fs, {
      replace: true,
    });
  await write('one');
  await write('two');
  expect(await readFile(join(path, 'a'), 'utf8')).toBe('two');
  // a failing second rename puts the old one back at once
  let renames = 0;
  const rename = (from: string, to: string): Promise<void> =>
    renames++ === 1 ? Promise.reject(Object.assign(new Error('x'), { code: 'EIO' })) : nodeFileSystem.rename(from, to);
  await expect(write('three', { ...nodeFileSystem, rename })).rejects.toThrow('the disk reports an error');
  expect(await readFile(join(path, 'a'), 'utf8')).toBe('two');
  // a kill there cannot: the next reader or writer does
  await nodeFileSystem.rename(path, join(folder, '.x.4194000-0.replaced'));
  await removeLeftovers(folder);
  await recoverReplaced(path);
  expect(await readFile(join(path, 'a'), 'utf8')).toBe('two');
  await recoverReplaced(path);
  expect(await readdir(folder)).toEqual(['x']);
});

test('through a link the file and the folder it leads to are replaced, and the link stays', async () => {
  const [file, fileLink] = [join(folder, 'a.json'), join(folder, 'latest.json')];
  await writeFile(file, 'old');
  await symlink('a.json', fileLink);
  await writeFileAtomic(fileLink, 'new');
  const [model, modelLink] = [join(folder, 'model'), join(folder, 'latest')];
  await mkdir(model);
  await symlink('model', modelLink);
  await writeDirectoryAtomic(modelLink, (to) => writeFile(join(to, 'x'), '1'), undefined, { replace: true });
  expect([await readFile(file, 'utf8'), await readFile(join(model, 'x'), 'utf8')]).toEqual(['new', '1']);
  for (const link of [fileLink, modelLink]) expect((await lstat(link)).isSymbolicLink()).toBe(true);
  expect((await readdir(folder)).sort()).toEqual(['a.json', 'latest', 'latest.json', 'model']);
});

test('a file is never replaced by a folder', async () => {
  const path = join(folder, 'mine.jsonl');
  await writeFile(path, 'precious');
  const write = writeDirectoryAtomic(path, (to) => writeFile(join(to, 'x'), '1'), undefined, { replace: true });
  await expect(write).rejects.toMatchObject({ code: 'ERR_CHECKPOINT', message: expect.stringContaining('mine.jsonl') });
  expect(await readFile(path, 'utf8')).toBe('precious');
});

// a pipe has an inode of its own: one that was replaced has another
(process.platform === 'win32' ? test.skip : test)('a pipe is written to and stays a pipe', async () => {
  const path = join(folder, 'pipe');
  execFileSync('sh', ['-c', 'mkfifo "$0"', path]);
  const read = readFile(path, 'utf8');
  await writeFileAtomic(
    path,
    ['a', 'b'].map((text) => new TextEncoder().encode(text)),
  );
  expect(await read).toBe('ab');
  expect((await lstat(path)).isFIFO()).toBe(true);
});
