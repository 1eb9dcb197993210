// Nash-MD of the fine-tuned model against a preference model of the labelled pairs; then every policy of the run against every
// other, as the world, which is never optimised, sees it.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Contestant, NashMdOptions } from '@gimbal/nash-md';
import type { Params, PreferenceFn, Prompt } from '@gimbal/tensor-core';
import { z } from 'zod';
import { figure, percent } from '../cli/format.ts';
import { matrixParts } from '../nash/matrix-page.ts';
import { type MatrixResult, resultOf } from '../nash/matrix-result.ts';
import { defineStage } from '../pipeline/stage.ts';
import { metricChart } from '../report/metric-chart.ts';
import { promptCodec } from '../rl/prompt-codec.ts';
import { fittingPrompts, roomBeside } from '../rl/train-policy.ts';
import { watchRun } from '../rl/watch.ts';
import { checkpointIn } from '../run/going-on.ts';
import { stage as data } from './data.ts';
import { stage as fineTune } from './fine-tune.ts';
import { modelFolder } from './internal/model-folder.ts';
import { openJudge } from './internal/reward-tools.ts';
import { saveLike } from './internal/save-like.ts';
import { storedRows } from './internal/stored-rows.ts';
import { type SummaryScores, summaryScores } from './internal/summary-scores.ts';
import { trainedBefore } from './internal/trained-before.ts';
import { stage as judge } from './judge.ts';
import { stage as plan } from './plan.ts';
import { type PreferenceSets, stage as preferences } from './preferences.ts';

/** What the stage leaves; undefined where there are no labelled pairs. */
export interface NashMdResult {
  /** in the list of the run's models */
  name: string;
  /** model folder, see `modelFolder` */
  model: string;
  /** whose weights are kept: the best by the world */
  step: number;
  /** what the world said of each update's summaries */
  truth: { step: number; control: number }[];
  /** share of test pairs on which the preference model is right */
  accuracy: number;
  /** of the last step, nats a completion */
  kl: number;
  /** of its summaries */
  scores: SummaryScores;
  /** all policies of the run */
  matrix: MatrixResult;
}

const options = z.object({
  steps: z
    .int()
    .min(1)
    .optional()
    .describe('updates of Nash-MD against the preference model (default: what --minutes allow, up to 100)'),
  batchSize: z.int().min(2).default(64).describe('summaries of such an update'),
  learningRate: z.number().positive().default(5e-4).describe('learning rate of it'),
  klCoef: z.number().min(0).default(0.05).describe('weight of the KL to the fine-tuned model in it'),
  mixtureCoef: z.number().min(0).max(1).default(0.125).describe('weight of the fine-tuned model in the opponent'),
  patience: z.int().min(1).default(40).describe('updates that the truth may stand below its best, until it is stopped'),
  comparisons: z.int().min(16).default(256).describe('summaries of each policy that are compared with every other’s'),
});

const [mostPrompts, preferenceSteps, preferenceRate] = [4000, 150, 2e-3];

const versionName = 'Nash-MD';

/** What the world thinks of two summaries: the better one wins, equal ones draw. */
const truth =
  (desk: import('@gimbal/worlds').Newsroom): PreferenceFn =>
  (articles, a, b) =>
    articles.map((text, i) => {
      const article = desk.parse(text);
      const gap = desk.quality(article, a[i] as string) - desk.quality(article, b[i] as string);
      return gap > 0 ? 1 : gap === 0 ? 0.5 : 0;
    });

