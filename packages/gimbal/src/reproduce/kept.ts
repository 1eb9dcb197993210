// Results that several claims need: made once a process, and kept on the disk by what they were made from and what computed
// them, so that a run that was stopped does not make them again. How long each took is kept with it.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Params, readSafetensors, writeSafetensors } from '@gimbal/tensor-core';
import { StageCache } from '../pipeline/cache.ts';
import { codeVersion, hashValue } from '../pipeline/hash.ts';
import { computedWith } from '../run/compute.ts';
import { cacheFolder } from '../run/run-folder.ts';

/** A model, and numbers about how it was made. */
export interface Kept {
  readonly params: Params;
  readonly notes: Readonly<Record<string, number>>;
}

/** What stands on the disk. */
interface Timed<T> {
  readonly value: T;
  /** that making it took, without what it needed and was kept itself */
  readonly minutes: number;
}

const file = 'model.safetensors';

/** What a process made, and what it found on the disk. */
export class KeptResults {
  readonly #known = new Map<string, Promise<unknown>>();
  /** of what was made here */
  #minutesMade = 0;
  /** of what was found on the disk: when it was made there, and how long it had taken */
  readonly #found: { madeAt: number; minutes: number }[] = [];

  /** The model of these settings; `make`'s tree is not disposed. */
  model(name: string, settings: object, make: () => Promise<Kept>): Promise<Kept> {
    return this.#once(name, settings, async (key) => {
      let made: Kept | undefined;
      const { value, dir } = await this.#stored(name, key, settings, async (dir) => {
        made = await make();
        await writeSafetensors(join(dir, file), made.params);
        return made.notes;
      });
      return made ?? { params: await readSafetensors(join(dir, file)), notes: value };
    });
  }

  /** The value of these settings, of what JSON can say. */
  value<T>(name: string, settings: object, make: () => Promise<T>): Promise<T> {
    return this.#once(name, settings, async (key) => (await this.#stored(name, key, settings, make)).value);
  }

  /**
   * Minutes that results had taken which were found on the disk.
   * @param before only of those made before this time, ms since 1970: a run that goes on has counted its own
   */
  minutes(before: number): number {
    return this.#found.reduce((sum, { madeAt, minutes }) => sum + (madeAt < before ? minutes : 0), 0);
  }

  async #once<T>(name: string, settings: object, load: (key: string) => Promise<T>): Promise<T> {
    const key = hashValue({ settings, computed: computedWith(), code: await codeVersion() });
    const id = `${name} ${key}`;
    const before = this.#known.get(id) as Promise<T> | undefined;
    if (before) return before;
    const made = load(key);
    made.catch(() => this.#known.delete(id)); // stopped: made anew when asked again
    this.#known.set(id, made);
    return made;
  }

  async #stored<T>(
    name: string,
    key: string,
    settings: object,
    fill: (dir: string) => Promise<T>,
  ): Promise<{ value: T; dir: string }> {
    const cache = new StageCache(cacheFolder());
    const there = await cache.find(name, key);
    if (there) {
      const { value, minutes } = there.value as Timed<T>;
      this.#found.push({ madeAt: (await stat(join(there.dir, 'result.json'))).mtimeMs, minutes });
      return { value, dir: there.dir };
    }
    const [began, others] = [performance.now(), this.#minutesMade];
    const { value, dir } = await cache.make(name, key, { settings, ...computedWith() }, async (dir) => {
      const value = await fill(dir);
      const minutes = (performance.now() - began) / 60_000 - (this.#minutesMade - others);
      this.#minutesMade += minutes;
      return { value, minutes };
    });
    return { value: (value as Timed<T>).value, dir };
  }
}

/** Of this process. */
export const keptResults = new KeptResults();
