// Text from the vectors of a given embedder, by iterative correction (Morris et al., arXiv 2310.06816, section 3): guess,
// embed the guess, correct it by the difference, keep what comes nearest.

import { optionNames, StoppedError } from '@gimbal/tensor-core';
import { checkKnown } from '../internal/check-names.ts';
import { checkSignal } from '../internal/check-signal.ts';
import { refusal } from '../internal/refuse.ts';
import { takeRows } from '../internal/take-rows.ts';
import { checkSize, checkThat } from '../space/check-size.ts';
import { checkVectors, cosines, embedGuesses } from './embedder.ts';
import { batchSize, generate, hypotheses } from './generate.ts';
import { checkInverter, type Inverter } from './inverter.ts';
import { fixedRows } from './rows.ts';
import { checkEmbeddings } from './spread.ts';

/** How long to search. */
export interface InvertOptions {
  /** Corrections; 0: the hypothesizer's text alone, which needs no corrector (5). */
  steps?: number;
  /** w: hypotheses that are kept, and candidates of each (1). */
  beams?: number;
  /** Stop after so many corrections that bring no text nearer (never). */
  patience?: number;
  /** Bytes that the candidates which are generated together may take (256 MiB). */
  memoryBudget?: number;
  /** Told within a correction how many of its texts were corrected, and of how many (nobody); it is 0 for the first texts. */
  onTexts?: (step: number, done: number, total: number) => void;
  /** Told of vectors unlike those of training, such as differences of two (nobody). */
  warn?: (message: string) => void;
  /** Stops between two corrections, with a StoppedError. */
  signal?: AbortSignal;
}

const names = optionNames<InvertOptions>({
  ...{ steps: true, beams: true, patience: true, memoryBudget: true, onTexts: true, warn: true, signal: true },
});

/** A text and how near its vector is to the one asked for. */
export interface Scored {
  /** As the model wrote it. */
  readonly text: string;
  /** Of φ(text) and e. */
  readonly cosine: number;
}

/** A step of one vector's inversion. */
export interface InvertStep {
  /** 0: the hypothesizer's. */
  readonly step: number;
  /** What is kept, the nearest first. */
  readonly hypotheses: readonly Scored[];
  /** The nearest text so far. */
  readonly best: Scored;
}

/**
 * Inverts one vector; the result is the nearest text ever seen, so its cosine never falls with more steps.
 * @param e a vector of the inverter's embedder [D]
 * @throws ShapeError, NumericalError for a vector that is none or zero (`DEGENERATE`); ConfigError for no inverter, options out of range, or steps without a
 * corrector
 * @example for await (const { step, best } of invert(inverter, e, { steps: 5, beams: 4 })) console.log(step, best);
 */
export async function* invert(
  inverter: Inverter,
  e: Float32Array,
  o: InvertOptions = {},
): AsyncGenerator<InvertStep, Scored> {
  checkInverter('invert', inverter);
  checkVectors('vec2text: invert', e, inverter.config.embeddingDim, 1);
  let last: Scored | undefined;
  for await (const [step] of invertSteps(inverter, e, o)) {
    last = (step as InvertStep).best;
    yield step as InvertStep;
  }
  return last as Scored;
}

/**
 * Inverts many vectors together, which is faster; one result a row, in their order.
 * @param e vectors [n·D]
 * @throws as `invert`
 */
export async function invertAll(inverter: Inverter, e: Float32Array, o: InvertOptions = {}): Promise<Scored[]> {
  checkInverter('invertAll', inverter);
  checkVectors('vec2text: invert', e, inverter.config.embeddingDim);
  let last: readonly InvertStep[] = [];
  for await (const steps of invertSteps(inverter, e, o)) last = steps;
  return last.map(({ best }) => best);
}

/**
 * Inverts many vectors together, step by step: of every row its step, in their order; rows that are done repeat their last.
 * @param vectors of the inverter's embedder [n·D]
 * @throws as `invert`
 */
