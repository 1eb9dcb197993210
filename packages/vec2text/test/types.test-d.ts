// Types of the public surface: checked by `tsc`, never run. A line under @ts-expect-error must not compile.
import { type Env, type LogitPolicy, type Params, rng, type Trainer, type TrainStep } from '@gimbal/tensor-core';
import type { Scalar, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import {
  buildRoundTrips,
  type Codes,
  type ControlSpace,
  codePolicy,
  controlSpace,
  type Decoded,
  decodeCodes,
  diversity,
  type Embedder,
  type encodeTexts,
  type Inverter,
  InverterTrainer,
  type InvertStep,
  type interpolate,
  invert,
  type invertAll,
  type loadVec2Text,
  type Measures,
  type NearText,
  type nearestTexts,
  type Objective,
  type Optimised,
  type OptimiseStep,
  optimise,
  type RoundTrip,
  type RoundTripReport,
  type Scored,
  type SpaceKind,
  type Translator,
  textEnv,
  type Vec2Text,
  type Vec2TextStep,
  Vec2TextTrainer,
  vec2text,
} from '../src/index.ts';

/** Fails to compile unless both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const check = <T extends true>(): T | undefined => undefined;

declare const params: Params;
declare const model: Vec2Text;
declare const ids: Tensor2D;

// spaces: four names, arrays in and out
const space: ControlSpace = controlSpace('box', 4);
check<Same<typeof space.kind, SpaceKind>>();
check<Same<ReturnType<typeof interpolate>, Codes>>();
// @ts-expect-error no such space
controlSpace('cube', 4);

// the model: pure functions of parameters
const module = vec2text({ vocabSize: 10 });
check<Same<ReturnType<typeof module.encode>, Tensor2D>>();
check<Same<ReturnType<typeof module.logits>, Tensor3D>>();
const loss: Scalar = module.loss(params, { input: ids, target: ids }, rng(0));
loss.dispose();
// @ts-expect-error the vocabulary has no default
vec2text({ width: 64 });
const policy: LogitPolicy = codePolicy(module, () => ids);
policy.logits;

// use
check<Same<ReturnType<typeof decodeCodes>, Promise<Decoded[]>>>();
check<Same<ReturnType<typeof encodeTexts>, Promise<Codes>>>();
check<Same<Awaited<ReturnType<typeof loadVec2Text>>, Vec2Text>>();
// @ts-expect-error a temperature is a number
void decodeCodes(model, new Float32Array(4), { temperature: 'hot' });
// @ts-expect-error codes come in one array
void decodeCodes(model, [new Float32Array(4)]);

// objectives: noise belongs to dae, weights to mix
const objectives: Objective[] = [
  { kind: 'ae' },
  { kind: 'dae', noise: { drop: 0.3 } },
  { kind: 'mix', weights: { rtt: 1 } },
];
// @ts-expect-error ae has no noise
const wrong: Objective = { kind: 'ae', noise: { drop: 0.3 } };
objectives.push(wrong);

// training: a trainer as all are
declare const options: ConstructorParameters<typeof Vec2TextTrainer>[0];
const trainer: Trainer<Vec2TextStep> & Trainer<TrainStep> = new Vec2TextTrainer(options);
for await (const { step, evalLoss } of trainer.train({ steps: 1 }))
  check<Same<typeof step | typeof evalLoss, number>>();

// the pipeline: rows, and a report at the end
const translator: Translator = { name: 'same', translate: async (batch) => batch };
const rows: AsyncGenerator<RoundTrip, RoundTripReport, undefined> = buildRoundTrips(['a'], {
  pivots: [{ name: 'p', forward: translator, back: translator }],
  seed: 0,
});
await rows.return({ sentences: 0, duplicates: 0, overflow: 0, pivots: {} });

// measures: the oracles' meanings are of one type
const rated: Promise<Measures> = diversity(model, [{ text: 'a', group: 'short' }], {
  valid: (text) => text !== '',
  sem: (text) => text.length,
  agree: (a, b) => (a === b ? 1 : 0),
  seed: 0,
});
check<Same<Awaited<typeof rated>[string]['ci'], readonly [low: number, high: number]>>();
declare const textsAgree: (a: string, b: string) => number;
void diversity(model, [], {
  valid: () => true,
  // @ts-expect-error a meaning is a number here, a text where two are compared
  sem: (text) => text.length,
  agree: textsAgree,
  seed: 0,
});
// @ts-expect-error oracles have no defaults
void diversity(model, [{ text: 'a' }], { seed: 0 });

// use: a search that waits for its reward, an environment that does not
const search: AsyncGenerator<OptimiseStep, Optimised> = optimise(model, async (_, list) => list.map(() => null), {
  episodes: 60,
  rng: rng(0),
});
await search.next();
// @ts-expect-error a search needs its source of chance
void optimise(model, () => [], { episodes: 60 });
const seen = { prompts: [''], observe: () => Float32Array.of(1), seed: 0 };
const env: Env = textEnv(model, { ...seen, reward: (_, list) => list.map(() => 1) });
env.close();
// @ts-expect-error what is seen of a prompt is numbers
textEnv(model, { ...seen, observe: (prompt: string) => prompt, reward: () => [1] });
check<Same<ReturnType<typeof nearestTexts>, NearText[][]>>();

// inversion: an embedder is a function of the user's, with a name and a hash
const embedder: Embedder = {
  name: 'mine',
  dim: 4,
  hash: '1',
  embed: async (list) => new Float32Array(4 * list.length),
};
using learner: Trainer<TrainStep> = new InverterTrainer({ embedder, texts: ['a'], stage: 'hypothesizer', seed: 0 });
await learner.run({ steps: 1 });
// @ts-expect-error there are two stages
new InverterTrainer({ embedder, texts: ['a'], stage: 'both', seed: 0 });
// @ts-expect-error what embeds has a hash
const nameless: Embedder = { name: 'mine', dim: 4, embed: embedder.embed };
declare const inverter: Inverter;
const corrections: AsyncGenerator<InvertStep> = invert(inverter, await nameless.embed(['a']), { beams: 4 });
await corrections.next();
check<Same<Awaited<ReturnType<typeof invertAll>>, Scored[]>>();
