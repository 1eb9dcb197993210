// A weight-averaged reward model of noisy preferences beside the judge.
import { averageMembers, entailmentReward, rewardStats } from '@gimbal/reward-models';
import { disposeTree, type RewardFn, rng } from '@gimbal/tensor-core';
import { defineClaim } from '../../reproduce/claim.ts';
import { intervalOf, mean, signed } from '../../reproduce/verdict.ts';
import { summaryFeatures } from '../../warm/summary-features.ts';
import { densePairs, pretrainedBody, summaryReward, trainMembers } from '../../warm/summary-rewards.ts';
import { desk, epsilon, type Written, write } from './internal/desk.ts';
import { slotJudge } from './internal/judges.ts';
import { measure } from './internal/measure.ts';
import { reinforced } from './internal/reinforced.ts';
import { summariser } from './internal/supervised.ts';

const [labels, pairs, members, swap] = [4000, 1000, 6, 0.25];

export const claim = defineClaim({
  id: 'E13',
  claim:
    'a weight-averaged reward model of noisy preferences, mixed with the judge, costs no quality beside the judge alone',
  paper: 'not in the paper: WARM (2401.12187) in its place of one reward model',
  wanted:
    'reported: r* at T = 1 of ½ judge + ½ average, both standardised, against that of the judge alone − .1; α = .1',
  fullOnly: true,
  seeds: [0, 1],
  async run({ seeds, signal, note }) {
    const gains: number[] = [];
    const found: { name: string; quality: number; entailed: number }[] = [];
    for (const seed of seeds) {
      const { judge, dispose } = await slotJudge(labels, seed, signal);
      const alone = entailmentReward(judge);
      const { params: sl } = await summariser(signal);
      const stream = rng(seed).split('E13');
      // the summariser's own samples, labelled by an annotator who is wrong in a quarter of the cases
      const articles = desk.articles(4 * pairs, stream.split('articles'));
      const texts = articles.map(({ text }) => text);
      const sides: Written[][] = [];
      for (const side of ['a', 'b'])
        sides.push(await write(sl, texts, { temperature: 1, seed: `E13 ${seed} ${side}`, signal }));
      const slips = stream.split('slips');
      const rows = articles
        .flatMap((article, i) => {
          const [a, b] = sides.map((side) => side[i]?.text ?? '') as [string, string];
          const gap = desk.quality(article, a) - desk.quality(article, b);
          const [chosen, rejected] = gap > 0 !== slips.uniform() < swap ? [a, b] : [b, a];
          return gap === 0 ? [] : [{ prompt: article.text, chosen, rejected }];
        })
        .slice(0, pairs);
      const features = summaryFeatures(judge, desk.vocabulary.slice(desk.ids.pol + 1));
      const dense = await densePairs(features, rows);
      const body = await pretrainedBody(dense, stream.split('body'), signal);
      const trees = await trainMembers(body, dense, {
        members,
        steps: 60,
        learningRate: 2e-3,
        stream: stream.split('members'),
        signal,
      });
      const average = averageMembers(trees.map((params, run) => ({ params, lineage: { pretrainId: 'E13', run } })));
      const model = summaryReward(features, average);
      const samples = rows.slice(0, 500).map(({ prompt, chosen }) => ({ prompt, completion: chosen }));
      const [own, other] = [await rewardStats(alone, samples), await rewardStats(model, samples)];
      const mixed: RewardFn = async (prompts, completions) => {
        const [a, b] = [await alone(prompts, completions), await model(prompts, completions)];
        return a.map((r, i) => {
          const [x, y] = [((r ?? 0) - own.mean) / own.std, ((b[i] as number) - other.mean) / other.std];
          return 0.5 * x + 0.5 * y;
        });
      };
      const standardised: RewardFn = async (prompts, completions) =>
        (await alone(prompts, completions)).map((r) => ((r ?? 0) - own.mean) / own.std);
      const cut = (Math.log(epsilon) - own.mean) / own.std;
      const quality: number[] = [];
      for (const [name, reward] of [
        ['judge alone', standardised],
        ['judge and average', mixed],
      ] as const) {
        const { params } = await reinforced({ name: `E13 ${name}`, reward, alpha: 0.1, seed, cut }, signal);
        const of = await measure(params, { temperature: 1, signal });
        quality.push(of.quality);
        found.push({ name, quality: of.quality, entailed: of.entailed });
        note(`${name}, seed ${seed}: r* ${of.quality.toFixed(2)}, entailed ${of.entailed.toFixed(3)}`);
      }
      gains.push((quality[1] as number) - (quality[0] as number));
      dispose();
      for (const tree of [body, average, ...trees]) disposeTree(tree);
    }
    const texts = ['judge alone', 'judge and average'].map((name) => {
      const some = found.filter((one) => one.name === name);
      return `${name}: r* ${mean(some.map((s) => s.quality)).toFixed(2)}, entailed ${mean(some.map((s) => s.entailed)).toFixed(3)}`;
    });
    const measured = `${texts.join('; ')}; r* ${signed(mean(gains))}`;
    return { measured, ...intervalOf(gains), verdict: 'reported' };
  },
});
