// Texts to codes.

import { padBatch } from '@gimbal/language-models';
import { eventTurn, optionNames, type Params, StoppedError } from '@gimbal/tensor-core';
import { tidy } from '@tensorflow/tfjs-core';
import { checkKnown } from '../internal/check-names.ts';
import { checkSignal } from '../internal/check-signal.ts';
import { refusal } from '../internal/refuse.ts';
import type { Vec2Text, Vec2TextModule } from '../model/module.ts';
import { rowsOfBatch } from '../model/token-rows.ts';
import { holdPacked } from '../model/trained.ts';
import { codesOf } from '../model/vec2text.ts';
import { checkSize } from '../space/check-size.ts';
import { type Codes, rowsOf } from '../space/codes.ts';
import { textRow } from '../text/text-rows.ts';

/** How texts are encoded. */
export interface EncodeOptions {
  /** Texts at a time (64). */
  batchSize?: number;
  /** Stops between two batches, with a StoppedError. */
  signal?: AbortSignal;
}

const encodeNames = optionNames<EncodeOptions>({ batchSize: true, signal: true });

/**
 * The codes of texts [n·k], row after row.
 * @throws DataError naming the text: `EMPTY_TEXT`, `TOO_LONG`, `UNKNOWN_TOKEN`; NumericalError (`NOT_FINITE`) for weights that give
 * no numbers; StoppedError
 * @example const z = await encodeTexts(model, ['the boy saw the lamp']);
 */
export async function encodeTexts(model: Vec2Text, texts: readonly string[], o: EncodeOptions = {}): Promise<Codes> {
  const { module, tokenizer } = model;
  checkKnown('vec2text: encode', o, encodeNames);
  if (!Array.isArray(texts))
    throw refusal('CONFIG', {
      where: 'vec2text: encode',
      what: 'texts are a list',
      got: typeof texts,
      wanted: '[text]',
    });
  if (texts.length === 0) throw refusal('TOO_FEW', { where: 'vec2text: encode', what: 'there is no text' });
  const rows = texts.map((text, i) => textRow(`vec2text: encode text ${i}`, tokenizer, text, module.config));
  holdPacked(model);
  return encodeRows(module, model.params, rows, o);
}

/** The codes of token rows that end with EOS [n·k]. */
export async function encodeRows(
  module: Vec2TextModule,
  params: Params,
  rows: readonly Int32Array[],
  o: EncodeOptions = {},
): Promise<Codes> {
  const { batchSize = 64, signal } = o;
  checkSize('encode.batchSize', batchSize);
  checkSignal('encode', signal);
  const k = module.config.controlDim;
  const codes = new Float32Array(rows.length * k);
  // rows of like length together: less padding
  const order = rows.map((_, i) => i).sort((a, b) => (rows[a] as Int32Array).length - (rows[b] as Int32Array).length);
  for (let at = 0; at < order.length; at += batchSize) {
    await eventTurn();
    if (signal?.aborted)
      throw new StoppedError({ where: 'vec2text: encode', what: `stopped by its signal after ${at} texts` });
    const some = order.slice(at, at + batchSize);
    const batch = padBatch(
      some.map((i) => rows[i] as Int32Array),
      module.config.padId,
    );
    const z = tidy(() => codesOf(params, module.config, module.space, rowsOfBatch(batch)).z);
    const values = await z.data();
    z.dispose();
    some.forEach((row, i) => {
      codes.set(values.subarray(i * k, (i + 1) * k), row * k);
    });
  }
  for (let i = 0; i < codes.length; i++) if (!Number.isFinite(codes[i])) rowsOf('vec2text: encode', codes, k); // names it
  return codes;
}
