// The model folder of the run: what the last training stage left, in runs/<name>/model.
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { defineStage } from '../pipeline/stage.ts';
import { modelVersions } from './internal/versions.ts';

export const stage = defineStage({
  name: 'save',
  summary: 'Put the model folder into the run.',
  version: 1,
  needs: ['pretrain', 'fine-tune'],
  prefix: '',
  options: z.object({}),
  uses: [],
  cache: false, // it writes into the run's folder
  async run({ input, runDir }): Promise<{ folder: string }> {
    const last = modelVersions(input).at(-1);
    const folder = join(runDir, 'model');
    await rm(folder, { recursive: true, force: true }); // of an earlier try at this run
    if (last) await cp(last.folder, folder, { recursive: true });
    return { folder };
  },
  describe: (r) => r.folder,
});
