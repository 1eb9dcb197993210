export { batchSpace } from './batch.ts';
export { flatSize, flatten, flattenSpace, unflatten } from './flatten.ts';
export { box, dict, discrete, multiBinary, multiDiscrete, tuple } from './spaces.ts';
export { allocate, cloneObs, contains, copyInto, equalObs, fault, sample, type Value } from './value.ts';
