// Reranking samples by the judge.
import { rerank } from '@gimbal/reward-models';
import { defineClaim } from '../../reproduce/claim.ts';
import { mean, verdict } from '../../reproduce/verdict.ts';
import { desk, heldOut, isEntailed } from './internal/desk.ts';
import { measure } from './internal/measure.ts';
import { withOracle } from './internal/reinforced.ts';
import { bestOf, samplesOf } from './internal/samples.ts';

const sizes = [1, 2, 4, 8, 16];
const most = 16;

export const claim = defineClaim({
  id: 'E6',
  claim:
    'the best of N samples is entailed as often as N draws make likely; one sample after RLEF beats the best of 16',
  paper: 'not in the paper’s tables; 1 − (1 − q)^N of each article follows from the definition',
  wanted:
    'entailed rises with N = 1, 2, 4, 8, 16, within .03 of mean 1 − C(64 − c, N)/C(64, N) of 64 other samples; RLEF, one sample at T = 1, above N = 16',
  seeds: [0],
  async run({ seeds, signal }) {
    const articles = heldOut();
    const [{ texts }, { hits }] = [await samplesOf('pool', most, signal), await samplesOf('closed form', 64, signal)];
    const judge = desk.judge(0.03);
    const rates: number[] = [];
    for (const N of sizes) {
      const picks = await rerank(
        judge,
        articles.map(({ text }) => text),
        texts.map((some) => some.slice(0, N)),
      );
      rates.push(mean(picks.map(({ completion }, i) => Number(isEntailed(articles[i] as never, completion)))));
    }
    const expected = sizes.map((N) => mean(hits.map((of) => bestOf(of, N))));
    const rlef: number[] = [];
    for (const seed of seeds) {
      const { params } = await withOracle(0.1, seed, signal);
      rlef.push((await measure(params, { temperature: 1, signal })).entailed);
    }
    const off = Math.max(...rates.map((x, i) => Math.abs(x - (expected[i] as number))));
    const text = sizes.map(
      (N, i) => `${N}: ${(rates[i] as number).toFixed(3)} (${(expected[i] as number).toFixed(3)})`,
    );
    return verdict(`N ${text.join(', ')}; off by ${off.toFixed(3)}; RLEF ${mean(rlef).toFixed(3)}`, [], {
      'rises with N': rates.every((x, i) => i === 0 || x > (rates[i - 1] as number)),
      'within .03': off <= 0.03,
      'RLEF above N = 16': mean(rlef) > (rates.at(-1) as number),
    });
  },
});
