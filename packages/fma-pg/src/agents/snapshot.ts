import { flatten, type Params } from '@gimbal/tensor-core';
import { tensor, tidy, type Variable } from '@tensorflow/tfjs-core';

/** A copy of parameters that can be taken anew, or put back. */
export interface ParameterSnapshot {
  update(): void;
  restore(): void;
  dispose(): void;
}

/** Values are copied on the host: the optimiser writes into the parameters' own memory. */
export function parameterSnapshot(params: Params): ParameterSnapshot {
  const leaves = flatten(params) as [string, Variable][];
  let values = leaves.map(([, v]) => v.dataSync<'float32'>().slice());
  return {
    update() {
      values = leaves.map(([, v]) => v.dataSync<'float32'>().slice());
    },
    restore() {
      for (const [i, [, v]] of leaves.entries()) assignValues(v, values[i] as Float32Array);
    },
    dispose() {
      values = [];
    },
  };
}

/** Writes host values into a variable. */
export function assignValues(target: Variable, values: Float32Array): void {
  tidy(() => target.assign(tensor(values, target.shape, 'float32')));
}
