// GGUF files in Node: opened, and written in one piece.
import { ConfigError, fileSource, flatten, type Params, writeFileAtomic } from '@gimbal/tensor-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { DecoderConfig } from '../decoder/config.ts';
import type { LanguageModel } from '../decoder/decoder.ts';
import type { Pretrained } from '../pretrained/read-pretrained.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { configToGguf, refuseLost, ropeFactorsOf } from './config-metadata.ts';
import { architectureOf, ggufName, interleavedHeads, interleavedRows, isOffsetNorm } from './names.ts';
import { quantize, type WrittenType } from './quantize.ts';
import { type GgufOptions, readGguf, readGgufConfig } from './read-gguf.ts';
import type { GgufValue } from './read-header.ts';
import { tokenizerFromGguf, tokenizerToGguf } from './tokenizer.ts';
import { blockType } from './types.ts';

/**
 * Opens a GGUF file (Llama, Mistral, SmolLM2, Qwen 2 and 3, Gemma 2 and 3; F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0,
 * Q4_K, Q5_K, Q6_K); weights become float32, or stay in their blocks if asked.
 * @throws CheckpointError for a damaged file, or an architecture, type or tokenizer that is not known here
 * @example const { model, params, tokenizer } = await loadGguf('SmolLM2-135M-Instruct.Q4_1.gguf');
 */
export async function loadGguf(path: string, o?: GgufOptions): Promise<Pretrained> {
  const source = await fileSource(path);
  try {
    return await readGguf(source, o);
  } finally {
    await source.close();
  }
}

/** Reads the config out of a GGUF file's header. @throws CheckpointError as `loadGguf` */
export async function loadGgufConfig(path: string): Promise<DecoderConfig> {
  const source = await fileSource(path);
  try {
    return (await readGgufConfig(source)).config;
  } finally {
    await source.close();
  }
}

/** Reads the tokenizer out of a GGUF file's header. @throws CheckpointError as `loadGguf` */
export async function loadGgufTokenizer(path: string): Promise<Tokenizer> {
  const source = await fileSource(path);
  try {
    const { header, config } = await readGgufConfig(source);
    return tokenizerFromGguf(header.metadata, source.name, config.vocabularySize);
  } finally {
    await source.close();
  }
}

/** What goes into a GGUF file beside the model. */
export interface SaveGgufOptions {
  /** Byte-level BPE that splits texts in a way llama.cpp knows, or SentencePiece's BPE. */
  tokenizer: Tokenizer;
  /** Of the matrices; norms and biases stay F32 (F16). */
  type?: WrittenType;
  /** `general.name` (`model`). */
  name?: string;
}

const alignment = 32;

/**
 * Writes a GGUF file that llama.cpp and programs on it run.
 * @throws ConfigError for a family, an option of the model, a tokenizer or a width that the format cannot hold
 */
export async function saveGguf(path: string, model: LanguageModel, params: Params, o: SaveGgufOptions): Promise<void> {
  const { type = 'F16' } = o;
  const { config: c } = model;
  const architecture = architectureOf(c);
  const metadata = metadataOf(c, architecture, o, type);
  const tensors = flatten(params).map(([p, tensor]) => ({
    path: p,
    tensor,
    name: ggufName(c.family, p),
    type: typeFor(p, tensor, type),
  }));
  const factors = ropeFactorsOf(c);
  refuseLost(c, metadata, new Map(tensors.map(({ name, tensor }) => [name, tensor])));
  let offset = 0;
  const infos = [
    ...(factors ? [{ name: 'rope_freqs.weight', shape: [factors.length], type: 'F32' as WrittenType }] : []),
    ...tensors.map(({ name, tensor, type: t }) => ({ name, shape: tensor.shape, type: t })),
  ].map((info) => {
    const t = blockType(info.type);
    const bytes = (info.shape.reduce((a, b) => a * b, 1) / t.size) * t.bytes;
    const at = offset;
    offset = Math.ceil((offset + bytes) / alignment) * alignment;
    return { ...info, id: t.id, offset: at };
  });
  async function* chunks(): AsyncGenerator<Uint8Array> {
    const head = headerBytes(metadata, infos);
    yield padded(head);
    if (factors) yield padded(new Uint8Array(factors.buffer));
    for (const { path: p, tensor, type: t } of tensors) {
      let values = (await tensor.data()) as Float32Array;
      const heads = interleavedHeads(architecture, p, c);
      if (heads > 0) values = scatterRows(values, interleavedRows(tensor.shape[0] as number, heads));
      if (isOffsetNorm(c.family, p)) values = values.map((x) => x + 1);
      yield padded(quantize(values, t));
    }
  }
  await writeFileAtomic(path, chunks());
}

