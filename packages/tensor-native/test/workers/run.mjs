// Three jobs at once, one on the main thread and two on workers; then the workers' jobs again, alone. One JSON object.
import { Worker } from 'node:worker_threads';
import { bundle } from '../bundle.mjs';

const file = await bundle('workers', 'workers/job.ts');
const { job } = await import(file);
const steps = 200;
const parties = 3;
const gate = new Int32Array(new SharedArrayBuffer(4));

const onWorker = (seed) =>
  new Promise((resolve, reject) => {
    const worker = new Worker(file, { workerData: { seed, steps, gate, parties } });
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`the worker of seed ${seed} ended with code ${code}`)));
  });

const together = [onWorker(1), onWorker(2)];
// the main thread meets the workers when both are up; they start while this one waits
const main = await job(3, steps, gate, parties);
const workers = await Promise.all(together);
console.log(JSON.stringify({ workers, main, alone: [await job(1, steps), await job(2, steps), await job(3, steps)] }));
