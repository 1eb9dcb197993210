/**
 * Where the steps of Nash learning come from: before each, completions are sampled from the policy and from its opponent,
 * and the preference is asked. Owns the reference and, where there is one, the opponent's tree.
 */
import { rolloutLogProbs, type TokenRollout, tokenRollout } from '@gimbal/fma-pg';
import {
  assignTree,
  type BatchSource,
  disposeTree,
  EpochSampler,
  flatten,
  type Params,
  type PrepareContext,
  type Prompt,
  polyakTree,
  type Rng,
  rng,
  StoppedError,
  schedules,
  type TokenPolicy,
  variables,
} from '@gimbal/tensor-core';
import type { Variable } from '@tensorflow/tfjs-core';
import type { Contestant } from '../contestant.ts';
import { mixturePolicy } from '../policies/mixture-policy.ts';
import { askPreferences } from '../preferences/ask-preferences.ts';
import type { ResolvedNashMd } from './nash-md-options.ts';
import { packSamples, type Samples, selectSamples, sideOf, unpackSamples } from './samples.ts';

/** One completion beside the opponent's. */
export interface Preview {
  /** what both answered */
  prompt: string;
  /** the policy's */
  completion: string;
  /** the opponent's */
  other: string;
  /** P(completion ≻ other) */
  preference: number;
}

/** Order bias above which `orders: 'auto'` asks for both orders from then on. */
const fairEnough = 1e-3;
const previews = 4;

interface SourceState {
  sampler: unknown;
  /** step at which the opponent was last moved; −1: never */
  moved: number;
  bothOrders: boolean | null;
  samples?: unknown;
}

export class SampledBatches implements BatchSource<Samples> {
  /** μ */
  readonly reference: Params;
  /** parameters of the opponent where they are not the policy's own */
  readonly opponent: Params | undefined;
  /** what the preference threw at last */
  failure: unknown;
  /** of the last step, if both orders were asked */
  orderBias: number | undefined;
  /** of the last step */
  samples: readonly Preview[] = [];
  readonly #o: ResolvedNashMd;
  readonly #sampler: EpochSampler;
  readonly #stream: Rng;
  #moved = -1;
  #bothOrders: boolean | undefined;
  #current: Samples | undefined;
  #next = 0;

  constructor(o: ResolvedNashMd) {
    this.#o = o;
    this.#stream = rng(o.seed);
    const prompts = (o.batchSize * o.accumulate) / o.samplesPerPrompt;
    this.#sampler = new EpochSampler(o.prompts.length, { batchSize: prompts, rng: this.#stream.split('data') });
    this.reference = variables(o.reference ?? o.params);
    const moves = o.opponent.kind === 'mixture' && o.objective === 'policy-gradient' && o.innerSteps > 1;
    const frozen = o.opponent.kind === 'ema' || moves;
    this.opponent = frozen ? variables(o.params) : undefined;
    if (o.orders !== 'auto') this.#bothOrders = o.orders === 'both';
  }

  /** What a checkpoint holds beside the policy. */
  get trees(): Record<string, Params> {
    return { reference: this.reference, ...(this.opponent && { opponent: this.opponent }) };
  }

