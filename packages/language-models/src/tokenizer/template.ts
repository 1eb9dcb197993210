// What a tokenizer's post-processor adds around one text or a pair: special tokens, and which of the texts a token belongs
// to. Done here because texts must be shortened before it, never its separators.
import { ConfigError } from '@gimbal/tensor-core';
import type { Stage } from './tokenizer-json.ts';

/** A piece of a template: a special token, or one of the texts; each with its type. */
type Piece =
  | { readonly ids: readonly number[]; readonly type: number }
  | { readonly text: 'a' | 'b'; readonly type: number };

export interface Template {
  readonly single: readonly Piece[];
  readonly pair: readonly Piece[] | undefined;
}

/** Tokens with the text of a pair that each belongs to. */
export interface Framed {
  readonly ids: Int32Array;
  readonly types: Int32Array;
}

const plain: Template = { single: [{ text: 'a', type: 0 }], pair: undefined };

/**
 * Reads the template of a post-processor.
 * @throws ConfigError for one that is not known here
 */
export function templateOf(stage: Stage | null): Template {
  if (stage === null || stage.type === 'ByteLevel') return plain;
  switch (stage.type) {
    case 'Sequence': {
      const parts = (stage.processors as Stage[]).map(templateOf);
      return parts.find((part) => part !== plain) ?? plain;
    }
    case 'BertProcessing':
    case 'RobertaProcessing': {
      const [cls, sep] = [stage.cls, stage.sep].map((token) => [(token as [string, number])[1]]) as [
        number[],
        number[],
      ];
      const bert = stage.type === 'BertProcessing';
      const [start, middle] = [
        { ids: cls, type: 0 },
        { ids: bert ? sep : [...sep, ...sep], type: 0 },
      ];
      const second = bert ? 1 : 0;
      return {
        single: [start, { text: 'a', type: 0 }, { ids: sep, type: 0 }],
        pair: [start, { text: 'a', type: 0 }, middle, { text: 'b', type: second }, { ids: sep, type: second }],
      };
    }
    case 'TemplateProcessing': {
      const tokens = stage.special_tokens as Record<string, { ids: number[] }>;
      const read = (list: unknown): Piece[] =>
        (list as { Sequence?: { id: string; type_id: number }; SpecialToken?: { id: string; type_id: number } }[]).map(
          ({ Sequence: text, SpecialToken: token }) =>
            text
              ? { text: text.id === 'A' ? 'a' : 'b', type: text.type_id }
              : { ids: tokens[token?.id as string]?.ids ?? [], type: token?.type_id ?? 0 },
        );
      return { single: read(stage.single), pair: read(stage.pair) };
    }
    default:
      throw new ConfigError({
        where: 'tokenizer.json post_processor',
        what: 'not known here',
        got: stage.type,
        wanted: 'TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel or Sequence',
      });
  }
}

/**
 * Puts one text or a pair into the template, shortened to `limit` tokens in all: the longer text loses its end first.
 * @throws ConfigError for a pair where the tokenizer has no template for one, or a limit that the specials alone exceed
 */
export function frame(
  template: Template,
  a: Int32Array,
  b: Int32Array | undefined,
  limit = Number.POSITIVE_INFINITY,
): Framed {
  const pieces = b === undefined ? template.single : template.pair;
  if (pieces === undefined || pieces.length === 0) {
    const fix = 'Join the two texts into one, for example as `premise: … hypothesis: …`';
    throw new ConfigError({ where: 'tokenizer', what: 'it has no template for a pair of texts', fix });
  }
  const specials = pieces.reduce((sum, piece) => sum + ('ids' in piece ? piece.ids.length : 0), 0);
  const room = limit - specials;
  if (room < 1) {
    const wanted = `more than ${specials} special tokens`;
    throw new ConfigError({ where: 'tokenizer', what: 'the limit leaves no room for text', got: limit, wanted });
  }
  let [first, second] = [a.length, b?.length ?? 0];
  // as if the longer one lost token after token
  const over = first + second - room;
  if (over > 0) {
    const low = Math.min(first, second);
    if (Math.max(first, second) - over >= low) {
      if (first > second) first -= over;
      else second -= over;
    } else {
      const half = Math.floor(room / 2);
      [first, second] = a.length > (b?.length ?? 0) ? [room - half, half] : [half, room - half];
    }
  }
  const texts = { a: a.subarray(0, first), b: (b ?? new Int32Array()).subarray(0, second) };
  const ids: number[] = [];
  const types: number[] = [];
  for (const piece of pieces) {
    for (const id of 'ids' in piece ? piece.ids : texts[piece.text]) {
      ids.push(id);
      types.push(piece.type);
    }
  }
  return { ids: Int32Array.from(ids), types: Int32Array.from(types) };
}
