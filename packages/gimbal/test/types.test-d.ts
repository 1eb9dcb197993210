// Types of the public surface: checked by `tsc`, never run. A line under @ts-expect-error must not compile.
import { z } from 'zod';
import {
  type BenchRow,
  type ClaimResult,
  defineClaim,
  defineStage,
  defineSuite,
  type Environment,
  type Report,
  type ReportPart,
  type ReproduceReport,
  renderReport,
  type StageResult,
  type Verdict,
} from '../src/index.ts';

/** Fails to compile unless both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const check = <T extends true>(): T | undefined => undefined;

// a stage knows its own options, and the results of those it needs
const first = defineStage({
  name: 'first',
  summary: 'Counts.',
  version: 1,
  needs: [],
  prefix: 'first',
  options: z.object({ steps: z.int().default(3) }),
  uses: ['seed'],
  async run({ options, environment }) {
    check<Same<typeof options.steps, number>>();
    check<Same<typeof environment, Environment>>();
    return { count: options.steps };
  },
  describe: ({ count }) => `${count}`,
});
defineStage({
  name: 'second',
  summary: 'Reads.',
  version: 1,
  needs: ['first'],
  prefix: '',
  options: z.object({}),
  uses: [],
  async run({ input }) {
    const { value }: StageResult<{ count: number }> = input(first as never);
    return value.count;
  },
  describe: (count) => `${count}`,
});
// @ts-expect-error a stage names its version: the cache needs it
defineStage({
  name: 'x',
  summary: '',
  needs: [],
  prefix: '',
  options: z.object({}),
  uses: [],
  run: async () => 1,
  describe: () => '',
});

defineStage({
  name: 'y',
  summary: '',
  version: 1,
  needs: [],
  prefix: '',
  options: z.object({}),
  // @ts-expect-error no such part of the environment
  uses: ['weather'],
  run: async () => 1,
  describe: () => '',
});

// a suite yields rows; what has no peer says so
declare const row: BenchRow;
check<Same<BenchRow['peer'], number | null>>();
defineSuite({
  name: 's',
  summary: '',
  async *run({ threads }) {
    yield { ...row, ours: threads };
  },
});
// @ts-expect-error a row has a unit
const unitless: BenchRow = { name: '', ours: 1, peer: null, ratio: null, goal: null, hostKernels: 0 };

// a claim measures, and says whether it holds
check<Same<Verdict, 'holds' | 'fails' | 'reported'>>();
check<Same<ReproduceReport['claims'], readonly ClaimResult[]>>();
const words = { id: 'A1', claim: '', paper: '', wanted: '' };
defineClaim({ ...words, run: async ({ seeds }) => ({ measured: seeds.length, verdict: 'reported' }) });
// @ts-expect-error no such verdict
defineClaim({ ...words, run: async () => ({ measured: 1, verdict: 'maybe' }) });

// parts of a report are told apart by kind
const chart: ReportPart = { kind: 'chart', title: '', xName: '', yName: '', series: [] };
// @ts-expect-error a table has rows
const table: ReportPart = { kind: 'table', title: '', head: [] };
declare const report: Report;
const page: string | Promise<string> = renderReport(report);

void [unitless, chart, table, page];
