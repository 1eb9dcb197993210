// A bench suite is one file in src/benches that exports `suite`; its name is the file's. It yields rows as it measures.
import type { Peer } from './peer.ts';
import type { Sampler } from './sampler.ts';

/** One line of the table. */
export interface BenchRow {
  name: string;
  /** of `ours` and `peer` */
  unit: string;
  ours: number;
  /** null without --peer, or where there is none */
  peer: number | null;
  /** > 1: we are better, whatever the unit; null without a peer */
  ratio: number | null;
  /** the least ratio, or null */
  goal: number | null;
  /** kernels that fell to JavaScript on the host while ours was measured */
  hostKernels: number;
}

export interface SuiteContext {
  options: BenchOptions;
  backend: string;
  threads: number;
  bf16: boolean;
  sampler: Sampler;
  /** Start a script of peers/, which ends with the suite; undefined without --peer. */
  peer(script: string): Promise<Peer | undefined>;
  /** Start a script that needs no Python, with or without --peer. */
  companion(script: string): Promise<Peer>;
  note(text: string): void;
}

export interface BenchOptions {
  peer: boolean;
  /** 0…1: fewer repetitions and shorter runs */
  effort: number;
  seed: number;
}

export interface Suite {
  name: string;
  /** one sentence */
  summary: string;
  run(context: SuiteContext): AsyncIterable<BenchRow>;
}

export const defineSuite = (suite: Suite): Suite => suite;
