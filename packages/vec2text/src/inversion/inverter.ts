// A trained inverter: what it takes to turn vectors of one embedder back into text.
import type { Tokenizer } from '@gimbal/language-models';
import { disposeTree, type Params } from '@gimbal/tensor-core';
import { refusal } from '../internal/refuse.ts';
import type { InverterConfig } from './config.ts';
import { checkIsEmbedder, type Embedder } from './embedder.ts';
import type { EmbeddingSpread } from './spread.ts';

/** Both models, or the first alone. Owns its parameters. */
export interface Inverter extends Disposable {
  /** Sizes of both. */
  readonly config: InverterConfig;
  /** The embedder that it inverts. */
  readonly embedder: Embedder;
  /** Texts to tokens and back. */
  readonly tokenizer: Tokenizer;
  /** Writes the first text. */
  readonly hypothesizer: Params;
  /** Corrects a text; undefined before it is trained. */
  readonly corrector: Params | undefined;
  /** How the vectors of training were spread; undefined before a step of it. */
  readonly spread?: EmbeddingSpread | undefined;
  /** Frees the parameters; safe to call twice. */
  dispose(): void;
}

/** What an inverter is made of; `makeInverter` takes the trees over. */
export type InverterParts = Omit<Inverter, 'dispose' | typeof Symbol.dispose>;

/** Joins the parts. @throws ConfigError (`CONFIG`) for an embedder that is none */
export function makeInverter(parts: InverterParts): Inverter {
  checkIsEmbedder('makeInverter.embedder', parts?.embedder);
  let disposed = false;
  const dispose = (): void => {
    if (disposed) return;
    disposed = true;
    disposeTree(parts.hypothesizer);
    if (parts.corrector) disposeTree(parts.corrector);
  };
  return { ...parts, dispose, [Symbol.dispose]: dispose };
}

/** @throws ConfigError (`EMBEDDER_MISMATCH`) where the embedder is another than that of training */
export function checkEmbedder(
  where: string,
  embedder: Embedder,
  wanted: Pick<Embedder, 'name' | 'dim' | 'hash'>,
): void {
  if (embedder.hash === wanted.hash && embedder.dim === wanted.dim) return;
  const show = (e: Pick<Embedder, 'name' | 'dim' | 'hash'>): string => `${e.name}, ${e.dim} numbers, hash ${e.hash}`;
  throw refusal('EMBEDDER_MISMATCH', {
    where,
    what: 'the embedder is another than that of training: weights, pooling, normalisation and prefix must be the same',
    got: show(embedder),
    wanted: show(wanted),
  });
}
