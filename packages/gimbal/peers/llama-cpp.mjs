// node-llama-cpp for `gimbal bench open-models`, from the folder that the bench was started in (`npm i node-llama-cpp`): the
// protocol of protocol.py. Case `file-prompt`: `file`, `promptTokens`; case `file-generate`: and `newTokens`. Greedy, one row.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const from = createRequire(join(process.cwd(), 'x.js'));
const entry = from.resolve('node-llama-cpp');
const { getLlama } = await import(pathToFileURL(entry).href);
// its package.json is none of its exports: the entry is dist/index.js
const { version } = JSON.parse(readFileSync(join(dirname(entry), '..', 'package.json'), 'utf8'));
const threads = Number(process.argv[process.argv.indexOf('--threads') + 1]);
const llama = await getLlama({ gpu: false, maxThreads: threads, logLevel: 'error' });
const models = new Map();

/** What writes `count` tokens after a prompt; the context is cleared before each call. */
async function writer({ file, promptTokens, newTokens = 1 }) {
  if (!models.has(file)) models.set(file, await llama.loadModel({ modelPath: file }));
  const model = models.get(file);
  const context = await model.createContext({ contextSize: promptTokens + newTokens + 8, threads });
  const sequence = context.getSequence();
  const prompt = Array.from({ length: promptTokens }, (_, i) => 100 + ((i * 37) % 5000));
  return async (calls) => {
    for (let i = 0; i < calls; i++) {
      await sequence.clearHistory();
      let left = newTokens;
      for await (const _ of sequence.evaluate(prompt, { temperature: 0, yieldEogToken: true })) if (--left === 0) break;
    }
  };
}

const prepared = new Map();
const reply = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
reply({ ready: true, versions: { 'node-llama-cpp': version } });
for await (const line of createInterface({ input: process.stdin })) {
  try {
    const request = JSON.parse(line);
    const key = JSON.stringify([request.time, request.arguments]);
    if (!prepared.has(key)) prepared.set(key, await writer(request.arguments));
    const began = performance.now();
    await prepared.get(key)(request.calls ?? 1);
    reply({ seconds: (performance.now() - began) / 1000 });
  } catch (error) {
    reply({ error: error.message });
  }
}
