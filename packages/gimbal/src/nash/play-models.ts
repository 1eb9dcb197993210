// gimbal eval --matrix: models against each other, all against all, as a preference sees it.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Contestant, mixturePolicy, winRateMatrix } from '@gimbal/nash-md';
import {
  ConfigError,
  DataError,
  type LogitPolicy,
  type Prompt,
  StoppedError,
  type TextCodec,
  withPrecision,
  writeFileAtomic,
} from '@gimbal/tensor-core';
import type { CommandContext, CommandResult } from '../cli/command.ts';
import { counted, percent, textTable } from '../cli/format.ts';
import { type heldWeights, openModel, type Writer } from '../generate/open-model.ts';
import { checkColumns } from '../options/columns.ts';
import { refuseGiven } from '../options/refuse-given.ts';
import { codecOf } from '../rl/chat-prompts.ts';
import { readAskedPrompts } from '../rl/prompt-rows.ts';
import { fittingPrompts, roomBeside } from '../rl/train-policy.ts';
import { refuseBf16, startCompute } from '../run/compute.ts';
import { failedOutside } from '../run/going-on.ts';
import { refuseReplacing } from '../run/out-file.ts';
import { type MatrixResult, resultOf } from './matrix-result.ts';
import { points } from './points.ts';
import { preferenceForms } from './preference-forms.ts';
import { isJudgesFailure, openPreference } from './preference-source.ts';

interface MatrixFlags {
  matrix?: string[] | undefined;
  preference?: string | undefined;
  data: string;
  columns?: Record<string, string> | undefined;
  rows?: number | undefined;
  comparisons: number;
  temperature: number;
  maxNewTokens?: number | undefined;
  batchSize: number;
  precision: 'float32' | 'bf16';
  weights?: (typeof heldWeights)[number] | undefined;
  [name: string]: unknown;
}

interface Named {
  name: string;
  model: string;
  adapter?: string;
  /** mixed in, with this weight: what --deploy mixture trains */
  mixed?: { reference: string; mixtureCoef: number };
}

const where = 'gimbal eval --matrix';

/** What `gimbal eval` has for one model alone. */
const notPlayed = [
  ...[
    'model',
    'adapter',
    'metrics',
    'judge',
    'maxLength',
    'overflow',
    'assistantOnly',
    'draws',
    'topK',
    'topP',
    'minP',
  ],
  ...['repetitionPenalty', 'noRepeatNgram', 'beams', 'stop'],
];

export async function playModels(context: CommandContext<MatrixFlags>): Promise<CommandResult> {
  const { options: o, output, signal } = context;
  refuseGiven('gimbal eval', context.given, notPlayed, 'with --matrix models are compared, and it has no meaning');
  checkColumns('eval', o.columns, ['prompt', 'messages']);
  const entries = named(o.matrix ?? []);
  if (o.preference === undefined)
    throw new ConfigError({ where: 'gimbal eval --preference', what: 'who is preferred?', wanted: preferenceForms });
  if (o.out !== undefined) await refuseReplacing('eval', o.out, o.data);
  const compute = await startCompute(o);
  refuseBf16('gimbal eval', o.precision, compute);
  const { rows, chats } = await readAskedPrompts(o.data, o.columns);
  const preference = await openPreference(o.preference, 'gimbal eval --preference', { chats });
  const open: Writer[] = [];
  try {
    let prompts: readonly Prompt[] = rows.slice(0, o.rows);
    const contestants: Record<string, Contestant> = {};
    const codecFor = ({ tokenizer, writesApart }: Writer): TextCodec => codecOf(tokenizer, chats, writesApart);
    const opened = async (name: string, model: string, adapter?: string): Promise<Writer> => {
      const writer = await openModel(model, where, { adapter, weights: o.weights });
      open.push(writer);
      for (const warning of writer.warnings) output.note(`warning ${name}: ${warning}`);
      return writer;
    };
    for (const { name, model, adapter, mixed } of entries) {
      const writer = await opened(name, model, adapter);
      let policy: LogitPolicy = writer.policy;
      if (mixed !== undefined) {
        const { params } = await opened(name, mixed.reference);
        policy = mixturePolicy(policy, { reference: params, mixtureCoef: mixed.mixtureCoef });
      }
      contestants[name] = { policy, params: writer.params, codec: codecFor(writer) };
    }
    const rooms = open.map((writer) =>
      roomBeside(prompts, writer.tokenizer, writer.contextLength, codecFor(writer), writer.writesApart),
    );
    const maxNewTokens = o.maxNewTokens ?? Math.min(...rooms);
    // what one of them cannot read is asked of none
    for (const writer of open) {
      const { tokenizer, contextLength, writesApart: apart } = writer;
      const room = { tokenizer, contextLength, maxNewTokens, codec: codecFor(writer), apart };
      prompts = fittingPrompts(prompts, room, (text) => output.note(text));
    }
    // a policy is what it draws: eval's greedy answers are not it
    const temperature = context.given.has('temperature') ? o.temperature : 1;
    const comparisons = temperature === 0 ? Math.min(o.comparisons, prompts.length) : o.comparisons;
    if (comparisons < o.comparisons)
      output.note(`${comparisons} comparisons: greedy answers to ${counted(prompts.length, 'prompt')} are no more`);
    const played = winRateMatrix(contestants, {
      ...{ codec: codecFor(open[0] as Writer), preference: preference.fn, prompts, maxNewTokens },
      ...{ samplesPerCell: comparisons, batchSize: o.batchSize, temperature, seed: o.seed, signal },
    });
    const result = await withPrecision(o.precision, async () => {
      let next = await played.next();
      for (; !next.done; next = await played.next()) {
        const { a, b, rate, low, high } = next.value;
        output.note(`${a} ≻ ${b}  ${percent(rate)}  [${percent(low)}, ${percent(high)}]`);
      }
      return resultOf(next.value, comparisons);
    });
    if (!output.json) for (const line of lines(result)) output.line(line);
    if (o.out !== undefined) {
      const { matrixPage } = await import('./matrix-page.ts');
      const text = o.out.endsWith('.json') ? `${JSON.stringify(result, null, 1)}\n` : matrixPage(result);
      await writeFileAtomic(o.out, text);
      output.note(`written to ${o.out}`);
    }
    await compute.trace(output);
    return { json: result };
  } catch (error) {
    if (signal.aborted) throw new StoppedError({ where, what: 'stopped', cause: error });
    if (!isJudgesFailure(error, o.preference)) throw error;
    throw failedOutside('gimbal eval --preference', 'Run it again when it answers: nothing was written', error);
  } finally {
    preference.dispose();
    for (const writer of open) writer[Symbol.dispose]();
  }
}

