// What opening a .gguf file does to its weights, said where it matters: memory, and what is saved.
import { type Params, treeBytes } from '@gimbal/tensor-core';

/** Says of a .gguf file that its weights are float32 now; of anything else nothing. */
export function noteInflated(path: string, params: Params, note: (text: string) => void): void {
  if (!path.endsWith('.gguf')) return;
  note(`${path}: opened as float32, ${(treeBytes(params) / 1e6).toFixed(1)} MB; what is saved from it is float32 too`);
}
