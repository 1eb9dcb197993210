/** Options of Nash-MD on language models: defaults, and what is refused. */
import {
  ConfigError,
  checkCount,
  checkKnown,
  checkName,
  checkOption,
  checkShare,
  createOptimizer,
  flatten,
  type LogitPolicy,
  type LoopOptions,
  type Params,
  type PreferenceFn,
  type Prompt,
  requireOptions,
  type Schedule,
  ShapeError,
  schedules,
  type TextCodec,
} from '@gimbal/tensor-core';
import type { Contestant } from '../contestant.ts';
import { type DpoLossName, dpoLossNames } from '../losses/pair-losses.ts';
import { type KlEstimator, klEstimators } from '../losses/policy-gradient.ts';
import { type EndTokens, endTokens } from '../policies/end-tokens.ts';

/**
 * Whom the policy plays against.
 * 'mixture': per token π^(1−β) μ^β, β = `mixtureCoef`: 0 is self-play, 1 the best response to μ. 'ema': an average of past
 * parameters, θ̄ ← β θ̄ + (1 − β) θ from θ̄ = θ_0 ('recursive'), or (1 − β) θ + β θ_0 with the reference as θ_0 ('anchored'),
 * β = `decay`: 0 is self-play, 1 the best response to θ_0. 'fixed': a policy that never changes; what is trained is a best
 * response to it, and how often that wins is how exploitable it is.
 */
export type Opponent =
  | { kind: 'mixture'; mixtureCoef: Schedule }
  | { kind: 'ema'; decay: number; form?: 'recursive' | 'anchored' }
  | { kind: 'fixed'; contestant: Contestant };

/** What is minimised. */
export type Objective =
  | 'policy-gradient'
  | 'online-ipo'
  | 'ipo-md'
  | 'online-dpo'
  | 'sppo'
  | 'dno'
  | 'inpo'
  | 'egpo'
  | 'nash-mp';

/** Names of the objectives, the default first. */
export const objectives: readonly Objective[] = [
  'policy-gradient',
  'online-ipo',
  'ipo-md',
  'online-dpo',
  'sppo',
  'dno',
  'inpo',
  'egpo',
  'nash-mp',
];

/** Objectives that are gradients of new completions at every update, never several updates on the same ones. */
export const isGradient = (o: Objective): boolean => o === 'policy-gradient' || inHalves(o);

/** Objectives that weigh the policy's tokens with advantages; the others compare the two completions of a pair. */
export const isPolicyGradient = (o: Objective): boolean => o === 'policy-gradient' || o === 'nash-mp';

/** Objectives whose steps have two halves: `innerSteps` updates to an opponent, and as many from the start against it. */
export const inHalves = (o: Objective): boolean => o === 'egpo' || o === 'nash-mp';

