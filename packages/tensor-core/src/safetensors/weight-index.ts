/**
 * `model.safetensors.index.json`: which shard holds which tensor, as transformers writes it.
 */
import { CheckpointError } from '../errors.ts';
import { type JsonValue, parseStrictJson } from './strict-json.ts';

/** A tensor's name → the bare name of its shard. */
export type WeightIndex = ReadonlyMap<string, string>;

/**
 * Parses and checks an index.
 * @throws CheckpointError for bad JSON, duplicate names, and file names that would leave the folder
 */
export function parseWeightIndex(text: string, where: string): WeightIndex {
  let root: JsonValue;
  try {
    root = parseStrictJson(text);
  } catch (error) {
    throw new CheckpointError({ where, what: `the index is no valid JSON: ${(error as Error).message}` });
  }
  const map = isMap(root) ? root.get('weight_map') : undefined;
  if (!isMap(map)) throw new CheckpointError({ where, what: 'the index has no object weight_map' });
  const index = new Map<string, string>();
  for (const [name, file] of map) {
    if (typeof file !== 'string' || !isBareName(file)) {
      throw new CheckpointError({
        where,
        what: `tensor ${JSON.stringify(name)} is mapped to something that is no file in the same folder`,
        got: typeof file === 'string' ? file : typeof file,
        wanted: 'a bare file name such as model-00001-of-00002.safetensors',
      });
    }
    index.set(name, file);
  }
  return index;
}

/** The text of an index. `bytes` and `parameters` count tensors only. */
export function weightIndexText(index: WeightIndex, bytes: number, parameters: number): string {
  const names = [...index.keys()].sort();
  const weightMap = Object.fromEntries(names.map((name) => [name, index.get(name)]));
  return `${JSON.stringify({ metadata: { total_parameters: parameters, total_size: bytes }, weight_map: weightMap }, null, 2)}\n`;
}

/** model-00001-of-00003.safetensors */
export function shardName(i: number, of: number, stem = 'model'): string {
  const pad = (n: number): string => String(n).padStart(5, '0');
  return `${stem}-${pad(i)}-of-${pad(of)}.safetensors`;
}

/** A name without a way out of its folder: no separators, drive letters, control characters, '.' or '..'. */
function isBareName(file: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is refused
  return file !== '' && file !== '.' && file !== '..' && !/[/\\:\u0000-\u001f]/.test(file);
}

const isMap = (v: JsonValue | undefined): v is Map<string, JsonValue> =>
  typeof v === 'object' && v !== null && Object.prototype.toString.call(v) === '[object Map]';
