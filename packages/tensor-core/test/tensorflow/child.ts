// Programs of this folder, run in processes of their own.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** What automatic.mjs prints. */
export interface Answer {
  chosen: { name: string; isa?: string; passedOver: { name: string; reason: string }[] }[];
  warnings: string[];
  product: number[];
  rounded: number[];
  report: { name: string; works: boolean; inUse: boolean; detail: string }[];
}

/** Runs <script> with a Node and gives the JSON of its last line. */
export function child<T>(
  script: string,
  env: NodeJS.ProcessEnv = {},
  node = process.execPath,
  args: readonly string[] = [],
  cwd = process.cwd(),
): Promise<T> {
  const file = fileURLToPath(new URL(script, import.meta.url));
  return new Promise((resolve, reject) => {
    const options = { env: { ...process.env, ...env }, maxBuffer: 2 ** 26, cwd };
    execFile(node, [file, ...args], options, (error, stdout, stderr) => {
      const last = stdout.trim().split('\n').at(-1) ?? '';
      if (last.startsWith('{')) resolve(JSON.parse(last) as T);
      else reject(new Error(`${script}: ${error?.message} ${stderr.slice(-2000)}`));
    });
  });
}

/** The environment of a machine with NVIDIA's driver, whose TensorFlow library says that it computes on a GPU, or not. */
export const simulatedGpu = (says: 'answers' | 'none'): NodeJS.ProcessEnv => ({
  GIMBAL_SIMULATED_GPU: says,
  NODE_OPTIONS: `--require "${fileURLToPath(new URL('simulated-gpu.cjs', import.meta.url))}"`,
});
