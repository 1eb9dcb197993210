// Matrix products in float32, in the shapes of training, generation and control, against PyTorch's; and the large ones
// as a share of what the machine's units can do at all.
import { matMul, randomUniform, type Tensor2D } from '@tensorflow/tfjs-core';
import type { Peer } from '../bench/peer.ts';
import { type Comparison, compareWithLimit, known } from '../bench/row.ts';
import type { Contender } from '../bench/sampler.ts';
import { type BenchRow, defineSuite, type SuiteContext } from '../bench/suite.ts';
import { nativePackage } from '../run/native.ts';

interface Product {
  m: number;
  k: number;
  n: number;
  /** N = as stored, T = transposed: NT is x·yᵀ, a Linear layer's forward pass in PyTorch's layout */
  form?: 'NN' | 'NT' | 'TN';
  /** the share of peak it must reach; every product's is shown */
  share?: number;
  /** operands from memory, as in a training step, not from the caches */
  fresh?: boolean;
}

const cubesOfPeak = 0.75;
const products: readonly Product[] = [
  { m: 128, k: 128, n: 128 },
  { m: 256, k: 256, n: 256, share: cubesOfPeak },
  { m: 512, k: 512, n: 512, share: cubesOfPeak },
  { m: 1024, k: 1024, n: 1024, share: cubesOfPeak },
  { m: 2048, k: 2048, n: 2048, share: cubesOfPeak },
  { m: 2048, k: 256, n: 768, share: cubesOfPeak },
  { m: 2048, k: 768, n: 256, form: 'NT', share: cubesOfPeak },
  { m: 256, k: 2048, n: 768, form: 'TN' },
  { m: 2048, k: 256, n: 768, fresh: true },
  { m: 512, k: 512, n: 512, fresh: true },
  { m: 32, k: 256, n: 768 },
  { m: 32, k: 1024, n: 256 },
  { m: 256, k: 17, n: 256 },
  { m: 256, k: 256, n: 12 },
  { m: 1, k: 512, n: 2048 },
];

/** bytes of operands that `fresh` rotates through; the peer does the same */
const workingSetBytes = 64 * 1024 * 1024;

export const suite = defineSuite({
  name: 'gemm',
  summary: 'matrix products in float32',
  async *run(context) {
    const peer = await context.peer('gemm.py');
    const native = context.backend === 'native' ? await nativePackage() : undefined;
    const shares: BenchRow[] = [];
    for (const product of products) {
      const { row, limit } = await measure(context, product, peer, native?.measurePeak);
      yield row;
      if (limit === null) continue;
      const share = { name: `${row.name}, share of peak`, peer: limit, more: true, goal: product.share ?? null };
      shares.push(known({ ...row, ...share }));
    }
    yield* shares;
  },
});

/** One product's row, and what the machine's multiply-adds alone reached in the same rounds, in GFLOP/s. */
async function measure(
  context: SuiteContext,
  product: Product,
  peer: Peer | undefined,
  peak: ((seconds: number) => number | undefined) | undefined,
): Promise<{ row: BenchRow; limit: number | null }> {
  const { m, k, n, form = 'NN', fresh = false } = product;
  const transposeA = form === 'TN';
  const transposeB = form === 'NT';
  const bytes = 4 * (m * k + k * n + m * n);
  const sets = fresh ? Math.max(2, Math.min(64, Math.floor(workingSetBytes / bytes))) : 1;
  const operands = Array.from({ length: sets }, (_, i) => ({
    x: randomUniform(transposeA ? [k, m] : [m, k], -1, 1, 'float32', context.options.seed + 2 * i) as Tensor2D,
    y: randomUniform(transposeB ? [n, k] : [k, n], -1, 1, 'float32', context.options.seed + 2 * i + 1) as Tensor2D,
  }));
  const flop = 2 * m * k * n;
  const comparison: Comparison = {
    name: `${m}×${k}×${n}${form === 'NN' ? '' : ` ${form}`}${fresh ? ', operands from memory' : ''}`,
    unit: 'GFLOP/s',
    value: (seconds) => flop / seconds / 1e9,
    goal: fresh ? null : 1,
    work: (calls) => {
      for (let i = 0; i < calls; i++) {
        const { x, y } = operands[i % sets] as { x: Tensor2D; y: Tensor2D };
        matMul(x, y, transposeA, transposeB).dispose();
      }
    },
    against: { peer, case: 'product', arguments: { m, k, n, transposeA, transposeB, fresh } },
    sampling: { rounds: 11, roundSeconds: 0.12, budgetSeconds: 8 },
  };
  const atPeak: Contender = { seconds: async (calls) => (calls * flop) / ((peak?.(0.02) ?? Number.NaN) * 1e9) };
  const measured = await compareWithLimit(context, comparison, peak && !fresh ? atPeak : undefined);
  for (const { x, y } of operands) {
    x.dispose();
    y.dispose();
  }
  return measured;
}
