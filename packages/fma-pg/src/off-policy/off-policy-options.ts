/** Options of off-policy agents, with the presets of the published settings. */
import {
  ConfigError,
  checkCount,
  checkKnown,
  checkName,
  checkOption,
  checkPositive,
  checkSeed,
  checkShare,
} from '@gimbal/tensor-core';
import { checkEnvSource, checkEvalEnv } from '../agents/env-source.ts';
import { checkRewardSource } from '../agents/hooks.ts';
import { type AgentOptions, furtherOfAgents } from '../agents/on-policy-options.ts';
import { type Anneal, annealed, checkAnneal, linear } from '../internal/anneal.ts';
import { checkWidths } from '../internal/lists.ts';
import { markedPresets } from '../internal/marked-presets.ts';
import { refuseUnused } from '../internal/unused.ts';
import type { ReplayOptions } from '../replay/replay-buffer.ts';

/** What an off-policy agent is given. */
export interface OffPolicyOptions extends Omit<AgentOptions, 'auxLosses' | 'activation' | 'criticObs'> {
  /** default 'sac' */
  algorithm?: 'sac' | 'td3' | 'dqn' | 'mdpo';
  /** how much is remembered, and how rows are drawn */
  buffer?: ReplayOptions;
  /** rows of an update; default 256 */
  batchSize?: number;
  /** environment steps (over all copies) before the first update; actions are random until then; default 100 */
  learningStarts?: number;
  /** environment steps between updates; default 1 */
  trainEvery?: number;
  /** updates each time; default 1 */
  updates?: number;
  /** default 3e-4 */
  learningRate?: Anneal;
  /** share of the way that targets go: with each update, default .005 (sac, td3, mdpo); each `targetEvery`, default 1, a copy (dqn) */
  tau?: number;
  /** sac: α at the start, mdpo: λ; default 1 */
  alpha?: number;
  /** sac: default true */
  learnAlpha?: boolean;
  /** sac: default −dim A */
  targetEntropy?: number;
  /** td3, in units of the half-width of the actions' range: default .1 */
  explorationNoise?: number;
  /** td3: default .2 */
  targetNoise?: number;
  /** td3: default .5 */
  targetNoiseClip?: number;
  /** td3: default 2 */
  policyDelay?: number;
  /** dqn: share of random actions; default 1 to .05 */
  exploration?: Anneal;
  /** dqn: share of the run over which `exploration` runs from end to end; default .5 */
  explorationFraction?: number;
  /** dqn: default true */
  double?: boolean;
  /** mdpo: c, of which c − α weighs the KL to the older policy; default 1 */
  proximal?: number;
  /** environment steps between moves of the target (dqn) or copies of the older policy (mdpo); default 500 */
  targetEvery?: number;
  /** dqn: default 10 */
  maxGradNorm?: number;
  /** yields, and writes a row, each so many environment steps; default 1000 */
  logEvery?: number;
}

/** What is used for options that are not given. */
export const offPolicyDefaults = {
  algorithm: 'sac',
  numEnvs: 1,
  gamma: 0.99,
  hidden: [256, 256],
  evalEpisodes: 10,
  buffer: {},
  batchSize: 256,
  learningStarts: 100,
  trainEvery: 1,
  updates: 1,
  learningRate: 3e-4,
  alpha: 1,
  learnAlpha: true,
  explorationNoise: 0.1,
  targetNoise: 0.2,
  targetNoiseClip: 0.5,
  policyDelay: 2,
  exploration: linear(1, 0.05),
  explorationFraction: 0.5,
  double: true,
  targetEvery: 500,
  maxGradNorm: 10,
  proximal: 1,
  logEvery: 1000,
} as const satisfies Partial<OffPolicyOptions>;

export type ResolvedOffPolicy = Omit<OffPolicyOptions, keyof typeof offPolicyDefaults> &
  Required<Pick<OffPolicyOptions, keyof typeof offPolicyDefaults>>;

/** Every option of an off-policy agent. */
export const offPolicyOptionNames: readonly string[] = [
  ...Object.keys(offPolicyDefaults),
  ...furtherOfAgents,
  'targetEntropy',
  'tau',
];

/** An algorithm in messages: on policy there is an MDPO, too. */
export const algorithmName = (algorithm: string): string => (algorithm === 'mdpo' ? 'mdpo-off-policy' : algorithm);

