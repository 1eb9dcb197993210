// A claim of a paper is one file, src/claims/<paper>/<id>.ts, that exports `claim`: what the paper says, and how it is
// checked here.

/** Whether the claim holds here; `reported` where there is no threshold. */
export type Verdict = 'holds' | 'fails' | 'reported';

/** What a claim is checked with. */
export interface ClaimContext {
  /** the seeds to run; results are means over them unless the claim says otherwise */
  seeds: readonly number[];
  /** whether every experiment is wanted, or those that fit the half hour */
  full: boolean;
  /** a folder of real text, for claims about some; undefined where none was named */
  data?: string;
  /** name of the backend in use */
  backend: string;
  /** threads of its kernels */
  threads: number;
  /** a folder for what the claim's runs write */
  dir: string;
  /** stops it between two steps */
  signal: AbortSignal;
  /**
   * Runs a script of peers/ to its end with these words on its command line; only where --peer was given.
   * @throws BackendError if it fails; StoppedError if the signal ended it
   */
  peer?(script: string, args: readonly string[]): Promise<void>;
  /** A line about the work, on stderr. */
  note(text: string): void;
}

/** What was found. */
export interface Measurement {
  /** the number that the claim is about, or a few as text */
  measured: number | string;
  /** the interval `measured` is known to, 95 % unless the claim says otherwise */
  interval?: readonly [number, number];
  /** `reported`: a number beside the paper's, with no threshold */
  verdict: Verdict;
}

/** A claim of a paper, and how it is checked. */
export interface Claim {
  /** the file's name: `A1` */
  id: string;
  /** the statement that is checked, in a sentence */
  claim: string;
  /** what the paper measured, and where it says so */
  paper: string;
  /** the threshold here, as text */
  wanted: string;
  /** only run with --full, or when it is named */
  fullOnly?: boolean;
  /** one of those that --quick runs */
  quick?: boolean;
  /** seeds by default */
  seeds?: readonly number[];
  /** with --full, where those are more */
  fullSeeds?: readonly number[];
  /** Runs the experiment. */
  run(context: ClaimContext): Promise<Measurement>;
}

/** What a claim was run with, as the process that ran it began. */
export interface MadeWith {
  /** of this code; null outside a repository */
  commit: string | null;
  /** of Node and of what computes, by name */
  versions: { [name: string]: string };
  /** processor, cores, backend, threads */
  machine: { [name: string]: unknown };
}

/** One line of the result. */
export interface ClaimResult {
  /** of the claim */
  id: string;
  /** the statement, in a sentence */
  claim: string;
  /** what the paper measured, and where it says so */
  paper: string;
  /** what was found here */
  measured: number | string;
  /** the interval it is known to; null where there is none */
  interval: readonly [number, number] | null;
  /** the threshold here, as text */
  wanted: string;
  /** whether it holds */
  verdict: Verdict;
  /** by what it was found: claims of a run that was gone on with may differ */
  madeWith: MadeWith;
}

/** What --json prints. */
export interface ReproduceReport {
  /** short name of the paper */
  paper: string;
  /** every seed that was run */
  seeds: readonly number[];
  /** wall-clock time of all claims, those that failed and were run again twice, and the time that results had taken which earlier runs left on the disk */
  minutes: number;
  /** in the paper's order */
  claims: readonly ClaimResult[];
}

/** Gives a claim its type. */
export const defineClaim = (claim: Claim): Claim => claim;
