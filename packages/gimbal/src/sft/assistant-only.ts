// What --assistant-only asks of rows and of the model's chat template, looked at before the model's weights are read.
import type { Dataset } from '@gimbal/language-models';
import { ConfigError, type GimbalError } from '@gimbal/tensor-core';
import { isSeq2Seq } from '../run/is-seq2seq.ts';

const where = 'gimbal sft --assistant-only';
const asTurns = 'rows of prompt and completion, both as messages: of those the completion alone is learnt';

/**
 * @param path as `modelPath` gives it; an encoder-decoder is refused elsewhere
 * @throws ConfigError for rows of another kind than conversations, or a chat template that does not mark the assistant
 */
export async function refuseAssistantOnly(path: string, data: Dataset): Promise<void> {
  if (await isSeq2Seq(path)) return;
  const lm = await import('@gimbal/language-models');
  if (!lm.isKind(data, 'conversation')) {
    const fix = data.kind.endsWith('completion')
      ? 'Leave it out: of a completion every token is learnt, and of a prompt none'
      : `Leave it out, or give ${asTurns}`;
    throw new ConfigError({ where, what: 'it is for conversations', got: data.kind, wanted: 'rows of messages', fix });
  }
  const tokenizer = await lm.loadTokenizer(path, false);
  if (tokenizer === undefined) return; // refused by whoever opens the model
  try {
    lm.tokenRows({ ...data, rows: data.rows.slice(0, 1) }, tokenizer, { limit: 2 ** 30, assistantOnly: true });
  } catch (cause) {
    const { code, what, wanted } = cause as GimbalError;
    if (code !== 'ERR_CONFIG') return; // a fault of the row is told with the others'
    const fix = `Give ${asTurns}. Or leave --assistant-only out, which learns whole conversations`;
    throw new ConfigError({ where, what, wanted, fix, cause });
  }
}
