// Compares every op that tensor-native has a kernel for between `native` and `node`, on random shapes, axes and types.
// Prints `{ cases, runs, failures }` as JSON on its last line.
import './load.ts';
import { enableProdMode } from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import '../../../tensor-native/src/index.ts';
import '../../src/gap/register.ts';
import { difference } from '../../../tensor-native/test/properties/compare.ts';
import { Draw } from '../../../tensor-native/test/properties/draw.ts';
import { elementwise } from '../../../tensor-native/test/properties/elementwise.ts';
import { image } from '../../../tensor-native/test/properties/image.ts';
import { indexing } from '../../../tensor-native/test/properties/indexing.ts';
import { shaping } from '../../../tensor-native/test/properties/shaping.ts';
import { repairBackend } from '../../src/gap/repair.ts';

enableProdMode();
repairBackend('native');
const runs = Number(process.env.GIMBAL_PROPERTY_RUNS ?? 40);
const only = process.env.GIMBAL_PROPERTY_ONLY ?? '';
/** Where TensorFlow answers otherwise than tfjs, on numbers that no program should ask about. */
const skipped = new Map<string, string>([
  ['mod', 'by an infinite number: NaN in tfjs, infinite in TensorFlow'],
  ['eluGrad', 'of NaN: NaN in tfjs, 1 in TensorFlow'],
  ['cast of numbers beyond int32', 'wraps round in tfjs, saturates in TensorFlow'],
]);
if (process.env.GIMBAL_TEST_BACKEND === 'node-gpu')
  skipped.set('tensorScatterUpdate', 'an index that comes twice: the last row stands in tfjs, any of them on a GPU');
const cases = Object.entries({ ...elementwise, ...shaping, ...indexing, ...image }).filter(
  ([name]) => name.includes(only) && !skipped.has(name),
);
const failures: string[] = [];
for (const [name, build] of cases) {
  const property = fc.property(fc.gen(), (generate) => {
    const one = build(new Draw(generate));
    const found = difference(one, 'native', 'tensorflow', 5e-6);
    if (found !== undefined) throw new Error(`${found}; inputs ${one.inputs.map((t) => `${t.dtype}[${t.shape}]`)}`);
  });
  const result = fc.check(property, { numRuns: runs, seed: Number(process.env.GIMBAL_PROPERTY_SEED ?? 1) });
  if (result.failed) failures.push(`${name}: ${(result.errorInstance as Error | null)?.message}`);
}
process.stdout.write(`${JSON.stringify({ cases: cases.length, runs, failures, skipped: [...skipped] })}\n`);
