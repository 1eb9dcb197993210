import { rng } from '@gimbal/tensor-core';
import { decodeCodes, encodeTexts } from '@gimbal/vec2text';
import { aishBits, applies, toyLanguages } from '@gimbal/worlds';
import { type ClaimContext, defineClaim } from '../../reproduce/claim.ts';
import { modelOf, type Training } from './internal/experiment.ts';
import { heldOutRows } from './internal/language.ts';
import { Gates } from './internal/measured.ts';

const { aish } = toyLanguages({ preset: 'typed' });

/** Mean entropy in bits of the wording's bits that apply, in texts sampled at temperature 1 from codes of unseen sentences. */
async function surfaceEntropy(training: Training, c: ClaimContext): Promise<number> {
  const model = await modelOf(training, c);
  const texts = heldOutRows(training.seed).map(({ text }) => text);
  const z = await encodeTexts(model, texts, { signal: c.signal });
  const drawn = await decodeCodes(model, z, {
    temperature: 1,
    rng: rng(training.seed).split('claims.E9'),
    signal: c.signal,
  });
  const ones = new Map<string, [ones: number, all: number]>();
  for (const { text } of drawn) {
    const read = aish.parse(text);
    if (read === undefined) continue;
    for (const bit of aishBits) {
      if (!applies(bit, read.meaning)) continue;
      const [k, n] = ones.get(bit) ?? [0, 0];
      ones.set(bit, [k + read.surface[bit], n + 1]);
    }
  }
  const entropies = [...ones.values()].map(([k, n]) => {
    const p = k / n;
    return p === 0 || p === 1 ? 0 : -(p * Math.log2(p) + (1 - p) * Math.log2(1 - p));
  });
  return entropies.reduce((a, b) => a + b, 0) / entropies.length;
}

export const claim = defineClaim({
  id: 'E9',
  claim:
    'trained the other way round, a decoder learns translationese where there is one, and loses nothing where there is none',
  paper: 'the direction is an ablation here (ours)',
  wanted: 'with translationese: surface entropy at T = 1 ≤ .1 of rtt’s; without: equal within noise (reported)',
  fullOnly: true,
  seeds: [0, 1],
  async run(c) {
    const found: { rtt: number; reverse: number; plain: number }[] = [];
    for (const seed of c.seeds)
      found.push({
        rtt: await surfaceEntropy({ objective: 'rtt', seed }, c),
        reverse: await surfaceEntropy({ objective: 'rtt-reverse', seed }, c),
        plain: await surfaceEntropy({ objective: 'rtt-reverse', seed, roundTrip: { translationese: true } }, c),
      });
    return new Gates(c.seeds, found)
      .number('bits a bit, reverse with translationese / rtt', (f) => f.plain / f.rtt, { most: 0.1 })
      .number('reverse without / rtt', (f) => f.reverse / f.rtt)
      .result({ reported: true });
  },
});
