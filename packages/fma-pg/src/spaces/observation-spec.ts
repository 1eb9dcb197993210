/**
 * Observations of any basic space as one row of floats: vectors side by side (dictionary keys in the order of the space),
 * discrete values one-hot, images scaled from bytes to 0 … 1 and kept apart so that a network can convolve them.
 */
import { ConfigError, DataError, NumericalError, type Obs, ShapeError, type Space } from '@gimbal/tensor-core';
import { boxSize, elementsOf } from './box.ts';

/** A part of the row. */
export interface ObservationPart {
  /** `camera.left`; empty where the observation is one array */
  readonly path: string;
  readonly offset: number;
  readonly size: number;
  /** [height, width, channels] of an image, whose values are scaled by 1/255 */
  readonly image?: readonly [number, number, number];
  /** the way to it through dictionaries and tuples, whose keys may hold dots */
  readonly keys: readonly string[];
  /** numbers of choices of a discrete part, each given one-hot, side by side */
  readonly choices?: readonly number[];
  /** the least value of a discrete part: index 0 */
  readonly start?: number;
  /** each value is 0 or 1 */
  readonly isBinary?: true;
}

export interface ObservationSpec {
  /** O: floats in a row */
  readonly size: number;
  readonly parts: readonly ObservationPart[];
}

/**
 * @param only keys of a dictionary to take, where not all are wanted
 * @throws ConfigError for a space without numbers in it, of an unknown kind, or whose sizes or bounds are none
 */
export function observationSpec(space: Space, only?: readonly string[]): ObservationSpec {
  const parts: ObservationPart[] = [];
  let offset = 0;
  const visit = (s: Space, keys: readonly string[]): void => {
    const path = keys.join('.');
    const where = `observation space${path === '' ? '' : `, ${path}`}`;
    const add = (size: number, more: Partial<ObservationPart> = {}): void => {
      parts.push({ path, keys, offset, size, ...more });
      offset += size;
    };
    switch (s?.kind) {
      case 'dict':
        for (const [key, child] of Object.entries(s.spaces ?? {}))
          if (keys.length > 0 || only === undefined || only.includes(key)) visit(child, [...keys, key]);
        return;
      case 'tuple':
        for (const [i, child] of (s.spaces ?? []).entries()) visit(child, [...keys, String(i)]);
        return;
      case 'discrete':
        add(sumOf([s.n], where), { choices: [s.n], start: s.start ?? 0 });
        return;
      case 'multi-discrete':
        add(sumOf(s.nvec, where), { choices: [...s.nvec], start: 0 });
        return;
      case 'multi-binary':
        add(elementsOf(s.shape, where), { isBinary: true });
        return;
      case 'box': {
        const size = boxSize(s, where);
        const isImage = s.dtype === 'uint8' && s.shape.length === 3;
        add(size, isImage ? { image: s.shape as unknown as [number, number, number] } : {});
        return;
      }
      default: {
        const got = (s as { kind?: unknown } | null | undefined)?.kind ?? s;
        const wanted = 'box, discrete, multi-discrete, multi-binary, dict or tuple';
        throw new ConfigError({ where, what: 'there is no such kind of space', got: String(got), wanted });
      }
    }
  };
  visit(space, []);
  if (offset === 0) throw new ConfigError({ where: 'observation space', what: 'it has no numbers', got: space.kind });
  return { size: offset, parts };
}

/** What checkpoints hold of it, in the words of the first ones, so that these can still be resumed. */
export function savedObservation({ size, parts }: ObservationSpec): object {
  const saved = parts.map(({ path, offset, size, image, choices, start }) => ({
    path,
    offset,
    size,
    ...(image && { image }),
    ...(choices && { oneHot: choices.length === 1 ? choices[0] : choices }),
    ...(start && { start }),
  }));
  return { size, parts: saved };
}

