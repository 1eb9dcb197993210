/** What a page has: everything but folders, which are refused by name. (No module that needs Node is loaded here.) */
import './helpers/cpu.ts';
import { encodeSafetensors } from '../src/safetensors/encode.ts';
import { openSafetensors, readSafetensors } from '../src/safetensors/open.ts';
import { LoopTrainer } from '../src/training/loop-trainer.ts';
import { regression } from './helpers/regression.ts';

test('training works without a folder, and its parameters travel as bytes', async () => {
  const trainer = new LoopTrainer(regression());
  const last = await trainer.run({ steps: 3 });
  expect(last?.step).toBe(3);
  const bytes = await encodeSafetensors(trainer.params);
  const back = await readSafetensors(new Blob([bytes]));
  expect(Object.keys(back)).toEqual(Object.keys(trainer.params));
});

test('folders and paths are refused, saying what to do instead', async () => {
  expect(() => new LoopTrainer(regression({ out: 'runs/x' }))).toThrow(
    'out: folders exist in Node only. In a page, leave `out` away and keep encodeSafetensors(trainer.params).',
  );
  await expect(new LoopTrainer(regression()).save('x')).rejects.toMatchObject({ code: 'ERR_CONFIG', where: 'save' });
  await expect(LoopTrainer.resume('x', regression())).rejects.toMatchObject({ code: 'ERR_CONFIG', where: 'resume' });
  await expect(openSafetensors('model.safetensors')).rejects.toThrow(
    'a page has no paths; got "model.safetensors", wanted an address, a Blob or bytes',
  );
});
