// A small training job on the package itself, in a worker thread or on the main one: run.mjs runs it on three at once.
import '@tensorflow/tfjs-core/dist/register_all_gradients';
import { createHash } from 'node:crypto';
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import {
  dispose,
  grads,
  matMul,
  mean,
  memory,
  mul,
  setBackend,
  square,
  sub,
  type Tensor,
  type Tensor2D,
  tanh,
  tensor2d,
  tidy,
} from '@tensorflow/tfjs-core';
import { memoryInfo, nativeInfo, setLeanTape, setThreads } from '../../src/index.ts';

export interface Outcome {
  losses: number[];
  /** sha-256 of the weights' bytes */
  weights: string;
  /** that the job has left behind */
  tensors: number;
  liveBytes: number;
  threads: number;
}

/** Waits until `parties` threads have come here: from then on they compute at once. */
function meet(gate: Int32Array, parties: number): void {
  Atomics.add(gate, 0, 1);
  Atomics.notify(gate, 0);
  for (let here = Atomics.load(gate, 0); here < parties; here = Atomics.load(gate, 0))
    if (Atomics.wait(gate, 0, here, 30_000) === 'timed-out') throw new Error(`only ${here} of ${parties} threads came`);
}

/** Fits tanh(x w₁) w₂ to a line: sizes and numbers by the seed, so that what leaked from another job would show. */
export async function job(seed: number, steps: number, gate?: Int32Array, parties = 0): Promise<Outcome> {
  await setBackend('native');
  setThreads(1);
  setLeanTape(seed % 2 === 1); // each thread has a tape of its own, with its own switch
  const before = { tensors: memory().numTensors, bytes: memoryInfo().liveBytes };
  const random = uniform(seed);
  const [rows, width] = [64 + 8 * seed, 32 + 16 * seed];
  const matrix = (m: number, n: number): Tensor2D => tensor2d(Float32Array.from({ length: m * n }, random), [m, n]);
  const [x, y] = [matrix(rows, 8), matrix(rows, 1)];
  let weights: Tensor[] = [matrix(8, width), matrix(width, 1)];
  const loss = (a: Tensor, b: Tensor): Tensor =>
    mean(square(sub(matMul(tanh(matMul(x, a as Tensor2D)) as Tensor2D, b as Tensor2D), y)));
  const gradients = grads(loss as (...inputs: Tensor[]) => Tensor);
  if (gate) meet(gate, parties);
  const losses: number[] = [];
  for (let step = 0; step < steps; step++) {
    losses.push(tidy(() => loss(weights[0] as Tensor, weights[1] as Tensor).dataSync<'float32'>()[0] as number));
    const next = tidy(() => gradients(weights).map((g, i) => sub(weights[i] as Tensor, mul(g, 0.01))));
    dispose(weights);
    weights = next;
  }
  const hash = createHash('sha256');
  for (const w of weights) hash.update(new Uint8Array(w.dataSync<'float32'>().slice().buffer));
  dispose([x, y, ...weights]);
  return {
    losses,
    weights: hash.digest('hex'),
    tensors: memory().numTensors - before.tensors,
    liveBytes: memoryInfo().liveBytes - before.bytes,
    threads: nativeInfo()?.threads ?? 0,
  };
}

/** Numbers from −1 to 1 (Lehmer's generator): the same for a seed on every thread. */
function uniform(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48271) % 2147483647;
    return (2 * state) / 2147483647 - 1;
  };
}

if (!isMainThread) {
  const { seed, steps, gate, parties } = workerData as {
    seed: number;
    steps: number;
    gate: Int32Array;
    parties: number;
  };
  parentPort?.postMessage(await job(seed, steps, gate, parties));
}
