// Articles of another length than those it learned on.
import { rng } from '@gimbal/tensor-core';
import { newsroom, newsroomShifts } from '@gimbal/worlds';
import { defineClaim } from '../../reproduce/claim.ts';
import { intervalOf, mean, signed } from '../../reproduce/verdict.ts';
import { measure } from './internal/measure.ts';
import { withOracle } from './internal/reinforced.ts';
import { summariser } from './internal/supervised.ts';

export const claim = defineClaim({
  id: 'E11',
  claim: 'how much of what was learned on articles of four facts is there on articles of five',
  paper: 'table 2: TL;DR models on CNN/DM, 92.5 → 95.0 %',
  wanted: 'reported: the gain on five facts against half of that on four',
  fullOnly: true,
  seeds: [0, 1],
  async run({ seeds, signal }) {
    const world = newsroom(newsroomShifts.longer);
    const articles = world.articles(300, rng(99).split('longer'));
    const { params: sl } = await summariser(signal);
    const entailed = async (params: typeof sl): Promise<[number, number]> => [
      (await measure(params, { temperature: 1, signal })).entailed,
      (await measure(params, { temperature: 1, signal, articles, world })).entailed,
    ];
    const before = await entailed(sl);
    const [four, five]: [number[], number[]] = [[], []];
    for (const seed of seeds) {
      const after = await entailed((await withOracle(0.1, seed, signal)).params);
      four.push(after[0] - before[0]);
      five.push(after[1] - before[1]);
    }
    const measured = `four facts ${before[0].toFixed(3)} ${signed(mean(four))}, five ${before[1].toFixed(3)} ${signed(mean(five))}: ${((100 * mean(five)) / mean(four)).toFixed(0)} % of the gain`;
    return { measured, ...intervalOf(five), verdict: 'reported' };
  },
});
