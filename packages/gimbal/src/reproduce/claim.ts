// A claim of a paper is one file, src/claims/<paper>/<id>.ts, that exports `claim`: what the paper says, and how it is
// checked here.

export type Verdict = 'holds' | 'fails' | 'reported';

export interface ClaimContext {
  /** the seeds to run; results are means over them unless the claim says otherwise */
  seeds: readonly number[];
  /** whether every experiment is wanted, or those that fit the half hour */
  full: boolean;
  backend: string;
  threads: number;
  /** a folder for what the claim's runs write */
  dir: string;
  signal: AbortSignal;
  note(text: string): void;
}

export interface Measurement {
  measured: number | string;
  /** the interval `measured` is known to, 95 % unless the claim says otherwise */
  interval?: readonly [number, number];
  /** `reported`: a number beside the paper's, with no threshold */
  verdict: Verdict;
}

export interface Claim {
  id: string;
  /** the statement that is checked, in a sentence */
  claim: string;
  /** what the paper measured, and where it says so */
  paper: string;
  /** the threshold here, as text */
  wanted: string;
  /** only run with --full, or when it is named */
  fullOnly?: boolean;
  /** seeds by default */
  seeds?: readonly number[];
  run(context: ClaimContext): Promise<Measurement>;
}

/** One line of the result. */
export interface ClaimResult {
  id: string;
  claim: string;
  paper: string;
  measured: number | string;
  interval: readonly [number, number] | null;
  wanted: string;
  verdict: Verdict;
}

/** What --json prints. */
export interface ReproduceReport {
  paper: string;
  commit: string | null;
  machine: { [name: string]: unknown };
  seeds: readonly number[];
  minutes: number;
  claims: readonly ClaimResult[];
}

export const defineClaim = (claim: Claim): Claim => claim;
