// Conversations as tokens, with those that the assistant wrote.
import { ConfigError } from '@gimbal/tensor-core';
import type { Message } from '../data/rows.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { type ChatOptions, renderChat } from './chat-template.ts';

/** A conversation in tokens. */
export interface EncodedChat {
  /** All turns, the template's special tokens included. */
  readonly ids: Int32Array;
  /** 1 on tokens that the assistant writes, its end-of-turn token included; undefined without marks in the template. */
  readonly assistant: Uint8Array | undefined;
}

/**
 * Encodes a conversation. The template writes the special tokens, so none is added.
 * @throws as `renderChat`
 */
export function encodeChat(tokenizer: Tokenizer, messages: readonly Message[], o: ChatOptions = {}): EncodedChat {
  const { text, generated } = renderChat(tokenizer, messages, o);
  const ids = tokenizer.encodeText(text);
  if (generated === undefined) return { ids, assistant: undefined };
  const assistant = new Uint8Array(ids.length);
  for (const [start, end] of generated) {
    const first = tokensBefore(tokenizer, text.slice(0, start), ids);
    const last = tokensBefore(tokenizer, text.slice(0, end), ids);
    // templates write a line feed behind the token that ends a turn
    const closed = tokensBefore(tokenizer, text.slice(0, start) + text.slice(start, end).trimEnd(), ids);
    const within = closed > first ? ids[closed - 1] : undefined;
    // without the token that ends a turn the model would learn to write on
    assistant.fill(1, first, endsTurn(tokenizer, within, ids[last]) ? last + 1 : last);
  }
  return { ids, assistant };
}

/**
 * Whether the token behind a block is the one that ends its turn. A block may hold that token itself: then what follows is
 * the next turn's, unless it is the end-of-text token behind another special one, such as the end of a call.
 */
function endsTurn(tokenizer: Tokenizer, within: number | undefined, behind: number | undefined): boolean {
  if (behind === undefined || !tokenizer.isSpecial(behind)) return false;
  if (within === undefined || !tokenizer.isSpecial(within)) return true;
  const { eos } = tokenizer.special;
  return behind === eos && within !== eos;
}

/** How many of the text's tokens stand before the end of this beginning of it. */
function tokensBefore(tokenizer: Tokenizer, beginning: string, ids: Int32Array): number {
  const own = tokenizer.encodeText(beginning);
  let n = 0;
  while (n < own.length && own[n] === ids[n]) n++;
  return n;
}

/** @throws ConfigError for assistant-only training with a template that marks no assistant */
export function refuseUnmarked(assistant: Uint8Array | undefined, where: string): asserts assistant is Uint8Array {
  if (assistant !== undefined) return;
  throw new ConfigError({
    where,
    what: 'the chat template does not mark what the assistant writes, so it cannot be learned alone',
    wanted: '{% generation %} … {% endgeneration %} around it',
    fix: 'Give rows of prompt and completion, both as messages: of those the completion alone is learnt. Or put the marks into the chat template, or train on whole conversations (assistantOnly: false)',
  });
}