/** All choices of a discrete space. */
function sumOf(nvec: readonly number[], where: string): number {
  if (nvec.every((n) => Number.isSafeInteger(n) && n >= 1)) return nvec.reduce((sum, n) => sum + n, 0);
  throw new ConfigError({ where, what: 'no number of choices', got: String(nvec), wanted: 'whole numbers ≥ 1' });
}

/**
 * Rows of floats from the stacked observations of N copies.
 * @param out `[N·O]`, written
 * @param where asked for where something is wrong
 * @param isRead which rows count; the others are neither checked nor written; default all
 * @throws ShapeError where a part is missing or has another length; NumericalError naming copy and component;
 * DataError for a value that a discrete part does not have
 */
export function readObservations(
  spec: ObservationSpec,
  obs: Obs,
  numEnvs: number,
  out: Float32Array,
  where: () => string,
  isRead?: (row: number) => boolean,
): void {
  for (const part of spec.parts) {
    const source = leafOf(obs, part, where);
    const { choices, size } = part;
    const width = choices === undefined ? size : choices.length;
    if (source.length !== width * numEnvs) {
      throw new ShapeError({
        where: `${where()}, observation ${part.path}`,
        what: 'its length is not that of its space',
        got: source.length,
        wanted: `${width * numEnvs} (${numEnvs} × ${width})`,
      });
    }
    for (let n = 0; n < numEnvs; n++) {
      if (isRead !== undefined && !isRead(n)) continue;
      const at = n * spec.size + part.offset;
      if (choices !== undefined) {
        writeOneHot(part, source, n, out, at, where);
        continue;
      }
      const scale = part.image === undefined ? 1 : 1 / 255;
      for (let j = 0; j < width; j++) {
        const value = source[n * width + j] as number;
        out[at + j] = value * scale;
        // what float64 holds may be infinite in float32
        if (!Number.isFinite(out[at + j])) throw notFinite(where(), part, n, j, value);
        if (part.isBinary && value !== 0 && value !== 1) throw notOneOf(where(), part, n, j, value, '0 or 1');
      }
    }
  }
}

/** The values of row n of a discrete part, each as one of its choices. */
function writeOneHot(
  part: ObservationPart,
  source: ArrayLike<number>,
  n: number,
  out: Float32Array,
  at: number,
  where: () => string,
): void {
  const { choices = [], start = 0 } = part;
  out.fill(0, at, at + part.size);
  let first = at;
  for (let j = 0; j < choices.length; j++) {
    const count = choices[j] as number;
    const value = source[n * choices.length + j] as number;
    const index = value - start;
    if (!(Number.isInteger(index) && index >= 0 && index < count))
      throw notOneOf(where(), part, n, j, value, `a whole number from ${start} to ${start + count - 1}`);
    out[first + index] = 1;
    first += count;
  }
}

function leafOf(obs: Obs, { path, keys }: ObservationPart, where: () => string): ArrayLike<number> {
  let node: unknown = obs;
  for (const key of keys) node = (node as { [key: string]: unknown } | null | undefined)?.[key];
  if (ArrayBuffer.isView(node)) return node as unknown as ArrayLike<number>;
  throw new ShapeError({
    where: where(),
    what: path === '' ? 'the observation is no typed array' : `the observation has no array ${path}`,
    got: Array.isArray(node) ? 'a plain array' : typeof node,
  });
}

function notOneOf(
  where: string,
  { path }: Pick<ObservationPart, 'path'>,
  env: number,
  component: number,
  got: number,
  wanted: string,
): DataError {
  const what = `observation ${path === '' ? '' : `${path} `}component ${component} is no value of its space`;
  return new DataError({ where: `${where}, env ${env}`, what, got, wanted });
}

function notFinite(where: string, part: ObservationPart, env: number, component: number, got: number): NumericalError {
  return new NumericalError({
    where: `${where}, env ${env}`,
    what: `observation ${part.path === '' ? '' : `${part.path} `}component ${component} is not finite`,
    got,
    wanted: 'a finite number',
    fix: 'Look at what the environment computes there',
  });
}
