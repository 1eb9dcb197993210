// The browser's entry: it bundles without a module of Node's, and the bundle writes and trains where there is nothing but
// what a page has (a realm of its own with web globals), with the tokens that transformers wrote.
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { disposeTree, rng, useBackend } from '@gimbal/tensor-core';
import { decoder, generate, loadPretrained, saveGguf, type Tokenizer } from '../src/index.ts';
import type { PageResult } from './helpers/page-generate.ts';
import { bundlePage, filesOfNode, startPage } from './helpers/page-realm.ts';

const require = createRequire(import.meta.url);
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const wasmFolder = dirname(
  createRequire(require.resolve('@gimbal/tensor-core/package.json')).resolve('@tensorflow/tfjs-backend-wasm'),
);
const address = 'https://models.test/llama/';

/** Answers for the model's folder and tfjs's .wasm files, with ranges, as a file server does. */
function fetchFile(request: string | URL, init?: RequestInit): Response {
  const name = String(request).slice(address.length);
  const file = name.startsWith('wasm/')
    ? join(wasmFolder, name.slice('wasm/'.length))
    : name === 'model.gguf'
      ? join(dir, name)
      : here(`golden/saved/llama/${name}`);
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch {
    return new Response('', { status: 404 });
  }
  const range = /^bytes=(\d+)-(\d+)$/.exec(new Headers(init?.headers).get('range') ?? '');
  if (range === null) {
    const type = name.endsWith('.wasm') ? 'application/wasm' : 'application/octet-stream';
    return new Response(new Uint8Array(bytes), { headers: { 'content-type': type } });
  }
  const [start, end] = [Number(range[1]), Number(range[2])];
  return new Response(new Uint8Array(bytes.subarray(start, end + 1)), {
    status: 206,
    headers: { 'content-range': `bytes ${start}-${end}/${bytes.length}` },
  });
}

let dir: string;
/** What the model of model.gguf writes in Node. */
let inFile: number[];
let bundle: Awaited<ReturnType<typeof bundlePage>>;
beforeAll(async () => {
  await useBackend('auto');
  dir = await mkdtemp(join(tmpdir(), 'gimbal-page-'));
  // a GGUF file names no original length of a stretched rotation, as this llama has: the file's model is another
  const golden = await loadPretrained(here('golden/saved/llama'));
  disposeTree(golden.params);
  const tokenizer = golden.tokenizer as Tokenizer;
  const sizes = { width: 32, layers: 2, heads: 4, contextLength: 64 };
  const model = decoder({ vocabularySize: golden.model.config.vocabularySize, ...sizes });
  const params = model.init(rng(3));
  await saveGguf(join(dir, 'model.gguf'), model, params, { tokenizer, type: 'F32' });
  const o = { temperature: 0, maxNewTokens: 8, promptSuffix: false, rng: rng(0) } as const;
  inFile = [...((await generate(model, params, tokenizer, ['the nurse'], o))[0]?.ids ?? [])];
  disposeTree(params);
  bundle = await bundlePage(here('helpers/page-generate.ts'));
}, 60_000);
afterAll(() => rm(dir, { recursive: true }));

test('the bundle holds the browser’s modules and none that needs Node', () => {
  const { imports } = bundle;
  const ours = Object.keys(imports).filter((file) => !file.includes('@tensorflow') && !file.includes('(disabled)'));
  expect(ours.some((file) => file.endsWith('pretrained.browser.ts'))).toBe(true);
  expect(filesOfNode(bundle)).toEqual([]);
  // tfjs asks for some and does without; nothing else does
  const asks = ours.filter((file) => imports[file]?.some((path) => /^\(disabled\)|^node:/.test(path)));
  expect(asks.filter((file) => !/node_modules\/(seedrandom|node-fetch)\//.test(file))).toEqual([]);
});

test.each(['cpu', 'wasm'])(
  'a page writes on %s what transformers wrote, and trains',
  async (backend) => {
    const run = startPage<[backend: string, address: string, texts: readonly string[]], PageResult>(bundle, {
      ...{ Response, Headers, Blob },
      fetch: async (request: string | URL, init?: RequestInit) => fetchFile(request, init),
    });
    const { cases } = JSON.parse(readFileSync(here('golden/saved/llama/transformers.json'), 'utf8')) as {
      cases: { text: string; greedy: number[] }[];
    };
    const { losses, streamed, ...rest } = await run(
      backend,
      address,
      cases.map(({ text }) => text),
    );
    expect(rest).toEqual({
      backend,
      greedy: cases.map(({ greedy }) => greedy),
      folder: 'ERR_CONFIG',
      missing: `${address}nothing/config.json: the file cannot be read: there is none. A model folder has this file; check the path.`,
      tensors: 0,
      gguf: [inFile, inFile],
    });
    expect(streamed.length).toBeGreaterThan(0);
    expect(losses).toHaveLength(5);
    expect(losses[4]).toBeLessThan(losses[0] as number);
  },
  60_000,
);
