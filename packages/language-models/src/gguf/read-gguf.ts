// A model from a GGUF file: config, weights, tokenizer and chat template out of the one file.
import {
  type ByteSource,
  blockWeight,
  CheckpointError,
  ConfigError,
  decodeFloat16,
  type Params,
  refuseNonFinite,
  unflatten,
} from '@gimbal/tensor-core';
import { type Tensor, tensor } from '@tensorflow/tfjs-core';
import type { DecoderConfig } from '../decoder/config.ts';
import { decoder } from '../decoder/decoder.ts';
import { families } from '../decoder/families/index.ts';
import type { Pretrained } from '../pretrained/read-pretrained.ts';
import { blockCodes, type CodedType, isCoded } from './codes.ts';
import { configFromGguf } from './config.ts';
import { dequantize } from './dequantize.ts';
import { ggufName, interleavedHeads, interleavedRows, isOffsetNorm } from './names.ts';
import { type GgufHeader, type GgufTensor, readGgufHeader } from './read-header.ts';
import { tokenizerFromGguf } from './tokenizer.ts';

/** Bytes of a tensor read at a time, in whole rows. */
const chunkBytes = 1 << 20;

/** How the weights of a file are held. */
export interface GgufOptions {
  /**
   * `float32` (default): inflated once, for training. `blocks`: matrices stay codes of 4 or 8 bits where the backend can
   * multiply by them (`blockWeight`), a fifth of the memory and a faster generation of few rows.
   */
  weights?: 'float32' | 'blocks';
}

/**
 * Reads a model; its weights become float32 or stay in blocks.
 * @throws CheckpointError for a damaged file, an architecture or a tokenizer that is not known here, listing what is missing
 * or of another shape, or naming the first tensor that holds NaN or an infinity
 */
export async function readGguf(source: ByteSource, { weights = 'float32' }: GgufOptions = {}): Promise<Pretrained> {
  if (weights !== 'float32' && weights !== 'blocks') {
    throw new ConfigError({ where: 'GGUF', what: 'unknown weights', got: weights, wanted: 'float32 or blocks' });
  }
  const { header, config } = await readGgufConfig(source);
  const architecture = String(header.metadata.get('general.architecture'));
  const specs = families[config.family].parameters(config);
  checkNames(
    header,
    source.name,
    specs.map(({ path, shape }) => ({ name: ggufName(config.family, path), shape })),
  );
  // before anything is allocated
  const tokenizer = tokenizerFromGguf(header.metadata, source.name, config.vocabularySize);
  const leaves: [string, Tensor][] = [];
  try {
    for (const { path, shape } of specs) {
      const info = header.tensors.get(ggufName(config.family, path)) as GgufTensor;
      const heads = interleavedHeads(architecture, path, config);
      const order = heads > 0 ? interleavedRows(shape[0] as number, heads) : undefined;
      if (weights === 'blocks' && isCoded(info.type.name) && shape.length === 2) {
        leaves.push([path, await blocksOf(source, info, info.type.name, order)]);
        continue;
      }
      let values = await valuesOf(source, info);
      refuseNonFinite(values, source.name, ggufName(config.family, path));
      if (order) values = permuteRows(values, order);
      if (isOffsetNorm(config.family, path)) values = values.map((x) => x - 1);
      leaves.push([path, tensor(values, [...shape])]);
    }
  } catch (error) {
    for (const [, t] of leaves) t.dispose();
    throw error;
  }
  const params: Params = unflatten(leaves);
  const { eosIds, padId } = config;
  return {
    model: decoder(config),
    params,
    tokenizer,
    generation: { eosIds, padId },
    dtype: 'float32',
    warnings: [],
  };
}

/** The header and the config that it describes. */
export async function readGgufConfig(source: ByteSource): Promise<{ header: GgufHeader; config: DecoderConfig }> {
  const header = await readGgufHeader(source);
  const stretch = header.tensors.get('rope_freqs.weight');
  return { header, config: configFromGguf(header, source.name, stretch && (await valuesOf(source, stretch))) };
}

/** Row `r` of the result is row `from[r]`. */
function permuteRows<T extends Float32Array | Uint16Array | Uint8Array>(values: T, from: Int32Array): T {
  const width = values.length / from.length;
  const out = values.slice() as T;
  from.forEach((row, r) => {
    out.set(values.subarray(row * width, (row + 1) * width), r * width);
  });
  return out;
}

/** A matrix as the file holds it. @param order row `r` is the file's row `order[r]` */
async function blocksOf(
  source: ByteSource,
  { shape, start, end, name }: GgufTensor,
  type: CodedType,
  order: Int32Array | undefined,
): Promise<Tensor> {
  const blocks = blockCodes(await source.read(start, end), type);
  const arrange = <T extends Float32Array | Uint16Array | Uint8Array>(x: T): T => (order ? permuteRows(x, order) : x);
  const finite = <T extends Float32Array | Uint16Array>(x: T): T => {
    const numbers = x instanceof Float32Array ? x : decodeFloat16(x as Uint16Array);
    refuseNonFinite(numbers, source.name, name, 0, blocks.group);
    return arrange(x);
  };
  return blockWeight({
    ...blocks,
    shape: shape as [number, number],
    codes: arrange(blocks.codes),
    scales: finite(blocks.scales),
    ...(blocks.offsets && { offsets: finite(blocks.offsets) }),
  });
}

async function valuesOf(source: ByteSource, { shape, type, start, end }: GgufTensor): Promise<Float32Array> {
  const out = new Float32Array(shape.reduce((a, b) => a * b, 1));
  const step = Math.max(1, Math.floor(chunkBytes / type.bytes)) * type.bytes;
  const chunk = new Uint8Array(Math.min(step, end - start));
  for (let at = start; at < end; at += step) {
    const bytes = await source.read(at, Math.min(at + step, end), chunk);
    out.set(dequantize(bytes, type.name), ((at - start) / type.bytes) * type.size);
  }
  return out;
}

function checkNames(
  { tensors }: GgufHeader,
  where: string,
  wanted: readonly { name: string; shape: readonly number[] }[],
): void {
  const names = new Set([...wanted.map((w) => w.name), 'rope_freqs.weight']);
  const problems = [
    ...wanted.flatMap(({ name, shape }) => {
      const got = tensors.get(name)?.shape;
      if (got === undefined) return [`missing ${name} [${shape}]`];
      return `${got}` === `${shape}` ? [] : [`${name} is [${got}], wanted [${shape}]`];
    }),
    ...[...tensors.keys()].filter((name) => !names.has(name)).map((name) => `unknown ${name}`),
  ];
  if (problems.length === 0) return;
  const more = problems.length > 8 ? `, and ${problems.length - 8} more` : '';
  throw new CheckpointError({
    where,
    what: `the tensors are not those of its metadata: ${problems.slice(0, 8).join('; ')}${more}`,
    got: `${tensors.size} tensors`,
    wanted: `${wanted.length} tensors`,
  });
}
