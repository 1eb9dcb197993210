// gimbal control train on a table: exact values and gradients, no sampling. The policy's return after each outer step, and
// whether it ever fell.
import { join } from 'node:path';
import { mdps, optimalPolicy, type TabularMdp, type TabularMethod, tabularFmaPg, tabularTakes } from '@gimbal/fma-pg';
import { ConfigError, writeFileAtomic } from '@gimbal/tensor-core';
import { counted, figure } from '../cli/format.ts';
import type { Output } from '../cli/output.ts';
import { inFlags } from '../options/in-flags.ts';
import type { OptionTable } from '../options/kind.ts';
import type { RunFolder } from '../run/run-folder.ts';
import { givenAgentFlags } from './agent-flags.ts';
import { type EnvOptionTexts, readEnvOptions } from './env-options.ts';
import { shortOf } from './short-of.ts';
import { noUse, tables } from './tabular-flags.ts';
import { type InnerFlags, innerOf, innerText, outerSteps } from './tabular-inner.ts';
import { tabularReport } from './tabular-report.ts';
import { againOf, type Making, makingSection } from './told.ts';

const make: { readonly [name: string]: (o: { size?: number }) => TabularMdp } = {
  CliffWorld: () => mdps.cliffWorld(),
  DeepSeaTreasure: ({ size }) => mdps.deepSeaTreasure(size),
};

interface TabularFlags extends InnerFlags {
  env: string;
  envOptions?: EnvOptionTexts | undefined;
  steps?: number | undefined;
  clipEpsilon?: number | undefined;
  pessimistic?: boolean | undefined;
  gamma?: number | undefined;
  [flag: string]: unknown;
}

/** Places that the library names, as flags. */
const flags = {
  ...{ method: '--algo', eta: '--eta', clipEpsilon: '--clip-epsilon', pessimistic: '--pessimistic' },
  ...{ 'inner.kind': '--inner', 'inner.steps': '--inner-steps', 'inner.alpha': '--alpha', 'inner.delta': '--delta' },
  ...{ 'inner.floor': '--floor', 'inner.c': '--c', 'inner.maxAlpha': '--max-alpha' },
};

/** Runs it; the policy is left in policy.json, its returns in metrics.jsonl, what it was made with in settings.json. */
export async function trainTable(
  o: TabularFlags,
  run: RunFolder,
  output: Output,
  signal: AbortSignal,
  table: OptionTable,
) {
  for (const [name, got] of Object.entries(givenAgentFlags(o)))
    if (name !== 'gamma') throw noUse(name, got, 'A table has no use for it');
  const options = tables[o.env]?.options ?? [];
  const given = readEnvOptions(o.envOptions);
  for (const name of Object.keys(given)) {
    if (options.includes(name)) continue;
    const wanted = options.join(', ') || 'none';
    throw new ConfigError({
      where: 'gimbal control train --env-options',
      what: `no option of ${o.env}`,
      got: name,
      wanted,
    });
  }
  const mdp = (make[o.env] as (o: object) => TabularMdp)(given);
  if (o.gamma !== undefined) throw noUse('gamma', o.gamma, `γ is the task’s own, ${mdp.gamma}: leave it out`);
  const method = o.algo as TabularMethod;
  const inner = innerOf(o);
  const eta = o.eta ?? (tabularTakes(method, 'eta', inner.kind) ? 1 : undefined);
  const iterations = o.steps ?? outerSteps(o.env, inner);
  const rows: { step: number; return: number }[] = [];
  let policy = new Float64Array();
  // one more, whose policy is the last update's
  const records = await inFlags('gimbal control train', flags, () =>
    tabularFmaPg(mdp, {
      ...{ method, inner, iterations: iterations + 1, signal },
      ...(eta !== undefined && { eta }),
      ...(o.clipEpsilon !== undefined && { clipEpsilon: o.clipEpsilon }),
      ...(o.pessimistic === false && { pessimistic: false }),
    }),
  );
  const { pessimistic, clipEpsilon } = o;
  const making: Making = {
    ...{ table, options: o, of: `${method} on ${o.env}`, resolved: { steps: iterations } },
    settings: {
      ...{
        method,
        inner,
        ...(eta !== undefined && { eta }),
        iterations,
        gamma: mdp.gamma,
        states: mdp.S,
        actions: mdp.A,
      },
      ...(tabularTakes(method, 'clipEpsilon') && { clipEpsilon: clipEpsilon ?? 0.2 }),
      ...(tabularTakes(method, 'pessimistic') && { pessimistic }),
    },
  };
  const began = againOf(making);
  const step = eta === undefined ? '' : `, η ${eta}`;
  const how = innerText(inner, method);
  output.note(`${method} on ${o.env}: ${counted(iterations, 'outer step')}, ${how}${step}, γ ${mdp.gamma}`);
  await run.update({ again: began });
  for (const record of records) {
    rows.push({ step: record.iteration, return: record.J });
    policy = record.policy as Float64Array<ArrayBuffer>;
  }
  // only now: one that is stopped leaves nothing, since a table is not gone on with
  const settings = join(run.path, 'settings.json');
  await writeFileAtomic(settings, `${JSON.stringify(making.settings, null, 2)}\n`);
  const returns = rows.map((row) => row.return);
  const changes = returns.slice(1).map((J, i) => J - (returns[i] as number));
  const smallest = Math.min(...changes);
  const [first, last] = [returns[0] as number, returns.at(-1) as number];
  await writeFileAtomic(join(run.path, 'metrics.jsonl'), `${rows.map((row) => JSON.stringify(row)).join('\n')}\n`);
  const saved = { env: o.env, method, eta: eta ?? null, inner, S: mdp.S, A: mdp.A, policy: [...policy] };
  await writeFileAtomic(join(run.path, 'policy.json'), `${JSON.stringify(saved)}\n`);
  const fell = changes.filter((change) => change < -1e-10).length;
  const best = optimalPolicy(mdp).J;
  const never = fell === 0 ? 'The return never fell.' : `The return fell in ${fell} of ${changes.length} steps.`;
  const verdict = [never, ...shortOf(best, returns)].join(' ');
  const report = join(run.path, 'report.html');
  await writeFileAtomic(
    report,
    tabularReport({
      ...{ env: o.env, method, inner: how, eta, returns, best, smallest, verdict, run: run.path },
      making: makingSection(making, { path: run.path, began, steps: iterations }),
    }),
  );
  if (!output.json) {
    output.line(`return  ${figure(first)} → ${figure(last)} of at best ${figure(best)}. ${verdict}`);
    output.line(`report  ${report}`);
  }
  return {
    json: { run: run.path, report, settings, iterations, return: last, best, returns, smallestChange: smallest },
  };
}
