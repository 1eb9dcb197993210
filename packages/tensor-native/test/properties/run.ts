// Compares every native kernel with tfjs's cpu kernel on random inputs. Bundled and run by ../properties.test.ts in a
// process per instruction-set level; prints `{ cases, runs, failures, hostKernels }` as JSON on its last line.
import '@tensorflow/tfjs-core/dist/register_all_gradients';
import '@tensorflow/tfjs-backend-cpu';
import { enableProdMode } from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { hostKernelCounts } from '../../src/index.ts';
import { difference } from './compare.ts';
import { Draw } from './draw.ts';
import { elementwise } from './elementwise.ts';
import { image } from './image.ts';
import { indexing } from './indexing.ts';
import { shaping } from './shaping.ts';

enableProdMode();
const runs = Number(process.env.GIMBAL_PROPERTY_RUNS ?? 40);
const only = process.env.GIMBAL_PROPERTY_ONLY ?? '';
const cases = Object.entries({ ...elementwise, ...shaping, ...indexing, ...image }).filter(([name]) =>
  name.includes(only),
);
const failures: string[] = [];
for (const [name, build] of cases) {
  const property = fc.property(fc.gen(), (generate) => {
    const one = build(new Draw(generate));
    const found = difference(one);
    if (found !== undefined) throw new Error(`${found}; inputs ${one.inputs.map((t) => `${t.dtype}[${t.shape}]`)}`);
  });
  const result = fc.check(property, { numRuns: runs, seed: Number(process.env.GIMBAL_PROPERTY_SEED ?? 1) });
  if (result.failed)
    failures.push(`${name}: ${(result.errorInstance as Error | null)?.message} (path ${result.counterexamplePath})`);
}
process.stdout.write(`${JSON.stringify({ cases: cases.length, runs, failures, hostKernels: hostKernelCounts() })}\n`);
