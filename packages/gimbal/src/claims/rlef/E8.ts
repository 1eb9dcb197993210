// The temperature of what is sampled in training.
import { defineClaim } from '../../reproduce/claim.ts';
import { mean, signed, verdict } from '../../reproduce/verdict.ts';
import { measure } from './internal/measure.ts';
import { withOracle } from './internal/reinforced.ts';

export const claim = defineClaim({
  id: 'E8',
  claim: 'hot samples in training explore: they lead to more entailed summaries than cool ones',
  paper: 'figure 3: at α = .1 93.6 % at T = 1, 88.3 % at T = .3',
  wanted: 'rollouts at T = 1 better by ≥ .30 than at T = .3; equal updates, both measured at T = 1; α = .1',
  seeds: [0, 1],
  async run({ seeds, signal }) {
    const [hot, cool]: [number[], number[]] = [[], []];
    for (const seed of seeds) {
      const entailed = async (temperature: number): Promise<number> => {
        const { params } = await withOracle(0.1, seed, signal, { temperature });
        return (await measure(params, { temperature: 1, signal })).entailed;
      };
      hot.push(await entailed(1));
      cool.push(await entailed(0.3));
    }
    const gains = hot.map((x, i) => x - (cool[i] as number));
    const text = `${mean(hot).toFixed(3)} against ${mean(cool).toFixed(3)}, ${signed(mean(gains))}`;
    return verdict(text, gains, { 'better by ≥ .30': mean(gains) >= 0.3 });
  },
});
