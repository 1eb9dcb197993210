// Products as commands: what C++ computes is written in cc/gemm.h. Addresses, sizes and leading dimensions in elements.
import { ACTIVATION, type NativeActivation } from '../activation.ts';
import { backend } from '../backend.ts';
import { emit, op, optionalOp, send, commandWords as words } from '../commands.ts';

const GEMM = op('gemm');
const GEMM_BATCHED = op('gemm_batched');
const GEMM_BF16 = optionalOp('gemm_bf16');
const GEMM_BATCHED_BF16 = optionalOp('gemm_batched_bf16');

/** C = epilogue(alpha op(A) op(B) [+ C]); C is [m, n], op(A) [m, k], op(B) [k, n], all row-major float32. */
export interface Product {
  m: number;
  n: number;
  k: number;
  a: number;
  /** Distance between A's rows as stored; k by default (m when transposed). */
  lda?: number;
  /** A is stored [k, m]. */
  transposeA?: boolean;
  b: number;
  /** Distance between B's rows as stored; n by default (k when transposed). */
  ldb?: number;
  /** B is stored [n, k]. */
  transposeB?: boolean;
  c: number;
  /** Distance between the rows of C and of `pre`, `saved`, `residual`; n by default. */
  ldc?: number;
  alpha?: number;
  /** Add to what C holds. */
  accumulate?: boolean;
  /** [n] */
  bias?: number;
  activation?: NativeActivation;
  /** Of leakyrelu. */
  slope?: number;
  /** [n], of prelu. */
  slopes?: number;
  /** [m, n]: receives the value before the activation. */
  pre?: number;
  /**
   * [m, n]: multiply by act'(saved) instead of applying the activation. `saved` is the value before the activation for
   * gelu, gelu-erf and silu, the value after it for the others.
   */
  saved?: number;
  /** [m, n], added last. */
  residual?: number;
  /** `packedOperand`'s: what stands in place of `b`, which is then not read. */
  packed?: number;
}

/** Runs one product, in the backend's `matMulPrecision`. */
export function product(p: Product): void {
  gemm(
    p.m,
    p.n,
    p.k,
    p.a,
    p.lda ?? (p.transposeA ? p.m : p.k),
    p.transposeA ? 1 : 0,
    p.b,
    p.ldb ?? (p.transposeB ? p.k : p.n),
    p.transposeB ? 1 : 0,
    p.c,
    p.ldc ?? p.n,
    p.alpha ?? 1,
    p.accumulate ? 1 : 0,
    p.bias ?? 0,
    ACTIVATION[p.activation ?? 'linear'],
    p.slope ?? 0,
    p.slopes ?? 0,
    p.pre ?? 0,
    p.saved ?? 0,
    p.residual ?? 0,
    p.packed ?? 0,
  );
}

/**
 * `product` by position. Half a dozen callers with objects of different shapes make each field an uncached look-up, 3 µs
 * a product; small networks feel that.
 */
export function gemm(
  m: number,
  n: number,
  k: number,
  a: number,
  lda: number,
  transposeA: number,
  b: number,
  ldb: number,
  transposeB: number,
  c: number,
  ldc: number,
  alpha: number,
  accumulate: number,
  bias: number,
  activation: number,
  slope: number,
  slopes: number,
  pre: number,
  saved: number,
  residual: number,
  packed: number,
): void {
  words[1] = m;
  words[2] = n;
  words[3] = k;
  words[4] = a;
  words[5] = lda;
  words[6] = transposeA;
  words[7] = b;
  words[8] = ldb;
  words[9] = transposeB;
  words[10] = c;
  words[11] = ldc;
  words[12] = alpha;
  words[13] = accumulate;
  words[14] = bias;
  words[15] = activation;
  words[16] = slope;
  words[17] = slopes;
  words[18] = pre;
  words[19] = saved;
  words[20] = residual;
  words[21] = packed;
  // weights in blocks have one product, in float32
  send(backend.matMulPrecision === 'bf16' && packed % 2 === 0 ? GEMM_BF16 : GEMM, 21);
}

/** `count` products of one form, operands `strideA`, `strideB`, `strideC` elements apart (0: shared). */
export interface ProductBatch extends Omit<Product, 'packed'> {
  count: number;
  strideA: number;
  strideB: number;
  strideC: number;
}

/** Runs a batch of products. */
export function productBatch(p: ProductBatch): void {
  emit(
    backend.matMulPrecision === 'bf16' ? GEMM_BATCHED_BF16 : GEMM_BATCHED,
    p.count,
    p.strideA,
    p.strideB,
    p.strideC,
    p.m,
    p.n,
    p.k,
    p.a,
    p.lda ?? (p.transposeA ? p.m : p.k),
    p.transposeA ? 1 : 0,
    p.b,
    p.ldb ?? (p.transposeB ? p.k : p.n),
    p.transposeB ? 1 : 0,
    p.c,
    p.ldc ?? p.n,
    p.alpha ?? 1,
    p.accumulate ? 1 : 0,
    p.bias ?? 0,
    ACTIVATION[p.activation ?? 'linear'],
    p.slope ?? 0,
    p.slopes ?? 0,
    p.pre ?? 0,
    p.saved ?? 0,
    p.residual ?? 0,
  );
}
