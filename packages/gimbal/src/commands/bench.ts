// gimbal bench: speed as ratios. One suite is measured in this process; several each get a process of their own, so that
// none runs in the memory and after the warm-up of another.
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigError, nearest, StoppedError, writeFileAtomic } from '@gimbal/tensor-core';
import { z } from 'zod';
import { addRows } from '../bench/add-rows.ts';
import type { BenchRow, Suite } from '../bench/suite.ts';
import { type BenchReport, loadNote, markdown, missed, terminalTable } from '../bench/table.ts';
import { type CommandContext, type CommandResult, defineCommand } from '../cli/command.ts';
import { listModules, loadModule } from '../cli/discover.ts';
import { counted } from '../cli/format.ts';
import { globalOptions, presentational } from '../cli/globals.ts';
import { optionInfos } from '../options/kind.ts';
import { againCommand, flagsOf, shellWord } from '../run/again.ts';
import { commitOf } from '../run/commit.ts';
import { startCompute } from '../run/compute.ts';
import { machine, versions } from '../run/machine.ts';
import { refuseUnwritable } from '../run/out-file.ts';

const options = z.object({
  peer: z.boolean().default(false).describe('also run the Python peer ($PYTHON or python3, with torch), interleaved'),
  effort: z
    .number()
    .min(0)
    .max(1)
    .default(1)
    .describe('share of the rounds and seconds to spend: 0.2 is a quick look, 0 runs each once to see that it works'),
  part: z.array(z.string().min(1)).optional().describe('only these parts of the suite, such as a task of physics'),
  nightly: z
    .boolean()
    .default(false)
    .describe('rl-train: in place of speed, what agents learn in as many steps as CleanRL’s, over five seeds (hours)'),
  model: z.string().min(1).optional().describe('a .gguf file that open-models measures too'),
  add: z
    .boolean()
    .default(false)
    .describe('add the rows to the page that --out names, in place of those measured before'),
});
type Options = z.output<typeof options>;

export const command = defineCommand({
  summary: 'Measure speed and memory, as ratios against PyTorch with --peer.',
  arguments: [{ name: 'suite', description: 'suites to run, or all', required: true, variadic: true }],
  options,
  async topics(root) {
    const names = await listModules(root, 'benches');
    const suites = names.map((name) => loadModule<{ suite: Suite }>(root, 'benches', name));
    return { title: 'Suites', entries: (await Promise.all(suites)).map(({ suite }) => suite) };
  },
  examples: [
    'gimbal bench gemm --peer',
    'gimbal bench physics --peer --part Hopper-v5 --out physics.md --add   one task more in that table',
    'gimbal bench all --peer --out docs/results/bench.md   a table for the documentation (.json: the same as data)',
  ],
  async run(context) {
    const names = await chosen(context);
    await refuseParts(context, names);
    await refuseNightly(context, names);
    if (context.options.out !== undefined) await refuseUnwritable('bench', context.options.out);
    const earlier = await earlierPage(context.options);
    const report =
      names.length === 1 ? await measureHere(context, names[0] as string) : await measureEach(context, names);
    const { output, options: o } = context;
    if (!output.json) {
      const failed = missed(report.rows);
      if (names.length > 1) for (const line of terminalTable(report.rows)) output.line(line);
      output.line();
      output.line(`${report.machine.cpu}, ${report.machine.backend}, ${counted(report.machine.threads, 'thread')}`);
      output.line(
        Object.entries(report.versions)
          .map(([name, version]) => `${name} ${version}`)
          .join(', '),
      );
      output.line(loadNote(report.rows));
      if (failed.length > 0) output.line(`${failed.length} of ${counted(report.rows.length, 'row')} below their goal`);
    }
    if (o.out !== undefined) {
      const page = markdown(report, commandLine(names, o), commitOf());
      const added = earlier === undefined ? page : addRows(earlier, page, o.out);
      await writeFileAtomic(o.out, isJson(o.out) ? json(report) : added);
      output.note(`written to ${o.out}`);
    }
    return { json: report } satisfies CommandResult;
  },
});

async function chosen({ arguments: words, root }: CommandContext<Options>): Promise<string[]> {
  const known = await listModules(root, 'benches');
  if (words.includes('all')) return known;
  for (const name of words) {
    if (known.includes(name)) continue;
    const near = nearest(name, known);
    const fix = near === undefined ? {} : { fix: `Did you mean ${near}?` };
    throw new ConfigError({
      where: 'gimbal bench',
      what: `unknown suite ${name}`,
      wanted: `all, ${known.join(', ')}`,
      ...fix,
    });
  }
  return [...new Set(words)];
}

