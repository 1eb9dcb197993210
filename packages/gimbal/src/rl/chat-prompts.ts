// Conversations as prompts: what is asked is a text that a person, or a function of the user's, can read; a model reads the
// turns as its chat template writes them.
import {
  type Dataset,
  isKind,
  type Message,
  padBatch,
  renderChat,
  type Tokenizer,
  toolsOf,
} from '@gimbal/language-models';
import { DataError, type Prompt, type TextCodec } from '@gimbal/tensor-core';
import { promptCodec } from './prompt-codec.ts';

/** What a chat template is given of a prompt. */
interface Chat {
  readonly messages: readonly Message[];
  /** What may be called: the row's column of that name. */
  readonly tools?: readonly unknown[];
}

/** The turns of each prompt, by its text. */
export type Chats = ReadonlyMap<string, Chat>;

/** Prompts, and of conversations their turns. */
export interface AskedPrompts {
  rows: readonly Prompt[];
  /** undefined: the prompts are plain text */
  chats?: Chats;
}

/** The kinds of rows that prompts are read from. */
export const promptKinds = ['prompt', 'conversation-prompt', 'conversation'] as const;

/**
 * Rows as prompts. Of a whole conversation, what the assistant says last is left out: it is to be answered anew.
 * @throws DataError naming the row of a conversation in which only the assistant speaks
 */
export function askedPrompts(data: Dataset): AskedPrompts {
  if (isKind(data, 'prompt')) return { rows: data.rows as readonly Prompt[] };
  const chats = new Map<string, Chat>();
  const rows = data.rows.map((row, i): Prompt => {
    const { messages: whole, prompt, ...rest } = row as Record<string, unknown>;
    const turns = [...((isKind(data, 'conversation') ? whole : prompt) as readonly Message[])];
    while (turns.at(-1)?.role === 'assistant') turns.pop();
    if (turns.length === 0) {
      const what = 'the conversation asks nothing';
      throw new DataError({ where: data.where(i), what, wanted: 'a turn of the user before the assistant’s' });
    }
    const tools = toolsOf(row, data.where(i));
    const chat = { messages: turns, ...(tools && { tools }) };
    const text = textIn(chats, chat);
    chats.set(text, chat);
    return { ...rest, prompt: text, messages: turns };
  });
  return { rows, chats };
}

/**
 * Prompts to the tokens that a model is to go on from; conversations by its chat template, which writes every special token.
 * @param whole an encoder reads the prompts: texts get the special tokens of a whole text
 */
export function codecOf(tokenizer: Tokenizer, chats: Chats | undefined, whole = false): TextCodec {
  const plain = promptCodec(tokenizer, whole);
  if (chats === undefined) return plain;
  return {
    encode: (prompts) =>
      padBatch(
        prompts.map((prompt) => [...tokenizer.encodeText(rendered(tokenizer, chats, prompt))]),
        tokenizer.special.pad ?? 0,
      ),
    decode: plain.decode,
  };
}

/** A prompt as a template writes it, the assistant's turn begun. */
export function rendered(tokenizer: Tokenizer, chats: Chats, prompt: string): string {
  const { messages, ...o } = chats.get(prompt) ?? { messages: [{ role: 'user', content: prompt }] };
  return renderChat(tokenizer, messages, { ...o, addGenerationPrompt: true }).text;
}

/** What is said: a single question as it is, more turns with who says them; where two would be alike, as data. */
function textIn(known: Chats, chat: Chat): string {
  const { messages: turns, tools } = chat;
  const [first] = turns as [Message];
  const text =
    turns.length === 1 && first.role === 'user'
      ? contentOf(first)
      : turns.map((turn) => `${turn.role}: ${contentOf(turn)}`).join('\n');
  const other = known.get(text);
  return other === undefined || JSON.stringify(other) === JSON.stringify(chat)
    ? text
    : JSON.stringify(tools === undefined ? turns : chat);
}

const contentOf = ({ content }: Message): string =>
  typeof content === 'string'
    ? content
    : (content ?? []).map(({ text }) => (typeof text === 'string' ? text : '')).join('');
