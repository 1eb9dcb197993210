// Reward hacking in reinforcement learning: where the truth turns, against the average and against its members.
import { defineClaim } from '../../reproduce/claim.ts';
import { mean, verdict } from '../../reproduce/verdict.ts';
import { atKl, resultOf } from './internal/policy-search.ts';
import { searchesOf } from './internal/searches.ts';

const far = 16;

export const claim = defineClaim({
  id: 'W8',
  claim:
    'every policy that is optimised long enough hacks its reward; against the average it is truly better at its peak and at a KL of 16 than against a member',
  paper: '§5.2, figure 8: the front moves up and to the left with M, collapse comes later',
  wanted:
    'in ≥ 90 % of runs the oracle ends ≤ peak − .2 while the reward does not fall; with 25 % of labels swapped peak and oracle at KL 16: WA ≥ mean member; with none ≥ mean member − .2; KL at the peak reported',
  seeds: [0, 1, 2, 3, 4],
  async run({ seeds, signal }) {
    const hacked: number[] = [];
    const found: Record<string, { peak: number[]; far: number[]; kl: number[]; single: Record<string, number[]> }> = {};
    for (const [name, swap] of [
      ['noise .25', 0.25],
      ['noise 0', 0],
    ] as const) {
      const of = { peak: [], far: [], kl: [], single: { peak: [], far: [], kl: [] } } as (typeof found)[string];
      found[name] = of;
      for (const seed of seeds) {
        const { warm, singles } = await searchesOf(seed, swap, signal);
        const [best, ...others] = [warm, ...singles].map(resultOf);
        hacked.push(...[best, ...others].map((r) => Number(r?.hacked)));
        of.peak.push(best?.peak ?? Number.NaN);
        of.kl.push(best?.peakKl ?? Number.NaN);
        of.far.push(atKl(warm, far).gold);
        of.single.peak?.push(mean(others.map((r) => r.peak)));
        of.single.kl?.push(mean(others.map((r) => r.peakKl)));
        of.single.far?.push(mean(singles.map((run) => atKl(run, far).gold)));
      }
    }
    const texts = Object.entries(found).map(([name, { peak, far: at, kl, single }]) => {
      const two = (a: number[], b?: number[]): string => `${mean(a).toFixed(2)} against ${mean(b ?? []).toFixed(2)}`;
      return `${name}: peak ${two(peak, single.peak)} (at KL ${two(kl, single.kl)}), at KL ${far} ${two(at, single.far)}`;
    });
    const gain = (name: string, what: 'peak' | 'far'): number[] =>
      (found[name]?.[what] ?? []).map((x, i) => x - (found[name]?.single[what]?.[i] ?? Number.NaN));
    const share = mean(hacked);
    return verdict(`${(100 * share).toFixed(0)} % of runs hack; ${texts.join('; ')}`, gain('noise .25', 'peak'), {
      '90 % of runs hack': share >= 0.9,
      'peak under noise': mean(gain('noise .25', 'peak')) >= 0,
      'at KL 16 under noise': mean(gain('noise .25', 'far')) >= 0,
      'peak without noise': mean(gain('noise 0', 'peak')) >= -0.2,
      'at KL 16 without noise': mean(gain('noise 0', 'far')) >= -0.2,
    });
  },
});
