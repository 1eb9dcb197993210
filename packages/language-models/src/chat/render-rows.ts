// Rows of conversations to rows of text, as trainers on text take them: what a model is asked ends with the beginning of the
// assistant's turn, so that its answer follows.
import { DataError } from '@gimbal/tensor-core';
import { type ConvertOptions, explicitPrompts } from '../data/convert.ts';
import { type Dataset, isKind, type Message, type RowKind, type RowKinds } from '../data/rows.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { renderChat } from './chat-template.ts';

/**
 * Renders every conversation with the tokenizer's chat template; rows of text stay as they are.
 * @returns `conversation` → `text`, `conversation-prompt` → `prompt`, `conversation-completion` → `prompt-completion`,
 * conversational preferences → `preference`, unpaired ones → `unpaired-preference`; other columns are carried along
 * @param o who is told of pairs that have one answer twice
 * @throws DataError naming the place of a row that the template refuses, or whose prompt is not the beginning of the whole
 */
export function renderRows(data: Dataset, tokenizer: Tokenizer, o?: ConvertOptions): Dataset {
  const whole = (messages: readonly Message[]): string => renderChat(tokenizer, messages).text;
  const asked = (messages: readonly Message[]): string =>
    renderChat(tokenizer, messages, { addGenerationPrompt: true }).text;
  const answer = (prompt: readonly Message[], rest: readonly Message[], where: string): string => {
    const [before, all] = [asked(prompt), whole([...prompt, ...rest])];
    if (all.startsWith(before)) return all.slice(before.length);
    throw new DataError({
      where,
      what: 'the prompt as rendered is not the beginning of the whole conversation',
      got: all.slice(0, 80),
      wanted: before.slice(0, 80),
      fix: 'The template changes earlier turns: use rows of kind conversation',
    });
  };
  const map = <K extends RowKind>(kind: K, convert: (row: never, where: string) => RowKinds[K]): Dataset =>
    ({
      kind,
      rows: data.rows.map((row, i) => convert(row as never, data.where(i))),
      where: (i) => data.where(i),
    }) as Dataset<K>;

  if (isKind(data, 'conversation')) {
    return map('text', ({ messages, ...row }: RowKinds['conversation']) => ({ ...row, text: whole(messages) }));
  }
  if (isKind(data, 'conversation-prompt')) {
    return map('prompt', (row: RowKinds['conversation-prompt']) => ({ ...row, prompt: asked(row.prompt) }));
  }
  if (isKind(data, 'conversation-completion')) {
    return map('prompt-completion', (row: RowKinds['conversation-completion'], where) => ({
      ...row,
      prompt: asked(row.prompt),
      completion: answer(row.prompt, row.completion, where),
    }));
  }
  if (isKind(data, 'conversation-preference')) {
    return map('preference', (row: RowKinds['conversation-preference'], where) => ({
      ...row,
      prompt: asked(row.prompt),
      chosen: answer(row.prompt, row.chosen, where),
      rejected: answer(row.prompt, row.rejected, where),
    }));
  }
  if (isKind(data, 'conversation-implicit-preference')) return renderRows(explicitPrompts(data, o), tokenizer);
  if (isKind(data, 'conversation-unpaired-preference')) {
    return map('unpaired-preference', (row: RowKinds['conversation-unpaired-preference'], where) => ({
      ...row,
      prompt: asked(row.prompt),
      completion: answer(row.prompt, row.completion, where),
    }));
  }
  return data;
}
