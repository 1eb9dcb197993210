// One step of on-policy distillation on a decoder, against TRL's; divergences with their gradients over a large
// vocabulary, against the same composed of tfjs's ops.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Divergence, GkdTrainer, modelTeacher, tokenDivergence, type Vocabulary } from '@gimbal/gkd';
import { decoder, padBatch, rowOf, savePretrained } from '@gimbal/language-models';
import { type DivergenceOptions, disposeTree, divergenceWithGradient, rng, valueAndGrad } from '@gimbal/tensor-core';
import {
  add,
  exp,
  log,
  logSoftmax,
  mul,
  ones,
  type Scalar,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  tidy,
} from '@tensorflow/tfjs-core';
import { countHostKernels } from '../bench/host-kernels.ts';
import { compare, known } from '../bench/row.ts';
import { ours } from '../bench/sampler.ts';
import { type BenchRow, defineSuite, type SuiteContext } from '../bench/suite.ts';
import { nativePackage } from '../run/native.ts';
import { gpt2Sizes, randomIds } from './internal/lm-workload.ts';

const [rows, promptTokens, newTokens] = [16, 64, 64];
const jsd: Divergence = { kind: 'jsd', beta: 0.5 };
const divergences: Readonly<Record<string, Divergence>> = { JSD: jsd, 'forward KL': 'fkl', 'reverse KL': 'rkl' };
const opOf: Readonly<Record<string, DivergenceOptions>> = {
  JSD: { kind: 'jsd', mix: 0.5 },
  'forward KL': { kind: 'fkl' },
  'reverse KL': { kind: 'rkl' },
};
const [tokens, vocabulary] = [256, 32_000];

export const suite = defineSuite({
  name: 'gkd',
  summary: 'a step of on-policy distillation on a 4-layer decoder, and divergences over 32,000 tokens',
  async *run(context) {
    // in plain JavaScript one step takes minutes
    if (context.backend !== 'cpu') yield await modelStep(context);
    yield* kernel(context);
  },
});

/** The student of two layers samples, the teacher of four scores, update with AdamW. */
async function modelStep(context: SuiteContext): Promise<BenchRow> {
  const peer = await context.peer('gkd_step.py');
  // TRL's generation without a cache asks for positions behind the last token
  const sizes = { ...gpt2Sizes, contextLength: 256, eosIds: [0] };
  const [large, small] = [decoder(sizes), decoder({ ...sizes, layers: 2 })];
  const stream = rng(context.options.seed);
  const [teacher, student] = [large.init(stream.split('teacher')), small.init(stream.split('student'))];
  const folder = await mkdtemp(join(tmpdir(), 'gimbal-bench-gkd-'));
  const paths = { teacher: join(folder, 'teacher'), student: join(folder, 'student') };
  try {
    await savePretrained(paths.teacher, large, teacher);
    await savePretrained(paths.student, small, student);
    const prompts = randomIds(sizes, rows, promptTokens, context.options.seed);
    const words: Vocabulary = {
      size: sizes.vocabularySize,
      special: { eos: 0, pad: 0 },
      token: (id) => `${id}`,
      encode: (texts) =>
        padBatch(
          texts.map((text) => Int32Array.from(text.split(' ').map(Number))),
          0,
        ),
      decode: (batch) => Array.from(batch.lengths, (_, row) => rowOf(batch, row).join(' ')),
    };
    using trainer = new GkdTrainer({
      ...{ student: small, params: student, tokenizer: words, teacher: modelTeacher(large, teacher, words) },
      ...{ divergence: jsd, lambda: 1, maxNewTokens: newTokens, batchSize: rows, learningRate: 1e-5, seed: 0 },
      prompts: prompts.map((ids) => ids.join(' ')),
    });
    return await compare(context, {
      name: `step, student of 2 layers and teacher of 4, ${rows} prompts and completions of ${promptTokens} tokens`,
      unit: 'ms',
      value: (seconds) => seconds * 1e3,
      goal: 2,
      work: async (calls) => {
        await trainer.run({ steps: trainer.step + calls });
      },
      against: {
        peer,
        case: 'gkd-step',
        arguments: { ...paths, prompts, maxNewTokens: newTokens, beta: 0.5 },
      },
      sampling: { rounds: 5, roundSeconds: 0.5, budgetSeconds: 40 },
    });
  } finally {
    disposeTree(teacher);
    disposeTree(student);
    await rm(folder, { recursive: true });
  }
}

