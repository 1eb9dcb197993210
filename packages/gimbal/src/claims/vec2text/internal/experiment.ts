// What the claims share: for each training the model and its measures, made once. They lie in the run's folder, so that a
// run that was stopped goes on behind them.
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Rng, readMetrics, StoppedError, writeFileAtomic } from '@gimbal/tensor-core';
import {
  diversity,
  fluency,
  loadVec2Text,
  type Measures,
  type Objective,
  saveVec2Text,
  semanticStructure,
  specialIds,
  universality,
  type Vec2Text,
  type Vec2TextConfig,
  Vec2TextTrainer,
  type Vec2TextTrainerOptions,
  vec2text,
  vec2textSchedule,
  wordTokenizer,
} from '@gimbal/vec2text';
import { type AishLanguages, type RoundTripOptions, toyLanguages } from '@gimbal/worlds';
import type { ClaimContext } from '../../../reproduce/claim.ts';
import { checkpointIn } from '../../../run/going-on.ts';
import { isFolder } from '../../../vec2text/open.ts';
import { languageOracles } from '../../../vec2text/oracles.ts';
import { languageModelOf } from './context-model.ts';
import { heldOutRows, trainingTexts, type Unseen } from './language.ts';
import { modelsIn, once } from './once.ts';

/** One model: what it is trained on, and how. */
export interface Training {
  objective: 'ae' | 'dae' | 'rtt' | 'rtt-reverse' | 'mix';
  seed: number;
  variant?: 'typed' | 'reversible';
  /** changes of the model's sizes */
  module?: Partial<Vec2TextConfig>;
  /** of the pivot's round trips */
  roundTrip?: RoundTripOptions;
  /** half of the sentences through each: `both` */
  pivot?: 'bex' | 'cor' | 'both';
  steps?: number;
  /** what training has none of, and is measured apart */
  without?: Unseen;
}

/** What encoders read, by name. */
export const objectives: Record<Training['objective'], Objective> = {
  ae: { kind: 'ae' },
  dae: { kind: 'dae', noise: { drop: 0.3 } },
  rtt: { kind: 'rtt' },
  'rtt-reverse': { kind: 'rtt-reverse' },
  mix: { kind: 'mix', weights: { ae: 0.5, rtt: 0.5 } },
};

/** What tells trainings apart, as a name of files. */
function keyOf({ objective, seed, variant, module, roundTrip, pivot, steps, without }: Training): string {
  const parts: Record<string, unknown> = {
    ...(variant && { variant }),
    ...module,
    ...roundTrip,
    ...(pivot && { pivot }),
    ...(steps && { steps }),
    ...(without && { without }),
  };
  // defaults said aloud are the same training
  if (parts.surfaceKeep === 0) delete parts.surfaceKeep;
  if (parts.memorySlots === 4) delete parts.memorySlots;
  if (parts.controlDim === 32) delete parts.controlDim;
  if (parts.variant === 'typed') delete parts.variant;
  return [objective, seed, ...Object.entries(parts).map(([name, value]) => `${name}-${value}`)].join('-');
}

const models = new Map<string, Promise<Vec2Text>>();
const measures = new Map<string, Promise<Measures>>();

const folderOf = (t: Training, c: ClaimContext): string => join(modelsIn(c), keyOf(t));

/** The trained model; it lives as long as the process. */
export const modelOf = (t: Training, c: ClaimContext): Promise<Vec2Text> =>
  once(models, folderOf(t, c), async () => {
    const folder = folderOf(t, c);
    const saved = join(folder, 'model');
    return (await isFolder(saved)) ? loadVec2Text(saved) : train(t, folder, c);
  });

async function train(t: Training, folder: string, { signal, note }: ClaimContext): Promise<Vec2Text> {
  const { objective, seed, variant = 'typed', steps = 5000 } = t;
  const languages = toyLanguages({ preset: variant, ...t.roundTrip });
  const tokenizer = wordTokenizer(languages.aish.words);
  const module = vec2text({ vocabSize: tokenizer.size, ...specialIds(tokenizer), ...t.module });
  const options = {
    ...{ module, tokenizer, seed, objective: objectives[objective], statsSamples: 4000 },
    data: trainingTexts(seed, variant, t.without),
    ...(objective !== 'ae' && objective !== 'dae' && { roundTrip: roundTripOf(languages, t.pivot) }),
  };
  return trainedIn(folder, keyOf(t), options, steps, { signal, note });
}

/** Trains into a folder, from its last checkpoint where it has one, and saves the model there. */
export async function trainedIn(
  folder: string,
  name: string,
  o: Vec2TextTrainerOptions,
  steps: number,
  { signal, note }: Pick<ClaimContext, 'signal' | 'note'>,
): Promise<Vec2Text> {
  const out = join(folder, 'training');
  const options = { ...o, out, checkpointEvery: 500, logEvery: 50, learningRate: vec2textSchedule(steps) };
  await mkdir(folder, { recursive: true });
  const begun = await checkpointIn(out, note);
  using trainer = begun === undefined ? new Vec2TextTrainer(options) : await Vec2TextTrainer.resume(begun, options);
  for await (const { step, loss, stepsPerSecond } of trainer.train({ steps, signal }))
    if (step % 500 === 0) note(`${name}: step ${step}, loss ${loss.toFixed(3)}, ${stepsPerSecond.toFixed(1)} steps/s`);
  if (trainer.stopReason === 'signal')
    throw new StoppedError({ where: 'gimbal reproduce vec2text', what: `stopped while ${name} was trained` });
  const model = await trainer.model();
  await saveVec2Text(join(folder, 'model'), model);
  return model;
}

function roundTripOf({ bex, cor }: AishLanguages, pivot: Training['pivot'] = 'bex') {
  if (pivot !== 'both') return (source: string, stream: Rng) => ({ bex, cor })[pivot].roundTrip(source, stream).text;
  return (source: string, stream: Rng) => (stream.int(2) === 0 ? bex : cor).roundTrip(source, stream).text;
}

/**
 * All four properties of the model, on the held-out sentences of its seed; `lmScore` by the seed's language model of the
 * typed variant.
 */
export const measuresOf = (t: Training, c: ClaimContext): Promise<Measures> =>
  once(measures, folderOf(t, c), async () => {
    const path = join(folderOf(t, c), 'measures.json');
    const saved = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    const { variant = 'typed', seed } = t;
    const judged = variant === 'typed';
    if (saved !== undefined) {
      const known = JSON.parse(saved) as Measures;
      if (!judged || known.lmScore !== undefined) return known; // else from before there was a judge
    }
    const model = await modelOf(t, c);
    const rows = heldOutRows(seed, variant);
    const lm = judged ? (await languageModelOf(seed, c)).score : undefined;
    const o = { ...languageOracles(variant), seed, signal: c.signal, ...(lm && { lm }) };
    const found: Measures = {};
    for (const measure of [universality, fluency, diversity, semanticStructure])
      Object.assign(found, await measure(model, rows, o));
    await writeFileAtomic(path, `${JSON.stringify(found, null, 2)}\n`);
    return found;
  });

/** The loss each 500 steps. */
export async function lossesOf(t: Training, c: ClaimContext): Promise<{ step: number; loss: number }[]> {
  await modelOf(t, c);
  const rows = await readMetrics(join(folderOf(t, c), 'training'));
  return rows.flatMap(({ step, loss }) => (step % 500 === 0 && typeof loss === 'number' ? [{ step, loss }] : []));
}
