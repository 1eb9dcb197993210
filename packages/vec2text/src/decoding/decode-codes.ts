// Codes to texts.

import { beamSearch, decodeTokens } from '@gimbal/language-models';
import { optionNames, type Params, type Rng, rngFromState, StoppedError, rng as seeded } from '@gimbal/tensor-core';
import { tensor2d } from '@tensorflow/tfjs-core';
import { checkKnown } from '../internal/check-names.ts';
import { checkRng } from '../internal/check-rng.ts';
import { checkSignal } from '../internal/check-signal.ts';
import { refusal } from '../internal/refuse.ts';
import type { Vec2Text, Vec2TextModule } from '../model/module.ts';
import { holdPacked } from '../model/trained.ts';
import { checkSize, checkThat } from '../space/check-size.ts';
import type { Codes } from '../space/codes.ts';
import { codesInside } from '../space/inside.ts';
import { codePolicy, numberedRows } from './code-policy.ts';

/** How codes are decoded. */
export interface DecodeOptions {
  /** Bring vectors outside the space into it; else they are refused. */
  project?: boolean;
  /** Logits are divided by it; 0, the default, takes the likeliest token. */
  temperature?: number;
  /** Draw among the k likeliest tokens only; 0 = all (0). */
  topK?: number;
  /** Draw among the likeliest that together reach this probability (1). */
  topP?: number;
  /** Search with so many beams instead, scores divided by length (1: none). */
  beams?: number;
  /** Bytes that the beams which are searched together may take (256 MiB): fewer codes at a time where they are many. */
  memoryBudget?: number;
  /** Where draws come from: each row has a stream of its own, so its neighbours do not matter. Needed for temperature > 0. */
  rng?: Rng;
  /** Codes at a time (64). */
  batchSize?: number;
  /** Stops between two tokens, with a StoppedError. */
  signal?: AbortSignal;
}

const decodeNames = optionNames<DecodeOptions>({
  ...{ project: true, temperature: true, topK: true, topP: true, beams: true, memoryBudget: true },
  ...{ rng: true, batchSize: true, signal: true },
});

/** What a code says. */
export interface Decoded {
  /** The text, special tokens left out. */
  readonly text: string;
  /** Σ log p of its tokens, the end included, at temperature 1, in nats. */
  readonly logProb: number;
  /** Whether it ended by itself; else it was cut at the model's length. */
  readonly finished: boolean;
}

/**
 * The texts of codes.
 * @param z [n·k]
 * @throws DataError (`OUT_OF_SPACE`) for a vector outside the space without `project`; ShapeError (`SHAPE`), NumericalError
 * (`NOT_FINITE`, `DEGENERATE`); ConfigError (`CONFIG`) for options out of range; StoppedError
 * @example const [{ text }] = await decodeCodes(model, z);
 */
export async function decodeCodes(model: Vec2Text, z: Codes, o: DecodeOptions = {}): Promise<Decoded[]> {
  checkKnown('vec2text: decode', o, decodeNames);
  const { module, params, tokenizer } = model;
  const { padId } = module.config;
  const decoded: Decoded[] = [];
  holdPacked(model);
  for (const { ids, logProb, finished } of await decodeToTokens(module, params, z, o))
    decoded.push({ text: tokenizer.decodeIds(ids.filter((id) => id !== padId)), logProb, finished });
  return decoded;
}

/** One code's tokens, the end included where it came. */
export interface DecodedTokens {
  readonly ids: readonly number[];
  readonly logProb: number;
  readonly finished: boolean;
}

