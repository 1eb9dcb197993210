// What gimbal warm trains from, and the trainer: the same in the command's process and in those that train some of the runs.
import { join } from 'node:path';
import type { Tokenizer } from '@gimbal/language-models';
import type { PairRow, RewardModel, WarmTrainer } from '@gimbal/reward-models';
import { disposeTree, type Params, rng } from '@gimbal/tensor-core';
import type { Output } from '../cli/output.ts';
import { heldOutOf } from '../options/held-out.ts';

/** Options of the command that decide what is trained. */
export interface WarmSettings {
  model: readonly string[];
  data: string;
  columns?: Record<string, string> | undefined;
  heldOut?: number | undefined;
  runs: number;
  members: number | 'all' | 'greedy';
  steps: number;
  batchSize: number;
  learningRate: readonly number[];
  dropout: readonly number[];
  swap: number;
  overflow: 'drop' | 'cut' | 'error';
  seed: number;
}

export interface PreparedWarm {
  trainer: WarmTrainer;
  model: RewardModel;
  tokenizer: Tokenizer;
  /** pairs that neither training nor ranking sees */
  test: PairRow[];
  dispose(): void;
}

/** Reads rows and starts. @param path the run's folder */
export async function prepareWarm(
  o: WarmSettings,
  path: string,
  { output, signal }: { output: Output; signal: AbortSignal },
): Promise<PreparedWarm> {
  const lm = await import('@gimbal/language-models');
  const warm = await import('@gimbal/reward-models');
  const { loadBody } = await import('../reward/train.ts');
  const rows = await lm.readRows(o.data, {
    ...(o.columns === undefined ? {} : { columns: o.columns }),
    usable: ['preference', 'implicit-preference', 'conversation-preference', 'conversation-implicit-preference'],
  });
  const share = heldOutOf('warm', o.heldOut, rows.rows.length);
  const first = lm.splitDataset(rows, share, rng(o.seed).split('test'));
  const second = lm.splitDataset(first.train, share, rng(o.seed).split('selection'));
  const starts = [];
  for (const folder of o.model)
    starts.push(await loadBody('gimbal warm', { model: folder, labels: ['reward'], seed: o.seed }, { output, signal }));
  const { model: heads, tokenizer } = starts.at(-1) as (typeof starts)[number];
  const model = warm.rewardModel(heads);
  const turned = warm.swapLabels(second.train.rows as never[], o.swap, rng(o.seed).split('swap'));
  const checkpoints: Params[] = starts.map((s) => s.params);
  const trainer = new warm.WarmTrainer({
    model,
    tokenizer,
    data: { ...second.train, rows: turned.rows } as typeof second.train,
    selection: second.heldOut,
    init: { kind: 'baklava', checkpoints },
    grid: { learningRate: o.learningRate, dropout: o.dropout },
    runs: o.runs,
    members: o.members,
    stepsPerRun: o.steps,
    batchSize: o.batchSize,
    overflow: o.overflow,
    seed: o.seed,
    checkpointEvery: Math.max(1, Math.ceil(o.steps / 4)),
    out: join(path, 'warm'),
  });
  const test = warm
    .pairTexts(first.heldOut, tokenizer)
    .rows.map(({ row, chosen, rejected }) => ({ ...row, chosen, rejected }));
  return {
    trainer,
    model,
    tokenizer,
    test,
    dispose() {
      for (const tree of checkpoints) disposeTree(tree);
    },
  };
}
