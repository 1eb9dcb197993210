// Saved tensors back into the trees of a trainer.
import type { LoadedCheckpoint } from '../checkpoint/content.ts';
import { assignTree } from '../optim/assign.ts';
import { disposeTree } from '../tree/memory.ts';
import type { Params } from '../tree/params.ts';

/** @throws CheckpointError or ShapeError where a tree does not fit */
export async function restoreTrees(saved: LoadedCheckpoint, targets: Readonly<Record<string, Params>>): Promise<void> {
  for (const [name, target] of Object.entries(targets)) {
    const tree = await saved.tree(name);
    try {
      assignTree(target, tree, `${saved.path}, ${name}`);
    } finally {
      disposeTree(tree);
    }
  }
}
