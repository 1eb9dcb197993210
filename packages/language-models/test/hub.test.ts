// Models by name, from a server on this machine that answers as the hub does: the API of revisions and trees, files by
// ranged requests, hashes.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { basename, join, relative } from 'node:path';
import { disposeTree, rng, useBackend } from '@gimbal/tensor-core';
import { hubAddress } from '../src/browser.ts';
import {
  decoder,
  downloadModel,
  loadPretrained,
  savePretrained,
  type Tokenizer,
  trainTokenizer,
} from '../src/index.ts';

const commit = 'c0ffee'.padEnd(40, '0');
let dir: string;
let server: Server;
let hubUrl: string;
/** What was asked for, `path` or `path from-byte`. */
let asked: string[] = [];
/** Breaks the connection of a large file after so many bytes. */
let breakAfter = Number.POSITIVE_INFINITY;
let damage = false;
/** The hub takes the question and never answers; or says that it is out of order. */
let silent = false;
let outOfOrder = false;
/** Once the weights are asked for, `asked` is called, and they come when `until` is over. */
let held: { asked(): void; until: Promise<void> } | undefined;
let token: string | undefined;

const sha1 = (bytes: Buffer): string => createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

beforeAll(async () => {
  await useBackend('auto');
  dir = await mkdtemp(join(tmpdir(), 'gimbal-hub-'));
  const tokenizer = trainTokenizer(['the nurse hid the coat'], { vocabularySize: 270, minFrequency: 1 });
  const model = decoder({ vocabularySize: 300, width: 128, layers: 2, heads: 4, contextLength: 32 });
  const params = model.init(rng(0));
  await savePretrained(join(dir, 'repos/me/tiny'), model, params, { tokenizer });
  disposeTree(params);
  await writeFile(join(dir, 'repos/me/tiny/chat_template.jinja'), '{{ messages[0].content }}!');
  await writeFile(join(dir, 'repos/me/tiny/pytorch_model.bin'), 'a pickle');
  await mkdir(join(dir, 'repos/me/only-gguf'), { recursive: true });
  await writeFile(join(dir, 'repos/me/only-gguf/small.Q4_0.gguf'), 'not read here');

  const folder = (owner = '', name = ''): string => join(dir, 'repos', owner, name);
  server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '', 'http://hub');
    const json = (value: unknown, status = 200): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    };
    if (silent) return;
    if (outOfOrder) return json({ error: 'Service Unavailable' }, 503);
    if (token !== undefined && request.headers.authorization !== `Bearer ${token}`)
      return json({ error: 'denied' }, 401);
    const info = /^\/api\/models\/([^/]+)\/([^/]+)\/revision\/([^/]+)$/.exec(url.pathname);
    const tree = /^\/api\/models\/([^/]+)\/([^/]+)\/tree\/([^/]+)$/.exec(url.pathname);
    const file = /^\/([^/]+)\/([^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(url.pathname);
    const [, owner, name, revision, path = ''] = info ?? tree ?? file ?? [];
    if (!existsSync(folder(owner, name)) || owner === undefined) return json({ error: 'Repository not found' }, 404);
    if (!['main', commit].includes(revision ?? '')) return json({ error: 'Invalid rev id' }, 404);
    if (info)
      return json({
        _id: '1',
        id: `${owner}/${name}`,
        sha: commit,
        private: false,
        gated: false,
        likes: 0,
        downloads: 0,
        lastModified: '2026-01-01T00:00:00.000Z',
      });
    if (tree) {
      const files = await readdir(folder(owner, name));
      return json(
        await Promise.all(
          files.map(async (at) => {
            const bytes = await readFile(join(folder(owner, name), at));
            const lfs = /safetensors|gguf|bin/.test(at)
              ? { oid: sha256(bytes), size: bytes.length, pointerSize: 130 }
              : undefined;
            return {
              type: 'file',
              path: at,
              size: bytes.length,
              oid: sha1(lfs ? Buffer.from('pointer') : bytes),
              ...(lfs && { lfs }),
            };
          }),
        ),
      );
    }
    const bytes = await readFile(join(folder(owner, name), path)).catch(() => undefined);
    if (bytes === undefined) return response.writeHead(404, { 'x-error-code': 'EntryNotFound' }).end();
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
    const start = Number(range?.[1] ?? 0);
    const end = range?.[2] ? Number(range[2]) + 1 : bytes.length;
    if (end - start > 1) asked.push(start > 0 ? `${path} ${start}` : path);
    const part = Buffer.from(bytes.subarray(start, end));
    if (damage && part.length > 10) part[10] = (part[10] as number) ^ 1;
    response.writeHead(range ? 206 : 200, {
      'content-length': part.length,
      etag: `"${sha1(bytes)}"`,
      'x-repo-commit': commit,
      ...(range && { 'content-range': `bytes ${start}-${end - 1}/${bytes.length}` }),
    });
    if (held && path === 'model.safetensors' && part.length > 1) {
      held.asked();
      await held.until;
    }
    if (part.length > breakAfter) response.write(part.subarray(0, breakAfter), () => response.destroy());
    else response.end(part);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  hubUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(dir, { recursive: true });
});
beforeEach(() => {
  asked = [];
});

