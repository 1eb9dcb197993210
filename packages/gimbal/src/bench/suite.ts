// A bench suite is one file in src/benches that exports `suite`; its name is the file's. It yields rows as it measures.
import type { Peer } from './peer.ts';
import type { Sampler } from './sampler.ts';

/** One line of the table. */
export interface BenchRow {
  /** suite and case: `gemm: 512 × 512 × 512` */
  name: string;
  /** of `ours` and `peer` */
  unit: string;
  /** the median of our rounds, in `unit` */
  ours: number;
  /** null without --peer, or where there is none */
  peer: number | null;
  /** > 1: we are better, whatever the unit; null without a peer */
  ratio: number | null;
  /** the least ratio, or null */
  goal: number | null;
  /** kernels that fell to JavaScript on the host while ours was measured */
  hostKernels: number;
  /** share of all processors' time that other processes used while it was timed; null where nothing was, or it is not known */
  others?: number | null;
}

/** What a suite measures with. */
export interface SuiteContext {
  /** what was asked for */
  options: BenchOptions;
  /** name of the backend in use */
  backend: string;
  /** threads of its kernels */
  threads: number;
  /** whether it can multiply in bf16 */
  bf16: boolean;
  /** times both sides, interleaved */
  sampler: Sampler;
  /** Start a script of peers/, which ends with the suite; undefined without --peer. */
  peer(script: string): Promise<Peer | undefined>;
  /** Start a script that needs no Python, with or without --peer. */
  companion(script: string): Promise<Peer>;
  /** Whether this part of the suite was asked for: all are, unless --part names some. */
  wants(part: string): boolean;
  /** A line about the work, on stderr. */
  note(text: string): void;
}

export interface BenchOptions {
  peer: boolean;
  /** 0…1: fewer repetitions and shorter runs */
  effort: number;
  seed: number;
  /** the parts to measure; undefined: all */
  parts?: readonly string[] | undefined;
  /** in place of its speed, what takes hours and a suite says it has */
  nightly?: boolean | undefined;
  /** a user's model file, for suites that measure one */
  model?: string | undefined;
}

/** What measures one kind of work. */
export interface Suite {
  /** the file's name, as `gimbal bench` takes it */
  name: string;
  /** one sentence */
  summary: string;
  /** what `--part` can choose; none where a suite is measured whole */
  parts?: readonly string[];
  /** whether it has more to measure with --nightly, which takes hours */
  nightly?: boolean;
  /** Measures, and yields each row when it is known. */
  run(context: SuiteContext): AsyncIterable<BenchRow>;
}

/** Gives a suite its type. */
export const defineSuite = (suite: Suite): Suite => suite;
