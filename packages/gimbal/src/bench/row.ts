// Rows of the table from what was measured.

import * as tf from '@tensorflow/tfjs-core';
import { nativePackage } from '../run/native.ts';
import { cpuTicks, othersShare } from './busy.ts';
import { countHostKernels } from './host-kernels.ts';
import type { Peer } from './peer.ts';
import { type Contender, ours, type SamplerOptions, type Work } from './sampler.ts';
import type { BenchRow, SuiteContext } from './suite.ts';

export interface Comparison {
  name: string;
  unit: string;
  /** from seconds a call to the unit: `(s) => flop / s / 1e9` */
  value: (seconds: number) => number;
  /** true where a larger value is better */
  more?: boolean;
  goal?: number | null;
  work: Work;
  /** the other side's case, with or without --peer as the caller has it */
  against?: { peer: Peer | undefined; case: string; arguments: { [name: string]: unknown } };
  sampling?: SamplerOptions;
}

/** Time one comparison and make its row. */
export async function compare(context: SuiteContext, c: Comparison): Promise<BenchRow> {
  return (await compareWithLimit(context, c)).row;
}

/**
 * Time one comparison and, in the same rounds, what the machine could do at best: its clock wanders, and a limit measured
 * at another minute would be another limit.
 * @param limit seconds that the work would take at the limit
 */
export async function compareWithLimit(
  context: SuiteContext,
  c: Comparison,
  limit?: Contender,
): Promise<{ row: BenchRow; limit: number | null }> {
  const contenders: Contender[] = [ours(c.work, await finishing(context.backend))];
  const peer = c.against?.peer;
  if (peer && c.against) contenders.push(peer.contender(c.against.case, c.against.arguments));
  if (limit) contenders.push(limit);
  const before = cpuTicks();
  const { value: timings, hostKernels } = await countHostKernels(() =>
    context.sampler.interleave(contenders, c.sampling),
  );
  const others = othersShare(before, cpuTicks());
  const mine = timings[0];
  const theirs = peer ? timings[1] : undefined;
  const best = limit ? timings.at(-1) : undefined;
  const row = {
    name: c.name,
    unit: c.unit,
    ours: c.value(mine?.median ?? Number.NaN),
    peer: theirs ? c.value(theirs.median) : null,
    ratio: mine && theirs ? theirs.median / mine.median : null,
    goal: c.goal ?? null,
    hostKernels,
    others,
  };
  return { row, limit: best ? c.value(best.median) : null };
}

/** What waits until a backend has computed all that it was given. */
async function finishing(backend: string): Promise<(() => void) | undefined> {
  if (backend !== 'node-gpu') return (await nativePackage())?.synchronize;
  // kernels run one after another on the device: the last one's value is there when all are
  const one = tf.scalar(1);
  return () => {
    const last = tf.add(one, one);
    last.dataSync();
    last.dispose();
  };
}

/**
 * A row whose two numbers are known already (see `countHostKernels`); ratio > 1 where ours is better.
 * @param row its `others` are null where no time was measured, and left out where it was all the time since the row before
 */
export function known(row: {
  name: string;
  unit: string;
  ours: number;
  peer: number | null;
  more?: boolean;
  goal?: number | null;
  hostKernels: number;
  others?: number | null | undefined;
}): BenchRow {
  const { name, unit, ours, peer, more = false, goal = null, hostKernels, others } = row;
  const ratio = peer === null ? null : more ? ours / peer : peer / ours;
  return { name, unit, ours, peer, ratio, goal, hostKernels, ...(others === undefined ? {} : { others }) };
}
