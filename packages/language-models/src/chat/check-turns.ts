// Whether a conversation's turns are such as a model can learn from. A template prints whatever role it is given, so a
// misspelt one would be learnt as it stands.
import { DataError, nearest } from '@gimbal/tensor-core';
import type { Message } from '../data/rows.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';

/** Roles that the templates of open models know, by their usual names. */
const usual = ['system', 'developer', 'user', 'assistant', 'tool'];
/** Others that some of them take without naming them. */
const rare = ['model', 'function', 'ipython', 'environment', 'observation', 'context', 'documents', 'control'];
/** Roles of what a model writes. */
const writers = new Set(['assistant', 'model']);

/**
 * Refuses a role that neither is usual nor stands in the chat template.
 * @param where names the row
 * @throws DataError naming it
 */
export function checkRoles(messages: readonly Message[], tokenizer: Tokenizer, where: string): void {
  for (const [i, { role }] of messages.entries()) {
    if (usual.includes(role) || rare.includes(role) || isNamed(role, tokenizer)) continue;
    const near = nearest(role, usual);
    throw new DataError({
      where,
      what: `message ${i + 1} has a role that is not known, nor named in the chat template`,
      got: role,
      wanted: usual.join(', '),
      fix: near === undefined ? 'Mend the row, or remove it' : `Did you mean ${near}?`,
    });
  }
}

/**
 * Refuses a conversation without a turn of the assistant.
 * @param where names the row
 * @throws DataError
 */
export function requireAnswer(messages: readonly Message[], where: string): void {
  if (messages.some(({ role }) => writers.has(role))) return;
  throw new DataError({
    where,
    what: 'the conversation has no turn of the assistant, so no answer is learnt from it',
    got: [...new Set(messages.map(({ role }) => role))].join(', '),
    wanted: 'a message of role assistant',
    fix: 'Remove the row, or give such texts as rows of text',
  });
}

/** Whether a template has a word in quotes. */
function isNamed(role: string, { config }: Tokenizer): boolean {
  const { chat_template: all } = config;
  const sources = Array.isArray(all) ? (all as { template: string }[]).map((t) => t.template) : [all];
  return sources.some((s) => typeof s === 'string' && (s.includes(`'${role}'`) || s.includes(`"${role}"`)));
}