test('a model by its name: its files once, in the layout of Python’s cache, then from there', async () => {
  const o = { hubUrl, cacheDir: join(dir, 'cache') };
  const seen: string[] = [];
  const { model, params, tokenizer } = await loadPretrained('me/tiny', {
    ...o,
    onProgress: (file, done, total) => {
      if (done === total) seen.push(file);
    },
  });
  expect(model.config.width).toBe(128);
  expect((tokenizer as Tokenizer).config.chat_template).toBe('{{ messages[0].content }}!');
  disposeTree(params);
  const files = ['chat_template.jinja', 'config.json', 'generation_config.json', 'model.safetensors'];
  expect(seen.sort()).toEqual([...files, 'tokenizer.json', 'tokenizer_config.json']);
  expect(asked.some((file) => file.startsWith('pytorch'))).toBe(false); // a pickle is never fetched
  const root = join(dir, 'cache/models--me--tiny');
  expect(await readFile(join(root, 'refs/main'), 'utf8')).toBe(commit);
  const bytes = await readFile(join(dir, 'repos/me/tiny/model.safetensors'));
  const snapshot = join(root, 'snapshots', commit);
  expect(await readlink(join(snapshot, 'model.safetensors'))).toBe(
    relative(snapshot, join(root, 'blobs', sha256(bytes))),
  );
  asked = [];
  expect(await downloadModel('me/tiny', o)).toBe(snapshot);
  expect(asked).toEqual([]);
});

test('without a network the cache serves, by branch and by commit; half a download is no model', async () => {
  const o = { hubUrl, cacheDir: join(dir, 'offline') };
  const away = { ...o, hubUrl: 'http://127.0.0.1:9' };
  const folder = await downloadModel('me/tiny', { ...o, revision: commit });
  asked = [];
  expect(await downloadModel('me/tiny', { ...away, revision: commit })).toBe(folder);
  const { params } = await loadPretrained('me/tiny', { ...away, revision: commit });
  disposeTree(params);
  // nobody has asked which commit main is
  await expect(downloadModel('me/tiny', away)).rejects.toThrow(/cannot be reached/);
  await downloadModel('me/tiny', o);
  expect(await downloadModel('me/tiny', away)).toBe(folder);
  outOfOrder = true;
  expect(await downloadModel('me/tiny', { ...o, revision: commit })).toBe(folder);
  outOfOrder = false;
  await expect(downloadModel('me/tiny', { ...away, revision: 'd'.repeat(40) })).rejects.toThrow(/cannot be reached/);
  silent = true;
  process.env.HF_HUB_OFFLINE = '1';
  try {
    expect(await downloadModel('me/tiny', { ...o, revision: commit })).toBe(folder);
    await expect(downloadModel('me/only-gguf/small.Q4_0.gguf', o)).rejects.toThrow(/not in the cache at revision main/);
    await rm(join(folder, 'model.safetensors'));
    await expect(downloadModel('me/tiny', o)).rejects.toThrow(/not in the cache.*HF_HUB_OFFLINE/);
  } finally {
    silent = false;
    delete process.env.HF_HUB_OFFLINE;
  }
  expect(asked).toEqual([]);
});

test('a hub that does not answer is left when the signal says so', async () => {
  const o = { hubUrl, cacheDir: join(dir, 'cache') }; // has the model: who stops wants none
  silent = true;
  const controller = new AbortController();
  const waiting = downloadModel('me/tiny', { ...o, signal: controller.signal });
  setTimeout(() => controller.abort(), 50);
  await expect(waiting).rejects.toMatchObject({ code: 'ERR_STOPPED' });
  await expect(downloadModel('me/tiny', { ...o, signal: AbortSignal.abort() })).rejects.toMatchObject({
    code: 'ERR_STOPPED',
  });
  silent = false;
});

test('a download that broke off goes on where it stopped', async () => {
  const o = { hubUrl, cacheDir: join(dir, 'broken') };
  const { size } = await stat(join(dir, 'repos/me/tiny/model.safetensors'));
  expect(size).toBeGreaterThan(1_000_000); // the library streams files of this size
  breakAfter = 600_000;
  await expect(downloadModel('me/tiny', o)).rejects.toMatchObject({
    code: 'ERR_CHECKPOINT',
    message: expect.stringMatching(/model\.safetensors: the download broke off; got "\d+ of \d+ bytes".*goes on/),
  });
  breakAfter = Number.POSITIVE_INFINITY;
  asked = [];
  const folder = await downloadModel('me/tiny', o);
  const [resumed] = asked.filter((file) => file.startsWith('model.safetensors'));
  expect(Number(resumed?.split(' ')[1])).toBeGreaterThan(0);
  const [ours, theirs] = await Promise.all(
    [folder, join(dir, 'repos/me/tiny')].map((at) => readFile(join(at, 'model.safetensors'))),
  );
  expect((ours as Buffer).equals(theirs as Buffer)).toBe(true);
});

