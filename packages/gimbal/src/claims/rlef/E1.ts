// What a token is rewarded with, on sequences made by hand.
import { klRewards, TokenPolicyTrainer } from '@gimbal/fma-pg';
import { type EntailmentJudge, entailmentReward } from '@gimbal/reward-models';
import { disposeTree, type TokenBatch, type TokenPolicy } from '@gimbal/tensor-core';
import { gather, logSoftmax, type Tensor, type Tensor2D, tensor2d, tidy, zeros } from '@tensorflow/tfjs-core';
import { defineClaim } from '../../reproduce/claim.ts';
import { verdict } from '../../reproduce/verdict.ts';

const tolerance = 1e-6;
/** log p of three sequences under the policy and the reference, and their lengths, ends included */
const policy = [
  [-0.5, -1.25, -0.75, -2],
  [-3, -0.125, 0, 0],
  [-1, 0, 0, 0],
];
const reference = [
  [-0.25, -1.5, -1.75, -0.5],
  [-0.5, -2, 9, -9],
  [-4, 7, 7, 7],
];
const lengths = [4, 2, 1];
/** log P(entailment) of each */
const nli = [-0.25, -3, -0.5];
const floor = Math.log(0.03);

export const claim = defineClaim({
  id: 'E1',
  claim:
    'entailment is paid at the end of a summary and nowhere else, the KL at each token; α weighs the two; what is cut off gets the floor',
  paper: '§2: r = (1 − α) r_NLI + α r_KL, r_NLI at EOS only, r_KL = log π_SL − log π at each token',
  wanted:
    'to 1e-6: at α = 1 no entailment, at α = 0 no KL; Σ r_KL is minus the log-ratio; nothing at padding; the floor without an end',
  seeds: [0],
  async run({ seeds }) {
    const off: Record<string, number> = {};
    const ratio = (b: number): number =>
      sumOf(lengths[b] as number, (t) => (policy[b]?.[t] as number) - (reference[b]?.[t] as number));
    const each = (of: (b: number) => number): number => Math.max(...lengths.map((_, b) => of(b)));

    const entailment = rewards(0);
    off['α = 0: all of it at the end'] = each((b) =>
      Math.abs((entailment[b]?.[(lengths[b] as number) - 1] as number) - (nli[b] as number)),
    );
    off['α = 0: nothing before it, nor behind'] = each((b) =>
      largest(entailment[b], (t) => t !== (lengths[b] as number) - 1),
    );
    const kl = rewards(1);
    off['α = 1: Σ is minus the log-ratio'] = each((b) => Math.abs(sumOf(4, (t) => kl[b]?.[t] as number) + ratio(b)));
    off['α = 1: no entailment'] = each((b) =>
      largest(
        kl[b]?.map((r, t) => r - ((reference[b]?.[t] as number) - (policy[b]?.[t] as number))),
        (t) => t < (lengths[b] as number),
      ),
    );
    off['α = 1: nothing at padding'] = each((b) => largest(kl[b], (t) => t >= (lengths[b] as number)));
    for (const alpha of [0.1, 0.5]) {
      const mixed = rewards(alpha);
      off[`α = ${alpha}: Σ is (1 − α) entailment − α log-ratio`] = each((b) =>
        Math.abs(sumOf(4, (t) => mixed[b]?.[t] as number) - ((1 - alpha) * (nli[b] as number) - alpha * ratio(b))),
      );
    }
    const [whole, cut] = [await rewarded(true, seeds[0] ?? 0), await rewarded(false, seeds[0] ?? 0)];
    off['an ended summary gets the judge’s answer'] = Math.abs(whole - (nli[0] as number));
    off['one without an end gets the floor'] = Math.abs(cut - floor);
    const conditions = Object.fromEntries(
      Object.entries(off).map(([name, x]) => [`${name} (off by ${x})`, x <= tolerance]),
    );
    return verdict(`off by at most ${Math.max(...Object.values(off)).toExponential(1)}`, [], conditions);
  },
});

/** [3, 4], by the function that the trainer rewards tokens with. */
const rewards = (klCoef: number): number[][] =>
  tidy(() => {
    const mask = tensor2d(lengths.map((n) => [0, 1, 2, 3].map((t) => (t < n ? 1 : 0))));
    const o = { klCoef, klMixing: 'convex' } as const;
    return klRewards(tensor2d(policy), tensor2d(reference), mask, Float32Array.from(nli), o).arraySync();
  });

const sumOf = (n: number, of: (t: number) => number): number =>
  Array.from({ length: n }, (_, t) => of(t)).reduce((a, b) => a + b, 0);

const largest = (row: readonly number[] | undefined, counts: (t: number) => boolean): number =>
  Math.max(0, ...(row ?? []).map((x, t) => (counts(t) ? Math.abs(x) : 0)));

/** Mean reward of a step of the trainer whose completions all end, or are all cut off. */
async function rewarded(ends: boolean, seed: number): Promise<number> {
  const completions = (n: number): TokenBatch => ({
    ids: Int32Array.from({ length: 3 * n }, (_, i) => (ends && i % 3 === 2 ? 0 : 1)),
    width: 3,
    lengths: new Int32Array(n).fill(3),
    ended: new Uint8Array(n).fill(ends ? 1 : 0),
  });
  const table: TokenPolicy = {
    sample: async (_, prompts) => completions(prompts.lengths.length),
    logProbs: (params, _, { ids, width }) =>
      tidy(
        () =>
          gather(logSoftmax(params.logits as Tensor), tensor2d(ids, [ids.length / width, width], 'int32')) as Tensor2D,
      ),
  };
  const judge: EntailmentJudge = {
    name: 'by hand',
    logProb: async (premises) => new Float32Array(premises.length).fill(nli[0] as number),
  };
  const params = { logits: zeros([2]) };
  const codec = {
    encode: (texts: readonly string[]): TokenBatch => ({
      ids: new Int32Array(texts.length),
      width: 1,
      lengths: new Int32Array(texts.length).fill(1),
    }),
    decode: ({ lengths: rows }: TokenBatch): string[] => Array.from(rows, () => 'a summary'),
  };
  using trainer = new TokenPolicyTrainer({
    policy: table,
    params,
    codec,
    prompts: ['an article'],
    reward: entailmentReward(judge),
    missingEos: { reward: floor },
    klCoef: 0.1,
    klMixing: 'convex',
    batchSize: 4,
    samplesPerPrompt: 4,
    maxNewTokens: 3,
    learningRate: 1e-3,
    seed,
  });
  let reward = Number.NaN;
  for await (const step of trainer.train({ steps: 1 })) reward = step.reward as number;
  disposeTree(params);
  return reward;
}
