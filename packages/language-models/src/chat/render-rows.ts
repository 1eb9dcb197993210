// Rows of conversations to rows of text, as trainers on text take them: what a model is asked ends with the beginning of the
// assistant's turn, so that its answer follows.
import { DataError } from '@gimbal/tensor-core';
import { type ConvertOptions, explicitPrompts } from '../data/convert.ts';
import { type Dataset, isKind, type Message, type RowKind, type RowKinds } from '../data/rows.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { renderChat } from './chat-template.ts';
import { toolsOf } from './row-tools.ts';

/**
 * Renders every conversation with the tokenizer's chat template, which sees the row's column `tools`; rows of text stay as
 * they are.
 * @returns `conversation` → `text`, `conversation-prompt` → `prompt`, `conversation-completion` → `prompt-completion`,
 * conversational preferences → `preference`, unpaired ones → `unpaired-preference`; other columns are carried along
 * @param o who is told of pairs that have one answer twice
 * @throws DataError naming the place of a row that the template refuses, or whose prompt is not the beginning of the whole
 */
export function renderRows(data: Dataset, tokenizer: Tokenizer, o?: ConvertOptions): Dataset {
  type Tools = { tools?: readonly unknown[] };
  const given = (row: object, where: string): Tools => {
    const tools = toolsOf(row, where);
    return tools === undefined ? {} : { tools };
  };
  const whole = (messages: readonly Message[], o: Tools): string => renderChat(tokenizer, messages, o).text;
  const asked = (messages: readonly Message[], o: Tools): string =>
    renderChat(tokenizer, messages, { ...o, addGenerationPrompt: true }).text;
  const answer = (prompt: readonly Message[], rest: readonly Message[], o: Tools, where: string): string => {
    const [before, all] = [asked(prompt, o), whole([...prompt, ...rest], o)];
    if (all.startsWith(before)) return all.slice(before.length);
    throw new DataError({
      where,
      what: 'the prompt as rendered is not the beginning of the whole conversation',
      got: all.slice(0, 80),
      wanted: before.slice(0, 80),
      fix: 'The template changes earlier turns: use rows of kind conversation',
    });
  };
  const map = <K extends RowKind>(
    kind: K,
    convert: (row: never, tools: Tools, where: string) => RowKinds[K],
  ): Dataset =>
    ({
      kind,
      rows: data.rows.map((row, i) => convert(row as never, given(row, data.where(i)), data.where(i))),
      where: (i) => data.where(i),
    }) as Dataset<K>;

  if (isKind(data, 'conversation')) {
    return map('text', ({ messages, ...row }: RowKinds['conversation'], tools) => ({
      ...row,
      text: whole(messages, tools),
    }));
  }
  if (isKind(data, 'conversation-prompt')) {
    return map('prompt', (row: RowKinds['conversation-prompt'], tools) => ({
      ...row,
      prompt: asked(row.prompt, tools),
    }));
  }
  if (isKind(data, 'conversation-completion')) {
    return map('prompt-completion', (row: RowKinds['conversation-completion'], tools, where) => ({
      ...row,
      prompt: asked(row.prompt, tools),
      completion: answer(row.prompt, row.completion, tools, where),
    }));
  }
  if (isKind(data, 'conversation-preference')) {
    return map('preference', (row: RowKinds['conversation-preference'], tools, where) => ({
      ...row,
      prompt: asked(row.prompt, tools),
      chosen: answer(row.prompt, row.chosen, tools, where),
      rejected: answer(row.prompt, row.rejected, tools, where),
    }));
  }
  if (isKind(data, 'conversation-implicit-preference')) return renderRows(explicitPrompts(data, o), tokenizer);
  if (isKind(data, 'conversation-unpaired-preference')) {
    return map('unpaired-preference', (row: RowKinds['conversation-unpaired-preference'], tools, where) => ({
      ...row,
      prompt: asked(row.prompt, tools),
      completion: answer(row.prompt, row.completion, tools, where),
    }));
  }
  return data;
}