/**
 * `name=base+adapter`, `name=base+adapter@0.125` for its mixture with its base, or `name=model@0.125@start` with another model;
 * without a name the last folder's, or the one above where that is only called model or adapter.
 */
function named(texts: readonly string[]): Named[] {
  const entries = texts.map((text): Named => {
    const [, given, whole = text] = /^([^=/\\]+)=(.+)$/.exec(text) ?? [];
    const [, path = whole, weight, start] = /^(.+?)@([01]?\.\d+|[01])(?:@(.+))?$/.exec(whole) ?? [];
    const [model = path, adapter] = path.split('+');
    const mixed = weight === undefined ? undefined : mixedWith(text, Number(weight), start ?? (adapter && model));
    const parts = (adapter ?? model)
      .split(/[\\/]/)
      .filter((part) => part !== '' && part !== 'model' && part !== 'adapter');
    return {
      name: given ?? parts.at(-1) ?? text,
      model,
      ...(adapter !== undefined && { adapter }),
      ...(mixed && { mixed }),
    };
  });
  if (entries.length < 2)
    throw new ConfigError({ where, what: 'nobody to compare', got: texts, wanted: 'two models or more' });
  for (const [i, { name, model }] of entries.entries()) {
    if (/^\d+$/.test(name) || name === '__proto__') {
      const fix = 'Give each a name with letters, as first=folder';
      throw new ConfigError({ where, what: 'a name that would change the order of rows', got: name, fix });
    }
    if (existsSync(join(model, 'adapter_config.json')) && !existsSync(join(model, 'config.json'))) {
      const fix = `Say what it was trained on: ${name}=BASE+${model}`;
      throw new ConfigError({ where, what: 'an adapter is no model', got: model, wanted: 'base+adapter', fix });
    }
    if (entries.findIndex((e) => e.name === name) === i) continue;
    const fix = 'Give each a name, as sft=folder,nash=folder';
    throw new DataError({ where, what: 'two models of one name', got: name, fix });
  }
  return entries;
}

/** @throws ConfigError for a weight outside [0, 1], or a model alone, whose start is not known */
function mixedWith(text: string, mixtureCoef: number, reference: string | undefined): NonNullable<Named['mixed']> {
  if (mixtureCoef > 1)
    throw new ConfigError({ where, what: 'no weight of a mixture', got: mixtureCoef, wanted: 'a number from 0 to 1' });
  if (reference !== undefined) return { reference, mixtureCoef };
  const fix = `Name it behind the weight: ${text}@START`;
  throw new ConfigError({ where, what: 'a mixture with which model?', got: text, wanted: 'model@weight@start', fix });
}

function lines(r: MatrixResult): string[] {
  const head = ['', ...r.models, 'Elo', 'Nash weight', 'Nash skill', 'exploitable'];
  const rows = r.models.map((name, i) => [
    name,
    ...(r.rates[i] as readonly number[]).map((rate, j) => (i === j ? '–' : percent(rate))),
    (r.elo[i] as number).toFixed(0),
    percent(r.nash.weights[i] as number),
    points(r.nash.skill[i] as number),
    points(r.exploitability[i] as number),
  ]);
  const bias = r.orderBias === null ? '' : `, order bias ${points(r.orderBias)}`;
  return [
    ...textTable(head, rows),
    '',
    `${percent(r.cyclicShare)} of it is cyclic${bias}`,
    'Nash weight: its share of the strongest mixture; Nash skill: what it wins against that mixture beyond one half; exploitable: what the best of the others wins against it beyond one half',
  ];
}
