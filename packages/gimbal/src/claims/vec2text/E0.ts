// The languages themselves: every sentence is read as it was meant, and round trips lose what was derived.
import { rng } from '@gimbal/tensor-core';
import { aishBits, applies, meaningKey, toyLanguages } from '@gimbal/worlds';
import { defineClaim } from '../../reproduce/claim.ts';
import { verdict } from '../../reproduce/verdict.ts';

const sentences = 20_000;

export const claim = defineClaim({
  id: 'E0',
  claim:
    'the toy language is read as it was meant; a lossless pivot keeps meanings and no wording, a lossy one alters .205',
  paper: 'no toy languages there (ours); rates derived from the generator',
  wanted: '0 parse failures in both variants; B keeps every meaning, surface bits .5 ± .015; C alters .205 ± .012',
  quick: true,
  async run({ seeds, note }) {
    const stream = rng(seeds[0] ?? 0).split('claims.E0');
    let failures = 0;
    const found: Record<string, { lost: number; kept: number; altered: number }> = {};
    for (const preset of ['typed', 'reversible'] as const) {
      const { aish, bex, cor } = toyLanguages({ preset });
      let [lost, kept, bits, altered] = [0, 0, 0, 0];
      for (let i = 0; i < sentences; i++) {
        const { meaning, surface } = aish.generate(stream);
        const text = aish.realise(meaning, surface);
        const read = aish.parse(text);
        const key = meaningKey(meaning);
        if (!read || meaningKey(read.meaning) !== key || aishBits.some((bit) => read.surface[bit] !== surface[bit]))
          failures++;
        const back = aish.parse(bex.roundTrip(text, stream).text);
        if (!back || meaningKey(back.meaning) !== key) lost++;
        for (const bit of aishBits) {
          if (!applies(bit, meaning)) continue;
          bits++;
          kept += Number(back?.surface[bit] === surface[bit]);
        }
        const other = aish.sem(cor.roundTrip(text, stream).text);
        altered += Number(other === undefined || meaningKey(other) !== key);
      }
      found[preset] = { lost, kept: kept / bits, altered: altered / sentences };
      note(`E0 ${preset}: ${JSON.stringify(found[preset])}`);
    }
    const [typed, reversible] = [found.typed, found.reversible] as [(typeof found)[string], (typeof found)[string]];
    return verdict(
      `${failures} parse failures; through B ${typed.lost + reversible.lost} meanings lost, bits kept ${typed.kept.toFixed(4)} and ${reversible.kept.toFixed(4)}; through C altered ${typed.altered.toFixed(4)} (reversible ${reversible.altered.toFixed(4)}, derived .285)`,
      [typed.altered],
      {
        'no parse failure': failures === 0,
        'B keeps every meaning': typed.lost + reversible.lost === 0,
        'bits .5': [typed, reversible].every(({ kept }) => Math.abs(kept - 0.5) <= 0.015),
        'C alters .205': Math.abs(typed.altered - 0.205) <= 0.012,
      },
    );
  },
});
