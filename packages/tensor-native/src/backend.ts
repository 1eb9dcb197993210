// The TensorFlow.js backend `native`: storage. Kernels live in kernels/ and fused/.
//
// It also offers the few methods that tfjs's cpu kernels call on their backend, so that any kernel without a native
// body runs the cpu one on the same memory (kernels/index.ts).
import {
  backend_util,
  buffer,
  type DataType,
  engine,
  KernelBackend,
  kernel_impls,
  type Rank,
  type ShapeMap,
  type Tensor,
  type TensorBuffer,
  type TensorInfo,
  util,
} from '@tensorflow/tfjs-core';
import { loadAddon } from './addon.ts';
import { flush, isRecording, optionalOp } from './commands.ts';
import { NativeError } from './errors.ts';
import { tf } from './lean-tape/engine.ts';
import { heap } from './memory/heap.ts';
import { type Blocks, NativeBuffer } from './memory/native-buffer.ts';

type Values = backend_util.BackendValues;

/** Precision of matrix products: operands as they are, or rounded to bf16; sums are float32 in both. */
export type MatMulPrecision = 'float32' | 'bf16';

/** bf16 products were asked of a machine that has none. */
function noBf16(): NativeError {
  const { isa } = loadAddon()?.info() ?? { isa: 'none' };
  return new NativeError('ERR_BACKEND', {
    where: 'native',
    what: 'bf16 products need AVX512-BF16 or AMX',
    got: `the '${isa}' kernels`,
    fix: "Use precision 'float32'",
  });
}

export class NativeBackend extends KernelBackend {
  /** Block edge that some cpu kernels ask for. */
  readonly blockSize = 48;
  #precision: MatMulPrecision = 'float32';
  #buffers = 0;
  // ids made by another backend whose data moved here
  readonly #foreign: WeakMap<object, NativeBuffer> = new WeakMap();

  /** Precision of the products that run from now on. @throws NativeError without bf16 */
  get matMulPrecision(): MatMulPrecision {
    return this.#precision;
  }

  set matMulPrecision(precision: MatMulPrecision) {
    this.requirePrecision(precision);
    this.#precision = precision;
  }

  /** @throws NativeError for an unknown precision, or when the machine has no bf16 products */
  requirePrecision(precision: MatMulPrecision): void {
    if (precision !== 'float32' && precision !== 'bf16')
      throw new NativeError('ERR_CONFIG', {
        where: 'native',
        what: 'unknown precision',
        got: String(precision),
        wanted: 'float32 or bf16',
      });
    if (precision === 'bf16' && optionalOp('gemm_bf16') < 0) throw noBf16();
  }

  /** The table interface that cpu kernels use. */
  readonly data: { get(id: object): NativeBuffer; has(id: object): boolean } = {
    get: (id) => this.buffer(id),
    has: (id) => this.#find(id) !== undefined,
  };