export async function* invertSteps(
  inverter: Inverter,
  vectors: Float32Array,
  o: InvertOptions = {},
): AsyncGenerator<readonly InvertStep[], void> {
  checkInverter('invertSteps', inverter);
  const { config: c } = inverter;
  checkKnown('invert', o, names);
  const {
    steps = 5,
    beams = 1,
    patience = Number.POSITIVE_INFINITY,
    memoryBudget = 2 ** 28,
    signal,
    warn,
    onTexts,
  } = o;
  checkSize('invert.steps', steps, 0);
  checkSize('invert.beams', beams);
  checkSignal('invert', signal);
  checkThat('invert.patience', patience >= 1, patience, 'a number ≥ 1');
  checkThat('invert.memoryBudget', memoryBudget > 0, memoryBudget, 'a number of bytes > 0');
  if (steps > 0 && inverter.corrector === undefined)
    throw refusal('CONFIG', {
      where: 'invert.steps',
      what: 'the inverter has no corrector',
      got: steps,
      wanted: '0',
      fix: 'Train the stage corrector, or ask for steps: 0',
    });
  checkVectors('vec2text: invert', vectors, c.embeddingDim);
  // a copy: the caller may fill the array again between two steps
  const e = vectors.slice();
  const n = e.length / c.embeddingDim;
  // per candidate: what the encoder reads, and keys and values of every block of the decoder
  const together = Math.min(n * beams, batchSize) * beams;
  const bytes = together * (4 + 3 * c.embeddingTokens + 2 * c.maxLength) * c.width * (2 + 2 * c.decoderLayers) * 4;
  if (steps > 0)
    checkThat(
      'invert.beams',
      bytes <= memoryBudget,
      `${bytes} bytes for ${together} candidates`,
      `at most ${memoryBudget} bytes: fewer beams, or a larger memoryBudget`,
    );
  checkEmbeddings(e, c.embeddingDim, inverter.spread, warn);

  const first = await hypotheses(inverter, e, { signal, onRows: (done) => onTexts?.(0, done, n) });
  const scores = cosines(await embedGuesses(inverter.embedder, first, { signal }), e, c.embeddingDim);
  const states = first.map((text, i): State => {
    const scored = { text, cosine: scores[i] as number };
    return { kept: [scored], best: scored, still: 0 };
  });
  const show = (step: number): InvertStep[] => states.map(({ kept, best }) => ({ step, hypotheses: kept, best }));
  yield show(0);
  for (let step = 1; step <= steps; step++) {
    if (signal?.aborted) throw new StoppedError({ where: 'invert', what: `stopped after ${step - 1} corrections` });
    const open = states.flatMap((state, i) => (state.still < patience ? [i] : []));
    if (open.length === 0) return;
    const texts = open.flatMap((i) => (states[i] as State).kept.map(({ text }) => text));
    const askedOf = open.flatMap((i) => (states[i] as State).kept.map(() => i));
    const found = await generate(
      inverter,
      'corrector',
      {
        embeddings: takeRows(e, askedOf, c.embeddingDim),
        hypotheses: {
          embeddings: await embedGuesses(inverter.embedder, texts, { signal }),
          ids: fixedRows('vec2text: invert', texts, inverter.tokenizer, c, 'cut').ids,
        },
      },
      { candidates: beams, signal, onRows: (done) => onTexts?.(step, done, texts.length) },
    );
    // the different candidates of each row; one that was kept before may come again
    const candidates = new Map(open.map((i) => [i, new Set<string>()]));
    for (const [j, i] of askedOf.entries()) for (const text of found[j] as string[]) candidates.get(i)?.add(text);
    const near = cosines(
      await embedGuesses(
        inverter.embedder,
        [...candidates.values()].flatMap((own) => [...own]),
        { signal },
      ),
      takeRows(
        e,
        [...candidates].flatMap(([i, own]) => Array.from(own, () => i)),
        c.embeddingDim,
      ),
      c.embeddingDim,
    );
    let at = 0;
    for (const [i, own] of candidates) {
      const state = states[i] as State;
      const scored = Array.from(own, (text): Scored => ({ text, cosine: near[at++] as number }));
      state.kept = scored.sort((a, b) => b.cosine - a.cosine).slice(0, beams);
      const top = state.kept[0] as Scored;
      state.still = top.cosine > state.best.cosine ? 0 : state.still + 1;
      if (top.cosine > state.best.cosine) state.best = top;
    }
    yield show(step);
  }
}

interface State {
  kept: readonly Scored[];
  best: Scored;
  /** corrections without a nearer text */
  still: number;
}
