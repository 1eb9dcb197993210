// The tokenizer in a GGUF file's metadata, as a `tokenizer.json` and back. Of byte-level BPE (`gpt2`) llama.cpp names the way
// of splitting a text (`pre`) and knows its expressions itself; SentencePiece's (`llama`) is in sentence-piece.ts.
import { CheckpointError, ConfigError } from '@gimbal/tensor-core';
import { gpt2Pattern } from '../tokenizer/byte-level.ts';
import { Tokenizer } from '../tokenizer/tokenizer.ts';
import { addedToken, type Stage, type TokenizerJson } from '../tokenizer/tokenizer-json.ts';
import type { GgufValue } from './read-header.ts';
import { piecesOf, pipelineOfPieces, tokenTypes } from './sentence-piece.ts';

/** Qwen's and Llama 3's expression, with digits by `digits`. */
const cased = (digits: string): string =>
  `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`;

/** The expressions of each `pre`, one after the other. */
const splits: Readonly<Record<string, readonly string[]>> = {
  smollm: ['\\p{N}', gpt2Pattern],
  starcoder: ['\\p{N}', gpt2Pattern],
  refact: ['\\p{N}', gpt2Pattern],
  'command-r': ['\\p{N}', gpt2Pattern],
  'gpt-2': [gpt2Pattern],
  olmo: [gpt2Pattern],
  mpt: [gpt2Pattern],
  qwen2: [cased('\\p{N}')],
  'deepseek-r1-qwen': [cased('\\p{N}')],
  'llama-bpe': [cased('\\p{N}{1,3}')],
};

/** The parts of a `tokenizer.json` that say how a text is split. */
type Pipeline = Pick<TokenizerJson, 'normalizer' | 'pre_tokenizer' | 'decoder' | 'model'>;

function byteLevelPipeline(
  tokens: readonly string[],
  merges: readonly string[],
  { pre, expressions }: { pre: string; expressions: readonly string[] },
): Pipeline {
  const split = (Regex: string): Stage => ({ type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false });
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false };
  return {
    normalizer: pre === 'qwen2' ? { type: 'NFC' } : null,
    pre_tokenizer: { type: 'Sequence', pretokenizers: [...expressions.map(split), byteLevel] },
    decoder: byteLevel,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: pre === 'llama-bpe',
      vocab: Object.fromEntries(tokens.map((content, id) => [content, id])),
      merges: merges.map((pair) => {
        const at = pair.indexOf(' ', 1);
        return [pair.slice(0, at), pair.slice(at + 1)];
      }),
    },
  };
}

/**
 * Reads the tokenizer.
 * @param size rows of the model's embedding
 * @throws CheckpointError for a kind or a way of splitting that is not known here, more tokens than the model has, or types of
 * another number than the tokens
 */
