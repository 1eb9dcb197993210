// Universality beyond what training had: longer sentences than any, and agents and verbs that never came together.
import { type Measures, universality } from '@gimbal/vec2text';
import { defineClaim } from '../../reproduce/claim.ts';
import { languageOracles } from '../../vec2text/oracles.ts';
import { modelOf } from './internal/experiment.ts';
import { heldOutRows, isUnseen, type Unseen } from './internal/language.ts';
import { short } from './internal/measured.ts';

const kinds = {
  length: 'sentences of 13 to 16 words, after training on up to 12',
  topic: 'agents with verbs that never came together',
} as const satisfies Record<Unseen, string>;
const names = ['meaningMatch', 'slotAccuracy', 'exactMatch', 'bleu'] as const;

export const claim = defineClaim({
  id: 'E19',
  claim: 'what of lengths and topics that training had none of is written back',
  paper: 'universality is asked for of any sentence; no table was obtained',
  wanted: 'reported: meaningMatch, slotAccuracy, exactMatch, bleu of the unseen kind, beside the seen one',
  fullOnly: true,
  seeds: [0],
  async run(c) {
    const parts: string[] = [];
    for (const seed of c.seeds)
      for (const without of ['length', 'topic'] as const) {
        const rows = heldOutRows(seed).map((row) => ({
          ...row,
          group: isUnseen(without, row.text) ? 'unseen' : 'seen',
        }));
        const found: string[] = [];
        for (const objective of ['ae', 'rtt'] as const) {
          const model = await modelOf({ objective, seed, without }, c);
          const measures = await universality(model, rows, { ...languageOracles('typed'), seed, signal: c.signal });
          found.push(`${objective} ${line(measures, 'unseen')} (seen ${line(measures, 'seen')})`);
          c.note(`E19 seed ${seed}, unseen ${without}, ${names.join('/')}: ${found.at(-1)}`);
        }
        const n = rows.filter(({ group }) => group === 'unseen').length;
        parts.push(`seed ${seed}, ${n} ${kinds[without]}: ${found.join(', ')}`);
      }
    return { measured: `${names.join('/')}: ${parts.join('; ')}`, verdict: 'reported' };
  },
});

const line = (measures: Measures, group: string): string =>
  names.map((name) => short(measures[`${name}(${group})`]?.value ?? Number.NaN)).join('/');