/** @throws ConfigError naming the option */
export function resolveOffPolicy(options: OffPolicyOptions): ResolvedOffPolicy {
  checkKnown(algorithmName(options.algorithm ?? offPolicyDefaults.algorithm), options, offPolicyOptionNames);
  checkEnvSource(options.env);
  checkEvalEnv(options.evalEnv);
  const o: ResolvedOffPolicy = { ...offPolicyDefaults, ...options };
  checkName('algorithm', o.algorithm, ['sac', 'td3', 'dqn', 'mdpo']);
  if (typeof o.env !== 'function') o.numEnvs = o.env.numEnvs;
  for (const key of [
    'numEnvs',
    'batchSize',
    'learningStarts',
    'trainEvery',
    'updates',
    'policyDelay',
    'targetEvery',
    'logEvery',
    'evalEpisodes',
  ] as const)
    checkCount(key, o[key]);
  for (const key of ['evalEvery', 'checkpointEvery', 'keepCheckpoints'] as const)
    if (o[key] !== undefined) checkCount(key, o[key]);
  for (const key of ['gamma', 'explorationFraction'] as const) checkShare(key, o[key]);
  // with 0 targets would never move
  if (o.tau !== undefined) checkOption('tau', o.tau, o.tau > 0 && o.tau <= 1, 'a number in (0, 1]');
  for (const key of ['alpha', 'targetNoise', 'targetNoiseClip', 'maxGradNorm', 'proximal'] as const)
    checkPositive(key, o[key]);
  const { targetEntropy, explorationNoise, batchSize } = o;
  if (targetEntropy !== undefined)
    checkOption('targetEntropy', targetEntropy, Number.isFinite(targetEntropy), 'a finite number');
  const isNoise = Number.isFinite(explorationNoise) && explorationNoise >= 0;
  checkOption('explorationNoise', explorationNoise, isNoise, 'a finite number ≥ 0');
  for (const key of ['learnAlpha', 'double'] as const)
    checkOption(key, o[key], typeof o[key] === 'boolean', 'true or false');
  checkWidths('hidden', o.hidden);
  checkKnown('buffer', o.buffer, ['capacity', 'nStep', 'prioritized', 'her']);
  const { capacity = batchSize } = o.buffer;
  checkOption('buffer.capacity', capacity, capacity >= batchSize, `at least batchSize = ${batchSize}`);
  checkAnneal('learningRate', o.learningRate, (x) => x >= 0, 'a finite number ≥ 0');
  checkOption('learningRate', annealed(o.learningRate, 0), annealed(o.learningRate, 0) > 0, 'more than 0 at the start');
  checkAnneal('exploration', o.exploration, (x) => x >= 0 && x <= 1, 'a number from 0 to 1');
  checkSeed(o.seed);
  checkOption(
    'trainEvery',
    o.trainEvery,
    o.trainEvery % o.numEnvs === 0 || o.numEnvs === 1,
    `a multiple of numEnvs = ${o.numEnvs}`,
  );
  const { rewardSource, buffer } = o;
  checkRewardSource(rewardSource);
  if (rewardSource !== undefined && ((buffer.nStep ?? 1) > 1 || buffer.her !== undefined))
    throw new ConfigError({
      where: buffer.her !== undefined ? 'buffer.her' : 'buffer.nStep',
      what: 'rewardSource rewards single steps as they are drawn, and would take these rewards away',
      got: buffer.her !== undefined ? 'her' : buffer.nStep,
      fix: buffer.her !== undefined ? 'Leave one of both out' : 'Set buffer: { nStep: 1 }',
    });
  if (o.checkpointEvery !== undefined && o.out === undefined)
    throw new ConfigError({ where: 'checkpointEvery', what: 'there is nowhere to save', fix: 'Give out, a folder' });
  if (o.evalEvery !== undefined && o.evalEnv === undefined && typeof o.env !== 'function')
    throw new ConfigError({
      where: 'evalEvery',
      what: 'there is no environment to evaluate on',
      fix: 'Give evalEnv, a function that makes one',
    });
  return o;
}

type Algorithm = NonNullable<OffPolicyOptions['algorithm']>;

/** Options that not every algorithm uses, and those that do. */
const users = {
  alpha: ['sac', 'mdpo'],
  learnAlpha: ['sac', 'mdpo'],
  targetEntropy: ['sac', 'mdpo'],
  proximal: ['mdpo'],
  explorationNoise: ['td3'],
  targetNoise: ['td3'],
  targetNoiseClip: ['td3'],
  policyDelay: ['td3'],
  exploration: ['dqn'],
  explorationFraction: ['dqn'],
  double: ['dqn'],
  maxGradNorm: ['dqn'],
  targetEvery: ['dqn', 'mdpo'],
} as const satisfies { [name in keyof OffPolicyOptions]?: readonly Algorithm[] };

/**
 * Of a new agent; a checkpoint holds every option, used or not.
 * @param options as the caller gave them, each of them valid
 * @throws ConfigError naming an option that would change nothing
 */
export function refuseUnusedOffPolicy(options: OffPolicyOptions): void {
  const { algorithm = offPolicyDefaults.algorithm, learnAlpha } = options;
  const others = Object.entries(users).filter(([, by]) => !(by as readonly Algorithm[]).includes(algorithm));
  refuseUnused(
    options,
    others.map(([name]) => name),
    algorithmName(algorithm),
  );
  if (learnAlpha === false) refuseUnused(options, ['targetEntropy'], 'an α that stays (learnAlpha false)');
}

export type OffPolicyPreset = Partial<OffPolicyOptions>;

/** Stable-Baselines3's settings. */
export const sac = (o: OffPolicyPreset = {}): OffPolicyPreset => ({ algorithm: 'sac', ...o });

/** CleanRL's settings. */
export const td3 = (o: OffPolicyPreset = {}): OffPolicyPreset => ({ algorithm: 'td3', learningStarts: 25_000, ...o });

/**
 * The zoo's settings for CartPole (128 updates every 256 steps), with returns over 5 steps and a learning rate that falls
 * to 0: with one step and a constant rate the policy goes up and down to the end, Stable-Baselines3's too.
 */
export const dqn = (o: OffPolicyPreset = {}): OffPolicyPreset => ({
  algorithm: 'dqn',
  learningRate: linear(2.3e-3, 0),
  batchSize: 64,
  buffer: { capacity: 100_000, nStep: 5 },
  learningStarts: 1000,
  trainEvery: 256,
  updates: 128,
  targetEvery: 10,
  exploration: linear(1, 0.04),
  explorationFraction: 0.16,
  ...o,
});

/** Off-policy MDPO (arXiv 2005.09814) with its authors' settings. */
export const mdpoOffPolicy = (o: OffPolicyPreset = {}): OffPolicyPreset => ({
  algorithm: 'mdpo',
  alpha: 0.2,
  learnAlpha: false,
  proximal: 1,
  targetEvery: 1000,
  learningStarts: 10_000,
  ...o,
});

/** The presets by name. */
export const offPolicyPresets = markedPresets({ sac, td3, dqn, mdpoOffPolicy } as const);
