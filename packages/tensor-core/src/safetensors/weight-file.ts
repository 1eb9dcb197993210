/**
 * Named tensors that are read when asked for: one safetensors file, or several behind an index, look the same.
 */
import { type Tensor, tensor, zeros } from '@tensorflow/tfjs-core';
import { backendExtensions } from '../backend/extensions.ts';
import { CheckpointError } from '../errors.ts';
import { type Params, unflatten } from '../tree/params.ts';
import { dtypeBytes, type RawArray, rawArray, type TensorValues, tensorDtype, tensorValues } from './dtype.ts';
import { refuseNonFinite } from './finite.ts';
import type { TensorEntry } from './header.ts';
import type { ByteSource } from './source.ts';

/** Bytes read and converted at a time: the file's copy of a tensor never stands whole beside the converted one. */
const chunkBytes = 4 << 20;

/** tfjs has no tensor of a higher rank. */
const maxRank = 6;

/** Open safetensors weights, from one file or several: headers have been read, tensors are read when asked for. */
export class WeightFile {
  #closed = false;
  /** What chunks are read into, one after the other: a new array for each would pile up before it is collected. */
  #chunk: Uint8Array | undefined;

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
    return this.read(name, from, to);
  }

  private async read(name: string, from: number, to?: number, into?: Uint8Array): Promise<RawArray> {
    const { entry, source } = this.place(name);
    if (this.#closed) throw new CheckpointError({ where: this.name, what: `read of tensor ${name} after close()` });
    const size = dtypeBytes[entry.dtype];
    const end = to === undefined ? entry.byteLength : to * size;
    const bytes = await source.read(entry.start + from * size, entry.start + end, into);
    return rawArray(entry.dtype, bytes);
  }

  /** Elements `from` … `to` − 1 as a tensor's values (16-bit floats decoded); the caller's own copy. */
  async values(name: string, from = 0, to?: number): Promise<TensorValues> {
    const { entry } = this.place(name);
    const count = (to ?? elements(entry)) - from;
    const kind = tensorDtype(entry.dtype);
    const out =
      kind === 'float32' ? new Float32Array(count) : kind === 'int32' ? new Int32Array(count) : new Uint8Array(count);
    await this.fill(name, from, out);
    return out;
  }

  /** Reads as many elements as `out` has. */
  private async fill(name: string, from: number, out: TensorValues): Promise<void> {
    const { entry, source } = this.place(name);
    const count = out.length;
    const where = `${source.name}, tensor ${JSON.stringify(name)}`;
    const step = Math.floor(chunkBytes / dtypeBytes[entry.dtype]);
    const bytes = Math.min(chunkBytes, count * dtypeBytes[entry.dtype]);
    const chunk = this.#chunk !== undefined && this.#chunk.length >= bytes ? this.#chunk : new Uint8Array(bytes);
    this.#chunk = undefined; // who reads at the same time takes another
    for (let i = 0; i < count; i += step) {
      const raw = await this.read(name, from + i, from + Math.min(i + step, count), chunk);
      tensorValues(entry.dtype, raw, where, out.subarray(i, i + raw.length));
    }
    this.#chunk = chunk;
  }

  /**
   * The tensor, on the current backend; the caller disposes it.
   * @param o.finite refuse floats that are NaN or infinite
   * @throws CheckpointError for a name that the file does not have, more dimensions than a tensor can have, or what `finite`
   * refuses
   */
  async tensor(name: string, o: { finite?: boolean } = {}): Promise<Tensor> {
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
    const kind = tensorDtype(dtype);
    const check = (values: TensorValues): void => {
      if (o.finite && kind === 'float32') refuseNonFinite(values as Float32Array, this.name, name);
    };
    // a backend that lends its memory is read into: the values never stand beside the tensor
    const lent = kind === 'float32' ? backendExtensions() : undefined;
    if (lent === undefined || this.entry(name).byteLength === 0) {
      const values = await this.values(name);
      check(values);
      return tensor(values, [...shape], kind);
    }
    const read = zeros([...shape]);
    try {
      const values = lent.view(read) as Float32Array;
      await this.fill(name, 0, values);
      check(values);
    } catch (error) {
      read.dispose();
      throw error;
    }
    return read;
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
    this.#chunk = undefined;
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
