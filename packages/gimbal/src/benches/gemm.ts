// Matrix products in float32, in the shapes of training, generation and control, against PyTorch's; and the large ones
// as a share of what the machine's units can do at all.
import { matMul, randomUniform, type Tensor2D } from '@tensorflow/tfjs-core';
import type { Peer } from '../bench/peer.ts';
import { compare, known } from '../bench/row.ts';
import { type BenchRow, defineSuite, type SuiteContext } from '../bench/suite.ts';
import { nativePackage } from '../run/native.ts';

interface Product {
  m: number;
  k: number;
  n: number;
  /** N = as stored, T = transposed: NT is x·yᵀ, a Linear layer's forward pass in PyTorch's layout */
  form?: 'NN' | 'NT' | 'TN';
  /** the share of peak it must reach */
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
    // the ceiling is the largest of many measurements between the rows: a disturbed one would flatter the shares
    let peak = 0;
    const shares: { row: BenchRow; goal: number }[] = [];
    for (const product of products) {
      peak = Math.max(peak, native?.measurePeak() ?? 0);
      const row = await measure(context, product, peer);
      yield row;
      if (product.share !== undefined) shares.push({ row, goal: product.share });
    }
    if (peak === 0) return;
    for (const { row, goal } of shares)
      yield known({ ...row, name: `${row.name}, share of peak`, peer: peak, more: true, goal });
  },
});

async function measure(context: SuiteContext, product: Product, peer: Peer | undefined): Promise<BenchRow> {
  const { m, k, n, form = 'NN', fresh = false } = product;
  const transposeA = form === 'TN';
  const transposeB = form === 'NT';
  const bytes = 4 * (m * k + k * n + m * n);
  const sets = fresh ? Math.max(2, Math.min(64, Math.floor(workingSetBytes / bytes))) : 1;
  const operands = Array.from({ length: sets }, (_, i) => ({
    x: randomUniform(transposeA ? [k, m] : [m, k], -1, 1, 'float32', context.options.seed + 2 * i) as Tensor2D,
    y: randomUniform(transposeB ? [n, k] : [k, n], -1, 1, 'float32', context.options.seed + 2 * i + 1) as Tensor2D,
  }));
  const row = await compare(context, {
    name: `${m}×${k}×${n}${form === 'NN' ? '' : ` ${form}`}${fresh ? ', operands from memory' : ''}`,
    unit: 'GFLOP/s',
    value: (seconds) => (2 * m * k * n) / seconds / 1e9,
    goal: fresh ? null : 1,
    work: (calls) => {
      for (let i = 0; i < calls; i++) {
        const { x, y } = operands[i % sets] as { x: Tensor2D; y: Tensor2D };
        matMul(x, y, transposeA, transposeB).dispose();
      }
    },
    against: { peer, case: 'product', arguments: { m, k, n, transposeA, transposeB, fresh } },
    sampling: { rounds: 11, roundSeconds: 0.12, budgetSeconds: 8 },
  });
  for (const { x, y } of operands) {
    x.dispose();
    y.dispose();
  }
  return row;
}
