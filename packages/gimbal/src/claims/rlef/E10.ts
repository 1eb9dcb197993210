// Judges that were learned, and one that does not look at who acts.
import { entailmentReward } from '@gimbal/reward-models';
import type { Params } from '@gimbal/tensor-core';
import { defineClaim } from '../../reproduce/claim.ts';
import { mean, signed, verdict } from '../../reproduce/verdict.ts';
import { desk, heldOut, write } from './internal/desk.ts';
import { slotJudge } from './internal/judges.ts';
import { measureTexts } from './internal/measure.ts';
import { reinforced } from './internal/reinforced.ts';
import { summariser } from './internal/supervised.ts';

export const claim = defineClaim({
  id: 'E10',
  claim:
    'a judge of many labels is as good as the oracle, one of few is overestimated by itself, and errors that a judge cannot see stay',
  paper: 'limitations: a good judge is needed; errors it cannot see are not fixed',
  wanted:
    '4000 labels, α = .1: entailed ≥ .85; 1500 labels, α = .02: proxy − true ≥ .01; blind to subjects: share of wrong subjects reported beside the summariser’s',
  fullOnly: true,
  seeds: [0, 1],
  async run({ seeds, signal, note }) {
    const articles = heldOut();
    const texts = articles.map(({ text }) => text);
    const sampled = (params: Params) => write(params, texts, { temperature: 1, seed: 'T 1', signal });
    const wrong = wrongSubjects(await sampled((await summariser(signal)).params));
    const [strong, gap, blind, swaps, accuracies]: number[][] = [[], [], [], [], []];
    for (const seed of seeds) {
      for (const [labels, alpha] of [
        [4000, 0.1],
        [1500, 0.02],
      ] as const) {
        const { judge, accuracy, dispose } = await slotJudge(labels, seed, signal);
        const reward = entailmentReward(judge);
        const { params } = await reinforced({ name: `slots ${labels}`, reward, alpha, seed }, signal);
        const written = await sampled(params);
        const { entailed } = measureTexts(articles, written);
        const scores = await judge.logProb(
          texts,
          written.map(({ text }) => text),
        );
        dispose();
        accuracies?.push(accuracy);
        const proxy = mean(written.map(({ ended }, i) => Number(ended && (scores[i] as number) > Math.log(0.5))));
        note(
          `${labels} labels (accuracy ${accuracy.toFixed(3)}), seed ${seed}: proxy ${proxy.toFixed(3)}, true ${entailed.toFixed(3)}`,
        );
        if (labels === 4000) strong?.push(entailed);
        else gap?.push(proxy - entailed);
      }
      const unseeing = desk.judge(0.03, { blindTo: ['subject'] });
      const { params } = await reinforced({ name: 'blind to subjects', reward: unseeing, alpha: 0.1, seed }, signal);
      const written = await sampled(params);
      swaps?.push(wrongSubjects(written));
      blind?.push(measureTexts(articles, written).entailed);
    }
    const [a, b, c, d] = [strong, gap, swaps, blind].map((v) => mean(v ?? [])) as [number, number, number, number];
    const text = `judges right on ${(accuracies ?? []).map((x) => x.toFixed(3)).join(', ')}; strong ${a.toFixed(3)}; weak proxy − true ${signed(b)}; blind: wrong subjects in ${(100 * c).toFixed(1)} % of clauses (summariser ${(100 * wrong).toFixed(1)} %), entailed ${d.toFixed(3)}`;
    return verdict(text, strong ?? [], { 'strong ≥ .85': a >= 0.85, 'weak proxy − true ≥ .01': b >= 0.01 });

    /** Share of the clauses that fit a fact but for their subject. */
    function wrongSubjects(written: readonly { text: string }[]): number {
      const seeing = desk.judge(0.03);
      const unseeing = desk.judge(0.03, { blindTo: ['subject'] });
      let [bad, all] = [0, 0];
      for (const [i, { text: summary }] of written.entries()) {
        const clauses = summary.split(/(?<= \.) /).filter((clause) => clause.endsWith(' .'));
        const same = clauses.map(() => texts[i] as string);
        const [sees, misses] = [seeing(same, clauses), unseeing(same, clauses)];
        all += clauses.length;
        bad += clauses.filter((_, k) => (misses[k] as number) > (sees[k] as number)).length;
      }
      return bad / Math.max(all, 1);
    }
  },
});
