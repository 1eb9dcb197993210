// The summariser that everything starts from: maximum likelihood on references of which a third is true; and its relatives
// that were trained on some of them, or with a word before the article that says whether the reference is true.
//   3000 steps of 48 rows, Adam (.9, .98), 3e-3 after 100 steps, falling to a twentieth, norm at most 1; rows are never seen twice
import { batchRows, causalLmLoss, type LmBatch } from '@gimbal/language-models';
import { disposeTree, LoopTrainer, rng, StoppedError, schedules } from '@gimbal/tensor-core';
import { type Kept, keptResults } from '../../../reproduce/kept.ts';
import { copyTree } from './copy-tree.ts';
import { desk, isEntailed, policy, promptIds } from './desk.ts';

/** Ids of the control words: the reference is entailed, or it is not. */
export const controls = { entailed: desk.vocabulary.length, not: desk.vocabulary.length + 1 };

export interface Supervised {
  steps?: number;
  seed?: number;
  /** keep only references that the oracle finds entailed */
  filtered?: boolean;
  /** put a control word before the article */
  controlled?: boolean;
}

const batchSize = 48;

/** Trained once for each setting. */
export function supervised(
  { steps = 3000, seed = 0, filtered = false, controlled = false }: Supervised,
  signal: AbortSignal,
): Promise<Kept> {
  const settings = { steps, seed, filtered, controlled };
  return keptResults.model('rlef-supervised', settings, () => train(settings, signal));
}

async function train({ steps, seed, filtered, controlled }: Required<Supervised>, signal: AbortSignal): Promise<Kept> {
  const stream = rng(seed).split('supervised');
  const start = policy.init(stream.split('init'));
  let [step, drawn, taken] = [0, 0, 0];
  const rows = (): LmBatch => {
    const draws = stream.split(step++);
    const out: { ids: Int32Array; from: number }[] = [];
    while (out.length < batchSize) {
      const [article] = desk.articles(1, draws);
      if (!article) break;
      const summary = desk.reference(article, draws);
      drawn++;
      const isTrue = (filtered || controlled) && isEntailed(article, summary);
      if (filtered && !isTrue) continue;
      taken++;
      const prompt = promptIds(article.text, controlled ? [isTrue ? controls.entailed : controls.not] : []);
      const ids = Int32Array.from([...prompt, ...desk.encode(summary), desk.ids.eos]);
      out.push({ ids, from: prompt.length });
    }
    return batchRows(out, desk.ids.pad, policy.config.contextLength);
  };
  using loop = new LoopTrainer<LmBatch>({
    params: start,
    batches: {
      next: rows,
      state: () => step,
      restore(s) {
        step = s as number;
      },
    },
    loss: (p, batch) => ({ sum: causalLmLoss(policy, p, batch), weight: batch.tokens }),
    options: {
      optimizer: { name: 'adam', beta1: 0.9, beta2: 0.98 },
      learningRate: schedules.linear({ peak: 3e-3, steps, warmup: 100, final: 3e-3 / 20 }),
      maxGradNorm: 1,
      batchSize,
      logEvery: 1000,
      seed,
    },
  });
  disposeTree(start);
  const last = await loop.run({ steps, signal });
  if (loop.stopReason === 'signal')
    throw new StoppedError({ where: 'gimbal reproduce rlef', what: 'stopped while a summariser was trained' });
  return { params: copyTree(loop.params), notes: { loss: last?.loss ?? Number.NaN, keptShare: taken / drawn } };
}

/** The summariser without filter or control. */
export const summariser = (signal: AbortSignal): Promise<Kept> => supervised({}, signal);
