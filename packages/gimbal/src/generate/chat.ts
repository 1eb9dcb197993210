// A conversation at a terminal: a line is a turn, the answer is printed as it is written. Lines may be piped in too.
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { Message } from '@gimbal/language-models';
import type { Rng } from '@gimbal/tensor-core';
import type { Output } from '../cli/output.ts';
import type { Writer } from './open-model.ts';
import { defaultTokens, type Sampling, samplingOf } from './sampling.ts';

interface ChatRequest {
  model: Writer;
  output: Output;
  sampling: Sampling;
  system: string | undefined;
  rng: Rng;
  signal: AbortSignal;
  /** told when a person is asked, and when the model writes */
  waits?: ((isWaiting: boolean) => void) | undefined;
  input: Readable & { isTTY?: boolean };
}

const help = '/reset forgets the conversation, /exit or Ctrl-D ends it, Ctrl-C too';

/** @returns the turns of the conversation, its system message first */
export async function chat({
  model,
  output,
  sampling,
  system,
  rng,
  signal,
  waits,
  input,
}: ChatRequest): Promise<Message[]> {
  const { generateStream, renderChat } = await import('@gimbal/language-models');
  const first: Message[] = system === undefined ? [] : [{ role: 'system', content: system }];
  let turns = [...first];
  const isPerson = input.isTTY === true;
  if (isPerson)
    output.note(`${model.chats ? 'A conversation' : 'No chat template: each line is completed alone'}; ${help}`);
  const lines = createInterface({ input, terminal: false });
  const end = (): void => lines.close();
  signal.addEventListener('abort', end, { once: true });
  const ask = (): void => {
    waits?.(true);
    if (isPerson) output.write(output.colors.bold('> '));
  };
  const chosen = await samplingOf(sampling, model.generation);
  const { tokenizer } = model;
  const limit = sampling.maxNewTokens ?? model.generation.maxNewTokens ?? Math.max(defaultTokens, 256);
  const textOf = (all: readonly Message[]): string =>
    model.chats ? renderChat(tokenizer, all, { addGenerationPrompt: true }).text : String(all.at(-1)?.content);
  let turn = 0;
  try {
    ask();
    for await (const line of lines) {
      waits?.(false);
      if (line.trim() === '/exit') break;
      if (line.trim() === '/reset') turns = [...first];
      // a misspelt command is no turn; a path is one
      const isUnknown = /^\/[a-z]*$/i.test(line.trim()) && line.trim() !== '/reset';
      if (isUnknown) output.note(line.trim() === '/help' ? help : `no such command: ${line.trim()}; ${help}`);
      if (line.trim() === '' || line.trim() === '/reset' || isUnknown) {
        ask();
        continue;
      }
      turns.push({ role: 'user', content: line });
      // room for an answer: the oldest turns are forgotten first
      const room = (): number =>
        model.contextLength - tokenizer.encodeText(textOf(turns)).length - tokenizer.begin.length;
      while (
        !model.writesApart &&
        room() < Math.min(limit, model.contextLength / 4) &&
        turns.length > first.length + 2
      ) {
        turns.splice(first.length, 2);
        output.note(output.noteColors.dim('(the oldest turn is forgotten: the context is full)'));
      }
      const left = model.writesApart ? limit : Math.min(limit, room());
      if (left < 1) {
        turns.pop();
        output.note(`that is longer than the model's context of ${model.contextLength} tokens`);
        ask();
        continue;
      }
      let answer = '';
      const stream = generateStream(model.policy, model.params, tokenizer, [textOf(turns)], {
        ...chosen,
        maxNewTokens: left,
        rendered: model.chats,
        rng: rng.split(turn++),
        signal,
      });
      for await (const { text } of stream) {
        answer += text;
        output.write(text);
      }
      output.line();
      turns.push({ role: 'assistant', content: answer });
      ask();
    }
  } catch (error) {
    // Ctrl-C in the middle of an answer ends the conversation, which is no failure
    if ((error as { code?: string }).code !== 'ERR_STOPPED') throw error;
    output.line();
  } finally {
    waits?.(false);
    signal.removeEventListener('abort', end);
    lines.close();
  }
  return turns;
}
