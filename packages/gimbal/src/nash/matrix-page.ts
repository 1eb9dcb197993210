// The page of a win-rate matrix.
import { percent } from '../cli/format.ts';
import type { TablePart } from '../report/part.ts';
import { renderReport } from '../report/render.ts';
import type { MatrixResult } from './matrix-result.ts';
import { points } from './points.ts';

/** The matrix and the ratings that follow from it. */
export function matrixParts(r: MatrixResult): TablePart[] {
  const best = r.nash.skill.indexOf(Math.max(...r.nash.skill));
  const rates: TablePart = {
    kind: 'table',
    title: 'Who is preferred to whom',
    caption: `P(row ≻ column) over ${r.comparisons} comparisons a pair, ${r.orderBias === null ? '' : 'both orders asked, '}with intervals of 95 %.`,
    head: ['', ...r.models],
    rows: r.models.map((name, i) => [
      name,
      ...(r.rates[i] as readonly number[]).map((rate, j) =>
        i === j
          ? '–'
          : {
              text: percent(rate),
              detail: `[${percent(r.low[i]?.[j] as number)}, ${percent(r.high[i]?.[j] as number)}]`,
              share: rate,
              emphasis: rate > 0.5,
            },
      ),
    ]),
  };
  const ratings: TablePart = {
    kind: 'table',
    title: 'Ratings',
    caption:
      'Elo says how strong each is if strength is one number. Nash averaging plays the strongest mixture of all: weights of that mixture, and what each wins against it beyond one half. Copies of a model change neither. Exploitable is what the best of the others wins against it beyond one half.',
    head: ['', 'Elo', 'Nash weight', 'Nash skill', 'exploitable'],
    rows: r.models.map((name, i) => [
      name,
      (r.elo[i] as number).toFixed(0),
      { text: percent(r.nash.weights[i] as number), share: r.nash.weights[i] as number },
      { text: points(r.nash.skill[i] as number), emphasis: i === best },
      points(r.exploitability[i] as number),
    ]),
  };
  return [rates, ratings];
}

/** @returns one self-contained page */
export function matrixPage(r: MatrixResult): string {
  const best = r.nash.skill.indexOf(Math.max(...r.nash.skill));
  return renderReport({
    eyebrow: 'gimbal eval --matrix',
    title: 'All against all',
    lead: `${r.models.length} models, ${r.comparisons} comparisons a pair. ${percent(r.cyclicShare)} of the matrix is cyclic, which no ranking can express.`,
    figures: [
      {
        kind: 'figures',
        items: [
          { label: 'strongest', value: r.models[best] as string, detail: 'by Nash averaging' },
          { label: 'cyclic', value: percent(r.cyclicShare) },
          ...(r.orderBias === null
            ? []
            : [
                { label: 'order bias', value: points(r.orderBias), detail: 'of the preference, by who is shown first' },
              ]),
        ],
      },
    ],
    sections: [{ title: 'Matrix', parts: matrixParts(r) }],
    footer: new Date().toISOString(),
  });
}
