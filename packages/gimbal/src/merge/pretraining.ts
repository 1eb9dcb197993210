// Members of `gimbal warm` say in member.json which pretraining they come from: weights of two of them average to noise.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CheckpointError } from '@gimbal/tensor-core';

/**
 * Folders that do not say where they come from are taken as they are.
 * @throws CheckpointError naming the first folder of another pretraining than one before it
 */
export async function refuseOtherPretraining(folders: readonly string[]): Promise<void> {
  let first: { id: string; folder: string } | undefined;
  for (const folder of folders) {
    const id = await pretrainingOf(folder);
    if (id === undefined) continue;
    first ??= { id, folder };
    if (id === first.id) continue;
    throw new CheckpointError({
      where: join(folder, 'member.json'),
      what: `it comes from another pretraining than ${first.folder}`,
      got: id,
      wanted: first.id,
      fix: 'Weights of different pretrainings average to noise; --allow-unshared-pretraining does it all the same',
    });
  }
}

async function pretrainingOf(folder: string): Promise<string | undefined> {
  const path = join(folder, 'member.json');
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw new CheckpointError({ where: path, what: `the file cannot be read (${error.code})`, cause: error });
  });
  if (text === undefined) return undefined;
  try {
    return (JSON.parse(text) as { lineage?: { pretrainId?: string } } | null)?.lineage?.pretrainId;
  } catch (cause) {
    throw new CheckpointError({
      where: path,
      what: 'not JSON',
      fix: 'The file is damaged: copy the folder again',
      cause,
    });
  }
}
