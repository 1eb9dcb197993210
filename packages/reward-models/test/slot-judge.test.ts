// The judge of clauses learns the newsroom's entailment from labels.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dataset } from '@gimbal/language-models';
import { rng, useBackend } from '@gimbal/tensor-core';
import { newsroom } from '@gimbal/worlds';
import { memory } from '@tensorflow/tfjs-core';
import { SlotJudgeTrainer, slotJudge } from '../src/index.ts';

beforeAll(async () => {
  await useBackend('auto');
});

it('is right on nine of ten summaries after 2500 labels, and says the floor for what is no clause', async () => {
  const world = newsroom({ clauseRates: [0.6, 0.3, 0.1], mainFirstRate: 0.4, stereotypeRate: 0.3, errorRate: 0.3 });
  const rows = (n: number, seed: number) =>
    world.rows(n, rng(seed)).map(({ prompt, completion }) => ({
      premise: prompt,
      hypothesis: completion,
      label: world.entails(world.parse(prompt), completion).label,
    }));
  const before = memory().numTensors;
  const options = { words: world.vocabulary, data: dataset(rows(2500, 0)), seed: 0, logEvery: 50 };
  const trainer = new SlotJudgeTrainer(options);
  const last = await trainer.run({ steps: 400 });
  expect(last?.accuracy).toBeGreaterThan(0.9);
  const held = rows(400, 1);
  const scores = await trainer.judge.logProb(
    held.map((r) => r.premise),
    held.map((r) => r.hypothesis),
  );
  const right = held.filter((r, i) => (r.label === 'entailment') === (scores[i] as number) > Math.log(0.5));
  expect(right.length / held.length).toBeGreaterThan(0.9);
  const floor = -Math.log1p(Math.exp(3.5));
  const article = (held[0] as { premise: string }).premise;
  const odd = await trainer.judge.logProb([article, article], ['', 'mayor bought']);
  for (const score of odd) expect(score).toBeCloseTo(floor, 5);
  const again = slotJudge(trainer.params, { words: world.vocabulary });
  const premises = held.map((r) => r.premise);
  const hypotheses = held.map((r) => r.hypothesis);
  expect(await again.logProb(premises, hypotheses)).toEqual(scores);
  await expect(trainer.judge.logProb(['mayor'], ['x'])).rejects.toThrow(/a sentence of the premise is no clause/);
  const stopped = again.logProb(premises, hypotheses, { signal: AbortSignal.abort() });
  await expect(stopped).rejects.toMatchObject({ code: 'ERR_STOPPED' });
  trainer.dispose();
  expect(memory().numTensors).toBe(before);
  expect(() => new SlotJudgeTrainer({ ...options, width: 0 })).toThrow(/width: out of range/);
  expect(() => new SlotJudgeTrainer({ ...options, learningRate: -1 })).toThrow(/learningRate/);
  expect(memory().numTensors).toBe(before);
  const bad = dataset([{ premise: 'mayor', hypothesis: 'mayor', label: 'entailment' }]);
  expect(() => new SlotJudgeTrainer({ ...options, data: bad })).toThrow(/row 0: the premise has no clauses/);
});

it('goes on with a saved run to the numbers it would have had, and leaves nothing behind', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'gimbal-slots-'));
  const words = ['mayor', 'pilot', 'bought', 'sold', 'apple', 'drum'];
  const row = (premise: string, hypothesis: string, label: boolean) => ({ premise, hypothesis, label });
  const rows = [
    row('mayor bought apple .', 'mayor bought apple .', true),
    row('mayor bought apple .', 'pilot sold drum .', false),
    row('pilot sold drum . mayor bought drum .', 'mayor bought drum .', true),
    row('pilot sold drum .', 'pilot bought drum .', false),
  ];
  const before = memory().numTensors;
  const options = { words, data: dataset(rows, { kind: 'labelled-pair' }), seed: 0, batchSize: 3, width: 8 };
  const losses = async (trainer: SlotJudgeTrainer, steps: number): Promise<number[]> => {
    const seen: number[] = [];
    for await (const { loss } of trainer.train({ steps })) seen.push(loss);
    return seen;
  };
  try {
    using whole = new SlotJudgeTrainer(options);
    const wanted = await losses(whole, 25);
    using half = new SlotJudgeTrainer(options);
    await half.run({ steps: 5 });
    await half.save(dir);
    using resumed = await SlotJudgeTrainer.resume(dir, options);
    expect(resumed.step).toBe(5);
    expect(await losses(resumed, 25)).toEqual(wanted.slice(5));
    const ask = (trainer: SlotJudgeTrainer) =>
      trainer.judge.logProb(['mayor bought apple .'], ['mayor bought apple .']);
    expect(await ask(resumed)).toEqual(await ask(whole));
    await expect(SlotJudgeTrainer.resume(dir, { ...options, width: 9 })).rejects.toMatchObject({
      code: 'ERR_CHECKPOINT',
    });
    const turned = rows.map((one) => ({ ...one, label: !one.label }));
    const others = { ...options, data: dataset(turned, { kind: 'labelled-pair' }) };
    await expect(SlotJudgeTrainer.resume(dir, others)).rejects.toThrow(/another configuration: config.rows/);
    await expect(SlotJudgeTrainer.resume(dir, options, { wran() {} } as never)).rejects.toThrow(
      /option wran.*mean warn/,
    );
    await expect(resumed.judge.logProb(['mayor bought apple .'], [])).rejects.toThrow(
      /differ in number; got 0, wanted 1/,
    );
    expect(() => new SlotJudgeTrainer({ ...options, words: [...words, 'drum'] })).toThrow(
      /words: a word is given twice/,
    );
    await expect(SlotJudgeTrainer.resume(join(dir, 'none'), options)).rejects.toMatchObject({ code: 'ERR_CHECKPOINT' });
  } finally {
    await rm(dir, { recursive: true });
  }
  expect(memory().numTensors).toBe(before);
});