/** @throws ConfigError for parts that no suite, or none of these, has */
async function refuseParts(
  { options: { part }, root }: CommandContext<Options>,
  names: readonly string[],
): Promise<void> {
  if (part === undefined) return;
  const where = 'gimbal bench --part';
  if (names.length > 1) throw new ConfigError({ where, what: 'parts are of one suite', got: names.join(', ') });
  const { suite } = await loadModule<{ suite: Suite }>(root, 'benches', names[0] as string);
  const { parts } = suite;
  if (parts === undefined)
    throw new ConfigError({ where, what: `${suite.name} is measured whole`, fix: 'Leave it out' });
  for (const name of part) {
    if (parts.includes(name)) continue;
    const near = nearest(name, parts);
    const fix = near === undefined ? {} : { fix: `Did you mean ${near}?` };
    throw new ConfigError({ where, what: `${suite.name} has no part ${name}`, wanted: parts.join(', '), ...fix });
  }
}

/** @throws ConfigError where a suite has no such part */
async function refuseNightly(
  { options: { nightly }, root }: CommandContext<Options>,
  names: readonly string[],
): Promise<void> {
  if (!nightly) return;
  for (const name of names) {
    const { suite } = await loadModule<{ suite: Suite }>(root, 'benches', name);
    if (suite.nightly) continue;
    const fix = 'Leave it out, or name rl-train alone';
    throw new ConfigError({ where: 'gimbal bench --nightly', what: `${name} has nothing that takes a night`, fix });
  }
}

/** The page that --add adds to; undefined where there is none yet. */
async function earlierPage({ add, out }: CommandContext<Options>['options']): Promise<string | undefined> {
  if (!add) return undefined;
  if (out === undefined || isJson(out)) {
    const what = 'rows are added to a page, which --out names';
    throw new ConfigError({ where: 'gimbal bench --add', what, got: out, wanted: '--out FILE.md' });
  }
  const page = await readFile(out, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (page !== undefined) addRows(page, page, out); // before the work: a file that is no such page is refused
  return page;
}

const isJson = (path: string): boolean => path.endsWith('.json');

async function measureHere(
  { options: o, output, root, signal }: CommandContext<Options>,
  name: string,
): Promise<BenchReport> {
  const { runSuite } = await import('../bench/run-suite.ts');
  const info = await startCompute(o);
  const { rows, versions: peers } = await runSuite({
    root,
    name,
    options: { peer: o.peer, effort: o.effort, seed: o.seed, parts: o.part, model: o.model, nightly: o.nightly },
    backend: info.name,
    threads: info.threads,
    bf16: info.bf16,
    signal,
    note: (text) => output.note(text),
    onRow: (row) => {
      // the table is printed line by line as it grows; its width is settled by the longest names there are
      if (!output.json) output.note(terminalTable([padding, row])[3] ?? '');
    },
  });
  if (!output.json) output.note('');
  await info.trace(output);
  const isa = info.isa === undefined ? {} : { isa: info.isa };
  return {
    machine: { ...machine(), backend: info.name, threads: info.threads, ...isa },
    versions: { ...versions(), ...peers },
    rows,
  };
}

/** A row as wide as rows get, so that lines printed one by one stand below each other. */
const padding: BenchRow = {
  name: ' '.repeat(76),
  unit: 'GFLOP/s  ',
  ours: 99999,
  peer: 99999,
  ratio: 99.99,
  goal: 0.75,
  hostKernels: 0,
};

async function measureEach(context: CommandContext<Options>, names: readonly string[]): Promise<BenchReport> {
  const reports: BenchReport[] = [];
  for (const name of names) {
    if (context.signal.aborted) throw stopped(`before ${name}`);
    context.output.note(name);
    reports.push(await measureApart(context, name));
  }
  return {
    machine: (reports[0] as BenchReport).machine,
    versions: Object.assign({}, ...reports.map((r) => r.versions)) as { [name: string]: string },
    rows: reports.flatMap((r) => r.rows),
  };
}

/** The same command for one suite, in a process of its own; its rows come back as JSON. */
function measureApart(
  { options: o, output, root, signal }: CommandContext<Options>,
  name: string,
): Promise<BenchReport> {
  const entry = fileURLToPath(new URL('cli.js', root));
  const flags = flagsOf(infos(), o, {}, new Set([...presentational, 'add']));
  const words = ['bench', name, '--json', ...(o.trace ? ['--trace'] : []), ...flags];
  const child = spawn(process.execPath, [entry, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
  const stop = (): void => {
    child.kill();
  };
  signal.addEventListener('abort', stop, { once: true });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => output.note(chunk.toString().trimEnd()));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      signal.removeEventListener('abort', stop);
      if (code === 0) resolve(JSON.parse(text) as BenchReport);
      else if (signal.aborted) reject(stopped(`in ${name}`));
      else reject(new Error(`bench ${name} ended with exit code ${code}`));
    });
  });
}

const stopped = (when: string): StoppedError => new StoppedError({ where: 'gimbal bench', what: `stopped ${when}` });

const infos = () => optionInfos(z.object({ ...options.shape, ...globalOptions.shape }));

function commandLine(names: readonly string[], o: CommandContext<Options>['options']): string {
  const settled = o.model === undefined ? {} : { model: basename(o.model) };
  const again = againCommand(['bench', ...names].join(' '), infos(), o, settled, presentational);
  return `${again} --out ${shellWord(o.out as string)}`;
}

const json = (report: BenchReport): string => `${JSON.stringify(report, null, 2)}\n`;
