// The language model of the benchmarks: 4 layers, 256 wide, vocabulary 1,024, context 128, as compute was measured with.
import { type DecoderOptions, decoder, type LanguageModel } from '@gimbal/language-models';
import {
  createOptimizer,
  crossEntropy,
  disposeTree,
  type OptimizerState,
  type Params,
  rng,
  valueAndGrad,
  variables,
} from '@gimbal/tensor-core';
import { type Scalar, type Tensor2D, tensor2d, tidy } from '@tensorflow/tfjs-core';

/** What both sides are told; `family` decides the block. */
export type LmSizes = Required<
  Pick<DecoderOptions, 'family' | 'vocabularySize' | 'contextLength' | 'width' | 'layers' | 'heads' | 'feedForward'>
>;

const common = { vocabularySize: 1024, contextLength: 128, width: 256, layers: 4, heads: 4 };
export const gpt2Sizes: LmSizes = { family: 'gpt2', ...common, feedForward: 1024 };
/** 8/3 of the width, as Llama's; about GPT-2's parameters with its third matrix */
export const llamaSizes: LmSizes = { family: 'llama', ...common, feedForward: 704 };

export const batch = { rows: 16, columns: 128 };
const learningRate = 1e-3;

/** Next-token prediction with AdamW on one batch or on many. */
export class LmTraining {
  readonly model: LanguageModel;
  readonly params: Params;
  private readonly state: OptimizerState;
  // torch.optim.AdamW decays every tensor
  private readonly optimizer = createOptimizer({
    name: 'adamw',
    weightDecay: 0.01,
    groups: [{ match: '**', weightDecay: 0.01 }],
  });
  private readonly gradients;

  constructor(sizes: LmSizes, seed: number) {
    this.model = decoder(sizes);
    const initial = this.model.init(rng(seed).split('init'));
    this.params = variables(initial);
    disposeTree(initial);
    this.state = this.optimizer.init(this.params);
    this.gradients = valueAndGrad(
      (params: Params, inputs: Tensor2D, targets: Tensor2D) =>
        crossEntropy(this.model.apply(params, inputs), targets) as Scalar,
    );
  }

  /**
   * One update.
   * @param ids [B, T+1]
   * @returns the loss; the caller disposes it
   */
  step(ids: Batch): Scalar {
    return tidy(() => {
      const { value, grads } = this.gradients(this.params, ids.inputs, ids.targets);
      this.optimizer.update(this.params, grads, this.state, learningRate);
      return value;
    });
  }

  dispose(): void {
    disposeTree(this.params);
    disposeTree(this.state);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

export interface Batch {
  /** [B, T] */
  inputs: Tensor2D;
  /** [B, T], the token after each input */
  targets: Tensor2D;
}

/** Rows of T + 1 ids as inputs and targets. */
export function batchOf(rows: readonly (readonly number[])[]): Batch {
  const part = (from: number, to: number): Tensor2D =>
    tensor2d(
      rows.map((row) => row.slice(from, to)),
      undefined,
      'int32',
    );
  const width = rows[0]?.length ?? 1;
  return { inputs: part(0, width - 1), targets: part(1, width) };
}

export function disposeBatch({ inputs, targets }: Batch): void {
  inputs.dispose();
  targets.dispose();
}

/** Random ids [rows][columns]. */
export function randomIds(sizes: LmSizes, rows: number, columns: number, seed: number): number[][] {
  const stream = rng(seed).split('ids');
  return Array.from({ length: rows }, () => Array.from({ length: columns }, () => stream.int(sizes.vocabularySize)));
}

export { learningRate };
