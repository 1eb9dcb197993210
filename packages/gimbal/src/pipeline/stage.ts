// A stage is one file in src/stages that exports `stage`; its name is the file's. Stages form one graph through `needs`.
// A later package adds a stage by adding a file: it brings its options, its cache and its part of the report with it.
import type { z } from 'zod';
import type { ProgressUpdate } from '../cli/progress.ts';
import type { OptionTable } from '../options/kind.ts';
import type { ReportSection } from '../report/part.ts';

/** What the whole run computes with; a stage's cache depends on those it names in `uses`. */
export interface Environment {
  /** of every random stream */
  seed: number;
  /** name of the backend in use, never `auto` */
  backend: string;
  /** threads of its kernels */
  threads: number;
}

/** The result of a stage: a value that JSON can hold, and a folder of files. */
export interface StageResult<R = unknown> {
  /** for later stages and the report, as JSON */
  value: R;
  /** folder of its files */
  dir: string;
}

/** What a stage works with. */
export interface StageContext<O = { [name: string]: unknown }> {
  /** its own, checked, under their names without the prefix */
  options: O;
  /** what it computes with */
  environment: Environment;
  /** results of the stages in `needs` */
  input<R>(stage: Stage<OptionTable, R>): StageResult<R>;
  /** files put here belong to the result */
  dir: string;
  /** the stage's folder in the run: metrics.jsonl, TensorBoard events, checkpoints. Survives an interruption. */
  logDir: string;
  /** the run's folder; only a stage with `cache: false` may write there */
  runDir: string;
  /** stops it: the stage leaves a checkpoint and throws a StoppedError */
  signal: AbortSignal;
  /** Says how far it is; on a terminal the line is rewritten. */
  progress(update: ProgressUpdate): void;
  /** A line about the work, on stderr. */
  note(text: string): void;
}

/** What a stage's part of the report is made from. */
export interface ReportContext<O = { [name: string]: unknown }> {
  /** the stage's own, as it ran with them */
  options: O;
  /** what it computed with */
  environment: Environment;
  /** results of the stages in `needs` */
  input<R>(stage: Stage<OptionTable, R>): StageResult<R>;
  /** folder of the stage's result */
  dir: string;
  /** the run's folder */
  runDir: string;
  /** the stage's lines of metrics.jsonl */
  metrics: readonly { step: number; [name: string]: unknown }[];
}

/** One step of a run, with its options, its cache and its part of the report. */
export interface Stage<T extends OptionTable = OptionTable, R = unknown> {
  /** the file's name */
  name: string;
  /** one sentence */
  summary: string;
  /** raise it when the same inputs shall give another result */
  version: number;
  /** names of the stages whose results it reads */
  needs: readonly string[];
  /** put before its options' names: `fineTune` makes `steps` the flag --fine-tune-steps; '' = none */
  prefix: string;
  /** their kinds, defaults and descriptions */
  options: T;
  /** parts of the environment its result depends on */
  uses: readonly (keyof Environment)[];
  /** files or folders of the user's that it reads; their content is part of the cache's key */
  files?(options: z.output<T>): readonly string[];
  /** whether its result may be taken from an earlier run; default true */
  cache?: boolean;
  /** Computes the result. */
  run(context: StageContext<z.output<T>>): Promise<R>;
  /** Whether its options ask for it; where not, it is left out: it has no line, and its value is undefined. Default: always */
  isOn?(options: z.output<T>): boolean;
  /**
   * Refuse options that do not fit each other, before anything runs.
   * @param all options of every stage, under their prefixed names
   */
  check?(options: z.output<T>, all: { readonly [name: string]: unknown }): void | Promise<void>;
  /** Refuse a result, new or from the cache, that a later stage could not work with; `all` as for `check`. */
  accept?(value: R, all: { readonly [name: string]: unknown }): void;
  /**
   * For a stage that chooses by measuring: the options, under their prefixed names, that give the same without it
   * (undefined: leave the option out). The run keeps its value, so that going on with it chooses nothing else.
   */
  chooses?(value: R, all: { readonly [name: string]: unknown }): { [name: string]: unknown };
  /** a few words for the line that stays when it is done; `all` as for `check` */
  describe(value: R, all: { readonly [name: string]: unknown }): string;
  /** its part of report.html */
  report?(value: R, context: ReportContext<z.output<T>>): Promise<readonly ReportSection[]> | readonly ReportSection[];
}

/** Keeps the types of options and result while a stage is declared. */
export const defineStage = <T extends OptionTable, R>(stage: Stage<T, R>): Stage<T, R> => stage;
