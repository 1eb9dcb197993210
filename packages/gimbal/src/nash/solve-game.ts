// gimbal nash-md --game: solve a matrix of preferences, and show how.
import { join } from 'node:path';
import {
  cyclicShare,
  exploitability,
  iterate,
  klDivergence,
  type PreferenceMatrix,
  type RegularizedGame,
  regularizedGame,
  type SolverName,
  solveExact,
  solveNashLP,
  solverAliases,
  type TabularStep,
} from '@gimbal/nash-md';
import { DataError, eventTurn, StoppedError, writeFileAtomic } from '@gimbal/tensor-core';
import type { CommandContext, CommandResult } from '../cli/command.ts';
import { figure, percent, textTable } from '../cli/format.ts';
import { inFlags } from '../options/in-flags.ts';
import { renderReport } from '../report/render.ts';
import { withRun } from '../run/run-folder.ts';
import { gameSections } from './game-report.ts';
import { type GameResult, strategiesOf } from './game-result.ts';
import { type ReadGame, readGame } from './read-game.ts';

/** Options of `--game`. */
export interface GameFlags {
  game: string;
  solver: string;
  klCoef?: number | undefined;
  reference?: number[] | undefined;
  eta?: number | undefined;
  steps?: number | undefined;
  mixtureCoef?: number | undefined;
  emaDecay?: number | undefined;
  magnetEvery?: number | undefined;
  symmetrise: boolean;
  [name: string]: unknown;
}

const defaultSteps = 1000;
const defaultTau = 0.1;
/** records of the curve */
const points = 200;
/** records printed with --json; result.json has all */
const printedPoints = 20;
/** responses up to which a step of Newton's, and the simplex method, are done before a person wonders */
const mostExact = 100;
const mostNash = 200;
/** multiplications, and what a step costs beside them, between two looks at Ctrl-C: some hundredths of a second */
const [workBetweenLooks, workOfStep] = [2e7, 1000];
/** solvers whose last iterate moves on for ever, while its average settles */
const averaged: readonly string[] = ['mwu', 'fictitious-play'];

export async function solveGame(
  context: CommandContext<GameFlags & { seed: number; out?: string | undefined; resume: boolean }>,
): Promise<CommandResult> {
  const { options: o, output, signal } = context;
  const read = await readGame(o.game, { seed: o.seed, symmetrise: o.symmetrise });
  const game = await gameOf(read, o);
  const steps = o.steps ?? defaultSteps;
  const exact = exactOf(game, (text) => output.note(text));
  const nash = read.P.n <= mostNash ? solveNashLP(read.P).policy : undefined;
  if (nash === undefined)
    output.note(`no Nash equilibrium of the preferences alone: it takes long beyond ${mostNash} responses`);
  const between = Math.max(1, Math.floor(steps / points));
  const looks = Math.max(1, Math.floor(workBetweenLooks / (read.P.n ** 2 + workOfStep)));
  const solverOptions = {
    solver: o.solver as SolverName,
    steps,
    every: Math.min(between, looks),
    ...(o.eta !== undefined && { eta: o.eta }),
    ...(o.mixtureCoef !== undefined && { mixtureCoef: o.mixtureCoef }),
    ...(o.emaDecay !== undefined && { emaDecay: o.emaDecay }),
    ...(o.magnetEvery !== undefined && { magnetEvery: o.magnetEvery }),
    ...(exact && { exact }),
  };
  const flags = {
    ...{ solver: '--solver', steps: '--steps', eta: '--eta', mixtureCoef: '--mixture-coef' },
    ...{ emaDecay: '--ema-decay', magnetEvery: '--magnet-every', ...tauFlag(o) },
  };
  const records = await inFlags('gimbal nash-md', flags, () => iterate(game, solverOptions));
  return withRun({ command: 'nash-md', options: o, given: context.given }, async (run) => {
    const curve: TabularStep[] = [];
    let next = 0;
    for (const record of records) {
      await eventTurn();
      if (signal.aborted)
        throw new StoppedError({ where: 'gimbal nash-md', what: `stopped after ${record.t} of ${steps} steps` });
      if (record.t < next && record.t < steps) continue;
      curve.push(record);
      next = record.t + between;
    }
    const result = resultOf(read.P, game, o.solver, curve, { exact, nash });
    await writeFileAtomic(join(run.path, 'result.json'), `${JSON.stringify(result, null, 1)}\n`);
    const report = join(run.path, 'report.html');
    await writeFileAtomic(report, page(result, o.game));
    if (!output.json) {
      for (const line of table(result)) output.line(line);
      output.line();
      output.line(summary(result));
      for (const text of remarks(result)) output.line(text);
      output.line(`report  ${report}`);
    }
    return { json: { ...result, curve: thinned(result.curve), run: run.path, report } };
  });
}

/** π* as a yardstick. Without it the solver is run all the same. */
function exactOf(game: RegularizedGame, note: (text: string) => void): Float64Array | undefined {
  if (game.tau === 0) return undefined;
  if (game.P.n > mostExact) {
    note(`no exact equilibrium to compare with: it takes long beyond ${mostExact} responses`);
    return undefined;
  }
  try {
    return solveExact(game).policy;
  } catch (error) {
    if ((error as { code?: string }).code !== 'ERR_NUMERICAL') throw error;
    note(`no exact equilibrium to compare with: τ = ${figure(game.tau)} is too small for Newton’s method`);
    return undefined;
  }
}

