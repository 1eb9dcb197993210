// Tries an install in a process of its own.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { BackendError } from '@gimbal/tensor-core';
import { lastLines } from './failure.ts';
import type { Target } from './recipe.ts';
import type { System } from './system.ts';

export interface Smoke {
  /** `TensorFlow 2.20.0 on the CPU` */
  isa: string;
  gpu: boolean;
}

/** What an install that does not work lacks: it does not load, or loads and computes wrongly or without the GPU. */
export type Lack = 'load' | 'numbers' | 'gpu';

const timeoutMs = 600_000;

/**
 * @param root the built command's folder, where the program lies
 * @returns what works, or what does not and the error that says so; nothing is deleted
 */
export async function smokeTest(
  folder: string,
  target: Target,
  root: URL,
  system: System,
  signal: AbortSignal,
): Promise<Smoke | { lack: Lack; error: BackendError }> {
  const program = fileURLToPath(new URL('install/smoke.js', root));
  if (!existsSync(program)) throw new Error(`${program} is missing: build first`);
  const env = { GIMBAL_TENSORFLOW: folder, TF_CPP_MIN_LOG_LEVEL: '0' };
  const args = ['--no-deprecation', program];
  const { code, stdout, stderr } = await system.run(process.execPath, args, { env, signal, timeoutMs });
  signal.throwIfAborted();
  // among what programs say that NODE_OPTIONS loads too
  const line = stdout.split('\n').findLast((one) => one.startsWith('{'));
  const answer = code === 0 && line !== undefined ? (JSON.parse(line) as Smoke & { wrong: string[] }) : undefined;
  const noGpu = answer !== undefined && target === 'node-gpu' && !answer.gpu;
  if (answer !== undefined && answer.wrong.length === 0 && !noGpu) return { isa: answer.isa, gpu: answer.gpu };
  const what = noGpu ? 'TensorFlow finds no GPU' : (answer?.wrong.join('; ') ?? `it ended with status ${code}`);
  const error = new BackendError({
    where: `gimbal doctor --install ${target}`,
    what: `what was installed does not work: ${what}. TensorFlow said:\n${lastLines(stderr)}\n`,
    fix: `It is kept in ${folder}; gimbal doctor says how to remove it`,
  });
  return { lack: noGpu ? 'gpu' : answer === undefined ? 'load' : 'numbers', error };
}
