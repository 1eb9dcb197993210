/**
 * Where the steps of distillation come from: before each, a coin says who writes, completions are sampled or taken from
 * the data, rewarded, and the teacher is asked. Coins, prompt order, samples and data have streams of their own.
 */
import { baselineAdvantages, type TokenRollout, tokenRollout } from '@gimbal/fma-pg';
import { padBatch, rowOf } from '@gimbal/language-models';
import {
  type BatchSource,
  checkedRewards,
  checkShare,
  DataError,
  EpochSampler,
  type LogitPolicy,
  type Params,
  type PrepareContext,
  type Rng,
  rng,
  type SampleOptions,
  schedules,
  type TokenBatch,
  type TokenPolicy,
} from '@gimbal/tensor-core';
import { disposeRows } from '../rows/teacher-logits.ts';
import { checkWritten } from '../teachers/check-answer.ts';
import type { ModelTeacher } from '../teachers/model-teacher.ts';
import { sampleAcross } from '../teachers/sample-across.ts';
import type { Teacher } from '../teachers/teacher.ts';
import { AdaptiveShare } from './adaptive-share.ts';
import { askTeachers } from './ask-teachers.ts';
import { teachersOf } from './check-options.ts';
import { samplingTemperature } from './check-sampling.ts';
import { rewardCoefficients } from './credit.ts';
import {
  type EncodedPrompt,
  type EncodedRow,
  encodeData,
  encodePrompts,
  promptText,
  teacherText,
} from './encode-rows.ts';
import { type Example, type MicroBatch, microBatch, type StepTotals, totalsOf } from './examples.ts';
import type { ResolvedGkd } from './gkd-options.ts';
import type { GkdPreview } from './gkd-step.ts';
import { weighMixture } from './mix-weights.ts';
import { endsOf, mixedSampling } from './mixed-sampling.ts';
import { ReplayBuffer } from './replay-buffer.ts';
import { byTeacher } from './teacher-of.ts';
import { readByTeachers } from './unread.ts';

const previews = 4;

interface SourceState {
  prompts: unknown;
  data: unknown;
  auxiliary: unknown;
  /** with `replay` */
  replay?: unknown;
  /** with `adaptiveLambda` */
  share?: unknown;
}

/** A micro-batch and what the step's means divide by. */
export interface PreparedBatch {
  batch: MicroBatch;
  totals: StepTotals;
  /** rows of the auxiliary loss; none without one */
  auxiliary: MicroBatch | undefined;
  /** numbers of the whole step, logged as they are */
  measures: Readonly<Record<string, number>>;
}

type Rollout = Pick<TokenRollout, 'prompts' | 'completions' | 'groups'>;

export class DistillBatches implements BatchSource<PreparedBatch> {
  /** of the last step */
  source: 'student' | 'dataset' | 'teacher' | 'mixed' = 'student';
  lambda = 0;
  studentShare = 0;
  /** share of the completions that are the student's of earlier steps; undefined without `replay` */
  replayShare: number | undefined;
  reward: number | undefined;
  /** completions that the teacher could not read; undefined where it has the student's tokens */
  unread: number | undefined;
  samples: readonly GkdPreview[] = [];
  totals: StepTotals = { sequences: 0, tokens: 0, ownTokens: 0 };
  readonly #o: ResolvedGkd;
  readonly #student: LogitPolicy;
  readonly #sampler: TokenPolicy;
  readonly #padId: number;
  readonly #stream: Rng;
  readonly #prompts: readonly EncodedPrompt[];
  readonly #data: readonly EncodedRow[];
  readonly #auxiliary: readonly EncodedRow[];
  readonly #promptSampler: EpochSampler | undefined;
  readonly #dataSampler: EpochSampler | undefined;
  readonly #auxiliarySampler: EpochSampler | undefined;
  readonly #replay: ReplayBuffer | undefined;
  readonly #share: AdaptiveShare | undefined;
  #micro: MicroBatch[] = [];
  #auxiliaryMicro: MicroBatch[] = [];
  #next = 0;
  #told = false;