  #find(id: object): NativeBuffer | undefined {
    if (id instanceof NativeBuffer) return id.refCount > 0 ? id : undefined;
    return this.#foreign.get(id);
  }

  /** The storage behind a dataId; data of another backend is moved here first. @throws NativeError for a disposed tensor */
  buffer(id: object): NativeBuffer {
    const found = this.#find(id);
    if (found !== undefined) return found;
    if (tf.state.tensorInfo.has(id)) engine().moveData(this, id);
    const moved = this.#find(id);
    if (moved === undefined)
      throw new NativeError('ERR_BACKEND', { where: 'native', what: 'this tensor has no data; was it disposed?' });
    return moved;
  }

  /** Where a tensor's elements are. */
  address(tensor: TensorInfo): number {
    const id = tensor.dataId as NativeBuffer;
    const address = id.address > 0 ? id.address : this.buffer(id).place();
    if (heap.observer !== undefined) heap.observer.touched(address);
    return address;
  }

  /** An uninitialised tensor for a kernel's result. */
  output(shape: number[], dtype: DataType = 'float32'): TensorInfo {
    this.#buffers++;
    return { dataId: new NativeBuffer(util.sizeFromShape(shape), dtype), shape, dtype };
  }

  /** A float32 tensor whose values are in blocks. */
  inBlocks(shape: number[], blocks: Blocks): TensorInfo {
    this.#buffers++;
    return { dataId: new NativeBuffer(util.sizeFromShape(shape), 'float32', false, blocks), shape, dtype: 'float32' };
  }

  /** A tensor that shares another's storage under a new shape. */
  alias(tensor: TensorInfo, shape: number[], dtype: DataType = tensor.dtype): TensorInfo {
    this.buffer(tensor.dataId).refCount++;
    return { dataId: tensor.dataId, shape, dtype };
  }

  // ---- storage --------------------------------------------------------------------------------------------------------

  override write(values: Values, shape: number[], dtype: DataType): NativeBuffer {
    const id = new NativeBuffer(util.sizeFromShape(shape), dtype, true);
    this.#buffers++;
    this.#fill(id, values);
    return id;
  }

  #fill(id: NativeBuffer, values: Values | undefined): void {
    if (values === undefined || values === null) return;
    if (id.dtype === 'string') id.strings = values as Uint8Array[];
    else if (id.dtype === 'complex64') {
      const { real, imag } = backend_util.splitRealAndImagArrays(values as Float32Array);
      const shape = [real.length];
      id.complexTensorInfos = {
        real: this.makeTensorInfo(shape, 'float32', real),
        imag: this.makeTensorInfo(shape, 'float32', imag),
      };
    } else if (id.size > 0) id.fill(values as Float32Array);
  }

  override move(id: object, values: Values, shape: number[], dtype: DataType, refCount: number): void {
    const storage = new NativeBuffer(util.sizeFromShape(shape), dtype, true);
    this.#buffers++;
    this.#fill(storage, values);
    storage.refCount = refCount;
    if (!(id instanceof NativeBuffer)) {
      this.#foreign.set(id, storage);
      return;
    }
    // our own id comes back from another backend: it takes the new block over
    id.size = storage.size;
    id.dtype = dtype;
    id.address = storage.address;
    id.strings = storage.strings;
    if (storage.complexTensorInfos) id.complexTensorInfos = storage.complexTensorInfos;
    id.refCount = refCount;
  }

  override readSync(id: object): Values {
    // what the host did with it would be frozen into every replay
    if (isRecording())
      throw new NativeError('ERR_CONFIG', {
        where: 'capture',
        what: "a tensor's value is read inside the step",
        fix: 'Read it after the step',
      });
    const storage = this.buffer(id);
    if (storage.dtype === 'complex64' && storage.complexTensorInfos) {
      const { real, imag } = storage.complexTensorInfos;
      return backend_util.mergeRealAndImagArrays(
        this.readSync(real.dataId) as Float32Array,
        this.readSync(imag.dataId) as Float32Array,
      );
    }
    if (storage.dtype === 'string') return storage.strings ?? [];
    return storage.view().slice(); // a copy: the block will be reused
  }

  override async read(id: object): Promise<Values> {
    return this.readSync(id);
  }

  /**
   * Overwrites a tensor's elements in place, whatever shares them: inputs of a captured program, counters.
   * @param values as many elements as the tensor has
   */
  overwrite(tensor: TensorInfo, values: ArrayLike<number>): void {
    const storage = this.buffer(tensor.dataId);
    if (values.length !== storage.size)
      throw new NativeError('ERR_SHAPE', {
        where: 'overwrite',
        what: 'another number of values than the tensor has elements',
        got: `${values.length}`,
        wanted: `${storage.size}`,
      });
    storage.written();
    storage.view().set(values);
  }

  override disposeData(id: object, force = false): boolean {
    const storage = this.#find(id);
    if (storage === undefined) return true;
    if (--storage.refCount > 0 && !force) return false;
    storage.refCount = 0;
    this.#buffers--;
    if (storage.complexTensorInfos) {
      this.disposeData(storage.complexTensorInfos.real.dataId, true);
      this.disposeData(storage.complexTensorInfos.imag.dataId, true);
      delete storage.complexTensorInfos;
    }
    storage.release();
    if (!(id instanceof NativeBuffer)) this.#foreign.delete(id);
    return true;
  }

  override refCount(id: object): number {
    return this.#find(id)?.refCount ?? 0;
  }

  override incRef(id: object): void {
    this.buffer(id).refCount++;
  }

  decRef(id: object): void {
    const storage = this.#find(id);
    if (storage !== undefined) storage.refCount--;
  }

  override numDataIds(): number {
    return this.#buffers;
  }

  // ---- what tfjs's cpu kernels call -----------------------------------------------------------------------------------

  makeTensorInfo(shape: number[], dtype: DataType, values?: Values | string[]): TensorInfo {
    const encoded =
      dtype === 'string' && values != null && values.length > 0 && util.isString((values as string[])[0] as string)
        ? (values as string[]).map((text) => util.encodeString(text))
        : (values as Values);
    return { dataId: this.write(encoded, shape, dtype), shape, dtype };
  }

  bufferSync<R extends Rank, D extends DataType>(tensor: TensorInfo): TensorBuffer<R, D> {
    const values = this.readSync(tensor.dataId);
    const decoded =
      tensor.dtype === 'string' ? (values as Uint8Array[]).map((bytes) => util.decodeString(bytes)) : values;
    return buffer(tensor.shape as ShapeMap[R], tensor.dtype as D, decoded as never) as TensorBuffer<R, D>;
  }

  makeOutput<T extends Tensor>(values: Values, shape: number[], dtype: DataType): T {
    return engine().makeTensorFromTensorInfo(this.makeTensorInfo(shape, dtype, values), this) as T;
  }

  disposeIntermediateTensorInfo(tensor: TensorInfo): void {
    if (this.#held !== undefined) this.#held.push(tensor);
    else this.disposeData(tensor.dataId);
  }

  // intermediates that a running cpu kernel let go of
  #held: TensorInfo[] | undefined;

  /**
   * Runs a cpu kernel's body. The intermediates it disposes live until it returns: such kernels go on reading a
   * disposed tensor's array, which garbage collection allows on their own backend and reuse of memory would not here.
   */
  holdingIntermediates<T>(body: () => T): T {
    if (this.#held !== undefined) return body();
    this.#held = [];
    try {
      return body();
    } finally {
      const held = this.#held;
      this.#held = undefined;
      for (const tensor of held) this.disposeData(tensor.dataId);
    }
  }

  where(condition: Tensor): Tensor {
    return kernel_impls.whereImpl(condition.shape, this.buffer(condition.dataId).view());
  }

  // ---- facts ----------------------------------------------------------------------------------------------------------

  override async time(f: () => void): Promise<{ kernelMs: number }> {
    flush();
    const start = util.now();
    f();
    flush();
    return { kernelMs: util.now() - start };
  }

  override memory(): { unreliable: boolean } & Record<string, unknown> {
    const { liveBytes, peakBytes, reservedBytes } = heap.report();
    return { unreliable: false, liveBytes, peakBytes, reservedBytes };
  }

  override floatPrecision(): 16 | 32 {
    return 32;
  }

  override epsilon(): number {
    return 1e-7;
  }

  override dispose(): void {
    // tensors free their blocks one by one; segments go with the last reference
  }
}

/** The one backend of this thread. */
export const backend: NativeBackend = new NativeBackend();
