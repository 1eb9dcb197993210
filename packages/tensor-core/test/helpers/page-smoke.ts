/** Runs in a page: what the browser's half of the package must be able to do. The result travels back as JSON. */
import {
  disposeTree,
  encodeSafetensors,
  flatten,
  LoopTrainer,
  openSafetensors,
  readSafetensors,
  useBackend,
} from '../../src/browser.ts';
import { regression } from './regression.ts';

async function smoke(): Promise<object> {
  const { name } = await useBackend('cpu');
  const trainer = new LoopTrainer(regression());
  const losses: number[] = [];
  for await (const { loss } of trainer.train({ steps: 5 })) losses.push(loss);

  // parameters as bytes, through a Blob, and back
  const back = await readSafetensors(new Blob([await encodeSafetensors(trainer.params)]));
  const shapes = flatten(back).map(([path, t]) => [path, t.shape]);
  disposeTree(back);

  // one tensor of a file on a server, by range requests
  const file = await openSafetensors(new URL('mixed.safetensors', location.href));
  const values = [...((await file.values('z.f32')) as Float32Array)];
  const folder = await LoopTrainer.resume('x', regression()).catch((error: { code: string }) => error.code);
  return { name, losses, shapes, values, folder };
}

Object.assign(globalThis, { smoke });
