/**
 * Observations of any basic space as one row of floats: vectors side by side (dictionary keys in the order of the space),
 * discrete values one-hot, images scaled from bytes to 0 … 1 and kept apart so that a network can convolve them.
 */
import { ConfigError, NumericalError, type Obs, ShapeError, type Space } from '@gimbal/tensor-core';

/** A part of the row. */
export interface ObservationPart {
  /** `camera.left`; empty where the observation is one array */
  readonly path: string;
  readonly offset: number;
  readonly size: number;
  /** [height, width, channels] of an image, whose values are scaled by 1/255 */
  readonly image?: readonly [number, number, number];
  /** number of values of a discrete part, given one-hot */
  readonly oneHot?: number;
}

export interface ObservationSpec {
  /** O: floats in a row */
  readonly size: number;
  readonly parts: readonly ObservationPart[];
}

/**
 * @param only keys of a dictionary to take, where not all are wanted
 * @throws ConfigError for a space without numbers in it
 */
export function observationSpec(space: Space, only?: readonly string[]): ObservationSpec {
  const parts: ObservationPart[] = [];
  let offset = 0;
  const add = (path: string, size: number, more: Partial<ObservationPart> = {}): void => {
    parts.push({ path, offset, size, ...more });
    offset += size;
  };
  const visit = (s: Space, path: string): void => {
    if (s.kind === 'dict') {
      for (const [key, child] of Object.entries(s.spaces))
        if (path !== '' || only === undefined || only.includes(key)) visit(child, path === '' ? key : `${path}.${key}`);
    } else if (s.kind === 'tuple') {
      for (const [i, child] of s.spaces.entries()) visit(child, path === '' ? String(i) : `${path}.${i}`);
    } else if (s.kind === 'discrete') add(path, s.n, { oneHot: s.n });
    else if (s.kind === 'multi-discrete') {
      throw new ConfigError({
        where: `observation ${path}`,
        what: 'multi-discrete observations are not read',
        fix: 'Flatten them with a wrapper',
      });
    } else {
      const size = s.shape.reduce((n, d) => n * d, 1);
      const isImage = s.kind === 'box' && s.dtype === 'uint8' && s.shape.length === 3;
      add(path, size, isImage ? { image: s.shape as unknown as [number, number, number] } : {});
    }
  };
  visit(space, '');
  if (offset === 0) throw new ConfigError({ where: 'observation space', what: 'it has no numbers', got: space.kind });
  return { size: offset, parts };
}

/**
 * Rows of floats from the stacked observations of N copies.
 * @param out `[N·O]`, written
 * @param where asked for where something is wrong
 * @throws ShapeError where a part is missing or has another length; NumericalError naming copy and component
 */
export function readObservations(
  spec: ObservationSpec,
  obs: Obs,
  numEnvs: number,
  out: Float32Array,
  where: () => string,
): void {
  for (const part of spec.parts) {
    const source = leafOf(obs, part.path, where);
    const width = part.oneHot === undefined ? part.size : 1;
    if (source.length !== width * numEnvs) {
      throw new ShapeError({
        where: `${where()}, observation ${part.path}`,
        what: 'its length is not that of its space',
        got: source.length,
        wanted: `${width * numEnvs} (${numEnvs} × ${width})`,
      });
    }
    for (let n = 0; n < numEnvs; n++) {
      const at = n * spec.size + part.offset;
      if (part.oneHot !== undefined) {
        out.fill(0, at, at + part.size);
        out[at + (source[n] as number)] = 1;
        continue;
      }
      const scale = part.image === undefined ? 1 : 1 / 255;
      for (let j = 0; j < width; j++) {
        const value = source[n * width + j] as number;
        if (!Number.isFinite(value)) throw notFinite(where(), part, n, j, value);
        out[at + j] = value * scale;
      }
    }
  }
}

function leafOf(obs: Obs, path: string, where: () => string): ArrayLike<number> {
  let node: unknown = obs;
  if (path !== '') for (const key of path.split('.')) node = (node as { [key: string]: unknown } | undefined)?.[key];
  if (ArrayBuffer.isView(node)) return node as unknown as ArrayLike<number>;
  throw new ShapeError({
    where: where(),
    what: `the observation has no array ${path === '' ? '' : path}`,
    got: typeof node,
  });
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
