// How large a model is and how fast this machine trains it.
import type { DecoderOptions } from '@gimbal/language-models';

export type ModelSizes = Pick<
  DecoderOptions,
  'family' | 'width' | 'layers' | 'heads' | 'contextLength' | 'vocabularySize' | 'initializerRange'
> & {
  width: number;
  layers: number;
  heads: number;
};

/** Parameters of the matrices, the tied embedding once: what a token is multiplied with. */
export function parameterCount({ family, width, layers, vocabularySize }: ModelSizes): number {
  const feedForward = family === 'gpt2' ? 4 * width : 32 * Math.ceil((8 * width) / 3 / 32);
  const matrices = family === 'gpt2' ? 2 : 3;
  return layers * (4 * width * width + matrices * width * feedForward) + vocabularySize * width;
}

/** steps that are timed; the fastest counts, as others may have had the processor for a while */
const tries = 4;
/** no further step is timed after this many seconds */
const patience = 1.5;

/**
 * Time a few training steps of a model on random tokens.
 * @param o.context tokens of a row
 * @throws StoppedError when the signal aborts, between two steps
 * @returns FLOP/s, at 6 FLOP a parameter of `parameterCount` and token, and all parameters there are
 */
export async function measureSpeed(
  sizes: ModelSizes,
  o: { context: number; rows: number; precision: 'float32' | 'bf16'; seed: number; signal?: AbortSignal },
): Promise<{ measured: number; parameters: number }> {
  const { causalLmLoss, decoder } = await import('@gimbal/language-models');
  const { createOptimizer, disposeTree, rng, StoppedError, treeSize, valueAndGrad, variables, withPrecision } =
    await import('@gimbal/tensor-core');
  const { tidy } = await import('@tensorflow/tfjs-core');
  const model = decoder(sizes);
  const stream = rng(o.seed).split('speed');
  const initial = model.init(stream);
  const params = variables(initial);
  const parameters = treeSize(initial);
  disposeTree(initial);
  const optimizer = createOptimizer({ name: 'adamw' });
  const state = optimizer.init(params);
  const ids = Int32Array.from({ length: o.rows * o.context }, () => stream.int(sizes.vocabularySize));
  const batch = { inputs: ids, targets: ids, weights: undefined, rows: o.rows, width: o.context, tokens: ids.length };
  const gradients = valueAndGrad((p: typeof params) => causalLmLoss(model, p, batch));
  let fastest = Number.POSITIVE_INFINITY;
  const start = performance.now();
  try {
    for (let i = 0; i < tries && (i < 2 || performance.now() - start < 1000 * patience); i++) {
      if (o.signal?.aborted) throw new StoppedError({ where: 'stage plan', what: 'stopped while measuring speed' });
      const began = performance.now();
      const loss = withPrecision(o.precision, () =>
        tidy(() => {
          const { value, grads } = gradients(params);
          optimizer.update(params, grads, state, 1e-4);
          return value;
        }),
      );
      await loss.data(); // the step has really been computed
      loss.dispose();
      fastest = Math.min(fastest, (performance.now() - began) / 1000);
    }
  } finally {
    disposeTree(params);
    disposeTree(state);
  }
  return { measured: (6 * parameterCount(sizes) * ids.length) / fastest, parameters };
}
