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
  claim:
    'summaries for annotators whose taste in styles runs in a circle: Nash-MD beats the start, reward learning and, by a little, the best response to the start, and keeps every style',
  paper:
    'table 1: MD .125 beats SFT in .982, RLHF in .598, the best response in .837 of comparisons, self-play in .592',
  wanted:
    'against the annotators themselves, means of the seeds: facts told ≥ .2 above the start for self-play, both mixtures and the best response; MD .125 beats the start and reward learning ≥ .7, the best response ≥ .51; the rarest style of both mixtures ≥ .12. The other cells, and what is learned from a preference model of 2000 labels, are reported',
  seeds: [0, 1],
  // twice as many were measured when the limits were set
  fullSeeds: [0, 1, 2, 3, 4],
  async run(c) {
    const checks = new Checks();
    const parts: string[] = [];
    for (const judge of judges) {
      const all: Found[] = [];
      for (const seed of c.seeds) {
        using lab = new NewsroomLab(seed, fullSizes, c);
        all.push(await found(lab, judge, c));
      }
      const rate = (a: string, b: string): number =>
        mean(all.map(({ names, rates }) => rates[names.indexOf(a)]?.[names.indexOf(b)] as number));
      const facts = (name: string): number => mean(all.map(({ written }) => (written[name] as Written).covered));
      const rarest = (name: string): number =>
        mean(all.map(({ written }) => Math.min(...(written[name] as Written).styles)));
      if (judge === 'oracle') {
        for (const name of ['SP', 'MD .125', 'MD .375', 'BR'])
          checks.least(`facts that ${name} tells, above the start’s`, facts(name) - facts('start'), 0.2);
        for (const other of ['start', 'RLHF', 'RLHF τ .2'])
          checks.least(`MD .125 ≻ ${other}`, rate('MD .125', other), 0.7);
        checks.least('MD .125 ≻ BR', rate('MD .125', 'BR'), 0.51);
        for (const name of ['MD .125', 'MD .375']) checks.least(`rarest style of ${name}`, rarest(name), 0.12);
      }
      const list = (of: (name: string) => number, names: readonly string[]): string =>
        names.map((name) => `${name} ${of(name).toFixed(3)}`).join(', ');
      const names = (all[0] as Found).names;
      const others = names.filter((name) => name !== 'MD .125');
      parts.push(
        `${judge === 'oracle' ? 'against the annotators' : 'against a preference model'}: MD .125 beats ${list((name) => rate('MD .125', name), others)}; facts ${list(facts, names)}; rarest style ${list(rarest, names)}`,
      );
    }
    return checks.result(parts.join('; '));
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
