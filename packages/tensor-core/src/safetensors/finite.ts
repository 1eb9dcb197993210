// Weights that are no numbers: found while they are read, where the file and the tensor can still be named.
import { CheckpointError } from '../errors.ts';

/**
 * Refuses weights that hold NaN or an infinity.
 * @param values elements of a tensor, or one number for each `each` elements, such as the scales of their groups
 * @param file name of the file, for the message
 * @param name of the tensor in it
 * @param from where `values` begin in the tensor, in elements; default 0
 * @param each elements that a value stands for; default 1
 * @throws CheckpointError naming the file, the tensor, the element and what it holds
 */
export function refuseNonFinite(values: Float32Array, file: string, name: string, from = 0, each = 1): void {
  // 0 unless something is NaN or infinite: one multiplication and one addition an element
  let zero = 0;
  for (let i = 0; i < values.length; i++) zero += (values[i] as number) * 0;
  if (zero === 0) return;
  const at = values.findIndex((x) => !Number.isFinite(x));
  throw new CheckpointError({
    where: `${file}, tensor ${JSON.stringify(name)}`,
    what: `element ${from + at * each} of its weights is no finite number`,
    got: values[at],
    wanted: 'finite numbers: such a model computes nothing',
    fix: 'Its training went wrong, or the file is damaged: use an earlier checkpoint, or copy it again',
  });
}
