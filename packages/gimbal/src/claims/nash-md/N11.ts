// A preference model and a reward model on the same cyclic labels: three styles, each preferred to the next by four of five.
import { dataset, decoderConfig } from '@gimbal/language-models';
import {
  type PairRow,
  PreferenceTrainer,
  pairwiseAccuracy,
  preferenceAccuracy,
  preferenceFn,
  preferenceModel,
  preferenceOrderBias,
  RewardTrainer,
  rewardFn,
  rewardModel,
} from '@gimbal/reward-models';
import { disposeTree, type Rng, rng, StoppedError, schedules } from '@gimbal/tensor-core';
import { wordTokenizer } from '@gimbal/vec2text';
import { newsroom } from '@gimbal/worlds';
import { Checks } from '../../reproduce/checks.ts';
import { defineClaim } from '../../reproduce/claim.ts';
import { mean } from '../../reproduce/verdict.ts';

const [agreement, pairs, heldOut, steps, batchSize] = [0.8, 2000, 4000, 300, 64];
const world = newsroom({ preset: 'mini' });
const styles = world.vocabulary.slice(-world.settings.styles);
const tokenizer = wordTokenizer(world.vocabulary.slice(4)); // it has marks of its own

export const claim = defineClaim({
  id: 'N11',
  claim: 'a preference model learns preferences that run in a circle, a reward model of the same size cannot',
  paper:
    'section 3.2 and appendix C: no reward expresses a cycle; test accuracy .78 of its preference, .76 of its reward model',
  wanted: `labels that agree with the circle in ${agreement} of cases, ${pairs} pairs, mean of the seeds: held-out accuracy of the preference model ≥ .77 (.8 at best) and of the reward model at least .10 less (a ranking: .6); order bias ≤ 1e-6`,
  seeds: [0, 1, 2],
  async run({ seeds, signal, note }) {
    const checks = new Checks();
    const [preferred, rewarded]: [number[], number[]] = [[], []];
    let bias = 0;
    for (const seed of seeds) {
      const found = await measure(seed, signal);
      note(
        `N11 seed ${seed}: preference model ${found.preferred.toFixed(3)}, reward model ${found.rewarded.toFixed(3)}`,
      );
      preferred.push(found.preferred);
      rewarded.push(found.rewarded);
      bias = Math.max(bias, found.bias);
    }
    const [p, r] = [mean(preferred), mean(rewarded)];
    checks.least('accuracy of the preference model', p, 0.77);
    checks.least('accuracy above the reward model’s', p - r, 0.1);
    checks.most('order bias', bias, 1e-6);
    return checks.result(
      `accuracy ${p.toFixed(3)} and ${r.toFixed(3)} on ${heldOut} held-out labels, order bias ${bias.toExponential(0)}`,
    );
  },
});

interface Measured {
  preferred: number;
  rewarded: number;
  bias: number;
}

async function measure(seed: number, signal: AbortSignal): Promise<Measured> {
  const stream = rng(seed).split('claims.N11');
  const data = dataset(labelled(pairs, stream.split('train')));
  const rows = labelled(heldOut, stream.split('held out'));
  const body = decoderConfig({
    ...{ family: 'gpt2', vocabularySize: tokenizer.size, width: 32, layers: 2, heads: 4, contextLength: 48 },
    ...{ initializerRange: 0.8 / Math.sqrt(32), eosIds: [tokenizer.special.eos as number] },
  });
  const common = {
    ...{ tokenizer, data, batchSize, seed, logEvery: steps },
    learningRate: schedules.linear({ peak: 3e-3, steps, warmup: 20 }),
  };
  const [pairwise, single] = [preferenceModel(body), rewardModel(body)];
  const [start, other] = [pairwise.init(stream.split('preference')), single.init(stream.split('reward'))];
  try {
    using preference = new PreferenceTrainer({ ...common, model: pairwise, params: start });
    using reward = new RewardTrainer({ ...common, model: single, params: other });
    for (const trainer of [preference, reward]) {
      await trainer.run({ steps, signal });
      if (trainer.stopReason === 'signal')
        throw new StoppedError({
          where: 'gimbal reproduce nash-md',
          what: 'stopped while a model learned N11’s labels',
        });
    }
    const fn = preferenceFn(pairwise, preference.params, tokenizer, { batchSize: 256 });
    const some = rows.slice(0, 500);
    const side = (name: 'prompt' | 'chosen' | 'rejected'): string[] => some.map((row) => row[name]);
    return {
      preferred: (await preferenceAccuracy(fn, rows)).value,
      rewarded: (await pairwiseAccuracy(rewardFn(single, reward.params, tokenizer, { batchSize: 256 }), rows)).value,
      bias: await preferenceOrderBias(fn, side('prompt'), side('chosen'), side('rejected')),
    };
  } finally {
    disposeTree(start);
    disposeTree(other);
  }
}

/** Two summaries of an article in different styles; the label says whose style beats the other's, four times in five. */
function labelled(n: number, draws: Rng): PairRow[] {
  return Array.from({ length: n }, () => {
    const [article] = world.articles(1, draws);
    if (article === undefined) throw new TypeError('no article was drawn');
    const style = draws.int(styles.length);
    const told = (at: number): string =>
      [styles[at % styles.length], ...world.reference(article, draws).split(' ').slice(1)].join(' ');
    // each style beats the one after it
    const pair = [told(style), told(style + 1)] as [string, string];
    const better = draws.uniform() < agreement ? 0 : 1;
    return { prompt: article.text, chosen: pair[better], rejected: pair[1 - better] as string };
  });
}
