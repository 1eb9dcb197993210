// A trained inverter: what it takes to turn vectors of one embedder back into text.
import type { Tokenizer } from '@gimbal/language-models';
import { disposeTree, type Params } from '@gimbal/tensor-core';
import { refusal } from '../internal/refuse.ts';
import { checkShapes } from '../model/check-parts.ts';
import { checkThat } from '../space/check-size.ts';
import { type InverterConfig, inverterConfig } from './config.ts';
import { checkIsEmbedder, type Embedder } from './embedder.ts';
import { inverterSpecs } from './models.ts';
import { checkInverterTokenizer } from './special-ids.ts';
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

/**
 * Joins the parts.
 * @throws ConfigError (`CONFIG`) for a part that is missing or none, an embedder of another width; CheckpointError
 * (`CHECKPOINT`) for weights or a tokenizer that do not fit the config; the trees stay the caller's then
 */
export function makeInverter(parts: InverterParts): Inverter {
  const config = checkParts(parts);
  let disposed = false;
  const dispose = (): void => {
    if (disposed) return;
    disposed = true;
    disposeTree(parts.hypothesizer);
    if (parts.corrector) disposeTree(parts.corrector);
  };
  return { ...parts, config, dispose, [Symbol.dispose]: dispose };
}

/** The config, with defaults where it says nothing. @throws as `makeInverter` */
function checkParts(parts: InverterParts): InverterConfig {
  const where = 'makeInverter';
  checkIsEmbedder(`${where}.embedder`, parts?.embedder);
  const given: Partial<InverterParts> = parts;
  const isObject = (x: unknown): boolean => typeof x === 'object' && x !== null;
  const good: Record<string, boolean> = {
    config: isObject(given.config),
    tokenizer: typeof given.tokenizer?.encodeText === 'function',
    hypothesizer: isObject(given.hypothesizer),
    corrector: given.corrector === undefined || isObject(given.corrector),
  };
  for (const [name, there] of Object.entries(good))
    if (!there) {
      const got = given[name as keyof InverterParts] === null ? 'null' : typeof given[name as keyof InverterParts];
      const wanted = 'config, embedder, tokenizer, hypothesizer and, if there is one, corrector';
      throw refusal('CONFIG', { where: `${where}.${name}`, what: 'a part is missing, or is none', got, wanted });
    }
  const { embedder, tokenizer, hypothesizer, corrector } = parts;
  const config = inverterConfig(parts.config);
  checkThat(`${where}.embedder.dim`, embedder.dim === config.embeddingDim, embedder.dim, `${config.embeddingDim}`);
  checkInverterTokenizer(where, tokenizer, config);
  checkShapes(`${where}.hypothesizer`, hypothesizer, inverterSpecs(config, 'hypothesizer'));
  if (corrector) checkShapes(`${where}.corrector`, corrector, inverterSpecs(config, 'corrector'));
  return config;
}

/** @throws ConfigError (`CONFIG`) for what is no inverter */
export function checkInverter(where: string, inverter: Inverter): void {
  const { config, embedder, tokenizer, hypothesizer } = inverter ?? {};
  if (config != null && typeof embedder?.embed === 'function' && tokenizer != null && hypothesizer != null) return;
  const wanted = 'of loadInverter, of a trainer, or of makeInverter';
  throw refusal('CONFIG', { where, what: 'no inverter', got: inverter === null ? 'null' : typeof inverter, wanted });
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
