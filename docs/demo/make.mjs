// The models of the page "What lies between two sentences", as one file each with weights in BF16.
// usage: npx gimbal reproduce vec2text --quick --out runs/vec2text
//        node docs/demo/make.mjs runs/vec2text
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { useBackend } from '@gimbal/tensor-core';
import { encodeVec2Text, loadVec2Text } from '@gimbal/vec2text';

await useBackend('auto');
const run = process.argv[2] ?? 'runs/vec2text';
for (const [name, trained] of [
  ['round-trips', 'rtt-0'],
  ['autoencoder', 'ae-0'],
]) {
  const model = await loadVec2Text(join(run, 'models', trained, 'model'));
  await writeFile(new URL(`${name}.safetensors`, import.meta.url), await encodeVec2Text(model, { dtype: 'BF16' }));
  model.dispose();
}
