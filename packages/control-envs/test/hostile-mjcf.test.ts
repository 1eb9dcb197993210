// Models that break the engine, and files that are named in unusual ways.
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileMjcf, loadMjcf, makeEnv } from '../src/index.ts';

const model = (rest: string, bodies = ''): string => `<mujoco>${rest}<worldbody>${bodies}</worldbody></mujoco>`;

test('what the engine’s allocator cannot hold says so, and what comes after has its own messages', async () => {
  const running = await makeEnv('Hopper-v5');
  const before = running.reset({ seed: 0 }).obs;
  const picture = '<asset><texture name="t" type="2d" builtin="flat" width="100000" height="100000"/></asset>';
  await expect(compileMjcf(model(picture), { source: 'a.xml' })).rejects.toThrow(
    /^model a\.xml: too large for the engine's memory of 2 GiB/,
  );
  const missing = model('<asset><texture type="2d" name="t" file="t.png"/></asset>');
  await expect(compileMjcf(missing)).rejects.toThrow('a file that the model names is missing; got "t.png"');
  // what ran before goes on
  expect(running.reset({ seed: 0 }).obs).toEqual(before);
  running.close();
}, 30_000);

test('a model without the memory for its constraints fails with what to do', async () => {
  const small = model(
    '<size memory="1K"/>',
    '<body><freejoint/><geom size=".1"/></body><geom type="plane" size="1 1 1"/>',
  );
  const compiled = await compileMjcf(small);
  const sim = compiled.simulate();
  expect(() => sim.step(1)).toThrow(/step: mj_stackAlloc: out of memory.* Raise <size memory="…"\/> in the model/);
  compiled.close();
});

test('what is no file’s bytes is refused before the engine sees it', async () => {
  const files = { 'm.obj': 'text' as unknown as Uint8Array };
  await expect(compileMjcf(model(''), { files })).rejects.toThrow('files: m.obj has no bytes; got "text"');
});

test('files are found by single quotes, entities, links and paths that lead up', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hostile-'));
  const pyramid = 'v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1 3 2\nf 1 2 4\nf 1 4 3\nf 2 3 4\n';
  await mkdir(join(folder, 'meshes'));
  await mkdir(join(folder, 'robot'));
  await writeFile(join(folder, 'meshes', 'a&b.obj'), pyramid);
  await symlink(join(folder, 'meshes', 'a&b.obj'), join(folder, 'robot', 'linked.obj'));
  const ways = [
    `<asset><mesh name="m" file='linked.obj'/></asset>`,
    '<asset><mesh name="m" file="linked.obj"/></asset>',
    '<asset><mesh name="m" file="../meshes/a&amp;b.obj"/></asset>',
    '<compiler meshdir="../meshes"/><asset><mesh name="m" file="a&#x26;b.obj"/></asset>',
  ];
  for (const way of ways) {
    const file = join(folder, 'robot', 'scene.xml');
    await writeFile(file, model(way, '<body><freejoint/><geom type="mesh" mesh="m"/></body>'));
    const loaded = await loadMjcf(file);
    expect([way, loaded.info.meshes.length]).toEqual([way, 1]);
    loaded.close();
  }
  // includes that go round are MuJoCo's to refuse
  await writeFile(join(folder, 'a.xml'), model('<include file="b.xml"/>'));
  await writeFile(join(folder, 'b.xml'), '<mujoco><include file="a.xml"/></mujoco>');
  await expect(loadMjcf(join(folder, 'a.xml'))).rejects.toThrow(/a\.xml.*MuJoCo says/);
  await rm(folder, { recursive: true });
});
