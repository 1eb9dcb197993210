// An inverter's special tokens are its tokenizer's: with others it would train without a word of complaint, and of every
// vector write the same.
import type { Tokenizer } from '@gimbal/language-models';
import { refusal } from '../internal/refuse.ts';
import { maskOf } from '../text/tokenizers.ts';
import type { InverterConfig } from './config.ts';

type Ids = Pick<InverterConfig, 'padId' | 'bosId' | 'eosId' | 'maskId'>;

/** Those that a tokenizer names; undefined where it has none. */
const named = (tokenizer: Tokenizer): Record<keyof Ids, number | undefined> => ({
  padId: tokenizer.special.pad,
  bosId: tokenizer.special.bos,
  eosId: tokenizer.special.eos,
  maskId: maskOf(tokenizer),
});

/**
 * The special ids of an inverter.
 * @param given of the options; only what the tokenizer does not name has to be
 * @throws ConfigError (`CONFIG`) where both say something else, or neither says anything
 */
export function idsOfInverter(where: string, tokenizer: Tokenizer, given: Partial<Ids>): Ids {
  const ids = Object.entries(named(tokenizer)).map(([name, id]) => {
    const asked = given[name as keyof Ids];
    const at = `${where}.config.${name}`;
    if (id === undefined && asked === undefined) {
      const fix = 'Name pad_token, bos_token, eos_token and mask_token in its config, or give the id';
      throw refusal('CONFIG', { where: at, what: 'the tokenizer has no such token', fix });
    }
    if (id !== undefined && asked !== undefined && asked !== id)
      throw refusal('CONFIG', {
        where: at,
        what: 'the tokenizer says otherwise',
        got: asked,
        wanted: id,
        fix: 'Leave it away: the ids are the tokenizer’s',
      });
    return [name, id ?? asked];
  });
  return Object.fromEntries(ids) as Ids;
}

/** @throws CheckpointError (`CHECKPOINT`) where tokenizer and config do not belong together */
export function checkInverterTokenizer(where: string, tokenizer: Tokenizer, c: InverterConfig): void {
  if (tokenizer.size !== c.vocabSize) {
    const what = 'the tokenizer is of another vocabulary than the model, in tokens';
    throw refusal('CHECKPOINT', { where, what, got: tokenizer.size, wanted: c.vocabSize });
  }
  for (const [name, id] of Object.entries(named(tokenizer)))
    if (id !== undefined && id !== c[name as keyof Ids]) {
      const what = `${name} of the tokenizer is not the model’s`;
      const fix = 'Tokenizer and weights belong to different models';
      throw refusal('CHECKPOINT', { where, what, got: id, wanted: c[name as keyof Ids], fix });
    }
}
