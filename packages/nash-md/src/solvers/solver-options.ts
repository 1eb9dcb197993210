/** What a tabular solver can be asked for, the defaults, and what is refused. */
import {
  ConfigError,
  checkCount,
  checkKnown,
  checkName,
  checkOption,
  checkPositive,
  checkShare,
} from '@gimbal/tensor-core';

/** The solvers; `updates` states each one's formula. */
export const solverNames = [
  'nash-md',
  'mwu',
  'omd',
  'mmd',
  'omwu',
  'extragradient',
  'mirror-prox',
  'nash-ema',
  'best-response',
  'fictitious-play',
  'moving-magnet',
  'policy-gradient',
  'online-ipo',
  'ipo-md',
] as const;
/** Name of a solver. */
export type SolverName = (typeof solverNames)[number];

/**
 * Names that papers on language models gave to methods whose exact, tabular form is one of the solvers: the regressions
 * of SPPO and DNO have MWU's step as their minimiser, INPO's has OMD's.
 */
export const solverAliases = {
  'self-play': 'omd',
  inpo: 'omd',
  spo: 'mwu',
  sppo: 'mwu',
  dno: 'mwu',
  onpo: 'omwu',
  egpo: 'extragradient',
  'nash-mp': 'mirror-prox',
  comal: 'moving-magnet',
  mpo: 'moving-magnet',
  apmd: 'moving-magnet',
} as const satisfies { [name: string]: SolverName };
/** A method of another name. */
export type SolverAlias = keyof typeof solverAliases;

/** Step size η: a number, `'paper'` for η_t = 2/(τ(t + 2)), or a function of the step t = 0, 1, … */
export type StepSize = number | 'paper' | ((t: number) => number);

/** Which solver, and its numbers. */
export interface SolverOptions {
  /** default nash-md */
  solver?: SolverName | SolverAlias;
  /**
   * η. Default `'paper'` for nash-md, omd and nash-ema; 4τ for mmd and moving-magnet, 1/(τ + 3) for extragradient and
   * mirror-prox, half that for omwu; .1 for mwu; .5 for policy-gradient (2/τ for τ > 4), τ/8 for online-ipo and ipo-md (½
   * for τ > 4), where it is the learning rate of gradient steps on the logits
   */
  eta?: StepSize;
  /** β of policy-gradient and ipo-md, the weight of μ in the opponent's mixture, in [0, 1]; default 0 */
  mixtureCoef?: number;
  /** β of nash-ema, in [0, 1]: log q ← β log q + (1 − β) log π; default .9 */
  emaDecay?: number;
  /** moving-magnet: steps between two moves of the magnet; default 200 */
  magnetEvery?: number;
}

/** Options with every default filled in. */
export interface ResolvedSolver {
  name: SolverName;
  eta: StepSize | undefined;
  mixtureCoef: number;
  emaDecay: number;
  magnetEvery: number;
}

const solverOptionNames = ['solver', 'eta', 'mixtureCoef', 'emaDecay', 'magnetEvery'] as const;

/** What each option belongs to; elsewhere it would be ignored, so it is refused. */
const belongsTo: { [option: string]: readonly SolverName[] } = {
  mixtureCoef: ['policy-gradient', 'ipo-md'],
  emaDecay: ['nash-ema'],
  magnetEvery: ['moving-magnet'],
};
/** Solvers without a step size. */
const stepless: readonly SolverName[] = ['best-response', 'fictitious-play'];
/** Solvers with a weight 1 − ητ, which must not be negative. */
const shrinking: readonly SolverName[] = ['nash-md', 'omd', 'omwu', 'extragradient', 'nash-ema'];
/** Solvers that have a meaning for τ = 0. */
const unregularised: readonly SolverName[] = ['mwu', 'omd', 'omwu', 'extragradient', 'mirror-prox', 'fictitious-play'];

/**
 * Fills in the defaults.
 * @throws ConfigError for what is unknown or out of range, and for an option that this solver does not have
 */
