// What the claims of a run share is made once, and lies in one folder.
import { dirname, join } from 'node:path';
import type { ClaimContext } from '../../../reproduce/claim.ts';

/** Where the run keeps the models of all claims. */
export const modelsIn = ({ dir }: ClaimContext): string => join(dirname(dir), 'models');

/** What was made before under a key, or made now. */
export function once<K, T>(known: Map<K, Promise<T>>, key: K, make: () => Promise<T>): Promise<T> {
  const found = known.get(key);
  if (found) return found;
  const made = make();
  made.catch(() => known.delete(key)); // stopped: made anew when asked again
  known.set(key, made);
  return made;
}
