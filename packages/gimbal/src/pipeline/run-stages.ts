// Run the graph: each stage from the cache if its inputs are unchanged, else anew.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError, StoppedError } from '@gimbal/tensor-core';
import { duration } from '../cli/format.ts';
import type { Output } from '../cli/output.ts';
import { Progress } from '../cli/progress.ts';
import { copyLogs, StageCache } from './cache.ts';
import { optionsFor } from './graph.ts';
import { codeVersion, hashPath, hashValue } from './hash.ts';
import { type MetricsRow, readMetrics } from './metrics.ts';
import type { Environment, Stage, StageContext, StageResult } from './stage.ts';

export interface PipelineRequest {
  /** in order; see `loadStages` */
  stages: readonly Stage[];
  /** of all stages, under their prefixed names */
  options: { [name: string]: unknown };
  environment: Environment;
  runDir: string;
  cacheDir: string;
  output: Output;
  signal: AbortSignal;
}

/** How one stage went. */
export interface StageRecord {
  stage: Stage;
  result: StageResult;
  key: string;
  seconds: number;
  cached: boolean;
  metrics: readonly MetricsRow[];
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
  { options, environment, runDir, output, signal }: PipelineRequest,
): Promise<StageRecord> {
  const own = optionsFor(stage, options);
  const madeFrom = await inputsOf(stage, own, environment, done);
  const key = hashValue(madeFrom);
  const progress = new Progress(output, stage.name);
  const logDir = join(runDir, 'stages', stage.name);
  const cacheable = stage.cache !== false;

  const found = cacheable ? await cache.find(stage.name, key) : undefined;
  if (found) {
    await copyLogs(join(found.dir, 'log'), logDir);
    progress.done(stage.describe(found.value), true);
    return { stage, result: found, key, seconds: 0, cached: true, metrics: await readMetrics(logDir) };
  }

  const dir = await cache.begin(stage.name);
  const context: StageContext = {
    options: own,
    environment,
    dir: cacheable ? dir : runDir,
    logDir,
    runDir,
    signal,
    input: inputOf(stage, done),
    progress: (update) => progress.update(update),
    note: (text) => output.note(`${' '.repeat(16)}${text}`),
  };
  try {
    const value = await stage.run(context);
    if (cacheable) await copyLogs(logDir, join(dir, 'log'));
    const result = cacheable ? await cache.finish(stage.name, key, dir, value, madeFrom) : { value, dir: runDir };
    progress.done(stage.describe(value));
    return { stage, result, key, seconds: progress.seconds, cached: false, metrics: await readMetrics(logDir) };
  } finally {
    await cache.abandon(dir); // published results have moved away
  }
}

/** All that decides a stage's result. */
async function inputsOf(
  stage: Stage,
  options: { [name: string]: unknown },
  environment: Environment,
  done: readonly StageRecord[],
): Promise<unknown> {
  const files = stage.files?.(options) ?? [];
  return {
    stage: stage.name,
    version: stage.version,
    code: await codeVersion(),
    options,
    environment: Object.fromEntries(stage.uses.map((name) => [name, environment[name]])),
    files: await Promise.all(files.map(hashInput)),
    needs: Object.fromEntries(stage.needs.map((name) => [name, done.find((r) => r.stage.name === name)?.key])),
  };
}

async function hashInput(path: string): Promise<string> {
  try {
    return await hashPath(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const what = code === 'ENOENT' ? 'no such file or folder' : `cannot be read (${code})`;
    throw new DataError({ where: path, what, fix: 'Check the path; it is taken from the working directory', cause });
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
  await writeFile(join(runDir, 'metrics.jsonl'), lines.map((line) => `${line}\n`).join(''));
}

/** `6 stages, 2 cached, 3m 07s`. */
export function summarize(records: readonly StageRecord[]): string {
  const cached = records.filter((r) => r.cached).length;
  const seconds = records.reduce((sum, r) => sum + r.seconds, 0);
  return `${records.length} stages${cached > 0 ? `, ${cached} cached` : ''}, ${duration(seconds)}`;
}
