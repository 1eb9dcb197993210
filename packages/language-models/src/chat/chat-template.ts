// Chat templates: a conversation as the text that a model was trained on (transformers' `apply_chat_template`). The Jinja
// engine is `@huggingface/jinja`; what is added here is where each assistant's turn stands, from the template's own
// `{% generation %}` blocks.
import { ConfigError, DataError } from '@gimbal/tensor-core';
import { Template } from '@huggingface/jinja';
import type { Message } from '../data/rows.ts';
import { messageOf } from '../message-of.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';

/** What a template is given besides the messages. */
export interface ChatOptions {
  /** End with the beginning of an assistant's turn, for the model to go on (false). */
  addGenerationPrompt?: boolean;
  /** Which template, where a tokenizer has several (`default`). */
  template?: string;
  /** JSON schemas of functions that the model may call. */
  tools?: readonly unknown[];
  /** Further variables of the template. */
  variables?: Readonly<Record<string, unknown>>;
}

/** A rendered conversation. */
export interface RenderedChat {
  /** All turns, special tokens included. */
  readonly text: string;
  /** Stretches of the text inside `{% generation %}` blocks, in UTF-16 units; undefined for a template without them. */
  readonly generated: readonly (readonly [start: number, end: number])[] | undefined;
}

// variables of the template that hold the marks, so that each conversation can have such as stand nowhere in it
const [open, close] = ['gimbal_open', 'gimbal_close'];

const generation = /\{%([-+]?)\s*generation\s*([-+]?)%\}(\n?)/g;
const endGeneration = /([ \t]*)\{%([-+]?)\s*endgeneration\s*([-+]?)%\}/g;

/** Whether the template marks what the assistant writes. */
const hasMarks = (source: string): boolean => /\{%[-+]?\s*generation\s*[-+]?%\}/.test(source);

/**
 * The template with a character printed at both ends of each block, inside it. White space is trimmed as without: a mark
 * takes over what the tag beside it would have trimmed.
 */
function withMarks(source: string): string {
  return source
    .replace(generation, (_, left: string, right: string, feed: string) =>
      right === '-' ? `{%${left} generation -%}{{ ${open} -}}${feed}` : `{%${left} generation %}${feed}{{ ${open} }}`,
    )
    .replace(endGeneration, (_, indent: string, left: string, right: string) =>
      left === '-'
        ? `${indent}{{- ${close} }}{%- endgeneration ${right}%}`
        : `{{ ${close} }}{% endgeneration ${right}%}`,
    );
}

/** The source of a tokenizer's template. @throws ConfigError where it has none of that name */
function chatTemplateOf(tokenizer: Tokenizer, name = 'default'): string {
  const { chat_template: all } = tokenizer.config;
  if (typeof all === 'string' && name === 'default') return all;
  const named = Array.isArray(all) ? (all as { name: string; template: string }[]) : [];
  const found = named.find((t) => t.name === name)?.template;
  if (found !== undefined) return found;
  throw new ConfigError({
    where: 'chat template',
    what: 'the tokenizer has none of this name',
    got: name,
    wanted: named.length > 0 ? named.map((t) => t.name).join(', ') : 'chat_template in tokenizer_config.json',
    fix: 'Give plain prompts, or a tokenizer with a chat template',
  });
}

const parsed = new Map<string, Template>();

/** @throws ConfigError for a template that is no Jinja */
function parse(source: string, marks: boolean): Template {
  const known = parsed.get(source);
  if (known !== undefined) return known;
  let template: Template;
  try {
    template = new Template(marks ? withMarks(source) : source);
  } catch (cause) {
    const fix = 'Mend chat_template in tokenizer_config.json, or chat_template.jinja beside it';
    throw new ConfigError({ where: 'chat template', what: `it is no Jinja: ${messageOf(cause)}`, fix, cause });
  }
  if (parsed.size > 16) parsed.clear();
  parsed.set(source, template);
  return template;
}

/** Two characters of Unicode's private use that stand nowhere in what a template is given. */
function unusedMarks(given: unknown): readonly [open: string, close: string] {
  const text = JSON.stringify(given) ?? '';
  const free: string[] = [];
  for (let code = 0xe0f0; free.length < 2; code++) {
    const mark = String.fromCharCode(code);
    if (!text.includes(mark)) free.push(mark);
  }
  return free as [string, string];
}

/**
 * Renders a conversation.
 * @throws ConfigError for a tokenizer without a template or with a faulty one, DataError for a conversation that the template refuses
 * @example renderChat(tokenizer, [{ role: 'user', content: 'Hello' }], { addGenerationPrompt: true }).text
 */
export function renderChat(tokenizer: Tokenizer, messages: readonly Message[], o: ChatOptions = {}): RenderedChat {
  const source = chatTemplateOf(tokenizer, o.template);
  const marks = hasMarks(source);
  const template = parse(source, marks);
  const token = (role: 'bos' | 'eos' | 'pad' | 'unk'): string | undefined => {
    const value = tokenizer.config[`${role}_token`];
    return typeof value === 'string' ? value : value?.content;
  };
  const special = Object.fromEntries(
    (['bos', 'eos', 'pad', 'unk'] as const)
      .map((role) => [`${role}_token`, token(role)])
      .filter(([, text]) => text !== undefined),
  );
  const pair = marks ? unusedMarks([messages, o.tools, o.variables]) : undefined;
  let text: string;
  try {
    text = template.render({
      messages,
      add_generation_prompt: o.addGenerationPrompt ?? false,
      ...(o.tools === undefined ? {} : { tools: o.tools }),
      ...special,
      ...o.variables,
      ...(pair && { [open]: pair[0], [close]: pair[1] }),
    });
  } catch (cause) {
    const what = `the chat template refuses the conversation: ${messageOf(cause)}`;
    const got = messages.map((m) => m.role).join(', ');
    throw new DataError({ where: 'chat template', what, got, fix: 'Check the roles and their order', cause });
  }
  return pair ? takeMarks(text, pair) : { text, generated: undefined };
}

/** Takes the marks out of a text and notes where they stood. */
function takeMarks(marked: string, [begin, end]: readonly [string, string]): RenderedChat {
  const generated: [number, number][] = [];
  let text = '';
  let start = 0;
  for (const part of marked.split(new RegExp(`([${begin}${end}])`))) {
    if (part === begin) start = text.length;
    else if (part === end) generated.push([start, text.length]);
    else text += part;
  }
  return { text, generated };
}
