import { decodeCodes, encodeTexts } from '@gimbal/vec2text';
import { aishSlots, toyLanguages } from '@gimbal/worlds';
import { defineClaim } from '../../reproduce/claim.ts';
import { mean } from '../../reproduce/verdict.ts';
import { measuresOf, modelOf } from './internal/experiment.ts';
import { heldOutRows } from './internal/language.ts';
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
    const found: { measures: BySeed; swaps: number; slots: number[] }[] = [];
    for (const seed of c.seeds) {
      const [ae, rtt] = [
        await measuresOf({ objective: 'ae', seed, variant }, c),
        await measuresOf({ objective: 'rtt', seed, variant }, c),
      ];
      const model = await modelOf({ objective: 'rtt', seed, variant }, c);
      const rows = heldOutRows(seed, variant);
      const z = await encodeTexts(
        model,
        rows.map(({ text }) => text),
        { signal: c.signal },
      );
      const decoded = (await decodeCodes(model, z, { signal: c.signal })).map(({ text }) => aish.sem(text));
      let swaps = 0;
      const hits = new Float64Array(aishSlots.length);
      rows.forEach(({ text }, i) => {
        const [m, d] = [aish.sem(text), decoded[i]];
        if (m === undefined || d === undefined) return;
        if (d.agent === m.patient && d.patient === m.agent) swaps++;
        for (const [s, slot] of aishSlots.entries())
          if (d[slot] === m[slot]) hits[s] = (hits[s] as number) + 1 / rows.length;
      });
      found.push({ measures: { ae, rtt }, swaps: swaps / rows.length, slots: Array.from(hits) });
      if (swaps / rows.length > 0.5)
        c.note(`E8 seed ${seed}: more than half of all sentences change agent and patient`);
    }
    const measured = new Gates(c.seeds, found)
      .number('ae meaningMatch', ({ measures }) => valueIn(measures, 'ae', 'meaningMatch'), { least: 0.9 })
      .number('rtt triplet', ({ measures }) => valueIn(measures, 'rtt', 'tripletAccuracy'), { least: 0.9 })
      .number('rtt meaningMatch', ({ measures }) => valueIn(measures, 'rtt', 'meaningMatch'))
      .number('swap rate', ({ swaps }) => swaps)
      .result();
    const bySlot = aishSlots.map((slot, s) => `${slot} ${short(mean(found.map(({ slots }) => slots[s] as number)))}`);
    return { ...measured, measured: `${measured.measured}; by slot ${bySlot.join(', ')}` };
  },
});
