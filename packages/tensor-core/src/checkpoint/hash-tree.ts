/** A name for parameters: which weights something belongs to. */
import { flatten, type Params } from '../tree/params.ts';
import { hashWords } from './hash-words.ts';

/** Of names, shapes and the bits of every number. It reads all of them: a second or so for ten million. */
export function hashTree(params: Params): string {
  const words = function* (): Generator<number> {
    for (const [path, tensor] of flatten(params)) {
      for (const c of `${path} ${tensor.shape}`) yield c.codePointAt(0) as number;
      const values = tensor.dataSync();
      yield* new Uint32Array(values.buffer, values.byteOffset, values.length);
    }
  };
  return hashWords(words());
}
