// What an install of TensorFlow computes on, in words.
import type { TensorFlowInstall } from '@gimbal/tensor-core';
import type { System } from './system.ts';

/** @param nodeGpu what the report says of the backend `node-gpu` */
export async function deviceOf(
  { build }: Pick<TensorFlowInstall, 'build'>,
  nodeGpu: { works: boolean; detail: string } | undefined,
  system: Pick<System, 'run'>,
): Promise<string> {
  if (build === 'cpu') return 'the CPU';
  if (!nodeGpu?.works) return `no GPU here: ${nodeGpu?.detail ?? 'node-gpu is no backend of this system'}`;
  const args = ['--query-gpu=name', '--format=csv,noheader'];
  const { code, stdout } = await system.run('nvidia-smi', args, { timeoutMs: 30_000 });
  const names = code === 0 ? stdout.trim().split('\n').join(', ') : '';
  return names === '' ? 'the GPU' : `the GPU (this machine has ${names})`;
}
