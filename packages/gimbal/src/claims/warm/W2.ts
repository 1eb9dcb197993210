// Without a shared origin nothing connects: two models from different random starts.
import { bradleyTerryLoss } from '@gimbal/reward-models';
import { disposeTree, interpolateTrees, type Params, rng } from '@gimbal/tensor-core';
import { tensor1d, tidy } from '@tensorflow/tfjs-core';
import { defineClaim } from '../../reproduce/claim.ts';
import { mean, verdict } from '../../reproduce/verdict.ts';
import { fineTune } from '../../warm/dense-members.ts';
import { initNetwork } from '../../warm/dense-network.ts';
import { accuracy, pairsOf, score, sizes } from './internal/experiment.ts';

export const claim = defineClaim({
  id: 'W2',
  claim: 'halfway between two models from different random starts the loss is far above that of either',
  paper: '§3.2: linear mode connectivity needs a shared pretraining',
  wanted:
    'training loss at λ = ½ ≥ 5 × that of the worse end, training accuracy at least .05 below it; no noise, 400 steps at 1e-3',
  seeds: [0, 1, 2],
  async run({ seeds, signal }) {
    const [ratios, drops]: [number[], number[]] = [[], []];
    const losses: string[] = [];
    for (const seed of seeds) {
      const { train } = pairsOf(seed, 0);
      const ends: Params[] = [];
      for (const side of ['a', 'b']) {
        const stream = rng(seed).split('W2').split(side);
        const { body, head } = initNetwork(stream.split('init'), sizes) as { body: Params; head: Params };
        ends.push(
          await fineTune({ body, head }, train, { learningRate: 1e-3, dropout: 0.05, stream, steps: 400, signal }),
        );
      }
      const [a, b] = ends as [Params, Params];
      const middle = interpolateTrees(a, b, 0.5) as Params;
      const [one, two, half] = [a, b, middle].map((p) => fit(p, train)) as [Fit, Fit, Fit];
      const worse = one.loss > two.loss ? one : two;
      ratios.push(half.loss / worse.loss);
      drops.push(Math.min(one.accuracy, two.accuracy) - half.accuracy);
      losses.push(`${half.loss.toFixed(3)} against ${worse.loss.toFixed(3)}`);
      for (const tree of [a, b, middle]) disposeTree(tree);
    }
    const text = `loss ${mean(ratios).toFixed(1)} × the worse end (${losses.join('; ')}); accuracy ${mean(drops).toFixed(3)} below`;
    return verdict(text, ratios, { 'loss ≥ 5 ×': mean(ratios) >= 5, 'accuracy drops .05': mean(drops) >= 0.05 });
  },
});

interface Fit {
  loss: number;
  accuracy: number;
}

function fit(params: Params, { n, chosen, rejected }: ReturnType<typeof pairsOf>['train']): Fit {
  const [a, b] = [score(params, chosen), score(params, rejected)];
  const loss = tidy(() => bradleyTerryLoss(tensor1d(a), tensor1d(b)).dataSync()[0] as number) / n;
  return { loss, accuracy: accuracy(a.map((x, i) => x - (b[i] as number))) };
}
