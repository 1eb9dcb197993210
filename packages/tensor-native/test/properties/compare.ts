// Runs one case on two backends, `cpu` and `native` by default, and compares shapes, types and values.
import { disposeVariables, engine, setBackend, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { make, type Spec } from './draw.ts';

export interface Case {
  inputs: Spec[];
  run: (...tensors: Tensor[]) => Tensor | Tensor[];
  /** Largest |tested − reference| / (1 + |reference|). */
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
export function difference(one: Case, reference = 'cpu', tested = 'native', least = 2e-6): string | undefined {
  const wanted = runOn(reference, one);
  const before = engine().memory().numTensors;
  const got = runOn(tested, one);
  if (engine().memory().numTensors !== before) return `${tested}: tensors leaked`;
  if (typeof wanted === 'string' || typeof got === 'string')
    return typeof wanted === typeof got ? undefined : `${reference} ${label(wanted)}, ${tested} ${label(got)}`;
  if (wanted.length !== got.length) return `${reference} gave ${wanted.length} tensors, ${tested} ${got.length}`;
  const tolerance = Math.max(least, one.tolerance ?? 0);
  for (const [at, w] of wanted.entries()) {
    const g = got[at] as Outcome;
    if (w.dtype !== g.dtype) return `result ${at}: ${reference} ${w.dtype}, ${tested} ${g.dtype}`;
    if (w.shape.join() !== g.shape.join()) return `result ${at}: ${reference} [${w.shape}], ${tested} [${g.shape}]`;
    for (let i = 0; i < w.values.length; i++) {
      const x = w.values[i] as number;
      const y = g.values[i] as number;
      if (Object.is(x, y) || x === y) continue;
      if (Math.abs(x - y) <= tolerance * (1 + Math.abs(x))) continue;
      return `result ${at}[${i}]: ${reference} ${x}, ${tested} ${y}`;
    }
  }
  return undefined;
}

const label = (outcome: Outcome[] | string): string => (typeof outcome === 'string' ? outcome : 'gave a result');
