// Rows of a distillation as texts: conversations as the chat template writes them.
import { type Dataset, isKind, type Message, type RowKinds, renderRows, type Tokenizer } from '@gimbal/language-models';
import { DataError, type Prompt } from '@gimbal/tensor-core';

/** Kinds of rows that may have completions: of a whole conversation it is what the assistant says last. */
export const completedKinds = ['prompt-completion', 'conversation-completion', 'conversation'] as const;

/** Kinds of rows that ask something. */
export const askingKinds = ['prompt', 'conversation-prompt', 'conversation'] as const;

/**
 * Plain rows as they are; of conversations the prompt ends with the beginning of the assistant's turn, the completion
 * before the token that ends it, which training adds. Where a conversation ends with the user there is no completion.
 * @throws ConfigError for conversations without a chat template; DataError naming a row in which nobody is asked, or that
 * the template refuses
 */
export function textRows(data: Dataset, tokenizer: Tokenizer): readonly Prompt[] {
  if (isKind(data, 'conversation'))
    return data.rows.map((row, i) => chatRow(row as RowKinds['conversation'], data.where(i), tokenizer));
  const { rows } = renderRows(data, tokenizer) as { rows: readonly { prompt: string; completion?: unknown }[] };
  if (!data.kind.startsWith('conversation')) return rows;
  return rows.map((row) => framed(row, tokenizer));
}

function chatRow({ messages, ...rest }: RowKinds['conversation'], where: string, tokenizer: Tokenizer): Prompt {
  const last = messages.findLastIndex(({ role }) => role !== 'assistant') + 1;
  if (last === 0) {
    const what = 'the conversation asks nothing';
    throw new DataError({ where, what, wanted: 'a turn of the user before the assistant’s' });
  }
  const [prompt, completion] = [messages.slice(0, last), messages.slice(last)] as [Message[], Message[]];
  const kind = completion.length > 0 ? 'conversation-completion' : 'conversation-prompt';
  const row = completion.length > 0 ? { ...rest, prompt, completion } : { ...rest, prompt };
  const [made] = textRows({ kind, rows: [row], where: () => where } as Dataset, tokenizer) as [Prompt];
  return made;
}

/** Without what the tokenizer puts around every prompt, and at the end of every completion, by itself. */
function framed<R extends { prompt: string; completion?: unknown }>(row: R, tokenizer: Tokenizer): R {
  const { begin, promptSuffix: suffix, special } = tokenizer;
  const text = (ids: readonly number[]): string => ids.map((id) => tokenizer.token(id) ?? '').join('');
  let { prompt } = row;
  const before = text(begin);
  if (prompt.startsWith(before)) prompt = prompt.slice(before.length);
  if (suffix !== '' && prompt.endsWith(suffix)) prompt = prompt.slice(0, -suffix.length);
  if (typeof row.completion !== 'string') return { ...row, prompt };
  const end = special.eos === undefined ? '' : text([special.eos]);
  const [completion] = end === '' ? [row.completion] : row.completion.split(end);
  return { ...row, prompt, completion };
}
