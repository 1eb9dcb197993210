// The gap layer's entry: what tfjs's backends lack or get wrong, repaired once, for every backend. Its gradients, which
// belong to no backend, are in register.ts.
import { repairArgExtremes } from './arg-extreme.ts';
import { repairCpuKernels } from './cpu-kernels.ts';
import { einsumByMatMul } from './einsum.ts';
import { repairEmptyReductions } from './empty-reductions.ts';
import { overrideKernel } from './kernel-override.ts';
import { repairScanAxes } from './scan-axes.ts';
import { repairTensorFlow } from './tensorflow-kernels.ts';
import { repairWasm } from './wasm-kernels.ts';
import { repairWebgpu } from './webgpu-kernels.ts';

const repaired = new Set<string>();

/** Registers the repaired kernels of a backend; once per backend. `useBackend` calls it. */
export function repairBackend(backendName: string): void {
  if (repaired.has(backendName)) return;
  repaired.add(backendName);
  if (backendName === 'wasm') repairWasm();
  else if (backendName === 'tensorflow') repairTensorFlow();
  else repairCpuKernels(backendName);
  if (backendName !== 'native' && backendName !== 'tensorflow') {
    // by reading x, which would stop a GPU's queue in every step
    if (backendName === 'webgpu') repairWebgpu();
    else repairArgExtremes(backendName);
    // the stock ones fail where a label is in one operand only, and multiply elementwise
    overrideKernel(backendName, 'Einsum', () => einsumByMatMul);
  }
  if (backendName !== 'native') repairScanAxes(backendName);
  repairEmptyReductions(backendName);
}
