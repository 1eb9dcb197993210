// gimbal reproduce <paper>: run the claims of a paper that this version checks, and say which hold.
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError, nearest, StoppedError, writeFileAtomic } from '@gimbal/tensor-core';
import { z } from 'zod';
import { runPeerScript } from '../bench/peer-script.ts';
import { type CommandContext, type CommandResult, defineCommand } from '../cli/command.ts';
import { listFolders, listModules, loadModule } from '../cli/discover.ts';
import { counted, figure } from '../cli/format.ts';
import type { Claim, ClaimResult, MadeWith, ReproduceReport } from '../reproduce/claim.ts';
import { keptResults } from '../reproduce/kept.ts';
import { seedsOf } from '../reproduce/seeds.ts';
import { commitOf } from '../run/commit.ts';
import { startCompute } from '../run/compute.ts';
import { machine, versions } from '../run/machine.ts';
import { optionsOfRun, type RunFolder, withRun } from '../run/run-folder.ts';

const options = z.object({
  claim: z.array(z.string().min(1)).optional().describe('only these claims, by id'),
  full: z
    .boolean()
    .default(false)
    .describe('every claim and every seed; the default takes at most 30 minutes on two cores'),
  quick: z.boolean().default(false).describe('the claims that take least, on one seed: a few minutes'),
  data: z
    .string()
    .min(1)
    .optional()
    .describe('folder of real text, for claims about some, which are skipped without it'),
  peer: z
    .boolean()
    .default(false)
    .describe('run the Python peer ($PYTHON or python3) of claims beside one, where its figures are not kept'),
  seeds: z.array(z.int().min(0)).optional().describe("seeds to run (default: each claim's own)"),
});
type Options = z.output<typeof options>;

export const command = defineCommand({
  summary: 'Run the claims of a paper and print which of them hold.',
  resumes: true,
  arguments: [{ name: 'paper', description: 'the paper, by its short name', required: false }],
  options,
  async topics(root) {
    const papers = await listFolders(root, 'claims');
    const entries = papers.map(async (paper) => {
      const claims = await claimsOf(root, paper, await listModules(root, `claims/${paper}`));
      const own = claims.map(({ id, claim, fullOnly }) => ({
        name: `  ${id}`,
        summary: `${claim}${fullOnly ? ' (only with --full, or by name)' : ''}`,
      }));
      return [{ name: paper, summary: `${counted(own.length, 'claim')}` }, ...own];
    });
    return { title: 'Papers and their claims', entries: (await Promise.all(entries)).flat() };
  },
  examples: [
    'gimbal reproduce',
    'gimbal reproduce warm --claim W3 --json',
    'gimbal reproduce vec2text --quick',
    'gimbal reproduce fma-pg --claim C15 --peer             Stable-Baselines3 trains too, seed by seed',
    'gimbal reproduce vec2text --claim E17 --data folder   real sentences, from snli_dev.jsonl and snli_test.jsonl',
  ],
  async run(context) {
    const papers = await listFolders(context.root, 'claims');
    const paper = context.arguments[0];
    if (paper === undefined || !papers.includes(paper)) throw noSuchPaper(paper, papers);
    const claims = await chosen(context, paper);
    return await runClaims(context, paper, claims);
  },
});

function noSuchPaper(paper: string | undefined, papers: readonly string[]): ConfigError {
  const where = 'gimbal reproduce';
  const wanted = `one of ${papers.join(', ')}`;
  if (paper === undefined) return new ConfigError({ where, what: 'which paper?', wanted });
  const near = nearest(paper, papers);
  const fix = near === undefined ? {} : { fix: `Did you mean ${near}?` };
  return new ConfigError({ where, what: `unknown paper ${paper}`, wanted, ...fix });
}

async function chosen({ root, options: o }: CommandContext<Options>, paper: string): Promise<Claim[]> {
  const folder = `claims/${paper}`;
  const ids = await listModules(root, folder);
  for (const id of o.claim ?? []) {
    if (ids.includes(id)) continue;
    const near = nearest(id, ids);
    const fix = near === undefined ? {} : { fix: `Did you mean ${near}?` };
    throw new ConfigError({
      where: 'gimbal reproduce --claim',
      what: `${paper} has no claim ${id}`,
      wanted: `one of ${ids.join(', ')}`,
      ...fix,
    });
  }
  const where = 'gimbal reproduce --quick';
  if (o.quick && (o.full || o.claim !== undefined)) {
    const got = o.full ? '--full' : '--claim';
    throw new ConfigError({ where, what: 'it says itself which claims to run', got, fix: `Leave ${got} out` });
  }
  const wanted = o.claim ?? ids;
  const claims = await claimsOf(root, paper, wanted);
  const some = claims.filter((claim) => (o.quick ? claim.quick : o.claim !== undefined || o.full || !claim.fullOnly));
  if (some.length > 0) return some;
  throw new ConfigError({ where, what: `no claim of ${paper} is a quick one`, fix: 'Name some with --claim' });
}

const claimsOf = (root: URL, paper: string, ids: readonly string[]): Promise<Claim[]> =>
  Promise.all(ids.map(async (id) => (await loadModule<{ claim: Claim }>(root, `claims/${paper}`, id)).claim));

