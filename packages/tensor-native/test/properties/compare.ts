// Runs one case on `cpu` and on `native` and compares shapes, types and values.
import { disposeVariables, engine, setBackend, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { make, type Spec } from './draw.ts';

export interface Case {
  inputs: Spec[];
  run: (...tensors: Tensor[]) => Tensor | Tensor[];
  /** Largest |native - cpu| / (1 + |cpu|). */
  tolerance?: number;
}

interface Outcome {
  shape: number[];
  dtype: string;
  values: ArrayLike<number>;
}

function runOn(backend: string, { inputs, run }: Case): Outcome[] | string {
  void setBackend(backend);
  try {
    return tidy(() => {
      const result = run(...inputs.map(make));
      return (Array.isArray(result) ? result : [result]).map((t) => ({
        shape: t.shape,
        dtype: t.dtype,
        values: t.dataSync() as ArrayLike<number>,
      })) as never;
    }) as Outcome[];
  } catch (error) {
    return `threw: ${(error as Error).message}`;
  } finally {
    disposeVariables();
  }
}

/** Undefined when both backends agree, else one sentence on the first difference. */
export function difference(one: Case): string | undefined {
  const wanted = runOn('cpu', one);
  const before = engine().memory().numTensors;
  const got = runOn('native', one);
  if (engine().memory().numTensors !== before) return 'native: tensors leaked';
  if (typeof wanted === 'string' || typeof got === 'string')
    return typeof wanted === typeof got ? undefined : `cpu ${label(wanted)}, native ${label(got)}`;
  if (wanted.length !== got.length) return `cpu gave ${wanted.length} tensors, native ${got.length}`;
  const tolerance = one.tolerance ?? 2e-6;
  for (const [at, w] of wanted.entries()) {
    const g = got[at] as Outcome;
    if (w.dtype !== g.dtype) return `result ${at}: cpu ${w.dtype}, native ${g.dtype}`;
    if (w.shape.join() !== g.shape.join()) return `result ${at}: cpu [${w.shape}], native [${g.shape}]`;
    for (let i = 0; i < w.values.length; i++) {
      const x = w.values[i] as number;
      const y = g.values[i] as number;
      if (Object.is(x, y) || x === y) continue;
      if (Math.abs(x - y) <= tolerance * (1 + Math.abs(x))) continue;
      return `result ${at}[${i}]: cpu ${x}, native ${y}`;
    }
  }
  return undefined;
}

const label = (outcome: Outcome[] | string): string => (typeof outcome === 'string' ? outcome : 'gave a result');
