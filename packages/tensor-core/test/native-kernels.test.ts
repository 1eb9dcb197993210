// What tfjs's cpu backend computes, `native` computes too: natively, or by the cpu kernel on its memory. A kernel that a
// later tfjs adds, or that a family stops registering, is named here and not where a user meets it.
import { getKernelsForBackend, type Tensor, tensor, tidy } from '@tensorflow/tfjs-core';
import { useBackend } from '../src/backend/use-backend.node.ts';
import { opTable } from '../src/ops/table/index.ts';
import { availableBackends } from './helpers/backends.ts';

/** Kernels of the cpu backend that `native` may lack, and why. */
const exceptions: { [kernel: string]: string } = {};

const names = (backend: string): string[] => getKernelsForBackend(backend).map((kernel) => kernel.kernelName);

/** Every public op once, so that those of our kernels that have no body on the current backend are registered on it. */
function runEachOp(): void {
  for (const { cases } of opTable) {
    const inputs: [string, Tensor][] = Object.entries(cases[0]?.inputs ?? {}).map(([name, s]) => [
      name,
      tensor(s.dtype === 'int32' ? Int32Array.from(s.data) : Float32Array.from(s.data), [...s.shape], s.dtype),
    ]);
    tidy(() => void cases[0]?.run(Object.fromEntries(inputs)));
    for (const [, t] of inputs) t.dispose();
  }
}

test('every kernel of the cpu backend is registered on native', async () => {
  // on cpu first: a composition that was registered there must not stand in the way of one of native's own
  await useBackend('cpu');
  runEachOp();
  expect(names('cpu').length).toBeGreaterThan(150);
  if (!(await availableBackends('native')).includes('native')) return;
  const native = new Set(names('native'));
  expect(
    names('cpu')
      .filter((name) => !native.has(name))
      .sort(),
  ).toEqual(Object.keys(exceptions).sort());
});