/** Options of `NashMdTrainer`, beside those of every training loop. */
export interface NashMdOptions extends Omit<LoopOptions, 'overflow' | 'evalEvery' | 'keepBest' | 'earlyStop'> {
  /** completions, their log-probabilities and next-token logits; not disposed */
  policy: LogitPolicy;
  /** where training starts; not kept: the trainer owns variables with the same values */
  params: Params;
  /** μ, a tree of the same policy, not kept; default the parameters at the start */
  reference?: Params;
  /** prompts to tokens, and completions to the texts that are compared */
  codec: TextCodec;
  /** at least one; a step takes `batchSize` · `accumulate` / `samplesPerPrompt` of them */
  prompts: readonly Prompt[];
  /** P(a ≻ b): a preference model, a reward model, an oracle, a judge that is waited for */
  preference: PreferenceFn;
  /** 'both': also ask for b ≻ a and take the mean; 'auto' (default): both in the first step, and from then on if they differ */
  orders?: 'auto' | 'one' | 'both';
  /** how often to ask again when `preference` throws; default 2 */
  retries?: number;
  /** default the mixture with β .125 for the policy gradient and ipo-md, self-play for the other objectives */
  opponent?: Opponent;
  /**
   * τ, weight of the KL divergence from the reference; default by objective, since theirs are not comparable
   * (`klCoefDefaults`): .008 for the policy gradients, 1 for online-ipo and ipo-md, .1 for online-dpo, inpo and egpo. SPPO
   * and DNO have none: what holds them is π_t alone
   */
  klCoef?: Schedule;
  /** default 'policy-gradient' */
  objective?: Objective;
  /** of the policy gradient; 'token-local' is biased, as some trainers are; default 'reward-to-go' */
  klEstimator?: KlEstimator;
  /** of online-dpo; default 'sigmoid'. Not 'robust': it is for labels that are flipped by chance, and these are asked for */
  dpoLoss?: DpoLossName;
  /** η̂ = 1/η of sppo (default .001), dno (.1), inpo (τ (t + 2)/2, t the samplings so far) and nash-mp (τ + 3) */
  inverseStep?: Schedule;
  /** completions of each prompt by either player; default 1 */
  samplesPerPrompt?: number;
  /**
   * Compare each completion with all the opponent's of its prompt, not only with one; default false. Of objectives that
   * learn from how often a completion wins: policy-gradient, nash-mp, sppo, dno and egpo
   */
  tournament?: boolean;
  /**
   * Learn from the opponent's completions too, which in self-play are the policy's own: half of the gradient of each side.
   * Of the policy gradient with mixtureCoef 0; default false
   */
  contrastive?: boolean;
  /**
   * updates against one opponent: of pairs on the same completions, of the policy gradient, egpo and nash-mp with new
   * ones; default 1, of nash-mp 4. A step of egpo and nash-mp is twice as many updates
   */
  innerSteps?: number;
  /**
   * What will be used after the training; default 'policy'. Against the mixture with β the policy goes to a best response
   * to the mixture, and the mixture to the equilibrium of τ/(1 − β): with 'mixture' training has the weight (1 − β)τ, so
   * that it is the equilibrium of τ that is deployed
   */
  deploy?: 'policy' | 'mixture';
  /** most tokens of a completion, ≥ 1 */
  maxNewTokens: number;
  /** 1: the loss is about the distribution that is sampled from, so there is no other */
  temperature?: 1;
  /** taken from a completion's P − ½ where it was cut at the limit; ≥ 0, default 0 */
  missingEos?: { penalty: number };
  /** where the policy does not say which tokens end a completion (a language model does) */
  ends?: Partial<EndTokens>;
}

/** What is used for options that are not given. */
export const nashMdDefaults = {
  optimizer: { name: 'adamw' },
  accumulate: 1,
  precision: 'float32',
  orders: 'auto',
  retries: 2,
  objective: 'policy-gradient',
  klEstimator: 'reward-to-go',
  dpoLoss: 'sigmoid',
  samplesPerPrompt: 1,
  tournament: false,
  contrastive: false,
  innerSteps: 1,
  deploy: 'policy',
} as const satisfies Partial<NashMdOptions>;

/**
 * τ of each objective that has one, where none is given. Of the policy gradients and of IPO with completions from the policy
 * or the mixture those of arXiv 2403.08635; of DPO with sampled completions TRL's; of EGPO its authors' (training script,
 * 644bf31); INPO's is weighed against the paper's step, η̂ = τ (t + 2)/2, so that it sets the first step too.
 */
export const klCoefDefaults = {
  'policy-gradient': 0.008,
  'nash-mp': 0.008,
  'online-ipo': 1,
  'ipo-md': 1,
  'online-dpo': 0.1,
  inpo: 0.1,
  egpo: 0.1,
} as const satisfies { [objective in Objective]?: number };

type Filled = keyof typeof nashMdDefaults | 'opponent' | 'inverseStep' | 'klCoef';

/** Options with every default filled in. */
export type ResolvedNashMd = Omit<NashMdOptions, Filled | 'ends'> &
  Required<Pick<NashMdOptions, Filled>> & { ends: EndTokens };

const known: readonly string[] = [
  ...Object.keys(nashMdDefaults),
  ...['policy', 'params', 'reference', 'codec', 'prompts', 'preference', 'opponent', 'inverseStep', 'maxNewTokens'],
  'klCoef',
  ...['temperature', 'missingEos', 'ends', 'learningRate', 'batchSize', 'maxGradNorm', 'gradientCheckpointing'],
  ...['checkpointEvery', 'keepCheckpoints', 'logEvery', 'out', 'seed'],
];

