// GGUF files that Gimbal writes, run by llama.cpp (node-llama-cpp 3.22.1): one thread each, for threads that wait by spinning
// starve on a busy machine.
//
// Run with the built package, from a folder with node-llama-cpp:  node check-gguf.mjs [FILE.gguf …]
//
// Without files: the tokenizers of sentence-piece.golden.json, and small random models of every architecture, whose greedy
// tokens must be ours but for ties within .02. With files: the greedy tokens of both after a few prompts, and where they part.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { decoder, decodeTokens, loadGguf, padBatch, saveGguf, Tokenizer } from '@gimbal/language-models';
import { disposeTree, mapTree, rng, useBackend } from '@gimbal/tensor-core';
import { add, tensor2d } from '@tensorflow/tfjs-core';
import { transform } from 'esbuild';

const from = createRequire(join(process.cwd(), 'x.js'));
const { getLlama } = await import(pathToFileURL(from.resolve('node-llama-cpp')).href);
const llama = await getLlama({ gpu: false, logLevel: 'error', maxThreads: 1 });
await useBackend('auto');
let failed = 0;
const say = (good, ...words) => {
  if (!good) failed++;
  console.log(good ? '✓' : '✗', ...words);
};

/** Greedy tokens of llama.cpp after ids. */
async function theirs(model, ids, count) {
  const context = await model.createContext({ contextSize: 256, threads: 1 });
  const out = [];
  for await (const token of context.getSequence().evaluate([...ids], { temperature: 0, yieldEogToken: true })) {
    out.push(token);
    if (out.length === count || model.isEogToken(token)) break;
  }
  await context.dispose();
  return out;
}

async function ours(model, params, ids, count) {
  const out = [];
  for await (const { ids: row } of decodeTokens(model, params, padBatch([ids], 0), {
    maxNewTokens: count,
    temperature: 0,
    eosIds: model.config.eosIds,
    rng: rng(0),
  }))
    out.push(row[0]);
  return out;
}

const alike = (a, b) => {
  let n = 0;
  while (n < a.length && n < b.length && a[n] === b[n]) n++;
  return n;
};

/** How far apart our logits of two tokens are: llama.cpp rounds keys and values to 16 bits, which a tie may feel. */
function gapAt(model, params, row, mine, other) {
  const logits = model
    .apply(params, tensor2d(row, [1, row.length], 'int32'))
    .arraySync()[0]
    .at(-1);
  return logits[mine] - logits[other];
}

const prompts = [
  '<|im_start|>user\nWhat is gravity?<|im_end|>\n<|im_start|>assistant\n',
  '<|im_start|>user\nName three colours.<|im_end|>\n<|im_start|>assistant\n',
  'The capital of France is',
];
for (const file of process.argv.slice(2)) {
  const model = await llama.loadModel({ modelPath: file });
  const mine = await loadGguf(file, { weights: 'blocks' });
  for (const prompt of prompts) {
    const ids = mine.tokenizer.encodeText(prompt);
    const same = `${[...ids]}` === `${model.tokenize(prompt, true)}`;
    const [a, b] = [await theirs(model, ids, 32), await ours(mine.model, mine.params, ids, 32)];
    const n = alike(a, b);
    const text = JSON.stringify(model.detokenize(a));
    console.log(
      basename(file),
      same ? 'same prompt ids,' : 'OTHER PROMPT IDS,',
      `${n} of ${a.length} tokens alike:`,
      text,
    );
  }
  disposeTree(mine.params);
  await model.dispose();
}
if (process.argv.length > 2) process.exit(0);

const dir = await mkdtemp(join(tmpdir(), 'gimbal-check-gguf-'));
const golden = JSON.parse(await readFile(new URL('sentence-piece.golden.json', import.meta.url), 'utf8'));
const shape = {
  width: 64,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headWidth: 32,
  feedForward: 96,
  contextLength: 64,
  eosIds: [2],
  bosId: 1,
};
const gemma = { queryScale: 32 ** -0.5, window: 8 };
const stretched = {
  type: 'llama3',
  factor: 8,
  lowFrequencyFactor: 1,
  highFrequencyFactor: 4,
  originalMaxPositions: 8192,
};
const families = {
  llama: {},
  'llama, stretched': { ropeTheta: 500000, ropeScaling: stretched },
  // llama.cpp knows no other head width of this one
  qwen2: { family: 'qwen2', tieEmbeddings: false, headWidth: 16 },
  qwen3: { family: 'qwen3' },
  gemma2: { family: 'gemma2', ...gemma, slidingLayers: [true, false], attentionSoftcap: 50, finalSoftcap: 30 },
  gemma3: { family: 'gemma3_text', ...gemma, localRopeTheta: 1e4, slidingLayers: [true, true] },
};
const source = await readFile(new URL('../../src/gguf/sentence-piece.ts', import.meta.url), 'utf8');
const { code } = await transform(source, { loader: 'ts', format: 'esm' });
const { pipelineOfPieces } = await import(`data:text/javascript,${encodeURIComponent(code)}`);
for (const [kind, pieces] of Object.entries(golden)) {
  const { tokens, scores, types, addsSpace } = pieces;
  const json = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: ['<unk>', '<s>', '</s>'].map((content, id) => {
      return { id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
    }),
    post_processor: null,
    ...pipelineOfPieces({ tokens, scores, types, addsSpace, unknown: '<unk>' }),
  };
  const tokenizer = new Tokenizer(json, { bos_token: '<s>', eos_token: '</s>', unk_token: '<unk>' });
  for (const [name, options] of Object.entries(kind === 'llama' ? families : { gemma3: families.gemma3 })) {
    const model = decoder({ vocabularySize: tokens.length, ...shape, ...options });
    const made = model.init(rng(3));
    const params = mapTree(made, (t, path) => add(t, rng(4).split(path).normalTensor(t.shape, 0, 0.2)));
    const file = join(dir, 'a.gguf');
    await saveGguf(file, model, params, { tokenizer, type: 'F16' });
    const [back, read] = [await llama.loadModel({ modelPath: file }), await loadGguf(file)];
    const ids = tokenizer.encodeText('the nurse hid the coat');
    const [a, b] = [await theirs(back, ids, 24), await ours(read.model, read.params, ids, 24)];
    const n = alike(a, b);
    const gap = n === a.length ? 0 : gapAt(read.model, read.params, [...ids, ...b.slice(0, n)], b[n], a[n]);
    say(
      gap < 0.02,
      kind,
      name,
      `${n} of ${a.length} tokens alike`,
      n === a.length ? '' : `then ${gap.toFixed(4)} apart`,
    );
    if (name === 'llama' || kind === 'gemma') {
      for (const { text } of pieces.cases) {
        const [x, y] = [back.tokenize(text, true), [...tokenizer.encodeText(text)]];
        say(`${x}` === `${y}`, kind, JSON.stringify(text), `${x}` === `${y}` ? '' : `${x} | ${y}`);
      }
    }
    for (const tree of [made, params, read.params]) disposeTree(tree);
    await back.dispose();
  }
}
await rm(dir, { recursive: true });
process.exit(failed > 0 ? 1 : 0);