test('two downloads at once of one model: the files come once, and both have them', async () => {
  const o = { hubUrl, cacheDir: join(dir, 'twice') };
  const [a, b] = await Promise.all([downloadModel('me/tiny', o), downloadModel('me/tiny', o)]);
  expect(a).toBe(b);
  expect(asked.filter((file) => file.startsWith('model.safetensors'))).toEqual(['model.safetensors']);
  const blobs = await readdir(join(o.cacheDir, 'models--me--tiny/blobs'));
  expect(blobs.filter((name) => name.includes('.'))).toEqual([]);
  // one that waits is stopped without the other
  const controller = new AbortController();
  const fresh = { hubUrl, cacheDir: join(dir, 'stopped-one') };
  let goOn = (): void => {};
  const until = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const began = new Promise<void>((resolve) => {
    held = { asked: resolve, until };
  });
  try {
    const whole = downloadModel('me/tiny', fresh);
    const left = downloadModel('me/tiny', { ...fresh, signal: controller.signal });
    await began;
    controller.abort();
    await expect(left).rejects.toMatchObject({ code: 'ERR_STOPPED' });
    goOn();
    await expect(whole).resolves.toContain(fresh.cacheDir);
  } finally {
    goOn();
    held = undefined;
  }
});

test('a part that another process writes is left alone, that of a dead one is gone on from', async () => {
  const o = { hubUrl, cacheDir: join(dir, 'parts') };
  const bytes = await readFile(join(dir, 'repos/me/tiny/model.safetensors'));
  const blobs = join(o.cacheDir, 'models--me--tiny/blobs');
  const part = (pid: number | undefined): string =>
    join(blobs, `${sha256(bytes)}.gimbal-${hostname().replace(/[^\w-]/g, '_')}-${pid}.incomplete`);
  const { pid } = spawnSync(process.execPath, ['-e', '']);
  await mkdir(blobs, { recursive: true });
  await writeFile(part(process.ppid), 'half of it');
  await writeFile(part(pid), bytes.subarray(0, 500_000));
  const folder = await downloadModel('me/tiny', o);
  expect((await readFile(join(folder, 'model.safetensors'))).equals(bytes)).toBe(true);
  expect(asked).toContain('model.safetensors 500000');
  expect((await readdir(blobs)).filter((name) => name.includes('.'))).toEqual([basename(part(process.ppid))]);
  expect(await readFile(part(process.ppid), 'utf8')).toBe('half of it');
});

test('a file that came damaged is never kept', async () => {
  damage = true;
  const o = { hubUrl, cacheDir: join(dir, 'damaged') };
  await expect(downloadModel('me/tiny', o)).rejects.toThrow(/the file came damaged/);
  damage = false;
  await downloadModel('me/tiny', o);
});

test('a .gguf file is named, and a repository without safetensors says which there are', async () => {
  const o = { hubUrl, cacheDir: join(dir, 'gguf') };
  await expect(downloadModel('me/only-gguf', o)).rejects.toThrow(
    /holds no model in safetensors; got "small\.Q4_0\.gguf".*Name the file: me\/only-gguf\/small\.Q4_0\.gguf/,
  );
  const path = await downloadModel('me/only-gguf/small.Q4_0.gguf', o);
  expect(await readFile(path, 'utf8')).toBe('not read here');
});

test('names that the hub does not know, revisions, tokens and hubs that do not answer', async () => {
  const o = { hubUrl, cacheDir: join(dir, 'none') };
  await expect(loadPretrained('me/nothing', o)).rejects.toThrow(/no folder or file here.*no model of this name/);
  await expect(downloadModel('me/tiny', { ...o, revision: 'v9' })).rejects.toThrow(/no revision v9/);
  await expect(downloadModel('me/tiny', { ...o, revision: '../../x' })).rejects.toThrow(/no revision; got "..\/..\/x"/);
  await expect(downloadModel('a/b/c/d', o)).rejects.toThrow(/no name of a model on the hub/);
  await expect(downloadModel('me/tiny', { ...o, hubUrl: 'http://127.0.0.1:9' })).rejects.toThrow(/cannot be reached/);
  token = 'hf_of_a_test';
  await expect(downloadModel('me/tiny', o)).rejects.toThrow(/HF_TOKEN/);
  await downloadModel('me/tiny', { ...o, token: 'hf_of_a_test' });
  token = undefined;
  const controller = new AbortController();
  const stop = {
    ...o,
    cacheDir: join(dir, 'stopped'),
    signal: controller.signal,
    onProgress: () => controller.abort(),
  };
  await expect(downloadModel('me/tiny', stop)).rejects.toMatchObject({ code: 'ERR_STOPPED' });
});

test('a page reads the same files by their address on the hub', () => {
  expect(hubAddress('me/tiny').href).toBe('https://huggingface.co/me/tiny/resolve/main/');
  expect(hubAddress('me/tiny', { revision: 'a/b', hubUrl }).href).toBe(`${hubUrl}/me/tiny/resolve/a%2Fb/`);
});