/** Options of some objectives: elsewhere they would be ignored, so they are refused. */
const belongsTo = {
  klCoef: Object.keys(klCoefDefaults) as Objective[],
  klEstimator: ['policy-gradient', 'nash-mp'],
  dpoLoss: ['online-dpo'],
  inverseStep: ['sppo', 'dno', 'inpo', 'nash-mp'],
  missingEos: ['policy-gradient', 'nash-mp'],
} as const satisfies { [option in keyof NashMdOptions]?: readonly Objective[] };

/** Objectives that learn from how often a completion wins; the others from the two completions of a pair. */
const learnsFromWins: readonly Objective[] = ['policy-gradient', 'nash-mp', 'sppo', 'dno', 'egpo'];

/** @throws ConfigError naming the option, ShapeError for a reference that is not of this policy; nothing is allocated then */
export function resolveNashMd(given: NashMdOptions): ResolvedNashMd {
  requireOptions('NashMdTrainer', given);
  for (const key of Object.keys(given)) checkName('NashMdTrainer, option', key, known);
  // an option that is given as undefined is not given
  const options = Object.fromEntries(
    Object.entries(given).filter(([, x]) => x !== undefined),
  ) as unknown as NashMdOptions;
  checkParts(options);
  const merged = { ...nashMdDefaults, klCoef: defaultTau(options.objective), ...options };
  const innerSteps = options.innerSteps ?? (merged.objective === 'nash-mp' ? 4 : nashMdDefaults.innerSteps);
  const plays = merged.objective === 'policy-gradient' || merged.objective === 'ipo-md';
  const opponent: Opponent = { kind: 'mixture', mixtureCoef: plays ? 0.125 : 0 };
  const o: ResolvedNashMd = {
    ...merged,
    opponent: options.opponent === undefined ? opponent : options.opponent,
    innerSteps,
    inverseStep: options.inverseStep ?? defaultStep(merged.objective, merged.klCoef, innerSteps),
    ends: endTokens(options.policy, options.ends),
  };
  for (const key of ['batchSize', 'accumulate', 'samplesPerPrompt', 'innerSteps', 'maxNewTokens'] as const)
    checkCount(key, o[key]);
  checkCount('retries', o.retries, 0);
  const whole = 'a multiple of samplesPerPrompt';
  checkOption('batchSize', o.batchSize, o.batchSize % o.samplesPerPrompt === 0, `${whole} = ${o.samplesPerPrompt}`);
  checkName('orders', o.orders, ['auto', 'one', 'both']);
  checkName('objective', o.objective, objectives);
  for (const [option, those] of Object.entries(belongsTo) as [keyof typeof belongsTo, readonly Objective[]][]) {
    if (options[option] === undefined || those.includes(o.objective)) continue;
    const wanted = `objective ${those.join(' or ')}`;
    throw new ConfigError({ where: option, what: `${o.objective} has no such option`, wanted });
  }
  for (const key of ['klCoef', 'inverseStep'] as const) checkSchedule(key, o[key]);
  if (o.tournament && !learnsFromWins.includes(o.objective)) {
    const what = `${o.objective} learns from pairs, of which a tournament would ask ${o.samplesPerPrompt} times as many as it uses`;
    const wanted = `objective ${learnsFromWins.join(' or ')}`;
    throw new ConfigError({ where: 'tournament', what, wanted });
  }
  checkName('klEstimator', o.klEstimator, klEstimators);
  checkName('deploy', o.deploy, ['policy', 'mixture']);
  if (o.objective === 'nash-mp' && o.klEstimator !== 'reward-to-go') {
    const what = 'nash-mp has two divergences, from the reference and from π_t, and one estimator for both';
    throw new ConfigError({ where: 'klEstimator', what, got: o.klEstimator, wanted: 'reward-to-go' });
  }
  checkName(
    'dpoLoss',
    o.dpoLoss,
    dpoLossNames.filter((name) => name !== 'robust'),
  );
  checkOpponent(o);
  const tau = klCoefAt(o, 0);
  const inverse = inverseStepAt(o, 0);
  if (o.objective === 'inpo')
    checkOption(
      'inverseStep',
      inverse,
      inverse >= tau * (1 - 1e-12),
      `at least klCoef = ${tau}: μ and π_t are weighed by τ/η̂`,
    );
  if (o.temperature !== undefined && (o.temperature as number) !== 1) {
    const what = 'the loss needs the log-probabilities of the distribution that is sampled from';
    throw new ConfigError({ where: 'temperature', what, got: o.temperature, wanted: '1', fix: 'Leave it out' });
  }
  if (o.tournament && o.samplesPerPrompt < 2) {
    const what = 'a tournament needs several completions of a prompt';
    throw new ConfigError({ where: 'samplesPerPrompt', what, got: o.samplesPerPrompt, wanted: 'at least 2' });
  }
  const isSelfPlay = o.opponent.kind === 'mixture' && o.opponent.mixtureCoef === 0 && o.innerSteps === 1;
  if (o.contrastive && !(o.objective === 'policy-gradient' && isSelfPlay)) {
    const what = 'the opponent’s completions are not the policy’s own';
    const wanted = 'objective policy-gradient, mixtureCoef 0, innerSteps 1';
    throw new ConfigError({ where: 'contrastive', what, wanted });
  }
  const { missingEos } = o;
  if (missingEos !== undefined) {
    const { penalty } = missingEos;
    checkOption('missingEos.penalty', penalty, penalty >= 0 && Number.isFinite(penalty), 'a finite number ≥ 0');
  }
  if (o.prompts.length === 0) throw new ConfigError({ where: 'prompts', what: 'there are none', wanted: 'at least 1' });
  if (o.reference !== undefined) checkReference(o.params, o.reference);
  createOptimizer(o.optimizer);
  return o;
}