export function resolveSolver(o: SolverOptions): ResolvedSolver {
  const asked = o.solver ?? 'nash-md';
  checkName('solver', asked, [...solverNames, ...Object.keys(solverAliases)]);
  const name: SolverName = asked in solverAliases ? solverAliases[asked as SolverAlias] : (asked as SolverName);
  for (const [option, solvers] of Object.entries(belongsTo)) {
    if (o[option as keyof SolverOptions] === undefined || solvers.includes(name)) continue;
    throw new ConfigError({
      where: option,
      what: `${name} has no such option`,
      wanted: `solver ${solvers.join(' or ')}`,
    });
  }
  const { eta, mixtureCoef = 0, emaDecay = 0.9, magnetEvery = 200 } = o;
  if (eta !== undefined && stepless.includes(name))
    throw new ConfigError({ where: 'eta', what: `${name} has no step size`, got: String(eta) });
  if (typeof eta === 'number') checkPositive('eta', eta);
  else if (typeof eta === 'string') checkName('eta', eta, ['paper']);
  checkShare('mixtureCoef', mixtureCoef);
  checkShare('emaDecay', emaDecay);
  checkCount('magnetEvery', magnetEvery);
  return { name, eta, mixtureCoef, emaDecay, magnetEvery };
}

/** Refuses a τ that the solver cannot take, and a constant step that is too long for it. */
export function checkRegularisation(solver: ResolvedSolver, tau: number): void {
  const { name, eta } = solver;
  const free = unregularised.includes(name);
  checkOption(
    'game, tau',
    tau,
    Number.isFinite(tau) && (tau > 0 || (tau === 0 && free)),
    `a finite number ${free ? '≥' : '>'} 0 for ${name}`,
    free ? undefined : `Without regularisation there are ${unregularised.join(', ')}`,
  );
  // beyond these 1/τ and τ² are no numbers
  checkOption('game, tau', tau, tau === 0 || (tau >= 1e-100 && tau <= 1e100), 'a number from 1e-100 to 1e100');
  if (tau === 0 && (eta === 'paper' || (eta === undefined && name === 'omd')))
    throw new ConfigError({
      where: 'eta',
      what: 'the step 2/(τ(t + 2)) needs τ > 0',
      got: 'paper',
      wanted: 'a number',
    });
  if (typeof eta === 'number') checkStep(solver, eta, tau);
}

/** ητ ≤ 1 where the solver weighs by 1 − ητ. */
function checkStep({ name }: ResolvedSolver, eta: number, tau: number): void {
  checkPositive('eta', eta);
  if (!shrinking.includes(name)) return;
  // the paper's first step has ητ = 1 exactly, rounding aside
  checkOption('eta', eta, eta * tau <= 1 + 1e-12, `at most 1/τ = ${1 / tau}: ${name} weighs by 1 − ητ`);
}

/**
 * η of step t in each game, into an array: a number that a function returns would be boxed.
 * @param tau τ `[G]`
 * @param out η `[G]`
 */
export function stepSizesInto(solver: ResolvedSolver, t: number, tau: Float64Array, out: Float64Array): void {
  const { eta, name } = solver;
  if (typeof eta === 'number') out.fill(eta);
  else if (typeof eta === 'function') {
    const asked = eta(t);
    for (let g = 0; g < out.length; g++) {
      checkStep(solver, asked, tau[g] as number);
      out[g] = asked;
    }
  } else {
    const rule = eta === 'paper' ? 'nash-md' : name;
    for (let g = 0; g < out.length; g++) defaultStepInto(rule, t, tau, out, g);
  }
}

function defaultStepInto(name: SolverName, t: number, taus: Float64Array, out: Float64Array, g: number): void {
  const tau = taus[g] as number;
  switch (name) {
    case 'nash-md':
    case 'omd':
    case 'nash-ema':
      out[g] = 2 / (tau * (t + 2));
      break;
    case 'mmd':
    case 'moving-magnet':
      out[g] = 4 * tau; // τ/L² with |P − ½| ≤ L = ½
      break;
    case 'extragradient':
    case 'mirror-prox':
      out[g] = 1 / (tau + 3);
      break;
    case 'omwu':
      out[g] = 1 / (2 * (tau + 3));
      break;
    case 'mwu':
      out[g] = 0.1;
      break;
    case 'policy-gradient':
      // the divergence of logits has a curvature of at most τ/2: beyond 4/τ a step of it goes too far
      out[g] = Math.min(0.5, 2 / tau);
      break;
    case 'online-ipo':
    case 'ipo-md':
      out[g] = Math.min(tau / 8, 0.5); // its gradient is 4/τ that of the policy
      break;
    case 'best-response':
    case 'fictitious-play':
      out[g] = 1;
  }
}

/** For a call that takes a solver's options and more. */
export function checkSolverOptions(where: string, o: object, more: readonly string[]): void {
  checkKnown(where, o, [...solverOptionNames, ...more]);
}
