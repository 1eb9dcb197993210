// Run the graph: each stage from the cache if its inputs are unchanged, else anew.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError, type MetricsRow, readMetrics, StoppedError, writeFileAtomic } from '@gimbal/tensor-core';
import { duration } from '../cli/format.ts';
import type { Output } from '../cli/output.ts';
import { Progress } from '../cli/progress.ts';
import { copyLogs, StageCache } from './cache.ts';
import { optionsFor } from './graph.ts';
import { codeVersion, hashPath, hashValue } from './hash.ts';
import { changed, noteBeginning, type OwnInputs, type Provenance, refuseChanged } from './provenance.ts';
import type { Environment, Stage, StageContext, StageResult } from './stage.ts';

/** What a run of stages needs. */
export interface PipelineRequest {
  /** in order; see `loadStages` */
  stages: readonly Stage[];
  /** of all stages, under their prefixed names */
  options: { [name: string]: unknown };
  /** what it computes with */
  environment: Environment;
  /** the run's folder */
  runDir: string;
  /** where results are kept, by content */
  cacheDir: string;
  /** told how each stage goes */
  output: Output;
  /** stops it between two steps; what was begun can be resumed */
  signal: AbortSignal;
  /** of a run that goes on: what it has kept */
  kept?: Kept;
  /** told what a stage chose by measuring, once it has: the run keeps it */
  onChoice?(stage: Stage, choice: Choice): Promise<void>;
}

/** What a stage chose, and from what. */
export interface Choice {
  /** the stages below it, and itself */
  madeFrom: Provenance;
  /** its result */
  value: unknown;
}

/** What a run has from before it was stopped. */
export interface Kept {
  /** hashes of the code that earlier parts of the run were computed with */
  code: readonly string[];
  /** by stage */
  choices: { readonly [stage: string]: Choice };
}

/** How one stage went. */
export interface StageRecord {
  /** the stage */
  stage: Stage;
  /** its value and folder */
  result: StageResult;
  /** hash of all that its result depends on: its name in the cache */
  key: string;
  /** what it was made from, and what that was made from */
  madeFrom: Provenance;
  /** wall-clock time; of the first run where it came from the cache */
  seconds: number;
  /** whether it came from the cache */
  cached: boolean;
  /** its lines of metrics.jsonl */
  metrics: readonly MetricsRow[];
  /** left out, by its options */
  isOff?: boolean;
}

/**
 * Run stages in their order.
 * @throws StoppedError when the signal aborts: what is finished is cached, what was begun has left a checkpoint
 */
export async function runStages(request: PipelineRequest): Promise<StageRecord[]> {
  const cache = new StageCache(request.cacheDir);
  const records: StageRecord[] = [];
  for (const stage of request.stages) {
    if (request.signal.aborted) throw stopped(stage);
    records.push(await runStage(stage, records, cache, request));
  }
  await mergeMetrics(records, request.runDir);
  return records;
}

