import { defineClaim } from '../../reproduce/claim.ts';
import { lossesOf, measuresOf } from './internal/experiment.ts';
import { Gates, short } from './internal/measured.ts';

export const claim = defineClaim({
  id: 'E13',
  claim: 'one vector for the decoder to attend to does as well as four',
  paper: 'not stated (SONAR uses one)',
  wanted: 'M 1 against 4, equal steps: meaningMatch within .05, losses shown (reported until calibrated)',
  fullOnly: true,
  seeds: [0, 1],
  async run(c) {
    const found: { one: number; four: number }[] = [];
    const curves: string[] = [];
    for (const seed of c.seeds) {
      const match = async (memorySlots: number): Promise<number> =>
        (await measuresOf({ objective: 'rtt', seed, module: { memorySlots } }, c)).meaningMatch?.value as number;
      found.push({ one: await match(1), four: await match(4) });
      for (const memorySlots of [1, 4]) {
        const losses = await lossesOf({ objective: 'rtt', seed, module: { memorySlots } }, c);
        curves.push(`M ${memorySlots}, seed ${seed}: ${losses.map(({ loss }) => short(loss)).join(' ')}`);
      }
    }
    const measured = new Gates(c.seeds, found)
      .number('meaningMatch M = 1', (f) => f.one)
      .number('M = 4', (f) => f.four)
      .number('|difference|', (f) => Math.abs(f.one - f.four), { most: 0.05 })
      .result({ reported: true });
    return { ...measured, measured: `${measured.measured}; loss each 500 steps: ${curves.join('; ')}` };
  },
});
