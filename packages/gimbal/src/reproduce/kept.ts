// Models that several claims need: made once a process, and kept on the disk by what they were made from, so that a run that
// was stopped does not train them again.
import { join } from 'node:path';
import { type Params, readSafetensors, writeSafetensors } from '@gimbal/tensor-core';
import { StageCache } from '../pipeline/cache.ts';
import { codeVersion, hashValue } from '../pipeline/hash.ts';
import { cacheFolder } from '../run/run-folder.ts';

/** A model, and numbers about how it was made. */
export interface Kept {
  readonly params: Params;
  readonly notes: Readonly<Record<string, number>>;
}

const known = new Map<string, Promise<Kept>>();

/** The model of these settings; `make`'s tree is not disposed. */
export function kept(name: string, settings: object, make: () => Promise<Kept>): Promise<Kept> {
  const id = `${name} ${JSON.stringify(settings)}`;
  const found = known.get(id);
  if (found) return found;
  const made = load(name, settings, make);
  made.catch(() => known.delete(id)); // stopped: made anew when asked again
  known.set(id, made);
  return made;
}

async function load(name: string, settings: object, make: () => Promise<Kept>): Promise<Kept> {
  const cache = new StageCache(cacheFolder());
  const [stage, key] = [name, hashValue({ settings, code: await codeVersion() })];
  const there = await cache.find(stage, key);
  if (there) {
    const params = await readSafetensors(join(there.dir, 'model.safetensors'));
    return { params, notes: there.value as Kept['notes'] };
  }
  let result: Kept | undefined;
  await cache.make(stage, key, settings, async (dir) => {
    result = await make();
    await writeSafetensors(join(dir, 'model.safetensors'), result.params);
    return result.notes;
  });
  return result as Kept;
}