async function runStage(
  stage: Stage,
  done: readonly StageRecord[],
  cache: StageCache,
  request: PipelineRequest,
): Promise<StageRecord> {
  const { options, environment, runDir, output, signal, kept } = request;
  const own = optionsFor(stage, options);
  if (stage.isOn?.(own as never) === false) {
    const result = { value: undefined, dir: runDir };
    return { stage, result, key: 'off', madeFrom: {}, seconds: 0, cached: false, metrics: [], isOff: true };
  }
  const inputs = await inputsOf(stage, own, environment);
  const below = stage.needs.map((name) => done.find((r) => r.stage.name === name) as StageRecord);
  const madeFrom: Provenance = { ...Object.assign({}, ...below.map((r) => r.madeFrom)), [stage.name]: inputs };
  const code = await codeVersion();
  const keyOf = (by: string): string => hashValue(keyed(stage, inputs, by, below));
  const key = keyOf(code);
  const progress = new Progress(output, stage.name);
  const logDir = join(runDir, 'stages', stage.name);
  const cacheable = stage.cache !== false;
  const ended = async (result: StageResult, by: string, cached: boolean): Promise<StageRecord> => {
    stage.accept?.(result.value, options);
    if (stage.chooses) await request.onChoice?.(stage, { madeFrom, value: result.value });
    progress.done(stage.describe(result.value, options), cached);
    const seconds = cached ? 0 : progress.seconds;
    return { stage, result, key: by, madeFrom, seconds, cached, metrics: await readMetrics(logDir) };
  };

  // what this run had made before gimbal was built again is still its own
  for (const by of cacheable ? [key, ...(kept?.code ?? []).map(keyOf)] : []) {
    const found = await cache.find(stage.name, by);
    if (!found) continue;
    await copyLogs(join(found.dir, 'log'), logDir);
    return await ended(found, by, true);
  }
  const choice = kept?.choices[stage.name];
  if (choice && changed(choice.madeFrom, madeFrom) === undefined) {
    return await ended(await cache.make(stage.name, key, madeFrom, async () => choice.value), key, true);
  }

  if (kept) await refuseChanged(runDir, stage, madeFrom);
  const run = async (dir: string): Promise<unknown> =>
    await stage.run({
      options: own,
      environment,
      dir,
      logDir,
      runDir,
      signal,
      input: inputOf(stage, done),
      progress: (update) => progress.update(update),
      note: (text) => output.note(`${' '.repeat(16)}${text}`),
    } satisfies StageContext);
  if (!cacheable) return await ended({ value: await run(runDir), dir: runDir }, key, false);
  await mkdir(join(runDir, 'stages'), { recursive: true });
  await noteBeginning(runDir, stage, madeFrom);
  const result = await cache.make(stage.name, key, keyed(stage, inputs, code, below), async (dir) => {
    const value = await run(dir);
    await copyLogs(logDir, join(dir, 'log'));
    return value;
  });
  return await ended(result, key, false);
}

/** All that decides a stage's result, but for the code and the stages below. */
async function inputsOf(
  stage: Stage,
  options: { [name: string]: unknown },
  environment: Environment,
): Promise<OwnInputs> {
  const files = stage.files?.(options) ?? [];
  return {
    version: stage.version,
    options,
    environment: Object.fromEntries(stage.uses.map((name) => [name, environment[name]])),
    files: Object.fromEntries(await Promise.all(files.map(async (path) => [path, await hashInput(path)]))) as {
      [path: string]: string;
    },
  };
}

/** What the cache's key is the hash of. A file counts by its content: its path is among the options. */
const keyed = (stage: Stage, own: OwnInputs, code: string, below: readonly StageRecord[]): unknown => ({
  stage: stage.name,
  code,
  ...own,
  files: Object.values(own.files),
  needs: Object.fromEntries(below.map((r) => [r.stage.name, r.key])),
});

async function hashInput(path: string): Promise<string> {
  try {
    return await hashPath(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const what = code === 'ENOENT' ? 'no such file or folder' : `cannot be read (${code})`;
    throw new ConfigError({ where: path, what, fix: 'Check the path; it is taken from the working directory', cause });
  }
}

/** Access to the results of the stages one needs, and to no others. */
export function inputOf(stage: Stage, done: readonly StageRecord[]): StageContext['input'] {
  return (wanted) => {
    const record = done.find((r) => r.stage.name === wanted.name);
    if (!record || !stage.needs.includes(wanted.name)) {
      throw new Error(`stage ${stage.name} reads ${wanted.name} but does not name it in needs`);
    }
    return record.result as StageResult<never>;
  };
}

const stopped = (next: Stage): StoppedError =>
  new StoppedError({ where: `stage ${next.name}`, what: 'not begun: the run was stopped before it' });

/** The run's metrics.jsonl: the lines of all stages, each with its stage's name. */
async function mergeMetrics(records: readonly StageRecord[], runDir: string): Promise<void> {
  const lines = records.flatMap((r) => r.metrics.map((m) => JSON.stringify({ stage: r.stage.name, ...m })));
  await writeFileAtomic(join(runDir, 'metrics.jsonl'), lines.map((line) => `${line}\n`).join(''));
}

/** `6 stages, 2 cached, 3m 07s`. */
export function summarize(records: readonly StageRecord[]): string {
  const ran = records.filter((r) => !r.isOff);
  const cached = ran.filter((r) => r.cached).length;
  const seconds = records.reduce((sum, r) => sum + r.seconds, 0);
  return `${ran.length} stages${cached > 0 ? `, ${cached} cached` : ''}, ${duration(seconds)}`;
}
