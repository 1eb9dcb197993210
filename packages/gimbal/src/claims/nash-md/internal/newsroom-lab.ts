// Summaries of the small newsroom whose annotators' taste in styles runs in a circle: a summariser, preference and reward
// models that learned from its summaries, and policies trained against them. Each model is kept in the run's folder.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type NamedReward, surrogates, TokenPolicyTrainer } from '@gimbal/fma-pg';
import { CausalLmTrainer, dataset, decoder } from '@gimbal/language-models';
import { NashMdTrainer, type Opponent } from '@gimbal/nash-md';
import {
  PreferenceTrainer,
  preferenceFn,
  preferenceModel,
  RewardTrainer,
  rewardFn,
  rewardModel,
  withBody,
} from '@gimbal/reward-models';
import {
  disposeTree,
  type Params,
  type PreferenceFn,
  type Rng,
  readSafetensors,
  rng,
  StoppedError,
  schedules,
  type Trainer,
  type TrainerStep,
  writeSafetensors,
} from '@gimbal/tensor-core';
import { wordTokenizer } from '@gimbal/vec2text';
import { newsroom } from '@gimbal/worlds';
import { promptCodec } from '../../../rl/prompt-codec.ts';

/** Two facts an article, three styles, 25 tokens. */
export const world = newsroom({ preset: 'mini' });
const tokenizer = wordTokenizer(world.vocabulary.slice(4)); // it has marks of its own
/** Articles to tokens, tokens to summaries. */
export const codec = promptCodec(tokenizer);
/** Style, two clauses of four tokens, end. */
export const maxNewTokens = 10;

const { eos, pad } = tokenizer.special as { eos: number; pad: number };

/** Two layers of width 32: 28 thousand weights. */
export const policy = decoder({
  ...{ family: 'gpt2', vocabularySize: tokenizer.size, contextLength: 48, width: 32, layers: 2, heads: 4 },
  ...{ initializerRange: 0.8 / Math.sqrt(32), eosIds: [eos], padId: pad },
});
const pairwise = preferenceModel(policy.config);
const single = rewardModel(policy.config);

/** Who is learned from: the annotators themselves, or models of what they said of a few thousand pairs. */
export type Judge = 'oracle' | 'learned';

/** How much is trained. */
export interface Sizes {
  supervisedSteps: number;
  pairs: number;
  judgeSteps: number;
  updates: number;
  batchSize: number;
}

/** What the claim trains with. */
export const fullSizes: Sizes = { supervisedSteps: 600, pairs: 2000, judgeSteps: 400, updates: 600, batchSize: 32 };
const [supervisedRows, peak] = [10_000, 3e-3];

/** How a policy is trained: against an opponent, or without one by reward learning. */
export interface Method {
  opponent?: Opponent;
  /** τ */
  klCoef: number;
}

/** The annotators: P = ½ + .2 (q_a − q_b) + .3·(the styles in a circle) ± .4 against no style, within [.02, .98]. */
export const annotators: PreferenceFn = world.preference();

/** The models of one seed; each is made when it is asked for. */
export class NewsroomLab {
  readonly #stream: Rng;
  readonly #known = new Map<string, Params>();

  constructor(
    readonly seed: number,
    readonly sizes: Sizes,
    readonly c: { readonly dir: string; readonly signal: AbortSignal; note(text: string): void },
  ) {
    this.#stream = rng(seed).split('claims.N10');
  }