/** Row `r` goes to row `to[r]`. */
function scatterRows(values: Float32Array, to: Int32Array): Float32Array {
  const width = values.length / to.length;
  const out = new Float32Array(values.length);
  to.forEach((row, r) => {
    out.set(values.subarray(r * width, (r + 1) * width), row * width);
  });
  return out;
}

/** llama.cpp wants one-dimensional tensors in F32. */
function typeFor(path: string, tensor: Tensor, type: WrittenType): WrittenType {
  if (tensor.rank === 1) return 'F32';
  const width = tensor.shape[1] as number;
  const { size } = blockType(type);
  if (width % size === 0) return type;
  const wanted = `a multiple of ${size}`;
  throw new ConfigError({
    where: `GGUF ${path}`,
    what: `rows do not fill whole ${type} blocks`,
    got: width,
    wanted,
    fix: 'Write F16',
  });
}

const padded = (bytes: Uint8Array): Uint8Array => {
  if (bytes.length % alignment === 0) return bytes;
  const out = new Uint8Array(Math.ceil(bytes.length / alignment) * alignment);
  out.set(bytes);
  return out;
};

/** Kinds of numbers, by the end of the key; other numbers are u32. */
const floats = /(?:epsilon|freq_base|freq_base_swa|factor|softcapping|scores)$/;

function metadataOf(c: DecoderConfig, a: string, o: SaveGgufOptions, type: WrittenType): Map<string, GgufValue> {
  const fileType = { F32: 0, F16: 1, Q4_0: 2, Q8_0: 7 }[type];
  return new Map<string, GgufValue>([
    ['general.architecture', a],
    ['general.name', o.name ?? 'model'],
    ['general.alignment', alignment],
    ['general.file_type', fileType],
    ['general.quantization_version', 2],
    ...configToGguf(c, a),
    ...tokenizerToGguf(o.tokenizer, c.vocabularySize),
  ]);
}

/** The header with metadata and places of tensors. */
function headerBytes(
  metadata: ReadonlyMap<string, GgufValue>,
  infos: readonly { name: string; shape: readonly number[]; id: number; offset: number }[],
): Uint8Array {
  const parts: Uint8Array[] = [];
  const u32 = (x: number): number => parts.push(new Uint8Array(Uint32Array.of(x).buffer));
  const u64 = (x: number): number => parts.push(new Uint8Array(BigUint64Array.of(BigInt(x)).buffer));
  const string = (text: string): void => {
    const bytes = new TextEncoder().encode(text);
    u64(bytes.length);
    parts.push(bytes);
  };
  const value = (key: string, v: GgufValue): void => {
    if (typeof v === 'string') {
      u32(8);
      string(v);
    } else if (typeof v === 'boolean') {
      u32(7);
      parts.push(Uint8Array.of(Number(v)));
    } else if (Array.isArray(v)) {
      const strings = typeof v[0] === 'string';
      u32(9);
      u32(strings ? 8 : floats.test(key) ? 6 : 5);
      u64(v.length);
      if (strings) for (const text of v as string[]) string(text);
      else {
        const numbers = floats.test(key) ? Float32Array.from(v as number[]) : Int32Array.from(v as number[]);
        parts.push(new Uint8Array(numbers.buffer));
      }
    } else if (floats.test(key)) {
      u32(6);
      parts.push(new Uint8Array(Float32Array.of(Number(v)).buffer));
    } else {
      u32(4);
      u32(Number(v));
    }
  };
  parts.push(new TextEncoder().encode('GGUF'));
  u32(3);
  u64(infos.length);
  u64(metadata.size);
  for (const [key, v] of metadata) {
    string(key);
    value(key, v);
  }
  for (const { name, shape, id, offset } of infos) {
    string(name);
    u32(shape.length);
    for (const size of [...shape].reverse()) u64(size);
    u32(id);
    u64(offset);
  }
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