async function runClaims(
  context: CommandContext<Options>,
  paper: string,
  claims: readonly Claim[],
): Promise<CommandResult> {
  return withRun({ command: 'reproduce', options: context.options, given: context.given }, (run) =>
    runInto(run, optionsOfRun(context.options, run), paper, claims, context),
  );
}

async function runInto(
  run: RunFolder,
  o: CommandContext<Options>['options'],
  paper: string,
  claims: readonly Claim[],
  { output, signal, root }: Pick<CommandContext, 'output' | 'signal' | 'root'>,
): Promise<CommandResult> {
  const info = await startCompute(o);
  await run.update({ resolved: { backend: info.name, threads: info.threads } });
  const began = performance.now();
  const madeWith: MadeWith = {
    ...{ commit: commitOf() ?? null, versions: versions() },
    machine: { ...machine(), backend: info.name, threads: info.threads },
  };
  const earlier = o.resume ? await earlierClaims(run, paper) : undefined;
  // a result stays until the claim has another one: a run that is stopped again has lost none
  const results = new Map(earlier?.claims.map((result) => [result.id, result]));
  const reportNow = (): ReproduceReport => ({
    paper,
    seeds: [...new Set(claims.flatMap((claim) => seedsOf(claim, o)))].sort((a, b) => a - b),
    minutes:
      (earlier?.minutes ?? 0) +
      (performance.now() - began) / 60_000 +
      keptResults.minutes(Date.parse(run.config.started)),
    claims: claims.flatMap(({ id }) => results.get(id) ?? []),
  });
  const stands = (id: string): boolean => (results.get(id)?.verdict ?? 'fails') !== 'fails';
  let done = claims.filter(({ id }) => stands(id)).length;
  for (const claim of claims) {
    const before = results.get(claim.id);
    if (stands(claim.id)) continue;
    if (signal.aborted) {
      const where = `gimbal reproduce ${paper}`;
      throw new StoppedError({ where, what: `stopped after ${done} of ${counted(claims.length, 'claim')}` });
    }
    const dir = join(run.path, claim.id);
    if (before) {
      output.note(
        `${claim.id} failed ${before.madeWith.commit ? `at ${before.madeWith.commit}` : 'before'}: run again`,
      );
      // what its own runs had left is of the code that failed
      await rm(dir, { recursive: true, force: true });
    }
    const { measured, interval, verdict } = await claim
      .run({
        seeds: seedsOf(claim, o),
        full: o.full,
        ...(o.data !== undefined && { data: o.data }),
        backend: info.name,
        threads: info.threads,
        dir,
        signal,
        ...(o.peer && { peer: (script, args) => runPeerScript(root, script, args, signal) }),
        note: (text) => output.note(text),
      })
      // the time that a stopped claim took counts when it goes on
      .catch(async (error: unknown) => {
        await writeReport(run, reportNow());
        throw error;
      });
    const { id, paper: reported, wanted } = claim;
    const result: ClaimResult = {
      ...{ id, claim: claim.claim, paper: reported, measured, interval: interval ?? null, wanted, verdict },
      madeWith,
    };
    results.set(id, result);
    done++;
    // after each claim, so that a run that is stopped goes on behind it
    await writeReport(run, reportNow());
    if (!output.json) for (const line of lines(result, output.colors)) output.line(line);
  }
  const report = reportNow();
  await writeReport(run, report);
  await info.trace(output);
  const failed = report.claims.filter((r) => r.verdict === 'fails').length;
  if (!output.json) {
    output.line(
      `${report.claims.length - failed} of ${report.claims.length} claims hold or are reported, ${report.minutes.toFixed(1)} minutes`,
    );
  }
  return { json: report, ok: failed === 0 };
}

const resultsPath = (run: RunFolder): string => join(run.path, 'results.json');

const writeReport = (run: RunFolder, report: ReproduceReport): Promise<void> =>
  writeFileAtomic(resultsPath(run), `${JSON.stringify(report, null, 2)}\n`);

/** What the run had finished before it was stopped. */
async function earlierClaims(run: RunFolder, paper: string): Promise<ReproduceReport | undefined> {
  const text = await readFile(resultsPath(run), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const report = JSON.parse(text) as ReproduceReport & Partial<MadeWith>;
  // an older file says it once, of the end of its run
  const { commit = null, versions = {}, machine = {} } = report;
  const claims = report.claims.map((result) => ({
    ...result,
    madeWith: result.madeWith ?? { commit, versions, machine },
  }));
  if (report.paper === paper) return { ...report, claims };
  throw new ConfigError({
    where: 'gimbal reproduce --resume',
    what: `${run.path} is a run of another paper`,
    got: paper,
    wanted: report.paper,
  });
}

function lines(r: ClaimResult, c: CommandContext['output']['colors']): string[] {
  const color = { holds: c.green, fails: c.red, reported: c.cyan }[r.verdict];
  const text = (value: number | string): string => (typeof value === 'number' ? figure(value) : value);
  const interval = r.interval === null ? '' : ` [${text(r.interval[0])}, ${text(r.interval[1])}]`;
  return [
    `${color(r.verdict.padEnd(8))} ${c.bold(r.id)}  ${r.claim}`,
    `         measured ${text(r.measured)}${interval}, wanted ${r.wanted}; the paper: ${r.paper}`,
  ];
}
