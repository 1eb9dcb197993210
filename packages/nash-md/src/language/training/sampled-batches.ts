/**
 * Where the steps of Nash learning come from: before each, completions are sampled from the policy and from its opponent,
 * and the preference is asked.
 */
import { rolloutLogProbs, type TokenRollout, tokenRollout } from '@gimbal/fma-pg';
import {
  type BatchSource,
  EpochSampler,
  type Params,
  type PrepareContext,
  type Prompt,
  type Rng,
  rng,
  StoppedError,
  type TextCodec,
  type TokenPolicy,
} from '@gimbal/tensor-core';
import { askPreferences } from '../preferences/ask-preferences.ts';
import { isGradient, type ResolvedNashMd } from './nash-md-options.ts';
import { Players } from './players.ts';
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

/** What a preference said of completions and the opponent's. */
type Asked = Pick<Samples, 'wins' | 'otherWins' | 'pairs'>;

export class SampledBatches implements BatchSource<Samples> {
  /** whose trees are used */
  readonly players: Players;
  /** what the preference threw at last */
  failure: unknown;
  /** of the last step, if both orders were asked */
  orderBias: number | undefined;
  /** of the last step */
  samples: readonly Preview[] = [];
  readonly #o: ResolvedNashMd;
  readonly #sampler: EpochSampler;
  readonly #stream: Rng;
  #bothOrders: boolean | undefined;
  #current: Samples | undefined;
  #next = 0;

  constructor(o: ResolvedNashMd) {
    this.#o = o;
    this.#stream = rng(o.seed);
    const prompts = (o.batchSize * o.accumulate) / o.samplesPerPrompt;
    this.#sampler = new EpochSampler(o.prompts.length, { batchSize: prompts, rng: this.#stream.split('data') });
    this.players = new Players(o);
    if (o.orders !== 'auto') this.#bothOrders = o.orders === 'both';
  }

  /** A micro-batch of the step that is prepared. */
  next(): Samples {
    const { batchSize } = this.#o;
    const from = this.#next++ * batchSize;
    return selectSamples(this.#current as Samples, from, from + batchSize);
  }

  state(): SourceState {
    const keeps = this.#o.innerSteps > 1 && !isGradient(this.#o.objective) && this.#current !== undefined;
    return {
      sampler: this.#sampler.state(),
      moved: this.players.moved,
      bothOrders: this.#bothOrders ?? null,
      ...(keeps && { samples: packSamples(this.#current as Samples) }),
    };
  }

  restore(state: unknown): void {
    const { sampler, moved, bothOrders, samples } = state as SourceState;
    this.#sampler.restore(sampler as never);
    this.players.restore(moved);
    this.#bothOrders = bothOrders ?? undefined;
    if (samples !== undefined) this.#current = unpackSamples(samples);
    this.#next = 0;
  }

  /** @throws StoppedError where the signal stopped the sampling, or the preference failed (`failure` says how) */
  async prepare(context: PrepareContext): Promise<void> {
    const { step, params, signal } = context;
    const { innerSteps, objective } = this.#o;
    this.failure = undefined;
    this.#next = 0;
    this.players.move(context);
    const onSame = !isGradient(objective) && step % innerSteps > 0 && this.#current !== undefined;
    if (!onSame) this.#current = await this.#sample(step, params, signal);
  }

  dispose(): void {
    this.players.dispose();
  }

  async #sample(step: number, params: Params, signal: AbortSignal | undefined): Promise<Samples> {
    const o = this.#o;
    const rows = Array.from(this.#sampler.next(), (i) => o.prompts[i] as Prompt);
    const texts = rows.map(textOf);
    const encoded = o.codec.encode(texts);
    const draw = (policy: TokenPolicy, tree: Params, stream: string, asked = encoded): Promise<TokenRollout> =>
      tokenRollout(policy, tree, asked, {
        samplesPerPrompt: o.samplesPerPrompt,
        temperature: 1,
        maxNewTokens: o.maxNewTokens,
        rng: this.#stream.split(stream).split(step),
        ...(signal && { signal }),
      });
    const { reference, start } = this.players;
    const rival = this.players.rival(step, params);
    const both = o.objective === 'ipo-md';
    const own = both ? await draw(rival.policy, rival.params, 'y') : await draw(o.policy, params, 'y');
    // a fixed opponent may have tokens of its own
    const { codec = o.codec } = rival;
    const faced = await draw(rival.policy, rival.params, 'opponent', codec === o.codec ? encoded : codec.encode(texts));
    const asked = await this.#ask(rows, own, faced, codec);
    const side = (r: TokenRollout, before?: Params): Samples['own'] =>
      sideOf(r, rolloutLogProbs(o, reference, r), before && rolloutLogProbs(o, before, r));
    const common = { prompts: own.prompts, ...asked };
    if (o.objective === 'policy-gradient')
      return { ...common, own: side(own), ...(o.contrastive && { other: side(faced) }) };
    if (o.objective === 'nash-mp') return { ...common, own: side(own, start?.params) };
    if (o.objective === 'egpo') {
      // both completions of the pair are the policy's, and each is judged against the opponent
      const other = await draw(o.policy, params, 'other');
      const preview = this.samples;
      const { wins: otherWins } = await this.#ask(rows, other, faced, codec);
      this.samples = preview;
      return { ...common, own: side(own), other: side(other), otherWins };
    }
    const before = o.objective === 'sppo' || o.objective === 'dno' || o.objective === 'inpo' ? params : undefined;
    return { ...common, own: side(own, before), other: side(faced, before) };
  }

  async #ask(rows: readonly Prompt[], own: TokenRollout, other: TokenRollout, theirs: TextCodec): Promise<Asked> {
    const { codec, samplesPerPrompt: K, tournament, preference, retries } = this.#o;
    const [a, b] = [codec.decode(own.completions), theirs.decode(other.completions)];
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
