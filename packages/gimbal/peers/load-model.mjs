// Opens a model folder in a process of its own, for `gimbal bench load-memory`: prints the process's memory before, its peak
// and the seconds, as JSON. usage: load-model.mjs FOLDER BACKEND
import { loadPretrained } from '@gimbal/language-models';
import { useBackend } from '@gimbal/tensor-core';

const [folder, backend] = process.argv.slice(2);
await useBackend(backend);
const before = process.memoryUsage.rss();
const began = performance.now();
await loadPretrained(folder);
const seconds = (performance.now() - began) / 1000;
const peak = process.resourceUsage().maxRSS * 1024;
process.stdout.write(`${JSON.stringify({ before, peak, seconds })}\n`);
