// Judges that were learned: how many labels they saw is how good they are (rlef.md 5.1).
import { dataset } from '@gimbal/language-models';
import { type EntailmentJudge, SlotJudgeTrainer } from '@gimbal/reward-models';
import { rng } from '@gimbal/tensor-core';
import { newsroom } from '@gimbal/worlds';
import { desk, isEntailed } from './desk.ts';

const clauses = { clauseRates: [0.6, 0.3, 0.1], mainFirstRate: 0.4 };
const clean = newsroom({ ...clauses, stereotypeRate: 0, errorRate: 0 });
const dirty = newsroom({ ...clauses, stereotypeRate: 0.3, errorRate: 0.5 });
const cleanShare = 0.42;

/** Labelled pairs of articles and summaries. */
export function labelledPairs(n: number, seed: number): { premise: string; hypothesis: string; label: string }[] {
  const stream = rng(seed).split('labels');
  return clean.articles(n, stream).map((article) => {
    const writer = stream.uniform() < cleanShare ? clean : dirty;
    const hypothesis = writer.reference(article, stream);
    return { premise: article.text, hypothesis, label: isEntailed(article, hypothesis) ? 'entailment' : 'neutral' };
  });
}

/** A judge of `n` labels, and how often it is right on 1000 others. */
export async function slotJudge(
  n: number,
  seed: number,
  signal: AbortSignal,
): Promise<{ judge: EntailmentJudge; accuracy: number; dispose: () => void }> {
  const trainer = new SlotJudgeTrainer({
    words: desk.vocabulary,
    data: dataset(labelledPairs(n, seed), { kind: 'labelled-pair' }),
    logEvery: 1000,
    seed,
  });
  await trainer.run({ steps: 600, signal });
  const test = labelledPairs(1000, 1_000_000 + seed);
  const found = await trainer.judge.logProb(
    test.map((row) => row.premise),
    test.map((row) => row.hypothesis),
  );
  const right = test.filter(({ label }, i) => (found[i] as number) > Math.log(0.5) === (label === 'entailment'));
  return { judge: trainer.judge, accuracy: right.length / test.length, dispose: () => trainer.dispose() };
}
