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
  type TabularStep,
} from '@gimbal/nash-md';
import { DataError, StoppedError, writeFileAtomic } from '@gimbal/tensor-core';
import type { CommandContext, CommandResult } from '../cli/command.ts';
import { figure, percent, textTable } from '../cli/format.ts';
import { inFlags } from '../options/in-flags.ts';
import { renderReport } from '../report/render.ts';
import { withRun } from '../run/run-folder.ts';
import { gameSections } from './game-report.ts';
import type { GameResult } from './game-result.ts';
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

export async function solveGame(
  context: CommandContext<GameFlags & { seed: number; out?: string | undefined; resume: boolean }>,
): Promise<CommandResult> {
  const { options: o, output, signal } = context;
  const read = await readGame(o.game, { seed: o.seed, symmetrise: o.symmetrise });
  const game = await gameOf(read, o);
  const steps = o.steps ?? defaultSteps;
  const exact = game.tau > 0 ? solveExact(game).policy : undefined;
  const solverOptions = {
    solver: o.solver as SolverName,
    steps,
    every: Math.max(1, Math.floor(steps / points)),
    signal,
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
    for (const record of records) {
      if (signal.aborted)
        throw new StoppedError({ where: 'gimbal nash-md', what: `stopped after ${record.t} of ${steps} steps` });
      curve.push(record);
    }
    const result = resultOf(read.P, game, o.solver, curve, exact);
    await writeFileAtomic(join(run.path, 'result.json'), `${JSON.stringify(result, null, 1)}\n`);
    const report = join(run.path, 'report.html');
    await writeFileAtomic(report, page(result, o.game));
    if (!output.json) {
      for (const line of table(result)) output.line(line);
      output.line();
      output.line(summary(result));
      output.line(`report  ${report}`);
    }
    return { json: { ...result, run: run.path, report } };
  });
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
      if (o.reference === undefined || !where?.startsWith('game, ref')) throw error;
      const place = where.replace('game, ref', 'gimbal nash-md --reference');
      throw new DataError({ where: place, what: `${what}`, got, wanted, cause: error });
    }
  });
}

function resultOf(
  P: PreferenceMatrix,
  game: { ref: Float64Array; tau: number },
  solver: string,
  curve: readonly TabularStep[],
  exact: Float64Array | undefined,
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
    nash: [...solveNashLP(P).policy],
    gap: last.gap,
    exploitability: exploitability(P, last.policy),
    klToExact: exact ? klDivergence(exact, last.policy) : null,
    cyclicShare: cyclicShare(P).share,
    curve: curve.map(({ policy, average: _, ...rest }) => ({ ...rest, policy: [...policy] })),
  };
}

const short = (p: number): string => p.toFixed(4);

function table(r: GameResult): string[] {
  const head = ['', 'reference', 'policy', ...(r.exact ? ['equilibrium'] : []), 'Nash, τ = 0', 'average'];
  const rows = r.labels.map((label, i) => [
    label,
    ...[r.reference, r.policy, ...(r.exact ? [r.exact] : []), r.nash, r.average].map((p) => short(p[i] as number)),
  ]);
  return textTable(head, rows);
}

const summary = (r: GameResult): string =>
  [
    `${r.solver}, ${r.steps} steps, τ = ${figure(r.tau)}: gap ${r.gap.toExponential(2)}, exploitability ${figure(r.exploitability)}`,
    ...(r.klToExact === null ? [] : [`KL from the equilibrium ${r.klToExact.toExponential(2)}`]),
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
          { label: 'duality gap', value: r.gap.toExponential(1), detail: 'of the regularised game' },
          { label: 'exploitability', value: figure(r.exploitability), detail: 'what the best response wins beyond ½' },
          { label: 'cyclic', value: percent(r.cyclicShare), detail: 'of the preferences, what no ranking expresses' },
        ],
      },
    ],
    sections: gameSections(r),
    footer: `${r.solver}, ${r.steps} steps`,
  });