/** What a call without types may leave out or give in half. @throws ConfigError naming the option */
function checkParts({ policy, params, codec, preference, prompts }: NashMdOptions): void {
  const lacks = (where: string, got: unknown, wanted: string): never => {
    throw new ConfigError({ where, what: 'it is needed', got: got === null ? 'null' : typeof got, wanted });
  };
  if (typeof policy?.sample !== 'function' || typeof policy.logits !== 'function')
    lacks('policy', policy, 'a LogitPolicy: sample, logProbs, logits');
  if (typeof params !== 'object' || params === null) lacks('params', params, 'a tree of tensors');
  if (typeof codec?.encode !== 'function' || typeof codec.decode !== 'function')
    lacks('codec', codec, 'encode and decode, for example a tokenizer');
  if (typeof preference !== 'function') lacks('preference', preference, '(prompts, a, b) => P(a ≻ b) of each row');
  // a string has a length and places too, and would be learned letter by letter
  if (!Array.isArray(prompts)) lacks('prompts', prompts, 'a list of texts, or of rows with a prompt');
  for (const [i, row] of prompts.entries())
    if (typeof (row as { prompt?: unknown } | null)?.prompt !== 'string' && typeof row !== 'string')
      lacks(`prompts, row ${i}`, row, 'a text, or a row with a prompt');
}

/** A coefficient: a number or a function of the step. @throws ConfigError for what is neither */
function checkSchedule(where: string, got: unknown): void {
  if (typeof got === 'number' || typeof got === 'function') return;
  throw new ConfigError({ where, what: 'no coefficient', got, wanted: 'a number, or a function of the step' });
}

const defaultTau = (objective: Objective = 'policy-gradient'): number =>
  (klCoefDefaults as { [objective in Objective]?: number })[objective] ?? 0;

/**
 * τ of a step; a schedule may leave its range after the first. 0 for SPPO and DNO, which have none.
 * @throws ConfigError for what is no weight
 */
export function klCoefAt({ klCoef, objective }: ResolvedNashMd, step: number): number {
  const tau = schedules.scheduleAt(klCoef, step);
  const positive = objective !== 'policy-gradient' && objective in klCoefDefaults;
  const wanted = `a finite number ${positive ? '>' : '≥'} 0`;
  checkOption('klCoef', tau, Number.isFinite(tau) && (positive ? tau > 0 : tau >= 0), wanted);
  return tau;
}

