// Tries an install in a process of its own.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { BackendError } from '@gimbal/tensor-core';
import { lastLines } from './compile.ts';
import type { Target } from './recipe.ts';
import type { System } from './system.ts';

export interface Smoke {
  /** `TensorFlow 2.20.0 on the CPU` */
  isa: string;
  gpu: boolean;
}

/**
 * @param root the built command's folder, where the program lies
 * @throws BackendError with TensorFlow's last lines where it does not work; nothing is deleted
 */
export async function smokeTest(folder: string, target: Target, root: URL, system: System): Promise<Smoke> {
  const program = fileURLToPath(new URL('install/smoke.js', root));
  if (!existsSync(program)) throw new Error(`${program} is missing: build first`);
  const env = { GIMBAL_TENSORFLOW: folder, TF_CPP_MIN_LOG_LEVEL: '0' };
  const { code, stdout, stderr } = await system.run(process.execPath, ['--no-deprecation', program], { env });
  const answer = code === 0 ? (JSON.parse(lastLines(stdout, 1)) as Smoke & { wrong: string[] }) : undefined;
  const noGpu = answer !== undefined && target === 'node-gpu' && !answer.gpu;
  if (answer !== undefined && answer.wrong.length === 0 && !noGpu) return { isa: answer.isa, gpu: answer.gpu };
  const what = noGpu ? 'TensorFlow finds no GPU' : (answer?.wrong.join('; ') ?? `it ended with status ${code}`);
  throw new BackendError({
    where: `gimbal doctor --install ${target}`,
    what: `what was installed does not work: ${what}. TensorFlow said:\n${lastLines(stderr)}\n`,
    fix: `It is kept in ${folder}; gimbal doctor says how to remove it`,
  });
}