  /** @param student what samples, under the parameters that `prepare` is given */
  constructor(o: ResolvedGkd, student: LogitPolicy, padId: number) {
    this.#o = o;
    this.#student = student;
    this.#sampler =
      o.teacherMix === 0
        ? student
        : mixedSampling(student, Object.values(teachersOf(o))[0] as ModelTeacher, o.teacherMix, {
            ...endsOf(o.student, o.tokenizer.special.eos),
            padId,
          });
    this.#padId = padId;
    this.#stream = rng(o.seed);
    const rows = o.batchSize * o.accumulate;
    const sampler = (count: number, batchSize: number, stream: string): EpochSampler | undefined =>
      count === 0 ? undefined : new EpochSampler(count, { batchSize, rng: this.#stream.split(stream) });
    this.#prompts = encodePrompts(o);
    this.#data = o.offPolicy?.source === 'dataset' ? encodeData(o, 'offPolicy.data', o.offPolicy.data) : [];
    this.#auxiliary = o.auxiliary === undefined ? [] : encodeData(o, 'auxiliary.data', o.auxiliary.data);
    this.#promptSampler = sampler(this.#prompts.length, rows / (o.reward?.samplesPerPrompt ?? 1), 'data');
    // one at a time: how many a step takes is decided by coins
    this.#dataSampler = sampler(this.#data.length, 1, 'off-policy');
    this.#auxiliarySampler = sampler(this.#auxiliary.length, rows, 'auxiliary');
    this.#replay = o.replay && new ReplayBuffer(o.replay, this.#stream.split('replay'));
    this.#share = o.adaptiveLambda && new AdaptiveShare(o.adaptiveLambda, o.lambda as number);
  }

  next(): PreparedBatch {
    const i = this.#next++;
    const { lambda, studentShare, replayShare, reward, unread, totals } = this;
    const measures = {
      ...{ lambda, studentShare, tokens: totals.tokens },
      ...(reward !== undefined && { reward }),
      ...(replayShare !== undefined && { replayShare }),
      ...(unread !== undefined && { unread }),
    };
    return { batch: this.#micro[i] as MicroBatch, totals, auxiliary: this.#auxiliaryMicro[i], measures };
  }

  state(): SourceState {
    return {
      prompts: this.#promptSampler?.state() ?? null,
      data: this.#dataSampler?.state() ?? null,
      auxiliary: this.#auxiliarySampler?.state() ?? null,
      ...(this.#replay && { replay: this.#replay.state() }),
      ...(this.#share && { share: this.#share.state() }),
    };
  }

  restore(state: unknown): void {
    const { prompts, data, auxiliary, replay, share } = state as SourceState;
    this.#promptSampler?.restore(prompts);
    this.#dataSampler?.restore(data);
    this.#auxiliarySampler?.restore(auxiliary);
    this.#replay?.restore(replay);
    this.#share?.restore(share);
    this.#next = 0;
  }

  /** @throws StoppedError where the signal stopped it */
  async prepare({ step, params, signal }: PrepareContext): Promise<void> {
    this.#free();
    const { batchSize, tokenizer } = this.#o;
    const examples = await this.#write(step, params, signal);
    if (examples.every(({ completion }) => completion.length === 0))
      throw new DataError({
        where: `GkdTrainer, step ${step + 1}`,
        what: 'every completion is empty: there is no token to learn from',
        fix: 'Look at the student’s samples: it may end at once',
      });
    await this.#reward(examples);
    const read = new Set(this.#read(examples));
    this.totals = totalsOf([...read]);
    for (let from = 0; from < examples.length; from += batchSize) {
      const some = examples.slice(from, from + batchSize).filter((e) => read.has(e));
      const batch = microBatch(some, this.#padId);
      const parts = await askTeachers(this.#o, batch, this.#padId, { student: this.#student, params }, signal);
      const rewarded = this.#o.reward === undefined ? {} : { rewardCoefficients: rewardCoefficients(batch) };
      this.#micro.push({ ...batch, parts, ...rewarded });
    }
    const extra = Array.from(this.#auxiliarySampler?.next() ?? [], (i) => this.#auxiliary[i] as EncodedRow);
    for (let from = 0; from < extra.length; from += batchSize) {
      const rows = extra.slice(from, from + batchSize).map((row, k) => ofData(row, k));
      this.#auxiliaryMicro.push(microBatch(rows, this.#padId));
    }
    const shown = examples.slice(0, previews);
    const texts = tokenizer.decode(
      padBatch(
        shown.map((e) => e.completion),
        this.#padId,
      ),
    );
    const other = this.#o.offPolicy?.source ?? 'dataset';
    this.samples = shown.map((e, i) => ({
      prompt: promptText(e.row),
      completion: texts[i] as string,
      source: e.own ? 'student' : other,
    }));
    const own = examples.filter((e) => e.own).length;
    this.studentShare = own / examples.length;
    this.source = own === examples.length ? 'student' : own === 0 ? other : 'mixed';
  }

  /** The examples that the loss counts. */
  #read(examples: readonly Example[]): Example[] {
    const { alignment, warn } = this.#o;
    const read = readByTeachers(this.#o, examples, this.#padId);
    this.unread = alignment === 'none' ? undefined : examples.length - read.length;
    if (this.unread && !this.#told) {
      this.#told = true;
      warn?.(
        `the teacher cannot read every completion: in its tokens a text is too long for its context, or comes back changed. They are left out and counted (unread): ${this.unread} of ${examples.length} here`,
      );
    }
    return read;
  }

  /** The loss of an evaluation, which an adaptive λ goes by. */
  observe(loss: number): void {
    this.#share?.observe(loss);
  }

  dispose(): void {
    this.#free();
  }

  #free(): void {
    for (const { parts } of this.#micro) for (const { teacher } of parts) disposeRows(teacher);
    this.#micro = [];
    this.#auxiliaryMicro = [];
    this.#next = 0;
  }

  /** The step's completions, whoever writes them. */
  async #write(step: number, params: Params, signal: AbortSignal | undefined): Promise<Example[]> {
    const o = this.#o;
    const K = o.reward?.samplesPerPrompt ?? 1;
    const lambda = this.#share?.share ?? schedules.scheduleAt(o.lambda, step);
    checkShare(`lambda, the schedule’s value at step ${step}`, lambda);
    this.lambda = lambda;
    const count = (o.batchSize * o.accumulate) / K;
    const order = Array.from(this.#promptSampler?.next() ?? []);
    const picked = order.map((i) => this.#prompts[i] as EncodedPrompt);
    // strictly below: λ 0 never samples, λ 1 always
    const coins = this.#stream.split('coin').split(step);
    const whole = coins.uniform() < lambda;
    const own = Array.from({ length: count }, () => (o.mixing === 'batch' ? whole : coins.uniform() < lambda));
    const of = (mine: boolean): number[] => own.flatMap((is, i) => (is === mine ? [i] : []));
    const others = of(false);
    const { fresh: mine, earlier } = this.#replay?.plan(step, of(true), o.mixing === 'batch') ?? {
      fresh: of(true),
      earlier: [],
    };
    const rows: Example[][] = Array.from({ length: count }, () => []);
    if (mine.length > 0) {
      const asked = this.#batch(mine.map((i) => picked[i] as EncodedPrompt));
      const rollout = await this.#rollout(params, asked, K, {
        ...{ temperature: o.temperature, maxNewTokens: o.maxNewTokens },
        rng: this.#stream.split('sampling').split(step),
        ...(signal && { signal }),
      });
      const counts = this.#mixCounts(params, rollout);
      for (const [r, g] of rollout.groups.entries()) {
        const place = mine[g] as number;
        const made = sampledExample(picked[place] as EncodedPrompt, rollout.completions, r, place, true);
        rows[place]?.push({ ...made, ...(counts && { counts: counts[r] as Float32Array }) });
      }
    }
    if (this.#replay !== undefined) {
      this.#replay.add(
        mine.flatMap((place) => {
          const prompt = order[place] as number;
          return (rows[place] as Example[]).map(({ completion, ended }) => ({
            ...{ prompt, completion: [...completion], ended },
          }));
        }),
      );
      for (const [place, { prompt, completion, ended }] of earlier) {
        const { ids, row } = this.#prompts[prompt] as EncodedPrompt;
        const made = { prompt: ids, row, completion: Int32Array.from(completion), ended };
        rows[place]?.push({ ...made, own: true, group: place, advantage: 0 });
      }
      this.replayShare = earlier.length / count;
    }
    if (others.length > 0) await this.#others(step, others, picked, rows, K, signal);
    return rows.flat();
  }

  /** The student's completions, `K` of each prompt. */
  async #rollout(params: Params, prompts: TokenBatch, K: number, o: SampleOptions): Promise<Rollout> {
    const { temperature = 1, ...rest } = o;
    if (temperature > 0)
      return tokenRollout(this.#sampler, params, prompts, { ...rest, temperature, samplesPerPrompt: K });
    // no rollout of a policy gradient, and one of each: there are no rewards (check-sampling.ts)
    const completions = await this.#sampler.sample(params, prompts, o);
    return { prompts, completions, groups: Int32Array.from(prompts.lengths.keys()) };
  }

  /** What the tokens of a mixture's completions count, where that is asked for. */
  #mixCounts(params: Params, { prompts, completions }: Rollout): Float32Array[] | undefined {
    const { mixWeights: kind, teacherMix: share, reduction } = this.#o;
    if (kind === 'none') return undefined;
    const teacher = Object.values(teachersOf(this.#o))[0] as ModelTeacher;
    const how = { kind, share, whole: reduction === 'sequence' };
    return weighMixture(this.#student, params, teacher, prompts, completions, how);
  }

  /** Completions of the data, or of the teachers, into their places. */
  async #others(
    step: number,
    places: readonly number[],
    picked: readonly EncodedPrompt[],
    rows: Example[][],
    K: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { offPolicy, maxNewTokens } = this.#o;
    if (offPolicy?.source !== 'teacher') {
      for (const place of places)
        for (let k = 0; k < K; k++) {
          const [i] = this.#dataSampler?.next() ?? [];
          rows[place]?.push(ofData(this.#data[i as number] as EncodedRow, place));
        }
      return;
    }
    const temperature = samplingTemperature(offPolicy.greedy, offPolicy.temperature);
    const groups = byTeacher(this.#o, places, (place) => (picked[place] as EncodedPrompt).row);
    let t = 0;
    for (const [teacher, own] of groups) {
      const repeated = own.flatMap((place) => Array.from({ length: K }, () => place));
      const batch = this.#batch(repeated.map((place) => picked[place] as EncodedPrompt));
      const how = {
        ...{ temperature, maxNewTokens },
        rng: this.#stream.split('teacher').split(step).split(t++),
        ...(signal && { signal }),
      };
      const { tokenizer, alignment } = this.#o;
      const texts = (): string[] => repeated.map((place) => teacherText(this.#o, (picked[place] as EncodedPrompt).row));
      const sampled = await (alignment === 'none'
        ? (teacher.sample as NonNullable<Teacher['sample']>)(batch, how).then((written) =>
            checkWritten(written, repeated.length, tokenizer.size),
          )
        : sampleAcross(teacher, tokenizer, texts(), how));
      for (const [r, place] of repeated.entries())
        rows[place]?.push(sampledExample(picked[place] as EncodedPrompt, sampled, r, place, false));
    }
  }

  async #reward(examples: readonly Example[]): Promise<void> {
    const { reward, tokenizer } = this.#o;
    this.reward = undefined;
    const own = examples.filter((e) => e.own);
    if (reward === undefined || own.length === 0) return;
    const completions = tokenizer.decode(
      padBatch(
        own.map((e) => e.completion),
        this.#padId,
      ),
    );
    const rows = own.map(({ row }) => row);
    const scores = await checkedRewards('reward', reward.fn, rows.map(promptText), completions, rows);
    const kept = scores.map((score, i) => ((own[i] as Example).completion.length === 0 ? null : score));
    const groups = Int32Array.from(own, ({ group }) => group);
    for (const [i, a] of baselineAdvantages(kept, groups, { baseline: 'leave-one-out' }).entries())
      (own[i] as Example).advantage = a;
    const given = kept.filter((score): score is number => score !== null);
    this.reward = given.reduce((a, b) => a + b, 0) / Math.max(1, given.length);
  }

  #batch(rows: readonly EncodedPrompt[]): TokenBatch {
    return padBatch(
      rows.map(({ ids }) => ids),
      this.#padId,
    );
  }
}

const ofData = ({ ids, completion, row }: EncodedRow, group: number): Example => ({
  ...{ prompt: ids, completion, row, group, ended: true, own: false, advantage: 0 },
});

const sampledExample = (
  { ids, row }: EncodedPrompt,
  sampled: TokenBatch,
  r: number,
  group: number,
  own: boolean,
): Example => ({
  ...{ prompt: ids, row, group, own, advantage: 0 },
  completion: Int32Array.from(rowOf(sampled, r)),
  ended: sampled.ended?.[r] === 1,
});
