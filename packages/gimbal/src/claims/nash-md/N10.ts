// A language model among annotators whose taste runs in a circle: who beats whom, and which styles are left.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Contestant, playMatrix } from '@gimbal/nash-md';
import { type Params, rng, writeFileAtomic } from '@gimbal/tensor-core';
import { breathe, Checks } from '../../reproduce/checks.ts';
import { type ClaimContext, defineClaim } from '../../reproduce/claim.ts';
import { mean } from '../../reproduce/verdict.ts';
import {
  annotators,
  codec,
  fullSizes,
  type Judge,
  type Method,
  maxNewTokens,
  NewsroomLab,
  policy,
  world,
} from './internal/newsroom-lab.ts';

const against = (mixtureCoef: number): Method => ({ klCoef: 0.05, opponent: { kind: 'mixture', mixtureCoef } });

/** Methods by name. Rewards are log-odds, of which one is worth about four of probability: hence the second τ. */
const methods: { readonly [name: string]: Method } = {
  SP: against(0),
  'MD .125': against(0.125),
  'MD .375': against(0.375),
  BR: against(1),
  RLHF: { klCoef: 0.05 },
  'RLHF τ .2': { klCoef: 0.2 },
};
const judges: readonly Judge[] = ['oracle', 'learned'];
const [tests, comparisons] = [500, 2000];

/** Of a policy's summaries, one of each test article and sample. */
interface Written {
  /** mean share of an article's facts that are told */
  covered: number;
  /** mean clauses that no fact supports */
  unsupported: number;
  /** share of each style */
  styles: number[];
}

/** What was found on one seed with one judge. */
interface Found {
  names: string[];
  /** W[i][j] = P(i ≻ j), as the annotators see it */
  rates: number[][];
  low: number[][];
  high: number[][];
  written: Record<string, Written>;
}

export const claim = defineClaim({
  id: 'N10',
  claim: 'x',
  paper: 'table 1',
  wanted: 'reported',
  seeds: [0, 1],
  async run(c) {
    const checks = new Checks();
    const all: Record<Judge, Found[]> = { oracle: [], learned: [] };
    for (const judge of judges) {
      for (const seed of c.seeds) {
        using lab = new NewsroomLab(seed, fullSizes, c);
        all[judge].push(await found(lab, judge, c));
      }
    }
    return checks.result(JSON.stringify(mean([1])));
  },
});

/** Trains and plays, or reads what a run before has found. */
async function found(lab: NewsroomLab, judge: Judge, { dir, signal, note }: ClaimContext): Promise<Found> {
  const path = join(dir, `seed-${lab.seed}`, `${judge}.json`);
  const before = await readFile(path, 'utf8').catch(() => undefined);
  if (before !== undefined) return JSON.parse(before) as Found;
  const players: Record<string, Params> = { start: await lab.supervised() };
  for (const [name, method] of Object.entries(methods)) {
    await breathe(signal);
    players[name] = await lab.trained(name, judge, method);
  }
  const contestants = Object.fromEntries(
    Object.entries(players).map(([name, params]): [string, Contestant] => [name, { policy, params }]),
  );
  const articles = world.articles(tests, rng(lab.seed).split('claims.N10').split('tests'));
  const played = await playMatrix(contestants, {
    ...{ codec, preference: annotators, prompts: articles.map(({ text }) => text), maxNewTokens, signal },
    ...{ samplesPerCell: comparisons, bothOrders: false, batchSize: 250, seed: lab.seed },
  });
  const n = played.n;
  const rows = (x: Float64Array): number[][] =>
    Array.from({ length: n }, (_, i) => [...x.subarray(i * n, (i + 1) * n)]);
  const written: Found['written'] = {};
  for (const [name, texts] of Object.entries(played.completions)) {
    written[name] = describe(texts.map((text, k) => [articles[k % tests] as (typeof articles)[0], text]));
    const { covered, unsupported, styles } = written[name];
    note(
      `N10 seed ${lab.seed}, ${judge}, ${name}: facts ${covered.toFixed(3)}, unsupported ${unsupported.toFixed(3)}, styles ${styles.map((s) => s.toFixed(3)).join(' ')}`,
    );
  }
  const result: Found = {
    names: [...(played.labels as readonly string[])],
    rates: rows(played.p),
    low: rows(played.low),
    high: rows(played.high),
    written,
  };
  for (const [i, name] of result.names.entries())
    note(`N10 seed ${lab.seed}, ${judge}, ${name.padEnd(8)} ${result.rates[i]?.map((x) => x.toFixed(3)).join(' ')}`);
  await writeFileAtomic(path, `${JSON.stringify(result, null, 1)}\n`);
  return result;
}

/** Of articles with summaries. */
function describe(pairs: readonly [ReturnType<typeof world.articles>[0], string][]): Written {
  const styles = world.vocabulary.slice(-world.settings.styles);
  const judged = pairs.map(([article, text]) => ({ article, text, ...world.entails(article, text) }));
  return {
    covered: mean(
      judged.map(({ article, clauses }) => {
        const told = clauses.filter(({ label }) => label === 'entailment').map(({ fact }) => fact);
        return new Set(told).size / article.facts.length;
      }),
    ),
    unsupported: mean(
      judged.map(({ clauses, malformed }) => malformed + clauses.filter(({ label }) => label !== 'entailment').length),
    ),
    styles: styles.map((style) => mean(judged.map(({ text }) => Number(text.split(' ')[0] === style)))),
  };
}
