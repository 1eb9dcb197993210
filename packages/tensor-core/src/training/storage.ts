/**
 * Where a trainer writes: metrics, events and checkpoints. Node's part of the package brings one (run-storage.node.ts); a
 * page has none, and trainers there run without `out`.
 */
import type { CheckpointContent, KeepRule, LoadedCheckpoint, LoadOptions } from '../checkpoint/content.ts';
import { ConfigError } from '../errors.ts';

/** Writes further files into a checkpoint's folder before it is sealed. */
export type ExtraFiles = (folder: string) => Promise<void>;

/** One open run. */
export interface RunFiles {
  /** Appends a row to metrics.jsonl and the TensorBoard events. */
  log(step: number, row: Readonly<Record<string, number>>): Promise<void>;
  /** Saves a checkpoint; returns its path. */
  checkpoint(content: CheckpointContent, extra?: ExtraFiles): Promise<string>;
  close(): Promise<void>;
  /** Lets another trainer write here; `close` does that too. */
  release(): void;
}

export interface OpenRunOptions {
  /** goes on after this step: later rows of an interrupted run are removed; absent = a new run, which must not exist */
  resumeAt?: number;
  /** written as config.json unless there is one */
  config: unknown;
  keep: KeepRule;
}

export interface Storage {
  /** @throws ConfigError for what is no folder and cannot become one, before anything is made */
  check(out: string): void;
  /** @throws ConfigError where another trainer writes at this moment */
  open(out: string, o: OpenRunOptions): Promise<RunFiles>;
  /** Writes one checkpoint at exactly this path. */
  write(path: string, content: CheckpointContent, extra?: ExtraFiles): Promise<void>;
  load(from: string, o: LoadOptions): Promise<LoadedCheckpoint>;
}

let registered: Storage | undefined;

export function registerStorage(storage: Storage): void {
  registered = storage;
}

/** @throws ConfigError in a page */
export function storage(where: string): Storage {
  if (registered === undefined) {
    throw new ConfigError({
      where,
      what: 'folders exist in Node only',
      fix: 'In a page, leave `out` away and keep encodeSafetensors(trainer.params)',
    });
  }
  return registered;
}
