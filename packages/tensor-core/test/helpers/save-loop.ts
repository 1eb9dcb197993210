/** A process that saves checkpoints until it is killed: every number in a checkpoint is its step. Argument: the folder. */
import '@tensorflow/tfjs-backend-cpu';
import { enableProdMode, fill } from '@tensorflow/tfjs-core';
import { loadCheckpoint } from '../../src/checkpoint/load.node.ts';
import { saveCheckpoint } from '../../src/checkpoint/save.node.ts';
import { disposeTree } from '../../src/tree/memory.ts';

const folder = process.argv[2] as string;
enableProdMode();
let step = await loadCheckpoint(folder).then(
  (c) => c.step,
  () => 0,
);
for (;;) {
  step++;
  const tree = { a: { w: fill([256, 128], step) }, b: fill([1000], step), c: fill([3], step, 'int32') };
  await saveCheckpoint(folder, {
    step,
    loss: 1 / step,
    trees: { params: tree, optimizer: tree },
    state: { step },
    config: {},
    version: 'test',
  });
  disposeTree(tree);
  process.stdout.write(`${step}\n`);
}
