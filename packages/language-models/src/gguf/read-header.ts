// The head of a GGUF file (version 3; version 2 is laid out alike): metadata, then names, shapes and places of tensors.
import { type ByteSource, CheckpointError } from '@gimbal/tensor-core';
import { type BlockType, blockTypes } from './types.ts';

export type GgufValue = number | bigint | boolean | string | readonly GgufValue[];

export interface GgufTensor {
  readonly name: string;
  /** As in PyTorch: [out, in]. */
  readonly shape: readonly number[];
  readonly type: BlockType;
  /** First byte in the file, and one past the last. */
  readonly start: number;
  readonly end: number;
}

export interface GgufHeader {
  readonly metadata: ReadonlyMap<string, GgufValue>;
  readonly tensors: ReadonlyMap<string, GgufTensor>;
}

const chunk = 1 << 20;
/** More than that is no metadata: a hostile file must not make us allocate it. */
const mostHeaderBytes = 1 << 28;

/** Reads one value after the other; the file is fetched as far as it is needed. */
class Cursor {
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array();
  #view = new DataView(new ArrayBuffer(0));
  at = 0;

  constructor(readonly source: ByteSource) {}

  /** Makes sure of `count` more bytes. */
  async need(count: number): Promise<void> {
    if (this.at + count <= this.#bytes.length) return;
    const end = this.at + count;
    if (end > this.source.size || end > mostHeaderBytes) throw this.damaged('the header ends too soon', `byte ${end}`);
    const to = Math.min(this.source.size, Math.max(end, this.#bytes.length + Math.max(chunk, this.#bytes.length)));
    const more = await this.source.read(this.#bytes.length, to);
    const all = new Uint8Array(to);
    all.set(this.#bytes);
    all.set(more, this.#bytes.length);
    this.#bytes = all;
    this.#view = new DataView(all.buffer);
  }

  damaged(what: string, got: unknown): CheckpointError {
    return new CheckpointError({ where: this.source.name, what, got, wanted: 'a whole GGUF file of version 2 or 3' });
  }

  async u32(): Promise<number> {
    await this.need(4);
    this.at += 4;
    return this.#view.getUint32(this.at - 4, true);
  }

  async u64(): Promise<number> {
    await this.need(8);
    this.at += 8;
    const value = Number(this.#view.getBigUint64(this.at - 8, true));
    if (!Number.isSafeInteger(value)) throw this.damaged('a count beyond 2^53', value);
    return value;
  }

  async string(): Promise<string> {
    const length = await this.u64();
    await this.need(length);
    this.at += length;
    return new TextDecoder().decode(this.#bytes.subarray(this.at - length, this.at));
  }

  async value(type: number): Promise<GgufValue> {
    if (type === 8) return this.string();
    if (type === 9) {
      const [of, count] = [await this.u32(), await this.u64()];
      if (count > mostHeaderBytes) throw this.damaged('an array too long', count);
      const list: GgufValue[] = [];
      for (let i = 0; i < count; i++) list.push(await this.value(of));
      return list;
    }
    const size = [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8][type];
    if (size === undefined) throw this.damaged('a value of an unknown type', type);
    await this.need(size);
    const [v, at] = [this.#view, this.at];
    this.at += size;
    switch (type) {
      case 0:
        return v.getUint8(at);
      case 1:
        return v.getInt8(at);
      case 2:
        return v.getUint16(at, true);
      case 3:
        return v.getInt16(at, true);
      case 4:
        return v.getUint32(at, true);
      case 5:
        return v.getInt32(at, true);
      case 6:
        return v.getFloat32(at, true);
      case 7:
        return v.getUint8(at) !== 0;
      case 10:
        return v.getBigUint64(at, true);
      case 11:
        return v.getBigInt64(at, true);
      default:
        return v.getFloat64(at, true);
    }
  }
}

/**
 * @throws CheckpointError for a file that is no GGUF, or that is cut off, misaligned, of a type that is not read here, or with
 * two tensors on the same bytes
 */
export async function readGgufHeader(source: ByteSource): Promise<GgufHeader> {
  const cursor = new Cursor(source);
  const magic = await cursor.u32();
  if (magic !== 0x46554747) throw cursor.damaged('this is no GGUF file', magic);
  const version = await cursor.u32();
  if (version !== 2 && version !== 3) throw cursor.damaged('the version is not read here', version);
  const [tensorCount, pairCount] = [await cursor.u64(), await cursor.u64()];
  const metadata = new Map<string, GgufValue>();
  for (let i = 0; i < pairCount; i++) {
    const key = await cursor.string();
    metadata.set(key, await cursor.value(await cursor.u32()));
  }
  if (Number(metadata.get('split.count') ?? 1) > 1)
    throw cursor.damaged('the model is split over files', metadata.get('split.count'));
  const alignment = Number(metadata.get('general.alignment') ?? 32);
  if (!(Number.isSafeInteger(alignment) && alignment > 0)) throw cursor.damaged('an impossible alignment', alignment);
  const infos: { name: string; shape: number[]; id: number; offset: number }[] = [];
  for (let i = 0; i < tensorCount; i++) {
    const name = await cursor.string();
    const rank = await cursor.u32();
    if (rank > 4) throw cursor.damaged(`tensor ${name} has too many dimensions`, rank);
    const shape: number[] = [];
    for (let d = 0; d < rank; d++) shape.unshift(await cursor.u64()); // fastest first there
    infos.push({ name, shape, id: await cursor.u32(), offset: await cursor.u64() });
  }
  const data = Math.ceil(cursor.at / alignment) * alignment;
  const tensors = new Map<string, GgufTensor>();
  for (const { name, shape, id, offset } of infos) {
    const type = blockTypes.find((t) => t.id === id);
    if (type === undefined) {
      throw new CheckpointError({
        where: `${source.name}, tensor ${name}`,
        what: 'numbers of this type are not read here',
        got: `ggml type ${id}`,
        wanted: blockTypes.map((t) => t.name).join(', '),
      });
    }
    const width = shape.at(-1) ?? 1;
    if (width % type.size !== 0) throw cursor.damaged(`tensor ${name}: rows are no whole ${type.name} blocks`, width);
    const bytes = (shape.reduce((a, b) => a * b, 1) / type.size) * type.bytes;
    const start = data + offset;
    if (offset % alignment !== 0 || start + bytes > source.size) {
      throw cursor.damaged(
        `tensor ${name} lies outside the file or between its boundaries`,
        `${start} to ${start + bytes}`,
      );
    }
    tensors.set(name, { name, shape, type, start, end: start + bytes });
  }
  refuseOverlaps(tensors, source.name);
  return { metadata, tensors };
}

/** @throws CheckpointError for two tensors on the same bytes: one of them would be read as the other */
function refuseOverlaps(tensors: ReadonlyMap<string, GgufTensor>, where: string): void {
  let before: GgufTensor | undefined;
  for (const tensor of [...tensors.values()].sort((a, b) => a.start - b.start || a.end - b.end)) {
    if (before !== undefined && tensor.start < before.end) {
      throw new CheckpointError({
        where: `${where}, tensor ${tensor.name}`,
        what: `it lies on the bytes of tensor ${before.name}`,
        got: `${tensor.start} to ${tensor.end}`,
        wanted: `none before ${before.end}`,
        fix: 'The file is damaged: copy it again from where it came',
      });
    }
    before = tensor;
  }
}