  /** The summariser that everything starts from: maximum likelihood on references. */
  supervised(): Promise<Params> {
    const { supervisedSteps: steps } = this.sizes;
    return this.#kept('supervised', async () => {
      const stream = this.#stream.split('supervised');
      const params = policy.init(stream.split('init'));
      using trainer = new CausalLmTrainer({
        ...{ model: policy, params, tokenizer, batchSize: 32, seed: this.seed, logEvery: steps },
        data: dataset(world.rows(supervisedRows, stream.split('rows'))),
        learningRate: schedules.linear({ peak, steps, warmup: 50 }),
      });
      disposeTree(params);
      return await this.#saved('supervised', trainer, steps);
    });
  }

  /** What the annotators are taken to say. */
  async preference(judge: Judge): Promise<PreferenceFn> {
    if (judge === 'oracle') return annotators;
    const params = await this.#kept('preference', async () =>
      this.#fitted(
        'preference',
        (common) => new PreferenceTrainer({ ...common, model: pairwise }),
        pairwise,
        'learned',
      ),
    );
    return preferenceFn(pairwise, params, tokenizer, { batchSize: 256 });
  }

  /** The reward that explains them best. */
  async reward(judge: Judge): Promise<NamedReward['fn']> {
    const name = judge === 'oracle' ? 'reward-oracle' : 'reward';
    const params = await this.#kept(name, async () =>
      this.#fitted(name, (common) => new RewardTrainer({ ...common, model: single }), single, judge),
    );
    return rewardFn(single, params, tokenizer, { batchSize: 256 });
  }

  /** A policy trained by a method. */
  async trained(name: string, judge: Judge, { opponent, klCoef }: Method): Promise<Params> {
    const { updates: steps, batchSize } = this.sizes;
    const params = await this.supervised();
    const common = {
      ...{ policy, params, codec, klCoef, batchSize, maxNewTokens, seed: this.seed },
      ...{ optimizer: { name: 'adam' as const }, maxGradNorm: 1 },
      prompts: world.articles(4000, this.#stream.split('articles')).map(({ text }) => text),
      learningRate: (step: number) => 1e-3 * Math.min(1, 2 * (1 - step / steps)),
    };
    return this.#kept(`${judge}-${name}`, async () => {
      using trainer =
        opponent === undefined
          ? new TokenPolicyTrainer({
              ...{ ...common, baseline: 'batch' as const, reward: await this.reward(judge) },
              surrogate: surrogates.reinforce({ aggregate: 'row-mean' }),
            })
          : new NashMdTrainer({
              ...{
                ...common,
                logEvery: 10,
                opponent,
                orders: 'one' as const,
                preference: await this.preference(judge),
              },
            });
      return await this.#saved(`${judge}-${name}`, trainer as Trained, steps);
    });
  }

  dispose(): void {
    for (const params of this.#known.values()) disposeTree(params);
    this.#known.clear();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Pairs of summaries of the start, as the annotators label them: by a draw, or with how many of them prefer which. */
  async #pairs(judge: Judge): Promise<{ prompt: string; chosen: string; rejected: string; label: number }[]> {
    const start = await this.supervised();
    const stream = this.#stream.split('pairs');
    const articles = world.articles(this.sizes.pairs, stream.split('articles')).map(({ text }) => text);
    const sides: string[][] = [];
    for (const side of ['a', 'b']) {
      const written = await policy.sample(start, codec.encode(articles), { maxNewTokens, rng: stream.split(side) });
      sides.push(codec.decode(written));
    }
    const [a, b] = sides as [string[], string[]];
    const preferences = await annotators(articles, a, b);
    const draws = stream.split('labels');
    return articles.flatMap((prompt, i) => {
      const [p, drawn] = [preferences[i] as number, draws.uniform()];
      const pair = { prompt, chosen: a[i] as string, rejected: b[i] as string };
      // what is the same, or is nothing, is no pair
      if (pair.chosen === pair.rejected || pair.chosen === '' || pair.rejected === '') return [];
      return [{ ...pair, label: judge === 'oracle' ? p : Number(drawn < p) }];
    });
  }

  async #fitted(
    name: string,
    make: (common: PairCommon) => PreferenceTrainer | RewardTrainer,
    model: typeof pairwise | typeof single,
    judge: Judge,
  ): Promise<Params> {
    const { judgeSteps: steps } = this.sizes;
    const params = withBody(model, await this.supervised(), this.#stream.split(name));
    const data = dataset(await this.#pairs(judge));
    const learningRate = schedules.linear({ peak: 1e-3, steps, warmup: 20 });
    using trainer = make({ params, tokenizer, data, batchSize: 64, seed: this.seed, logEvery: 50, learningRate });
    disposeTree(params);
    return await this.#saved(name, trainer, steps);
  }

  async #kept(name: string, make: () => Promise<Params>): Promise<Params> {
    const known = this.#known.get(name);
    if (known) return known;
    const path = this.#pathOf(name);
    const there = await stat(path).catch(() => undefined);
    const params = there ? await readSafetensors(path) : await make();
    this.#known.set(name, params);
    return params;
  }

  /** Trains to the end and writes the model: what is read back outlives the trainer. */
  async #saved(name: string, trainer: Trained, steps: number): Promise<Params> {
    const { signal, note } = this.c;
    const began = performance.now();
    let last: TrainerStep | undefined;
    for await (const step of trainer.train({ steps, signal })) last = step;
    if (last?.step !== steps)
      throw new StoppedError({ where: 'gimbal reproduce nash-md', what: `stopped while ${name} was trained` });
    const numbers = Object.entries(last).filter(([key]) =>
      ['loss', 'accuracy', 'winRate', 'reward', 'kl'].includes(key),
    );
    const text = numbers.map(([key, x]) => `${key} ${(x as number).toFixed(3)}`).join(', ');
    note(`N10 seed ${this.seed}, ${name}: ${text}; ${((performance.now() - began) / 1000).toFixed(0)} s`);
    await writeSafetensors(this.#pathOf(name), trainer.params);
    return readSafetensors(this.#pathOf(name));
  }

  #pathOf = (name: string): string =>
    join(this.c.dir, `seed-${this.seed}`, `${name.replaceAll(/[^a-z0-9.]+/gi, '-')}.safetensors`);
}

type Trained = Trainer<TrainerStep> & { readonly params: Params };
/** What both trainers of judges are given. */
type PairCommon = Omit<ConstructorParameters<typeof RewardTrainer>[0], 'model'>;
