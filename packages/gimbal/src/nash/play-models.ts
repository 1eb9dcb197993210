// gimbal eval --matrix: models against each other, all against all, as a preference sees it.
import { type Contestant, winRateMatrix } from '@gimbal/nash-md';
import { ConfigError, DataError, type Prompt, StoppedError, writeFileAtomic } from '@gimbal/tensor-core';
import type { CommandContext, CommandResult } from '../cli/command.ts';
import { figure, percent, textTable } from '../cli/format.ts';
import { openModel, type Writer } from '../generate/open-model.ts';
import { checkColumns } from '../options/columns.ts';
import { codecOf } from '../rl/chat-prompts.ts';
import { readAskedPrompts } from '../rl/prompt-rows.ts';
import { fittingPrompts, roomBeside } from '../rl/train-policy.ts';
import { startCompute } from '../run/compute.ts';
import { refuseUnwritable } from '../run/out-file.ts';
import { type MatrixResult, resultOf } from './matrix-result.ts';
import { openPreference } from './preference-source.ts';

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
  [name: string]: unknown;
}

interface Named {
  name: string;
  model: string;
  adapter?: string;
}

const where = 'gimbal eval --matrix';

export async function playModels(context: CommandContext<MatrixFlags>): Promise<CommandResult> {
  const { options: o, output, signal } = context;
  checkColumns('eval', o.columns, ['prompt', 'messages']);
  const entries = named(o.matrix ?? []);
  if (o.preference === undefined) {
    const wanted = 'the folder of a preference or reward model, world:newsroom, or ./file.mjs';
    throw new ConfigError({ where: 'gimbal eval --preference', what: 'who is preferred?', wanted });
  }
  if (o.out !== undefined) await refuseUnwritable('eval', o.out);
  const compute = await startCompute(o);
  const { rows, chats } = await readAskedPrompts(o.data, o.columns);
  const preference = await openPreference(o.preference, 'gimbal eval --preference', { chats });
  const open: Writer[] = [];
  try {
    let prompts: readonly Prompt[] = rows.slice(0, o.rows);
    const contestants: Record<string, Contestant> = {};
    for (const { name, model, adapter } of entries) {
      const writer = await openModel(model, where, { adapter });
      open.push(writer);
      for (const warning of writer.warnings) output.note(`warning ${name}: ${warning}`);
      contestants[name] = { policy: writer.policy, params: writer.params, codec: codecOf(writer.tokenizer, chats) };
    }
    const rooms = open.map(({ tokenizer, contextLength }) =>
      roomBeside(prompts, tokenizer, contextLength, codecOf(tokenizer, chats)),
    );
    const maxNewTokens = o.maxNewTokens ?? Math.min(...rooms);
    // what one of them cannot read is asked of none
    for (const { tokenizer, contextLength } of open)
      prompts = fittingPrompts(
        prompts,
        { tokenizer, contextLength, maxNewTokens, codec: codecOf(tokenizer, chats) },
        (text) => output.note(text),
      );
    const played = winRateMatrix(contestants, {
      ...{ codec: codecOf((open[0] as Writer).tokenizer, chats), preference: preference.fn, prompts, maxNewTokens },
      ...{ samplesPerCell: o.comparisons, batchSize: o.batchSize, temperature: o.temperature, seed: o.seed, signal },
    });
    let next = await played.next();
    for (; !next.done; next = await played.next()) {
      const { a, b, rate, low, high } = next.value;
      output.note(`${a} ≻ ${b}  ${percent(rate)}  [${percent(low)}, ${percent(high)}]`);
    }
    const result = resultOf(next.value, o.comparisons);
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
    throw error;
  } finally {
    preference.dispose();
    for (const writer of open) writer[Symbol.dispose]();
  }
}

/** `name=base+adapter`; without a name the last folder's, or the one above where that is only called model or adapter. */
function named(texts: readonly string[]): Named[] {
  const entries = texts.map((text): Named => {
    const [, given, path = text] = /^([^=/\\]+)=(.+)$/.exec(text) ?? [];
    const [model = path, adapter] = path.split('+');
    const parts = (adapter ?? model)
      .split(/[\\/]/)
      .filter((part) => part !== '' && part !== 'model' && part !== 'adapter');
    return { name: given ?? parts.at(-1) ?? text, model, ...(adapter !== undefined && { adapter }) };
  });
  if (entries.length < 2)
    throw new ConfigError({ where, what: 'nobody to compare', got: texts, wanted: 'two models or more' });
  for (const [i, { name }] of entries.entries()) {
    if (entries.findIndex((e) => e.name === name) === i) continue;
    const fix = 'Give each a name, as sft=folder,nash=folder';
    throw new DataError({ where, what: 'two models of one name', got: name, fix });
  }
  return entries;
}

function lines(r: MatrixResult): string[] {
  const head = ['', ...r.models, 'Elo', 'Nash weight', 'Nash skill'];
  const rows = r.models.map((name, i) => [
    name,
    ...(r.rates[i] as readonly number[]).map((rate, j) => (i === j ? '–' : percent(rate))),
    (r.elo[i] as number).toFixed(0),
    percent(r.nash.weights[i] as number),
    figure(r.nash.skill[i] as number),
  ]);
  return [...textTable(head, rows), '', `${percent(r.cyclicShare)} of it is cyclic, order bias ${figure(r.orderBias)}`];
}
