// Teacher, student, student in 4 bits: what each weighs, how fast it writes, what it scores, how far it is from the
// teacher on what it writes itself.
import { tokenDivergence } from '@gimbal/gkd';
import { padBatch, rowOf, type Tokenizer } from '@gimbal/language-models';
import { type LogitPolicy, type Params, rng, StoppedError, type TokenBatch, treeBytes } from '@gimbal/tensor-core';
import { reshape, type Tensor, tidy } from '@tensorflow/tfjs-core';

/** A model of the table. */
export interface Contestant {
  name: string;
  policy: LogitPolicy & { pack?(params: Params): Disposable };
  params: Params;
  /** of its file; default: of its parameters in memory */
  bytes?: number | undefined;
}

/** A line of the table. */
export interface Judged {
  name: string;
  bytes: number;
  /** written greedily, all prompts at once in batches */
  tokensPerSecond: number;
  /** of greedy completions; undefined without a measure */
  score?: number | undefined;
  /** on its own samples at temperature 1, means over tokens; 0 and 1 for the teacher itself */
  fkl: number;
  rkl: number;
  /** Σ min(p, q) = 1 − TVD: the share of its tokens that the teacher would accept as a draft */
  acceptance: number;
  /** mean KL(q‖p) of each place in the completion, as far as a tenth of the completions get */
  byPosition: number[];
  /** greedy completions of the prompts, in order */
  completions: string[];
}

interface Judging {
  teacher: { policy: LogitPolicy; params: Params };
  tokenizer: Tokenizer;
  prompts: readonly string[];
  maxNewTokens: number;
  seed: number;
  signal: AbortSignal;
  /** of each completion */
  score?: ((completions: readonly string[]) => Promise<number[]> | number[]) | undefined;
}

const rowsAtOnce = 16;
/** logits of a batch, of two models, stay below this many numbers */
const mostNumbers = 2 ** 25;

/** Measures one model. @throws StoppedError */
export async function judgeModel(model: Contestant, j: Judging): Promise<Judged> {
  const { policy, params } = model;
  const prompts = j.prompts.map((text) => promptIds(j.tokenizer, text));
  const pad = j.tokenizer.special.pad ?? 0;
  const o = { maxNewTokens: j.maxNewTokens, signal: j.signal };
  const stream = rng(j.seed).split('gkd.judge');
  const completions: string[] = [];
  let [tokens, seconds] = [0, 0];
  {
    using _packed = policy.pack?.(params);
    for (let from = 0; from < prompts.length; from += rowsAtOnce) {
      const batch = padBatch(prompts.slice(from, from + rowsAtOnce), pad);
      const began = performance.now();
      const written = await policy.sample(params, batch, { ...o, temperature: 0, rng: stream.split('greedy') });
      seconds += (performance.now() - began) / 1000;
      tokens += written.lengths.reduce((a, b) => a + b, 0);
      completions.push(...j.tokenizer.decode(written));
    }
  }
  const scores = await j.score?.(completions);
  const sums = new Sums(j.maxNewTokens);
  for (let from = 0; from < prompts.length; from += rowsAtOnce) {
    if (j.signal.aborted) throw new StoppedError({ where: 'gkd', what: 'stopped while models were compared' });
    const batch = padBatch(prompts.slice(from, from + rowsAtOnce), pad);
    const draws = stream.split('sampled').split(from);
    sums.add(await policy.sample(params, batch, { ...o, temperature: 1, rng: draws }), batch, model, j);
  }
  return {
    name: model.name,
    bytes: model.bytes ?? treeBytes(params),
    tokensPerSecond: tokens / seconds,
    score: scores && mean(scores),
    ...sums.result(),
    completions,
  };
}

/** Divergences by place. */
class Sums {
  readonly #count: Float64Array;
  readonly #of: { fkl: Float64Array; rkl: Float64Array; tvd: Float64Array };
  #rows = 0;

  constructor(width: number) {
    const zeros = (): Float64Array => new Float64Array(width);
    this.#count = zeros();
    this.#of = { fkl: zeros(), rkl: zeros(), tvd: zeros() };
  }

  add(written: TokenBatch, prompts: TokenBatch, model: Contestant, { teacher }: Judging): void {
    const B = written.lengths.length;
    this.#rows += B;
    const V = (model.policy as { config?: { vocabularySize?: number } }).config?.vocabularySize ?? 1;
    const some = Math.max(1, Math.min(B, Math.floor(mostNumbers / (2 * written.width * V))));
    for (let from = 0; from < B; from += some) {
      const pick = (t: TokenBatch): TokenBatch =>
        padBatch(
          Array.from({ length: Math.min(some, B - from) }, (_, i) => rowOf(t, from + i)),
          0,
        );
      const [p, y] = [pick(prompts), pick(written)];
      if (y.width === 0) continue;
      const kinds = ['fkl', 'rkl', 'tvd'] as const;
      const found = tidy(() => {
        const logits = ({ policy, params }: { policy: LogitPolicy; params: Params }): Tensor => {
          const z = policy.logits(params, p, y);
          return reshape(z, [z.shape[0] * z.shape[1], z.shape[2]]);
        };
        const [zS, zT] = [logits(model), logits(teacher)];
        return kinds.map((kind) => tokenDivergence(zS, zT, kind).dataSync<'float32'>());
      });
      for (const [i, kind] of kinds.entries())
        for (const [b, length] of y.lengths.entries())
          for (let t = 0; t < length; t++) {
            const into = this.#of[kind];
            into[t] = (into[t] as number) + (found[i]?.[b * y.width + t] as number);
            if (kind === 'tvd') this.#count[t] = (this.#count[t] as number) + 1;
          }
    }
  }

  result(): Pick<Judged, 'fkl' | 'rkl' | 'acceptance' | 'byPosition'> {
    const total = (x: Float64Array): number => x.reduce((a, b) => a + b, 0);
    const n = Math.max(1, total(this.#count));
    const { fkl, rkl, tvd } = this.#of;
    const byPosition: number[] = [];
    for (const [t, count] of this.#count.entries()) {
      if (count < this.#rows / 10) break;
      byPosition.push((rkl[t] as number) / count);
    }
    return { fkl: total(fkl) / n, rkl: total(rkl) / n, acceptance: 1 - total(tvd) / n, byPosition };
  }
}

const promptIds = (t: Tokenizer, text: string): number[] => [...t.begin, ...t.encodeText(text + t.promptSuffix)];

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