export function tokenizerFromGguf(
  metadata: ReadonlyMap<string, GgufValue>,
  where: string,
  size = Number.POSITIVE_INFINITY,
): Tokenizer {
  const get = (key: string): GgufValue | undefined => metadata.get(`tokenizer.ggml.${key}`);
  const refuse = (key: string, wanted: string): never => {
    throw new CheckpointError({
      where: `${where} tokenizer.ggml.${key}`,
      what: 'not known here',
      got: get(key),
      wanted,
    });
  };
  const kind = get('model');
  if (kind !== 'gpt2' && kind !== 'llama') refuse('model', 'gpt2 or llama');
  const pre = kind === 'llama' ? 'default' : String(get('pre') ?? 'gpt-2');
  const texts = (key: string): readonly string[] => {
    const list = get(key);
    const good = Array.isArray(list) && list.every((each) => typeof each === 'string');
    return good ? (list as readonly string[]) : refuse(key, 'a list of texts');
  };
  const tokens = texts('tokens');
  if (tokens.length > size) {
    throw new CheckpointError({
      where: `${where} tokenizer.ggml.tokens`,
      what: 'there are more tokens than the model has embeddings for',
      got: tokens.length,
      wanted: `at most ${size}, the rows of token_embd.weight`,
      fix: 'Take a file whose tokenizer is the model’s',
    });
  }
  const types = (get('token_type') ?? []) as readonly number[];
  if (!Array.isArray(types) || (types.length !== tokens.length && types.length > 0)) {
    throw new CheckpointError({
      where: `${where} tokenizer.ggml.token_type`,
      what: 'not one type for each token',
      got: Array.isArray(types) ? types.length : types,
      wanted: `${tokens.length} numbers`,
      fix: 'The file is damaged: copy it again from where it came',
    });
  }
  const pieces = (): Pipeline => {
    const scores = get('scores');
    const good = Array.isArray(scores) && scores.length === tokens.length && scores.every((x) => typeof x === 'number');
    if (!good) refuse('scores', `${tokens.length} numbers`);
    return pipelineOfPieces({
      tokens,
      scores: scores as readonly number[],
      types,
      unknown: token('unknown') ?? tokens[types.indexOf(tokenTypes.unknown)],
      addsSpace: get('add_space_prefix') !== false,
    });
  };
  const byteLevelPieces = (): Pipeline => {
    const expressions = Object.hasOwn(splits, pre)
      ? (splits[pre] as readonly string[])
      : refuse('pre', Object.keys(splits).join(', '));
    return byteLevelPipeline(tokens, texts('merges'), { pre, expressions });
  };
  const token = (role: string): string | undefined => tokens[Number(get(`${role}_token_id`) ?? -1)];
  const bos = token('bos');
  const addsBos = get('add_bos_token') ?? (pre === 'llama-bpe' || kind === 'llama');
  const isAdded = (type: number | undefined): boolean =>
    type === tokenTypes.control || type === tokenTypes.userDefined || (kind === 'llama' && type === tokenTypes.unknown);
  const json: TokenizerJson = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: tokens.flatMap((content, id) =>
      isAdded(types[id]) ? [addedToken(id, content, types[id] !== tokenTypes.userDefined)] : [],
    ),
    ...(kind === 'llama' ? pieces() : byteLevelPieces()),
    post_processor:
      addsBos && bos !== undefined
        ? {
            type: 'TemplateProcessing',
            single: [{ SpecialToken: { id: bos, type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
            pair: [],
            special_tokens: { [bos]: { id: bos, ids: [Number(get('bos_token_id'))], tokens: [bos] } },
          }
        : null,
  };
  const template = metadata.get('tokenizer.chat_template');
  const roles = { bos_token: bos, eos_token: token('eos'), pad_token: token('padding'), unk_token: token('unknown') };
  return new Tokenizer(json, {
    tokenizer_class: 'PreTrainedTokenizerFast',
    clean_up_tokenization_spaces: false,
    ...Object.fromEntries(Object.entries(roles).filter(([, content]) => content !== undefined)),
    ...(typeof template === 'string' ? { chat_template: template } : {}),
  });
}

/** The expressions that a pre-tokenizer splits by; undefined for another one. */
function expressionsOf(stage: Stage | null): string[] | undefined {
  if (stage === null) return undefined;
  if (stage.type === 'ByteLevel') {
    if (stage.add_prefix_space === true) return undefined;
    return stage.use_regex === false ? [] : [gpt2Pattern];
  }
  if (stage.type === 'Digits') return stage.individual_digits === true ? ['\\p{N}'] : undefined;
  if (stage.type === 'Split') {
    const regex = (stage.pattern as { Regex?: string }).Regex;
    return regex === undefined || stage.behavior !== 'Isolated' ? undefined : [regex];
  }
  if (stage.type !== 'Sequence') return undefined;
  const parts = (stage.pretokenizers as Stage[]).map(expressionsOf);
  return parts.includes(undefined) ? undefined : (parts as string[][]).flat();
}

/** The metadata of a tokenizer. @throws ConfigError for one that llama.cpp could not run alike */
export function tokenizerToGguf(tokenizer: Tokenizer, vocabularySize: number): Map<string, GgufValue> {
  const { json, config } = tokenizer;
  const added = new Map(json.added_tokens.map((t) => [t.id, t]));
  const tokens = Array.from({ length: vocabularySize }, (_, id) => tokenizer.token(id) ?? `[UNUSED_${id}]`);
  const bytes = json.model.byte_fallback === true;
  const types = tokens.map((content, id) => {
    if (tokenizer.token(id) === undefined) return tokenTypes.unused;
    if (bytes && content === json.model.unk_token) return tokenTypes.unknown;
    if (added.has(id)) return added.get(id)?.special ? tokenTypes.control : tokenTypes.userDefined;
    return bytes && /^<0x[0-9A-F]{2}>$/.test(content) ? tokenTypes.byte : tokenTypes.normal;
  });
  const out = new Map<string, GgufValue>([
    ...splitting(json, tokens, types),
    ['tokenizer.ggml.tokens', tokens],
    ['tokenizer.ggml.token_type', types],
    ['tokenizer.ggml.add_bos_token', tokenizer.begin.length > 0],
  ]);
  const { bos, eos, pad } = tokenizer.special;
  const unknown = types.indexOf(tokenTypes.unknown);
  for (const [role, id] of [
    ['bos', bos ?? eos],
    ['eos', eos],
    ['padding', pad],
    ['unknown', unknown < 0 ? undefined : unknown],
  ] as const) {
    if (id !== undefined) out.set(`tokenizer.ggml.${role}_token_id`, id);
  }
  if (typeof config.chat_template === 'string') out.set('tokenizer.chat_template', config.chat_template);
  return out;
}

/** How a text is split: the kind of tokenizer, and its merges or scores. */
function splitting(
  json: TokenizerJson,
  tokens: readonly string[],
  types: readonly number[],
): readonly (readonly [string, GgufValue])[] {
  const pieces = piecesOf(json, tokens, types);
  if (pieces !== undefined) {
    return [
      ['tokenizer.ggml.model', 'llama'],
      ['tokenizer.ggml.pre', 'default'],
      ['tokenizer.ggml.scores', pieces.scores],
      ['tokenizer.ggml.add_space_prefix', pieces.addsSpace],
    ];
  }
  const expressions = expressionsOf(json.pre_tokenizer);
  const pre = Object.entries(splits).find(([, list]) => `${list}` === `${expressions}`)?.[0];
  if (json.model.type !== 'BPE' || json.model.byte_fallback === true || pre === undefined) {
    throw new ConfigError({
      where: 'GGUF tokenizer',
      what: 'this tokenizer has no name there',
      got:
        expressions === undefined || json.model.byte_fallback === true ? json.model.type : expressions.join(' then '),
      wanted: `SentencePiece's BPE, or byte-level BPE that splits as ${Object.keys(splits).join(', ')}`,
    });
  }
  const merges = (json.model.merges as (string | [string, string])[]).map((m) =>
    typeof m === 'string' ? m : m.join(' '),
  );
  return [
    ['tokenizer.ggml.model', 'gpt2'],
    ['tokenizer.ggml.pre', pre],
    ['tokenizer.ggml.merges', merges],
  ];
}
