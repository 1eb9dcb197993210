import { decodeCodes, encodeTexts } from '@gimbal/vec2text';
import { aishSlots, toyLanguages } from '@gimbal/worlds';
import { defineClaim } from '../../reproduce/claim.ts';
import { heldOutRows, measuresOf, modelOf } from './internal/experiment.ts';
import { type BySeed, Gates, short, valueIn } from './internal/measured.ts';

const variant = 'reversible' as const;

export const claim = defineClaim({
  id: 'E8',
  claim:
    'the limit: where only word order tells who did it, round trips at this size keep the words and lose the roles',
  paper: 'not measured there (ours)',
  wanted: 'ae meaningMatch ≥ .90; rtt triplet ≥ .90; rtt meaningMatch, accuracy by slot and swap rate reported',
  fullOnly: true,
  seeds: [0, 1],
  async run(c) {
    const { aish } = toyLanguages({ preset: variant });
    const all: (BySeed & { roles?: never })[] = [];
    const roles: { swaps: number; slots: number[] }[] = [];
    for (const seed of c.seeds) {
      const [ae, rtt] = [
        await measuresOf({ objective: 'ae', seed, variant }, c),
        await measuresOf({ objective: 'rtt', seed, variant }, c),
      ];
      all.push({ ae, rtt });
      const model = await modelOf({ objective: 'rtt', seed, variant }, c);
      const rows = heldOutRows(seed, variant);
      const z = await encodeTexts(
        model,
        rows.map(({ text }) => text),
        c,
      );
      const decoded = (await decodeCodes(model, z, c)).map(({ text }) => aish.sem(text));
      let swaps = 0;
      const hits = new Float64Array(aishSlots.length);
      rows.forEach(({ text }, i) => {
        const [m, d] = [aish.sem(text), decoded[i]];
        if (m === undefined || d === undefined) return;
        if (d.agent === m.patient && d.patient === m.agent) swaps++;
        for (const [s, slot] of aishSlots.entries())
          if (d[slot] === m[slot]) hits[s] = (hits[s] as number) + 1 / rows.length;
      });
      roles.push({ swaps: swaps / rows.length, slots: Array.from(hits) });
      if (swaps / rows.length > 0.5)
        c.note(`E8 seed ${seed}: more than half of all sentences change agent and patient`);
    }
    const found = all.map((f, i) => ({ f, r: roles[i] as (typeof roles)[number] }));
    const measured = new Gates(c.seeds, found)
      .number('ae meaningMatch', ({ f }) => valueIn(f, 'ae', 'meaningMatch'), { least: 0.9 })
      .number('rtt triplet', ({ f }) => valueIn(f, 'rtt', 'tripletAccuracy'), { least: 0.9 })
      .number('rtt meaningMatch', ({ f }) => valueIn(f, 'rtt', 'meaningMatch'))
      .number('swap rate', ({ r }) => r.swaps)
      .result();
    const bySlot = aishSlots.map(
      (slot, s) => `${slot} ${short(roles.reduce((t, r) => t + (r.slots[s] as number), 0) / roles.length)}`,
    );
    return { ...measured, measured: `${measured.measured}; by slot ${bySlot.join(', ')}` };
  },
});
