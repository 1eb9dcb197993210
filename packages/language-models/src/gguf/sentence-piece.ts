// SentencePiece's BPE as GGUF files hold it (`tokenizer.ggml.model` is "llama": Llama 2, Mistral, Gemma): pieces with scores,
// of which the better one is merged first. A `tokenizer.json` has ranked merges in their place: every way to make a piece of
// two others, by the piece's score (transformers' generate_merges does the same). Bytes without a piece are `<0xNN>`.
import type { Stage, TokenizerJson } from '../tokenizer/tokenizer-json.ts';

/** SentencePiece's sign for a space. */
const space = '▁';

/** Values of `tokenizer.ggml.token_type`. */
export const tokenTypes = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

/** The parts of a `tokenizer.json` that say how a text is split. */
type Pipeline = Pick<TokenizerJson, 'normalizer' | 'pre_tokenizer' | 'decoder' | 'model'>;

/** What a file says of a SentencePiece model. */
export interface Pieces {
  /** By id. */
  readonly tokens: readonly string[];
  /** By id: what is larger is merged first. */
  readonly scores: readonly number[];
  /** By id, of `tokenTypes`; empty: all are normal. */
  readonly types: readonly number[];
  /** The token of what has no other. */
  readonly unknown: string | undefined;
  /** Whether a text begins with a space of its own. */
  readonly addsSpace: boolean;
}

/** Every way to make a piece of two others: the best piece first, of one piece the longer beginning first. */
function mergesOf({ tokens, scores, types }: Pick<Pieces, 'tokens' | 'scores' | 'types'>): [string, string][] {
  const ids = new Map(tokens.map((token, id) => [token, id]));
  const found: { pair: [string, string]; score: number; left: number; right: number }[] = [];
  tokens.forEach((token, id) => {
    if ((types[id] ?? tokenTypes.normal) !== tokenTypes.normal) return;
    const letters = Array.from(token);
    for (let at = 1; at < letters.length; at++) {
      const pair: [string, string] = [letters.slice(0, at).join(''), letters.slice(at).join('')];
      if (!ids.has(pair[0]) || !ids.has(pair[1])) continue;
      found.push({ pair, score: scores[id] as number, left: at, right: letters.length - at });
    }
  });
  found.sort((a, b) => b.score - a.score || b.left - a.left || b.right - a.right);
  return found.map(({ pair }) => pair);
}

/** How a text is split by these pieces. */
export function pipelineOfPieces(pieces: Pieces): Pipeline {
  const { tokens, unknown, addsSpace } = pieces;
  const spaces: Stage = { type: 'Replace', pattern: { String: ' ' }, content: space };
  return {
    normalizer: addsSpace ? { type: 'Sequence', normalizers: [{ type: 'Prepend', prepend: space }, spaces] } : spaces,
    pre_tokenizer: null,
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: space }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        ...(addsSpace ? [{ type: 'Strip', content: ' ', start: 1, stop: 0 }] : []),
      ],
    },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: unknown ?? null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: true,
      byte_fallback: true,
      ignore_merges: false,
      vocab: Object.fromEntries(tokens.map((content, id) => [content, id])),
      merges: mergesOf(pieces),
    },
  };
}

/** Whether a text begins with a space of its own; undefined where spaces are not written as SentencePiece does. */
function spacePrefix({ normalizer, pre_tokenizer: split }: TokenizerJson): boolean | undefined {
  const stages = normalizer?.type === 'Sequence' ? (normalizer.normalizers as Stage[]) : normalizer ? [normalizer] : [];
  const replaces = (stage: Stage): boolean =>
    stage.type === 'Replace' && (stage.pattern as { String?: string }).String === ' ' && stage.content === space;
  const prepends = (stage: Stage): boolean => stage.type === 'Prepend' && stage.prepend === space;
  if (split?.type === 'Metaspace' && stages.length === 0) {
    if (split.split !== false || split.replacement !== space) return undefined;
    return split.prepend_scheme === 'always' ? true : split.prepend_scheme === 'never' ? false : undefined;
  }
  // Gemma's file splits at spaces of which there are none any more
  const idle = split === null || (split.type === 'Split' && (split.pattern as { String?: string }).String === ' ');
  if (!idle || !stages.some(replaces) || !stages.every((stage) => replaces(stage) || prepends(stage))) return undefined;
  return stages.some(prepends);
}

/**
 * Scores that merge as the merges of a `tokenizer.json` do.
 * @param tokens by id
 * @returns undefined for a tokenizer that scores of pieces cannot describe
 */
export function piecesOf(
  json: TokenizerJson,
  tokens: readonly string[],
  types: readonly number[],
): { scores: number[]; addsSpace: boolean } | undefined {
  const addsSpace = spacePrefix(json);
  if (json.model.type !== 'BPE' || json.model.byte_fallback !== true || addsSpace === undefined) return undefined;
  const merges = (json.model.merges as (string | [string, string])[]).map((m) =>
    typeof m === 'string' ? (m.split(' ') as [string, string]) : m,
  );
  const ranks = new Map<string, number>();
  for (const [i, [left, right]] of merges.entries()) if (!ranks.has(left + right)) ranks.set(left + right, i);
  const scores = tokens.map((token, id) => -(ranks.get(token) ?? merges.length + id));
  // a piece has one score: where it may be made in two ways, both must come one after the other
  const rebuilt = mergesOf({ tokens, scores, types });
  const same = rebuilt.length === merges.length && rebuilt.every(([a, b], i) => `${a} ${b}` === merges[i]?.join(' '));
  return same ? { scores, addsSpace } : undefined;
}