/** As `decodeCodes`, in tokens. */
export async function decodeToTokens(
  module: Vec2TextModule,
  params: Params,
  z: Codes,
  o: DecodeOptions,
): Promise<DecodedTokens[]> {
  const { temperature = 0, topK = 0, topP = 1, beams = 1, batchSize = 64, rng, signal } = o;
  const { memoryBudget = 2 ** 28 } = o;
  checkThat('decode.temperature', temperature >= 0 && Number.isFinite(temperature), temperature, 'a number ≥ 0');
  checkThat('decode.topP', topP > 0 && topP <= 1, topP, 'a number in (0, 1]');
  checkSize('decode.topK', topK, 0);
  checkSize('decode.beams', beams);
  checkSize('decode.batchSize', batchSize);
  checkSignal('decode', signal);
  checkThat('decode.memoryBudget', memoryBudget > 0, memoryBudget, 'a number of bytes > 0');
  if (temperature > 0 && rng === undefined)
    throw refusal('CONFIG', {
      where: 'decode.rng',
      what: 'sampling needs a stream',
      wanted: 'rng: rng(seed), or temperature 0',
    });
  if (rng !== undefined) checkRng('decode.rng', rng);
  checkThat(
    'decode.beams',
    beams === 1 || temperature === 0,
    { beams, temperature },
    'beams or a temperature, not both',
  );
  // a copy: the caller may fill the array again before the last batch is read
  const codes = codesInside('vec2text: decode', module.space, z, o.project).slice();
  const together = beams > 1 ? Math.min(batchSize, codesAtATime(module, beams, memoryBudget)) : batchSize;
  const sampler = { temperature, topK, topP };
  const k = module.config.controlDim;
  const start = (rng ?? seeded(0)).state();
  const out: DecodedTokens[] = [];
  for (let row = 0; row < codes.length / k; row += together) {
    if (signal?.aborted)
      throw new StoppedError({ where: 'vec2text: decode', what: `stopped by its signal after ${row} codes` });
    const some = codes.subarray(row * k, (row + together) * k);
    // the same stream for every batch, each row its own part of it
    const stream = rngFromState(start);
    out.push(
      ...(beams > 1
        ? await search(module, params, some, beams, signal)
        : await draw(module, params, some, { ...sampler, rng: stream, firstRow: row, ...(signal && { signal }) })),
    );
  }
  rng?.int(2 ** 32); // the next call draws others
  return out;
}

/** @throws ConfigError (`CONFIG`) where the beams of one code are too many */
function codesAtATime({ config: c }: Vec2TextModule, beams: number, budget: number): number {
  // per beam: its log-probabilities, and of every block keys and values of memory and tokens
  const bytes = 4 * beams * (c.vocabSize + 2 * c.decoderLayers * c.width * (c.memorySlots + c.maxLength));
  const wanted = `at most ${budget} bytes: fewer beams, or a larger memoryBudget`;
  checkThat('decode.beams', bytes <= budget, `${bytes} bytes for the ${beams} beams of a code`, wanted);
  return Math.floor(budget / bytes);
}

interface DrawOptions {
  temperature: number;
  topK: number;
  topP: number;
  rng: Rng;
  firstRow: number;
  signal?: AbortSignal;
}

async function draw(module: Vec2TextModule, params: Params, codes: Codes, o: DrawOptions): Promise<DecodedTokens[]> {
  const { maxLength, eosId, padId, controlDim } = module.config;
  const n = codes.length / controlDim;
  const policy = codePolicy(module, () => tensor2d(codes, [n, controlDim]));
  const rows = Array.from({ length: n }, () => ({ ids: [] as number[], logProb: 0, finished: false }));
  const options = { ...o, maxNewTokens: maxLength, eosIds: [eosId], padId, logProbs: true };
  for await (const { ids, lengths, ended, logProbs } of decodeTokens(policy, params, numberedRows(n), options))
    rows.forEach((row, i) => {
      if (lengths[i] === row.ids.length) return; // it had ended before
      row.ids.push(ids[i] as number);
      row.logProb += logProbs?.[i] as number;
      row.finished = ended[i] === 1;
    });
  return rows;
}

async function search(
  module: Vec2TextModule,
  params: Params,
  codes: Codes,
  beams: number,
  signal: AbortSignal | undefined,
): Promise<DecodedTokens[]> {
  const { maxLength, eosId, controlDim } = module.config;
  const n = codes.length / controlDim;
  const policy = codePolicy(module, () => tensor2d(codes, [n, controlDim]));
  const o = { beams, maxNewTokens: maxLength, eosIds: [eosId], ...(signal && { signal }) };
  const found = await beamSearch(policy, params, numberedRows(n), o);
  return found.map(([best]) => {
    const { ids, logProbs, end } = best as NonNullable<typeof best>;
    return { ids, logProb: logProbs.reduce((sum, x) => sum + x, 0), finished: end === 'eos' };
  });
}
