/**
 * Named tensors that are read when asked for: one safetensors file, or several behind an index, look the same.
 */
import { type Tensor, tensor } from '@tensorflow/tfjs-core';
import { CheckpointError } from '../errors.ts';
import { type Params, unflatten } from '../tree/params.ts';
import { dtypeBytes, type RawArray, rawArray, type TensorValues, tensorDtype, tensorValues } from './dtype.ts';
import type { TensorEntry } from './header.ts';
import type { ByteSource } from './source.ts';

/** Bytes converted at a time: the file's copy of a tensor never stands whole beside the converted one. */
const chunkBytes = 4 << 20;

/** tfjs has no tensor of a higher rank. */
const maxRank = 6;

/** Open safetensors weights, from one file or several: headers have been read, tensors are read when asked for. */
export class WeightFile {
  #closed = false;

  /**
   * @param name for messages
   * @param sources the tensors' places, by name
   */
  constructor(
    readonly name: string,
    private readonly places: ReadonlyMap<string, { readonly entry: TensorEntry; readonly source: ByteSource }>,
    readonly metadata: Readonly<Record<string, string>>,
    /** what was ignored on opening: tensors of a shard that the index does not list */
    readonly warnings: readonly string[] = [],
  ) {}

  /** Names in the order of the data. */
  get names(): string[] {
    return [...this.places.keys()];
  }

  /** Whether there is a tensor of this name. */
  has(name: string): boolean {
    return this.places.has(name);
  }

  /**
   * What the header says about a tensor.
   * @throws CheckpointError for a name that the file does not have
   */
  entry(name: string): TensorEntry {
    return this.place(name).entry;
  }

  /** Elements `from` … `to` − 1 in the file's own dtype; may be a view of memory that the source keeps. */
  async raw(name: string, from = 0, to?: number): Promise<RawArray> {
    const { entry, source } = this.place(name);
    if (this.#closed) throw new CheckpointError({ where: this.name, what: `read of tensor ${name} after close()` });
    const size = dtypeBytes[entry.dtype];
    const end = to === undefined ? entry.byteLength : to * size;
    const bytes = await source.read(entry.start + from * size, entry.start + end);
    return rawArray(entry.dtype, bytes);
  }

  /** Elements `from` … `to` − 1 as a tensor's values (16-bit floats decoded); the caller's own copy. */
  async values(name: string, from = 0, to?: number): Promise<TensorValues> {
    const { entry, source } = this.place(name);
    const count = (to ?? elements(entry)) - from;
    const kind = tensorDtype(entry.dtype);
    const out =
      kind === 'float32' ? new Float32Array(count) : kind === 'int32' ? new Int32Array(count) : new Uint8Array(count);
    const where = `${source.name}, tensor ${JSON.stringify(name)}`;
    const step = Math.floor(chunkBytes / dtypeBytes[entry.dtype]);
    for (let i = 0; i < count; i += step) {
      const raw = await this.raw(name, from + i, from + Math.min(i + step, count));
      out.set(tensorValues(entry.dtype, raw, where), i);
    }
    return out;
  }

  /** The tensor, on the current backend; the caller disposes it. */
  async tensor(name: string): Promise<Tensor> {
    const { dtype, shape } = this.entry(name);
    if (shape.length > maxRank) {
      throw new CheckpointError({
        where: `${this.name}, tensor ${JSON.stringify(name)}`,
        what: 'too many dimensions for a tensor',
        got: shape,
        wanted: `a rank up to ${maxRank}`,
        fix: 'Read it with values()',
      });
    }
    return tensor(await this.values(name), [...shape], tensorDtype(dtype));
  }

  /** All tensors (or those that `select` accepts) as a tree by their dotted names; the caller disposes it. */
  async params(select: (name: string) => boolean = () => true): Promise<Params> {
    const leaves: [string, Tensor][] = [];
    try {
      for (const name of this.names) if (select(name)) leaves.push([name, await this.tensor(name)]);
      return unflatten(leaves);
    } catch (error) {
      for (const [, t] of leaves) t.dispose();
      throw error;
    }
  }

  /** Closes the sources behind it; safe to call twice. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const source of new Set([...this.places.values()].map((p) => p.source))) await source.close();
  }

  private place(name: string): { readonly entry: TensorEntry; readonly source: ByteSource } {
    const place = this.places.get(name);
    if (place === undefined) {
      throw new CheckpointError({
        where: this.name,
        what: `has no tensor ${JSON.stringify(name)}`,
        got: this.names.slice(0, 10),
      });
    }
    return place;
  }
}

/** The number of elements of a tensor. */
export const elements = (entry: TensorEntry): number => entry.byteLength / dtypeBytes[entry.dtype];