/** At most 20 of the records, the first and the last among them. */
function thinned<T>(curve: readonly T[]): T[] {
  const every = Math.max(1, Math.ceil((curve.length - 1) / (printedPoints - 1)));
  return curve.filter((_, i) => i % every === 0 || i === curve.length - 1);
}

/** What the numbers do not say by themselves. */
function remarks(r: GameResult): string[] {
  const first = r.curve[0]?.gap ?? 1;
  const solver = (solverAliases as { readonly [name: string]: string })[r.solver] ?? r.solver;
  return [
    ...(r.tau > 0 && first < 1e-12
      ? ['The reference is the equilibrium already: there is nothing to find. Try another, as --reference 0.7,0.2,0.1']
      : []),
    ...(averaged.includes(solver)
      ? [`${r.solver} never settles: its average is what counts, not its last policy`]
      : []),
  ];
}

/** A τ that the game's file names has no flag. */
const tauFlag = (o: GameFlags): { [where: string]: string } =>
  o.klCoef === undefined ? {} : { 'game, tau': '--kl-coef' };

/** The game with the reference and the τ of the flags, else of its file. @throws ConfigError or DataError naming the flag */
function gameOf(read: ReadGame, o: GameFlags): Promise<RegularizedGame> {
  return inFlags('gimbal nash-md', tauFlag(o), () => {
    try {
      return regularizedGame(read.P, o.klCoef ?? read.tau ?? defaultTau, o.reference ?? read.reference);
    } catch (error) {
      const { where, what, got, wanted } = error as Partial<DataError>;
      const [ofTau, ofReference] = [where === 'game, tau', where?.startsWith('game, ref') === true];
      if (ofTau ? o.klCoef !== undefined || read.tau === undefined : !ofReference) throw error;
      const flag = o.reference === undefined ? `${o.game}, reference` : 'gimbal nash-md --reference';
      const place = ofTau ? `${o.game}, tau` : `${where}`.replace('game, ref', flag);
      throw new DataError({ where: place, what: `${what}`, got, wanted, cause: error });
    }
  });
}

function resultOf(
  P: PreferenceMatrix,
  game: { ref: Float64Array; tau: number },
  solver: string,
  curve: readonly TabularStep[],
  { exact, nash }: { exact: Float64Array | undefined; nash: Float64Array | undefined },
): GameResult {
  const last = curve.at(-1) as TabularStep;
  return {
    labels: P.labels ?? Array.from({ length: P.n }, (_, i) => `response ${i + 1}`),
    preferences: Array.from({ length: P.n }, (_, i) => [...P.p.subarray(i * P.n, (i + 1) * P.n)]),
    reference: [...game.ref],
    tau: game.tau,
    solver,
    steps: last.t,
    policy: [...last.policy],
    average: [...last.average],
    exact: exact ? [...exact] : null,
    nash: nash ? [...nash] : null,
    // rounding may leave them a little below 0
    gap: Math.max(0, last.gap),
    exploitability: Math.max(0, exploitability(P, last.policy)),
    klToExact: exact ? klDivergence(exact, last.policy) : null,
    cyclicShare: cyclicShare(P).share,
    curve: curve.map(({ policy, average: _, ...rest }) => ({ ...rest, policy: [...policy] })),
  };
}

/** Zero up to rounding is 0. */
const small = (x: number): string => (Math.abs(x) < 1e-15 ? '0' : figure(x));

const short = (p: number): string => p.toFixed(4);

function table(r: GameResult): string[] {
  const strategies = strategiesOf(r);
  const rows = r.labels.map((label, i) => [label, ...strategies.map(({ shares }) => short(shares[i] as number))]);
  return textTable(['', ...strategies.map(({ name }) => name)], rows);
}

const summary = (r: GameResult): string =>
  [
    `${r.solver}, ${r.steps} steps, τ = ${figure(r.tau)}: gap ${small(r.gap)}, exploitability ${small(r.exploitability)}`,
    ...(r.klToExact === null ? [] : [`KL from the equilibrium ${small(r.klToExact)}`]),
    `${percent(r.cyclicShare)} of the preferences are cyclic`,
  ].join(', ');

const page = (r: GameResult, game: string): string =>
  renderReport({
    eyebrow: 'gimbal nash-md --game',
    title: game,
    lead: `${summary(r)}.`,
    figures: [
      {
        kind: 'figures',
        items: [
          { label: 'duality gap', value: small(r.gap), detail: 'of the regularised game' },
          { label: 'exploitability', value: small(r.exploitability), detail: 'what the best response wins beyond ½' },
          { label: 'cyclic', value: percent(r.cyclicShare), detail: 'of the preferences, what no ranking expresses' },
        ],
      },
    ],
    sections: gameSections(r),
    footer: `${r.solver}, ${r.steps} steps`,
  });
