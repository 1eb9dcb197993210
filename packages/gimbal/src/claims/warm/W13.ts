// Which policy an oracle prefers: that against the average, that against a member, that of the start.
import { clopperPearson } from '@gimbal/nash-md';
import { rng } from '@gimbal/tensor-core';
import { cueSizes } from '@gimbal/worlds';
import { defineClaim } from '../../reproduce/claim.ts';
import { mean, verdict } from '../../reproduce/verdict.ts';
import { atKl, wins } from './internal/policy-search.ts';
import { searchesOf } from './internal/searches.ts';

const comparisons = 4000;

export const claim = defineClaim({
  id: 'W13',
  claim:
    'the oracle prefers the policy trained against the average to that trained against a member, and to the policy of the start',
  paper: '§5.2: 79.4 % against the policy of the best single model, 99.8 % against SFT',
  wanted:
    'over a member at KL 8 ≥ .54, over the start at KL 4 ≥ .70, 4000 comparisons each; over the member chosen on the selection pairs reported beside 79.4 %',
  seeds: [0, 1, 2, 3, 4],
  async run({ seeds, signal }) {
    const won = { single: [] as number[], start: [] as number[], chosen: [] as number[] };
    for (const seed of seeds) {
      const { warm, singles, chosen } = await searchesOf(seed, 0.25, signal);
      const stream = rng(seed).split('W13');
      const mine = atKl(warm, 8).mean;
      const against = singles.map((run, i) => wins(mine, atKl(run, 8).mean, stream.split(i), comparisons));
      won.single.push(mean(against) / comparisons);
      won.chosen.push((against[chosen] as number) / comparisons);
      const start = new Float64Array(cueSizes.latent);
      won.start.push(wins(atKl(warm, 4).mean, start, stream.split('start'), comparisons) / comparisons);
    }
    const pairs = { single: seeds.length * 6, start: seeds.length, chosen: seeds.length };
    const text = (name: keyof typeof won): string => {
      const n = comparisons * pairs[name];
      const [low, high] = clopperPearson(Math.round(mean(won[name]) * n), n);
      return `${mean(won[name]).toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`;
    };
    const measured = `over a member ${text('single')}, over the start ${text('start')}, over the chosen member ${text('chosen')}; by seed ${won.single.map((x) => x.toFixed(2)).join(', ')}`;
    return verdict(measured, won.single, {
      'over a member ≥ .54': mean(won.single) >= 0.54,
      'over the start ≥ .70': mean(won.start) >= 0.7,
    });
  },
});
