import { tidy } from '@tensorflow/tfjs-core';

/** `tidy` for results of any type: tensors in plain objects survive. */
export const scoped = <T>(f: () => T): T => tidy(f as () => never);
