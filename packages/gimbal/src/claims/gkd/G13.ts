// The loss in chunks of rows against the loss from all logits at once.
import { chunkedDistillLoss, type Divergence, distillLoss } from '@gimbal/gkd';
import { disposeTree, type Params, rng, valueAndGrad } from '@gimbal/tensor-core';
import {
  matMul,
  ones,
  profile,
  reshape,
  type Scalar,
  type Tensor,
  type Tensor2D,
  type Tensor3D,
  tidy,
} from '@tensorflow/tfjs-core';
import { breathe, Checks } from '../../reproduce/checks.ts';
import { defineClaim } from '../../reproduce/claim.ts';

const [V, D, B, T] = [20_000, 16, 4, 64];
const rows = B * T;
const chunks = [1, 7, 32, 256];
const kinds: readonly Divergence[] = ['fkl', 'rkl', { kind: 'jsd', beta: 0.5 }];

export const claim = defineClaim({
  id: 'G13',
  claim:
    'a loss that makes the logits of a few rows at a time is the loss from all of them, in a fraction of the memory',
  paper: 'not in the paper: what makes full distributions over large vocabularies affordable',
  wanted: `V ${V}, ${rows} rows, chunks ${chunks.join(', ')}: loss within 1e-5, gradients within 1e-4, relative; peak bytes ≤ 25 % of the dense loss's up to 32 rows`,
  seeds: [0],
  async run({ seeds, signal }) {
    const checks = new Checks();
    const worst = { loss: 0, gradient: 0, share: 0 };
    for (const seed of seeds) {
      const stream = rng(seed).split('claims.G13');
      const normal = (name: string, shape: number[]): Tensor => stream.split(name).normalTensor(shape, 0, 1);
      const given = {
        ...{ hidden: normal('hidden', [B, T, D]), head: normal('head', [V, D]) },
        ...{ teacherHidden: normal('teacher', [rows, D]), teacherHead: normal('teacherHead', [V, D]) },
        mask: ones([B, T]),
      };
      const { mask, teacherHidden, teacherHead } = given as unknown as Record<string, Tensor2D>;
      const trained = { hidden: given.hidden, head: given.head };
      for (const divergence of kinds) {
        const dense = await measured(trained, ({ hidden, head }) => {
          const logits = (h: Tensor, w: Tensor): Tensor3D =>
            reshape(matMul(reshape(h, [rows, D]) as Tensor2D, w as Tensor2D, false, true), [B, T, V]) as Tensor3D;
          const zT = logits(teacherHidden as Tensor, teacherHead as Tensor);
          return distillLoss({ zS: logits(hidden, head), zT, mask: mask as Tensor2D, divergence });
        });
        for (const rowsPerChunk of chunks) {
          await breathe(signal);
          const found = await measured(trained, ({ hidden, head }) =>
            chunkedDistillLoss({
              ...{ hiddenS: hidden as Tensor3D, headS: head as Tensor2D, mask: mask as Tensor2D },
              ...{
                teacher: { hidden: teacherHidden as Tensor2D, head: teacherHead as Tensor2D },
                divergence,
                rowsPerChunk,
              },
            }),
          );
          const name = `${JSON.stringify(divergence)}, ${rowsPerChunk} rows`;
          const loss = Math.abs(found.loss / dense.loss - 1);
          worst.loss = Math.max(worst.loss, loss);
          checks.most(`${name}: loss`, loss, 1e-5);
          for (const path of ['hidden', 'head'] as const) {
            const off = apart(found.grads[path], dense.grads[path]);
            worst.gradient = Math.max(worst.gradient, off);
            checks.most(`${name}: gradient of ${path}`, off, 1e-4);
          }
          if (rowsPerChunk > 32) continue;
          const share = found.peak / dense.peak;
          worst.share = Math.max(worst.share, share);
          checks.most(`${name}: peak bytes, of the dense loss's`, share, 0.25);
        }
      }
      disposeTree(given as unknown as Params);
    }
    const { loss, gradient, share } = worst;
    return checks.result(
      `loss within ${loss.toExponential(1)}, gradients ${gradient.toExponential(1)}, peak bytes up to ${(100 * share).toFixed(0)} %`,
    );
  },
});

type Pair<X> = { hidden: X; head: X };

interface Found {
  loss: number;
  grads: Pair<Float32Array>;
  /** bytes of all tensors at the most, those that were there before included */
  peak: number;
}

async function measured(params: Pair<Tensor>, f: (p: Pair<Tensor>) => Scalar): Promise<Found> {
  const found: { loss: number; grads?: Pair<Float32Array> } = { loss: Number.NaN };
  const { peakBytes } = await profile(() => {
    tidy(() => {
      const { value, grads } = valueAndGrad(f)(params);
      found.loss = value.dataSync<'float32'>()[0] as number;
      const read = (t: Tensor): Float32Array => t.dataSync<'float32'>().slice();
      found.grads = { hidden: read(grads.hidden), head: read(grads.head) };
    });
  });
  return { loss: found.loss, grads: found.grads as Pair<Float32Array>, peak: peakBytes };
}

/** ‖a − b‖ / ‖b‖ */
function apart(a: Float32Array, b: Float32Array): number {
  let [difference, whole] = [0, 0];
  for (const [i, x] of b.entries()) {
    difference += ((a[i] as number) - x) ** 2;
    whole += x * x;
  }
  return Math.sqrt(difference / whole);
}
