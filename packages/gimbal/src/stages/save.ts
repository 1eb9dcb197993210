// The model folders of the run: what the last training stage left, in runs/<name>/model; the one distilled from it, in
// student, and in 4 bits, beside it.
import { createReadStream } from 'node:fs';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { defineStage } from '../pipeline/stage.ts';
import { stage as distil } from './distil.ts';
import { modelFolder } from './internal/model-folder.ts';
import { modelVersions } from './internal/versions.ts';

export const stage = defineStage({
  name: 'save',
  summary: 'Put the model folders into the run.',
  version: 3,
  needs: ['pretrain', 'fine-tune', 'rl-rewards', 'rl', 'nash-md', 'distil'],
  prefix: '',
  options: z.object({}),
  uses: [],
  cache: false, // it writes into the run's folder
  async run({ input, runDir }): Promise<{ folder: string }> {
    const last = modelVersions(input).at(-1);
    const folder = join(runDir, 'model');
    const { writeDirectoryAtomic, writeFileAtomic } = await import('@gimbal/tensor-core');
    // a run that goes on may have one of an earlier try
    const put = (from: string, to: string): Promise<void> =>
      writeDirectoryAtomic(to, (temporary) => cp(from, temporary, { recursive: true }), undefined, { replace: true });
    if (last) await put(last.folder, folder);
    const small = input(distil);
    if (small.value) {
      await put(modelFolder(small, small.value.model), join(runDir, 'student'));
      const packed = createReadStream(modelFolder(small, small.value.quantized));
      await writeFileAtomic(join(runDir, 'student-q4_0.gguf'), packed);
    }
    return { folder };
  },
  describe: (r) => r.folder,
});
