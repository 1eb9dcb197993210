/** What T steps of N copies left behind, in typed arrays made once: entry t·N + i is step t of copy i. */
import type { TransitionBatch } from '../agents/on-policy-options.ts';

export interface RolloutSize {
  /** T */
  steps: number;
  /** N */
  numEnvs: number;
  /** O */
  observation: number;
  /** numbers of one action */
  action: number;
  /** width of an action mask; 0 without masks */
  mask: number;
}

export class Rollout {
  /** `mask` grows once where masks come late */
  size: Readonly<RolloutSize>;
  readonly rows: number;
  /** as the networks see them, `[T·N·O]` */
  readonly obs: Float32Array;
  /** as the policy sampled them, not clipped, `[T·N·action]` */
  readonly actions: Float32Array;
  /** as learnt from: a reward source's where there is one, scaled */
  readonly rewards: Float32Array;
  /** as the environment gave them */
  readonly rawRewards: Float32Array;
  readonly terminated: Uint8Array;
  readonly truncated: Uint8Array;
  /** 1 where an episode begins */
  readonly starts: Uint8Array;
  /** 1 = counts; a step that only resets does not */
  readonly valid: Uint8Array;
  /** `[T·N·mask]`, 1 = allowed */
  masks: Uint8Array;
  /** steps of its episode that each copy had done before the first entry, `[N]` */
  readonly ages: Float64Array;
  /** the observation after the last step, `[N·O]` */
  readonly lastObs: Float32Array;
  /** entries that were truncated, and their final observations, side by side */
  readonly finals: { entries: number[]; obs: number[] } = { entries: [], obs: [] };

  constructor(size: RolloutSize) {
    this.size = size;
    const { steps, numEnvs, observation, action, mask } = size;
    this.rows = steps * numEnvs;
    this.obs = new Float32Array(this.rows * observation);
    this.actions = new Float32Array(this.rows * action);
    this.rewards = new Float32Array(this.rows);
    this.rawRewards = new Float32Array(this.rows);
    this.terminated = new Uint8Array(this.rows);
    this.truncated = new Uint8Array(this.rows);
    this.starts = new Uint8Array(this.rows);
    this.valid = new Uint8Array(this.rows).fill(1);
    this.masks = new Uint8Array(this.rows * mask);
    this.ages = new Float64Array(numEnvs);
    this.lastObs = new Float32Array(numEnvs * observation);
  }

  /** From now on there are masks: the first one came after a step. What was done before it was done without. */
  openMasks(width: number): void {
    this.size = { ...this.size, mask: width };
    this.masks = new Uint8Array(this.rows * width).fill(1);
  }

  /** Forgets the final observations of the last round. */
  clear(): void {
    this.finals.entries.length = 0;
    this.finals.obs.length = 0;
    this.valid.fill(1);
  }
}

/** Rows of an array by number, into `out`. */
export function gatherRows(
  from: Float32Array | Uint8Array,
  width: number,
  rows: Int32Array,
  out: Float32Array = new Float32Array(rows.length * width),
): Float32Array {
  if (width === 1) {
    for (let i = 0; i < rows.length; i++) out[i] = from[rows[i] as number] as number;
    return out;
  }
  for (let i = 0; i < rows.length; i++) {
    const at = (rows[i] as number) * width;
    for (let j = 0; j < width; j++) out[i * width + j] = from[at + j] as number;
  }
  return out;
}

/** Numbers of the entries that count. */
export function countedRows({ valid }: Rollout): Int32Array {
  const rows = new Int32Array(valid.length);
  let count = 0;
  for (let i = 0; i < valid.length; i++) if (valid[i] === 1) rows[count++] = i;
  return rows.subarray(0, count);
}

/**
 * A rollout as hooks see it: the entries that count, in their order. Copies: what a hook writes there is not learnt from.
 * @param rewards `[T·N]`; default as the environment gave them
 */
export function transitionsOf(rollout: Rollout, rewards: Float32Array = rollout.rawRewards): TransitionBatch {
  const all = entriesOf(rollout, rewards);
  const kept = countedRows(rollout);
  const pick = (from: Float32Array, width: number): Float32Array => gatherRows(from, width, kept);
  const flags = (from: Uint8Array): Uint8Array => Uint8Array.from(kept, (i) => from[i] as number);
  const { observation, action } = rollout.size;
  return {
    rows: kept.length,
    obs: pick(all.obs, observation),
    actions: pick(all.actions, action),
    nextObs: pick(all.nextObs, observation),
    rewards: pick(all.rewards, 1),
    terminated: flags(all.terminated),
    truncated: flags(all.truncated),
  };
}

/** Every entry as a transition, those of steps that only reset among them. */
function entriesOf(rollout: Rollout, rewards: Float32Array): TransitionBatch {
  const { rows, obs, actions, terminated, truncated, size, lastObs, finals } = rollout;
  const [N, O] = [size.numEnvs, size.observation];
  const nextObs = new Float32Array(obs.length);
  nextObs.set(obs.subarray(N * O));
  nextObs.set(lastObs, (rows - N) * O);
  for (const [i, entry] of finals.entries.entries())
    for (let j = 0; j < O; j++) nextObs[entry * O + j] = finals.obs[i * O + j] as number;
  return { rows, obs, actions, nextObs, rewards, terminated, truncated };
}
