/**
 * What a checkpoint is made of: types that trainers share with whatever stores it (a folder in Node).
 */
import type { Params } from '../tree/params.ts';

/** All that a checkpoint keeps. */
export interface CheckpointContent {
  /** updates done */
  step: number;
  /** evaluation loss at this step, if there was an evaluation; NaN is never the best */
  loss?: number;
  /** trees of tensors by file name: params, optimizer, ema, … */
  trees: Readonly<Record<string, Params>>;
  /** JSON: random streams, data position, history, … */
  state: unknown;
  /** JSON: compared when the run is resumed */
  config: unknown;
  /** version of the code that wrote it */
  version: string;
}

/** What the manifest tells without opening another file. */
export interface CheckpointAbout {
  readonly step: number;
  readonly loss: number | null;
  readonly trees: readonly string[];
  readonly version: string;
}

/** A checkpoint whose files were verified; its trees are read when asked for. */
export interface LoadedCheckpoint {
  /** Its folder. */
  readonly path: string;
  /** Updates done when it was saved. */
  readonly step: number;
  /** Evaluation loss at that step; null if there was none. */
  readonly loss: number | null;
  /** what was saved as `state` */
  readonly state: unknown;
  /** What was saved as `config`. */
  readonly config: unknown;
  /** version of the code that wrote it */
  readonly version: string;
  /** names of the trees */
  readonly trees: readonly string[];
  /** Reads one tree; the caller disposes it. */
  tree(name: string): Promise<Params>;
}

/** Which checkpoints stay when a new one is complete. */
export interface KeepRule {
  /** how many of the latest; default 1 */
  latest?: number;
  /** the one with the lowest evaluation loss too; default true */
  best?: boolean;
}

/** Which checkpoint of a folder is loaded. */
export interface LoadOptions {
  /** default 'latest' */
  which?: 'latest' | 'best';
  /** told about checkpoints that were passed over */
  warn?: (message: string) => void;
  /** what the run is configured with now: a checkpoint of another configuration is refused */
  config?: unknown;
}