  /** A micro-batch of the step that is prepared. */
  next(): Samples {
    const { batchSize } = this.#o;
    const from = this.#next++ * batchSize;
    return selectSamples(this.#current as Samples, from, from + batchSize);
  }

  state(): SourceState {
    const { innerSteps, objective } = this.#o;
    const keeps = innerSteps > 1 && objective !== 'policy-gradient' && this.#current !== undefined;
    return {
      sampler: this.#sampler.state(),
      moved: this.#moved,
      bothOrders: this.#bothOrders ?? null,
      ...(keeps && { samples: packSamples(this.#current as Samples) }),
    };
  }

  restore(state: unknown): void {
    const { sampler, moved, bothOrders, samples } = state as SourceState;
    this.#sampler.restore(sampler as never);
    this.#moved = moved;
    this.#bothOrders = bothOrders ?? undefined;
    if (samples !== undefined) this.#current = unpackSamples(samples);
    this.#next = 0;
  }

  /** @throws StoppedError where the signal stopped the sampling, or the preference failed (`failure` says how) */
  async prepare({ step, params, signal }: PrepareContext): Promise<void> {
    const { innerSteps, objective } = this.#o;
    this.failure = undefined;
    this.#next = 0;
    this.#moveOpponent(step, params);
    const onSame = objective !== 'policy-gradient' && step % innerSteps > 0 && this.#current !== undefined;
    if (!onSame) this.#current = await this.#sample(step, params, signal);
  }

  dispose(): void {
    disposeTree(this.reference);
    if (this.opponent) disposeTree(this.opponent);
  }

  /** Once a step, whatever was interrupted. */
  #moveOpponent(step: number, params: Params): void {
    if (this.opponent === undefined || this.#moved === step) return;
    const { opponent: o, innerSteps } = this.#o;
    this.#moved = step;
    if (step % innerSteps > 0) return;
    if (o.kind === 'mixture') assignTree(this.opponent, params, 'opponent');
    else if (o.kind === 'fixed') return;
    else if (o.form === 'anchored') {
      assignTree(this.opponent, this.reference, 'opponent');
      polyakTree(leaves(this.opponent), leaves(params), 1 - o.decay);
    } else if (step > 0) polyakTree(leaves(this.opponent), leaves(params), 1 - o.decay);
  }

  async #sample(step: number, params: Params, signal: AbortSignal | undefined): Promise<Samples> {
    const o = this.#o;
    const rows = Array.from(this.#sampler.next(), (i) => o.prompts[i] as Prompt);
    const encoded = o.codec.encode(rows.map(textOf));
    const draw = (policy: TokenPolicy, tree: Params, stream: string): Promise<TokenRollout> =>
      tokenRollout(policy, tree, encoded, {
        samplesPerPrompt: o.samplesPerPrompt,
        temperature: 1,
        maxNewTokens: o.maxNewTokens,
        rng: this.#stream.split(stream).split(step),
        ...(signal && { signal }),
      });
    const rival = this.#rival(step, params);
    const both = o.objective === 'ipo-md';
    const own = both ? await draw(rival.policy, rival.params, 'y') : await draw(o.policy, params, 'y');
    const other = await draw(rival.policy, rival.params, 'opponent');
    const { wins, otherWins, pairs } = await this.#ask(rows, own, other);
    const learnsPairs = o.objective !== 'policy-gradient';
    const previous = o.objective === 'sppo' || o.objective === 'dno' || o.objective === 'inpo';
    const side = (r: TokenRollout): Samples['own'] =>
      sideOf(r, rolloutLogProbs(o, this.reference, r), previous ? rolloutLogProbs(o, params, r) : undefined);
    return { prompts: own.prompts, own: side(own), ...(learnsPairs && { other: side(other) }), wins, otherWins, pairs };
  }

  /** Whom the policy plays against in this step. */
  #rival(step: number, params: Params): Contestant {
    const { policy, opponent, ends } = this.#o;
    if (opponent.kind === 'fixed') return opponent.contestant;
    if (opponent.kind === 'ema') return { policy, params: this.opponent as Params };
    const mixtureCoef = schedules.scheduleAt(opponent.mixtureCoef, step);
    return {
      policy: mixturePolicy(policy, { reference: this.reference, mixtureCoef, ...ends }),
      params: this.opponent ?? params,
    };
  }

  async #ask(
    rows: readonly Prompt[],
    own: TokenRollout,
    other: TokenRollout,
  ): Promise<Pick<Samples, 'wins' | 'otherWins' | 'pairs'>> {
    const { codec, samplesPerPrompt: K, tournament, preference, retries } = this.#o;
    const [a, b] = [codec.decode(own.completions), codec.decode(other.completions)];
    const B = a.length;
    // row i of the policy with row j of the opponent, of the same prompt
    const pairs: [number, number][] = [];
    for (let i = 0; i < B; i++) {
      const first = i - (i % K);
      if (tournament) for (let k = 0; k < K; k++) pairs.push([i, first + k]);
      else pairs.push([i, i]);
    }
    const ofRow = (i: number): Prompt => rows[own.groups[i] as number] as Prompt;
    const asked = {
      prompts: pairs.map(([i]) => textOf(ofRow(i))),
      a: pairs.map(([i]) => a[i] as string),
      b: pairs.map(([, j]) => b[j] as string),
      rows: pairs.map(([i]) => ofRow(i)),
    };
    const bothOrders = this.#bothOrders ?? true;
    const answers = await this.#answers(() => askPreferences(preference, asked, { bothOrders, retries }));
    this.orderBias = answers.orderBias;
    this.#bothOrders ??= (answers.orderBias ?? 0) > fairEnough;
    const out = { wins: new Float32Array(B), otherWins: new Float32Array(B), pairs: new Float32Array(B) };
    const share = tournament ? 1 / K : 1;
    for (const [k, [i, j]] of pairs.entries()) {
      const p = answers.preferences[k] as number;
      out.wins[i] = (out.wins[i] as number) + share * p;
      out.otherWins[j] = (out.otherWins[j] as number) + share * (1 - p);
      if (i === j) out.pairs[i] = p;
    }
    this.samples = Array.from({ length: Math.min(previews, B) }, (_, i) => ({
      prompt: textOf(ofRow(i)),
      completion: a[i] as string,
      other: b[i] as string,
      preference: out.pairs[i] as number,
    }));
    return out;
  }

  /** A preference that fails ends the run as a signal does: saved, with the parameters of the last update. */
  async #answers<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (cause) {
      this.failure = cause;
      throw new StoppedError({ where: 'NashMdTrainer', what: 'the preference failed', cause });
    }
  }
}

const textOf = (p: Prompt): string => (typeof p === 'string' ? p : p.prompt);
const leaves = (tree: Params): Variable[] => flatten(tree).map(([, t]) => t as Variable);
