// The model folder of the run: what the last training stage left, in runs/<name>/model.
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { defineStage } from '../pipeline/stage.ts';
import { modelVersions } from './internal/versions.ts';

export const stage = defineStage({
  name: 'save',
  summary: 'Put the model folder into the run.',
  version: 2,
  needs: ['pretrain', 'fine-tune', 'rl-rewards', 'rl'],
  prefix: '',
  options: z.object({}),
  uses: [],
  cache: false, // it writes into the run's folder
  async run({ input, runDir }): Promise<{ folder: string }> {
    const last = modelVersions(input).at(-1);
    const folder = join(runDir, 'model');
    const { writeDirectoryAtomic } = await import('@gimbal/tensor-core');
    // a run that goes on may have one of an earlier try
    const fill = async (temporary: string): Promise<void> => {
      if (last) await cp(last.folder, temporary, { recursive: true });
    };
    await writeDirectoryAtomic(folder, fill, undefined, { replace: true });
    return { folder };
  },
  describe: (r) => r.folder,
});
