import type { OptimizerOptions } from '../optim/options.ts';
import type { Schedule } from './schedule.ts';

/** What to do with a row that is longer than the context. */
export type Overflow =
  /** left out, counted by file and line; an error if no row is left (default) */
  | 'drop'
  /** refused */
  | 'error'
  /** the end that the trainer names is cut off */
  | 'cut'
  /** plain text only: goes on in the next row */
  | 'split';

/** Options of the training loop. Every trainer on data extends them; agents take what applies. */
export interface LoopOptions {
  /** step size of the optimiser, or a schedule of it */
  learningRate: Schedule;
  /** default AdamW with PyTorch's constants */
  optimizer?: OptimizerOptions;
  /** rows in one micro-batch */
  batchSize: number;
  /** micro-batches summed into one update; default 1 */
  accumulate?: number;
  /** clip the gradients' global norm to this; default: no clipping */
  maxGradNorm?: number;
  /** precision of matrix products; parameters, sums and optimiser state are float32 always */
  precision?: 'float32' | 'bf16';
  /** keep only block inputs in the forward pass and recompute the rest backwards */
  gradientCheckpointing?: boolean;
  /** evaluate each so many steps; default: after the last one only */
  evalEvery?: number;
  /** keep the checkpoint with the lowest evaluation loss beside the latest; default true */
  keepBest?: boolean;
  /** save each so many steps; default: after the last one only */
  checkpointEvery?: number;
  /** how many of the latest checkpoints stay on disk (the best one is not counted); default 1 */
  keepCheckpoints?: number;
  /** stop after so many evaluations without a lower loss; resumed, a run that has stopped so stays stopped */
  earlyStop?: { patience: number; minDelta?: number };
  /** read loss and gradient norm, and yield a step, each so many steps; default 1 */
  logEvery?: number;
  /** run directory: metrics.jsonl, TensorBoard events, checkpoints; default: nothing is written */
  out?: string;
  /** default 'drop' */
  overflow?: Overflow;
  /** of every random stream of the run: data order, noise */
  seed: number;
}
