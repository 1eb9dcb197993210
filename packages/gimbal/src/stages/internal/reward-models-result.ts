// What the stage reward-models leaves.
import type { Estimate } from './intervals.ts';

export interface RewardModelsResult {
  members: number;
  /** index of the member that is best on the selection pairs */
  best: number;
  /** accuracy by slice */
  slices: { name: string; mean: number; best: Estimate; ensemble: Estimate; average: Estimate }[];
  /** between the first two members, on hot samples, or on held-out pairs of the user's own */
  line: { lambda: number; wa: number; ens: number; diag: number }[];
  /** of the user's own pairs: how many, and how often the control reward, of others, is right on the held-out ones */
  own?: { pairs: number; controlPairs: number; control: Estimate };
}