/** 1/η of a step. @throws ConfigError for what is no step size */
export function inverseStepAt(o: ResolvedNashMd, step: number): number {
  const inverse = schedules.scheduleAt(o.inverseStep, step);
  checkOption('inverseStep', inverse, Number.isFinite(inverse) && inverse > 0, 'a finite number > 0');
  return inverse;
}

/** What an opponent of each kind is said with. */
const opponentOptions = {
  mixture: ['mixtureCoef'],
  ema: ['decay', 'form'],
  fixed: ['contestant'],
} as const satisfies { [kind in Opponent['kind']]: readonly string[] };

function checkOpponent({ opponent, objective, deploy }: ResolvedNashMd): void {
  requireOptions('opponent', opponent);
  checkName('opponent.kind', opponent.kind, Object.keys(opponentOptions));
  checkKnown('opponent', opponent, ['kind', ...opponentOptions[opponent.kind]]);
  if (opponent.kind === 'fixed') {
    const { policy, params } = (opponent.contestant ?? {}) as Partial<Contestant>;
    if (policy === undefined || params === undefined) {
      const what = 'there is nobody to play against';
      throw new ConfigError({ where: 'opponent.contestant', what, wanted: '{ policy, params }' });
    }
  }
  if (opponent.kind === 'mixture') checkSchedule('opponent.mixtureCoef', opponent.mixtureCoef);
  if (opponent.kind === 'ema') {
    checkShare('opponent.decay', opponent.decay);
    checkName('opponent.form', opponent.form ?? 'recursive', ['recursive', 'anchored']);
  } else if (opponent.kind === 'mixture')
    checkShare('opponent.mixtureCoef', schedules.scheduleAt(opponent.mixtureCoef, 0));
  const mixes = opponent.kind === 'mixture';
  if (deploy === 'mixture' && !mixes)
    throw new ConfigError({ where: 'deploy', what: 'only the mixture opponent is a mixture', wanted: "'policy'" });
  if (deploy === 'mixture' && mixes && schedules.scheduleAt(opponent.mixtureCoef, 0) === 1) {
    const what = 'with mixtureCoef 1 the mixture is the reference itself, and nothing that is trained shows in it';
    throw new ConfigError({ where: 'deploy', what, wanted: 'a mixtureCoef below 1' });
  }
  if (objective === 'policy-gradient' || (objective === 'ipo-md' && mixes)) return;
  if (mixes && opponent.mixtureCoef === 0) return;
  throw new ConfigError({
    where: 'opponent',
    what: `${objective} compares ${objective === 'ipo-md' ? 'completions of the mixture' : 'the policy’s own completions'}`,
    got: opponent.kind === 'fixed' ? 'a fixed opponent' : JSON.stringify(opponent),
    wanted: objective === 'ipo-md' ? "{ kind: 'mixture' }" : 'none',
    fix: 'Leave opponent out, or use objective policy-gradient',
  });
}

/** The reference must be a tree of this policy: another vocabulary or depth is another policy. */
export function checkReference(params: Params, reference: Params): void {
  const own = new Map(flatten(params).map(([path, t]) => [path, String(t.shape)]));
  const other = new Map(flatten(reference).map(([path, t]) => [path, String(t.shape)]));
  for (const [path, shape] of own) {
    const there = other.get(path);
    if (there === shape) continue;
    throw new ShapeError({
      where: `reference, ${path}`,
      what: there === undefined ? 'it has no such parameter' : 'another shape than the policy’s',
      got: there === undefined ? 'none' : other.get(path),
      wanted: `[${shape}]`,
      fix: 'The reference is a tree of the same policy: the same vocabulary, width and depth',
    });
  }
  for (const path of other.keys()) {
    if (own.has(path)) continue;
    throw new ShapeError({ where: `reference, ${path}`, what: 'the policy has no such parameter' });
  }
}

const defaultStep = (objective: Objective, klCoef: Schedule, innerSteps: number): Schedule => {
  if (objective === 'nash-mp') return (step) => schedules.scheduleAt(klCoef, step) + 3;
  if (objective !== 'inpo') return objective === 'sppo' ? 0.001 : 0.1;
  // η̂_t = τ (t + 2)/2, t the number of samplings
  return (step) => (schedules.scheduleAt(klCoef, step) * (Math.floor(step / innerSteps) + 2)) / 2;
};