export const stage = defineStage({
  name: 'nash-md',
  summary: 'Learn from a preference model by Nash-MD, and compare every policy with every other.',
  version: 2,
  needs: ['data', 'plan', 'pretrain', 'fine-tune', 'preferences', 'judge', 'rl-rewards', 'rl'],
  prefix: 'nash',
  options,
  uses: ['seed', 'backend', 'threads'],
  async run(context): Promise<NashMdResult | undefined> {
    const { options: o, environment, input, signal, note, progress, dir, logDir } = context;
    const [judged, pairs] = [input(judge), input(preferences)];
    const { value: rows, dir: rowsDir } = input(data);
    if (!judged.value || !pairs.value || rows.task !== 'newsroom') return undefined;
    const steps = o.steps ?? (input(plan).value.later.nashSteps as number);
    const before = input(fineTune);
    const { loadPretrained } = await import('@gimbal/language-models');
    const { NashMdTrainer, playMatrix } = await import('@gimbal/nash-md');
    const { preferenceAccuracy } = await import('@gimbal/reward-models');
    const { disposeTree, rng, StoppedError } = await import('@gimbal/tensor-core');
    const { newsroom } = await import('@gimbal/worlds');
    const { densePairs, pretrainedBody } = await import('../warm/summary-rewards.ts');
    const { matchedPairs, summaryPreference, trainSummaryPreference } = await import('../warm/summary-preference.ts');
    const stream = rng(environment.seed).split('nash-md');
    const desk = newsroom(rows.world);
    const { features } = await openJudge({ dir: judged.dir, value: judged.value });
    const sets = JSON.parse(await readFile(join(pairs.dir, 'pairs.json'), 'utf8')) as PreferenceSets;
    const train = matchedPairs(await densePairs(features, sets.train));
    const body = await pretrainedBody(train, stream.split('body'), signal);
    const compares = await trainSummaryPreference(body, train, {
      ...{ steps: preferenceSteps, learningRate: preferenceRate, stream: stream.split('preference'), signal },
    });
    disposeTree(body);
    const preference = summaryPreference(features, compares);
    const opened: Params[] = [compares];
    try {
      const others = (Object.values(sets.test)[0] ?? sets.selection).map((pair) => ({ ...pair }));
      const { value: accuracy } = await preferenceAccuracy(preference, others);
      const pretrained = await loadPretrained(modelFolder(before, before.value.model));
      const { model, params, tokenizer } = pretrained;
      opened.push(params);
      if (!tokenizer) throw new Error('the fine-tuned model has no tokenizer'); // the stages before have written one
      const { contextLength } = model.config;
      const [training, heldOut] = await Promise.all(
        ['train', 'held-out'].map(async (name) => (await storedRows(rowsDir, name, 'prompt-completion')).rows),
      );
      const some = (training ?? []).slice(0, mostPrompts);
      const longest = some.reduce((most, row) => Math.max(most, tokenizer.encodeText(row.completion).length), 0);
      const maxNewTokens = Math.min(longest + 1, roomBeside(some, tokenizer, contextLength));
      const room = { tokenizer, contextLength, maxNewTokens };
      const tests = fittingPrompts((heldOut ?? []).slice(0, o.comparisons), room, () => {});
      const monitor = { monitor: ['world:newsroom'], patience: o.patience, world: rows.world };
      const watch = await watchRun(logDir, monitor, 'stage nash-md');
      let halted = false;
      // the world sees what the policy writes, and is never learned from
      const watched: PreferenceFn = async (articles, a, b) => {
        const alerts = await watch.monitor.check(trainer.step, articles, a);
        halted = alerts.some(({ stop }) => stop);
        return preference(articles, a, b);
      };
      const trainerOptions: NashMdOptions & { out: string } = {
        ...{ policy: model, params, codec: promptCodec(tokenizer), prompts: fittingPrompts(some, room, () => {}) },
        ...{
          preference: watched,
          orders: 'one',
          klCoef: o.klCoef,
          batchSize: o.batchSize,
          maxNewTokens,
          maxGradNorm: 1,
        },
        opponent: { kind: 'mixture', mixtureCoef: o.mixtureCoef },
        optimizer: { name: 'adam' },
        learningRate: o.learningRate,
        checkpointEvery: Math.max(1, Math.ceil(steps / 5)),
        ...{ seed: environment.seed, out: logDir },
      };
      using trainer = (await checkpointIn(logDir, note))
        ? await NashMdTrainer.resume(logDir, trainerOptions, { warn: note })
        : new NashMdTrainer(trainerOptions);
      watch.follow(() => trainer.params);
      halted = watch.endedAt(trainer.step);
      let kl = Number.NaN;
      for await (const s of halted ? [] : trainer.train({ steps, signal })) {
        kl = s.kl;
        watch.onStep(s);
        const text = `Nash-MD: wins ${percent(s.winRate)}  KL ${figure(s.kl)}  ${figure(s.length)} tokens`;
        progress({ step: s.step, total: steps, text });
        if (halted) break;
      }
      if (trainer.step < steps && !halted)
        throw new StoppedError({ where: 'stage nash-md', what: 'stopped while it learned' });
      const best = await watch.bestParams(note);
      if (best) opened.push(best.params);
      const kept = best?.params ?? trainer.params;
      await saveLike(join(dir, 'model'), model, kept, pretrained);
      const scores = await summaryScores({ ...pretrained, params: kept }, tests, desk, {
        ...{ maxNewTokens, rng: stream.split('scores'), signal },
      });
      const players: Record<string, Contestant> = {};
      for (const { name, folder } of trainedBefore(input)) {
        const one = await loadPretrained(folder);
        opened.push(one.params);
        if (!one.tokenizer) throw new Error(`${folder} has no tokenizer`); // the stages before have written one
        players[name] = { policy: one.model, params: one.params, codec: promptCodec(one.tokenizer) };
      }
      players[versionName] = { policy: model, params: kept };
      progress({ step: steps, total: steps, text: `${Object.keys(players).length} policies, all against all` });
      const prompts: readonly Prompt[] = tests;
      const played = await playMatrix(players, {
        ...{ codec: promptCodec(tokenizer), preference: truth(desk), prompts, maxNewTokens, bothOrders: false },
        ...{ samplesPerCell: o.comparisons, batchSize: 64, seed: environment.seed, signal },
      });
      return {
        ...{ name: versionName, model: 'model', step: best?.step ?? trainer.step, accuracy },
        truth: watch.seen.map(({ step, control }) => ({ step, control })),
        kl,
        scores,
        matrix: resultOf(played, o.comparisons),
      };
    } finally {
      for (const tree of opened) disposeTree(tree);
    }
  },
  describe(r) {
    if (!r) return 'left out';
    const last = r.matrix.models.length - 1;
    const against = r.matrix.models.indexOf('fine-tuned');
    const rate = r.matrix.rates[last]?.[against];
    return `update ${r.step}, ${rate === undefined ? '' : `better than fine-tuned in ${percent(rate)}, `}entailed ${percent(r.scores.entailed.value)}, quality ${figure(r.scores.quality.value)}`;
  },
  report(r, { metrics }) {
    if (!r) return [];
    const { models, comparisons, cyclicShare } = r.matrix;
    return [
      {
        slot: 'learning',
        title: 'Learning from preferences',
        text: `A preference model learned from the labelled pairs; it is right on ${percent(r.accuracy)} of others. Nash-MD then trained the fine-tuned model to summaries that no other policy’s are preferred to: ${percent(r.scores.entailed.value)} of them are entailed.`,
        parts: [
          metricChart(metrics, 'Wins against the opponent', 'by the preference model', {
            'P(policy ≻ opponent)': 'winRate',
          }),
          metricChart(r.truth, 'What the world says of them', 'mean of an update, never optimised', {
            truth: 'control',
          }),
          metricChart(metrics, 'KL to the fine-tuned model', 'nats a summary', { KL: 'kl' }),
        ],
      },
      {
        slot: 'scores',
        title: 'All against all',
        text: `${models.length} policies of this run, each of ${comparisons} sampled summaries against the other’s of the same article; the better one by the world, which none was trained on, wins. It takes more from a false statement than from none, so that an untrained model is not always last. ${percent(cyclicShare)} of the matrix is cyclic.`,
        parts: matrixParts(r.matrix),
      },
    ];
  },
});
