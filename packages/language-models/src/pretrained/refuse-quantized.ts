// Weights that another program has quantised: their numbers are codes, which mean nothing without its way of reading them.
import { CheckpointError } from '@gimbal/tensor-core';

/**
 * Refuses a `config.json` that says its weights are quantised. None of these layouts is read here (GGUF's blocks are), and
 * codes are never run as if they were weights, whatever tensors the file holds.
 * @throws CheckpointError naming the method
 */
export function refuseQuantized(source: { where(file: string): string }, json: Record<string, unknown>): void {
  // MLX writes `quantization`, all others `quantization_config`
  const key = ['quantization_config', 'quantization'].find((name) => (json[name] ?? undefined) !== undefined);
  if (key === undefined) return;
  throw new CheckpointError({
    where: `${source.where('config.json')} ${key}`,
    what: 'the weights are quantised in a way that is not read here',
    got: (json[key] as { quant_method?: unknown }).quant_method ?? json[key],
    wanted: 'weights of F32, F16 or BF16, or a .gguf file',
    fix: 'Take the model as it was before it was quantised, or its .gguf',
  });
}