/** Divergences of rows of logits with their gradient: the op, and the sum as one would write it. */
async function* kernel(context: SuiteContext): AsyncGenerator<BenchRow> {
  const stream = rng(context.options.seed).split('logits');
  const n = context.backend === 'cpu' ? 16 : tokens;
  const zS = stream.split('student').normalTensor([n, vocabulary]) as Tensor2D;
  const zT = stream.split('teacher').normalTensor([n, vocabulary]) as Tensor2D;
  const gradientOf = (d: (z: Tensor2D) => Tensor) => {
    const f = valueAndGrad((p: { z: Tensor }): Scalar => sum(d(p.z as Tensor2D)));
    return (): void => {
      tidy(() => {
        const { value, grads } = f({ z: zS });
        value.dataSync();
        // a row of it, so that the gradient has been computed
        return sum(grads.z as Tensor);
      }).dispose();
    };
  };
  const repeated = (f: () => void) => (calls: number) => {
    for (let i = 0; i < calls; i++) f();
  };
  // other backends do not tell what is held at the most
  const native = context.backend === 'native' ? await nativePackage() : undefined;
  for (const [name, d] of Object.entries(divergences)) {
    const sides = [
      gradientOf((z) => tokenDivergence(z, zT, d)),
      gradientOf((z) => (composed[name] as Composed)(logSoftmax(z), logSoftmax(zT))),
    ] as const;
    const { value, hostKernels } = await countHostKernels(() =>
      context.sampler.interleave(
        sides.map((f) => ours(repeated(f))),
        { rounds: 7, roundSeconds: 0.3, budgetSeconds: 15 },
      ),
    );
    const [fused, plain] = value.map((t) => t?.median ?? Number.NaN) as [number, number];
    yield known({
      name: `${name} and gradient, ${n} rows of ${vocabulary} (peer: composed)`,
      unit: 'ms',
      ours: fused * 1e3,
      peer: plain * 1e3,
      goal: 3,
      hostKernels,
    });
    if (native === undefined) continue;
    const peak = (f: () => void): number => {
      native.resetPeakMemory();
      const { liveBytes } = native.memoryInfo();
      f();
      return native.memoryInfo().peakBytes - liveBytes;
    };
    const row = (what: string, [less, more]: readonly [number, number]): BenchRow =>
      known({
        name: `${name}: peak memory of it, ${what} (peer: composed)`,
        unit: 'MB',
        ours: less / 1e6,
        peer: more / 1e6,
        goal: 1 / 0.3,
        hostKernels: 0,
        others: null,
      });
    const [kept, plainly] = [peak(sides[0]), peak(sides[1])];
    yield row('given logits not counted', [kept, plainly]);
    const given = 4 * (zS.size + zT.size);
    const own = add(zS, 0) as Tensor2D;
    const inPlace = peak(() => writtenOver(own, zT, opOf[name] as DivergenceOptions));
    own.dispose();
    yield row('both logits counted, in whose place the op writes its gradient', [given + inPlace, given + plainly]);
  }
  zS.dispose();
  zT.dispose();
}

/** Values and gradient as the trainer's chunks ask for them: the logits are read no more. */
function writtenOver(zS: Tensor2D, zT: Tensor2D, d: DivergenceOptions): void {
  const read = tidy(() => {
    const upstream = ones([zS.shape[0]]) as Tensor1D;
    const { values, gradient } = divergenceWithGradient(zS, zT, upstream, { ...d, overwrite: true });
    return [sum(values), sum(gradient)];
  });
  for (const t of read) {
    t.dataSync();
    t.dispose();
  }
}

/** From log q and log p. */
type Composed = (ls: Tensor, lt: Tensor) => Tensor;

/** Σ a log(a/b) of ops that tfjs has. */
const kl = (la: Tensor, lb: Tensor): Tensor => sum(mul(exp(la), sub(la, lb)), -1);

const composed: Readonly<Record<string, Composed>> = {
  /** β KL(p‖M) + (1 − β) KL(q‖M) */
  JSD: (ls, lt) => {
    const beta = 0.5;
    const lm = log(add(mul(beta, exp(lt)), mul(1 - beta, exp(ls))));
    return add(mul(beta, kl(lt, lm)), mul(1 - beta, kl(ls, lm)));
  },
  'forward KL': (ls, lt) => kl(lt, ls),
  'reverse KL': (ls, lt) => kl(ls, lt),
};
