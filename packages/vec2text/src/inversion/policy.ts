// An inverter's model as a token policy: each row of the prompts stands for one vector, and one hypothesis.
import type { Steps } from '@gimbal/language-models';
import type { LogitPolicy } from '@gimbal/tensor-core';
import { tensor2d } from '@tensorflow/tfjs-core';
import { memoryPolicy } from '../decoding/code-policy.ts';
import { blockConfig, type InverterConfig } from './config.ts';
import { inverterMemory, type Stage } from './models.ts';

/** Vectors to invert, and what has been guessed so far. */
export interface InversionRows {
  /** e [n·D] */
  readonly embeddings: Float32Array;
  /** For the corrector: ê [n·D] and tokens [n·maxLength]. */
  readonly hypotheses?: { readonly embeddings: Float32Array; readonly ids: Int32Array };
}

/** A policy for the rows given, as many as its prompts. */
export function inverterPolicy(c: InverterConfig, stage: Stage, rows: InversionRows): LogitPolicy & Steps {
  const { embeddingDim: D, maxLength: L } = c;
  const n = rows.embeddings.length / D;
  return memoryPolicy(blockConfig(c), (params) => {
    const { hypotheses } = rows;
    return inverterMemory(params, c, stage, {
      embedding: tensor2d(rows.embeddings, [n, D]),
      ...(hypotheses && {
        hypothesis: {
          embedding: tensor2d(hypotheses.embeddings, [n, D]),
          ids: tensor2d(hypotheses.ids, [n, L], 'int32'),
        },
      }),
    });
  });
}
