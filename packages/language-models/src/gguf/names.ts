// Names of tensors and options in GGUF files, and what llama.cpp's converter does to weights on the way.
import { ConfigError } from '@gimbal/tensor-core';
import type { DecoderConfig, FamilyName } from '../decoder/config.ts';

/** What llama.cpp calls a family. Mistral without windows is its `llama`. */
const architectures: Readonly<Partial<Record<FamilyName, string>>> = {
  llama: 'llama',
  mistral: 'llama',
  qwen2: 'qwen2',
  qwen3: 'qwen3',
  gemma2: 'gemma2',
  gemma3_text: 'gemma3',
};

/** Our family of an architecture. */
export const familyOfArchitecture = (architecture: string): FamilyName | undefined =>
  Object.entries(architectures).find(([, name]) => name === architecture)?.[0] as FamilyName | undefined;

/** Every architecture that is read, for messages. */
export const knownArchitectures = [...new Set(Object.values(architectures))];

/** The architecture of a family. @throws ConfigError for one that GGUF files of ours cannot hold */
export function architectureOf(c: DecoderConfig): string {
  const found = architectures[c.family];
  if (
    found !== undefined &&
    !(c.family === 'mistral' && c.window !== undefined) &&
    !(c.family === 'llama' && c.attentionBias)
  )
    return found;
  const what =
    found === undefined ? 'this family is not written as GGUF' : 'windows and biases are not written for this family';
  throw new ConfigError({ where: 'GGUF', what, got: c.family, wanted: Object.keys(architectures).join(', ') });
}

const blockNames: readonly [theirs: string, ours: string][] = [
  ['attn_norm', 'input_layernorm'],
  ['attn_q', 'self_attn.q_proj'],
  ['attn_k', 'self_attn.k_proj'],
  ['attn_v', 'self_attn.v_proj'],
  ['attn_output', 'self_attn.o_proj'],
  ['attn_q_norm', 'self_attn.q_norm'],
  ['attn_k_norm', 'self_attn.k_norm'],
  ['ffn_gate', 'mlp.gate_proj'],
  ['ffn_up', 'mlp.up_proj'],
  ['ffn_down', 'mlp.down_proj'],
];
const plainNorms: readonly [string, string][] = [['ffn_norm', 'post_attention_layernorm']];
const outputNorms: readonly [string, string][] = [
  ['post_attention_norm', 'post_attention_layernorm'],
  ['ffn_norm', 'pre_feedforward_layernorm'],
  ['post_ffw_norm', 'post_feedforward_layernorm'],
];

const pairsOf = (family: FamilyName): readonly [string, string][] => [
  ...blockNames,
  ...(family === 'gemma2' || family === 'gemma3_text' ? outputNorms : plainNorms),
];

/** The name in a GGUF file of one of our paths. */
export function ggufName(family: FamilyName, path: string): string {
  const suffix = path.slice(path.lastIndexOf('.'));
  const stem = path.slice(0, path.lastIndexOf('.'));
  const outside = { 'model.embed_tokens': 'token_embd', 'model.norm': 'output_norm', lm_head: 'output' }[stem];
  if (outside !== undefined) return outside + suffix;
  const [, layer, rest] = /^model\.layers\.(\d+)\.(.*)$/.exec(stem) ?? [];
  const found = pairsOf(family).find(([, ours]) => ours === rest);
  if (found === undefined)
    throw new ConfigError({ where: 'GGUF', what: 'a parameter without a name there', got: path });
  return `blk.${layer}.${found[0]}${suffix}`;
}

/** How many heads' rows are interleaved in the file; 0 where they are not. */
export function interleavedHeads(
  architecture: string,
  path: string,
  c: Pick<DecoderConfig, 'heads' | 'kvHeads'>,
): number {
  if (architecture !== 'llama') return 0;
  if (/self_attn\.q_proj\.(?:weight|bias)$/.test(path)) return c.heads;
  return /self_attn\.k_proj\.(?:weight|bias)$/.test(path) ? c.kvHeads : 0;
}

/** The row in the file of each of our rows: within a head, row b D/2 + j stands at 2 j + b. */
export function interleavedRows(rows: number, heads: number): Int32Array {
  const width = rows / heads;
  return Int32Array.from({ length: rows }, (_, r) => {
    const [head, w] = [Math.floor(r / width), r % width];
    const [b, j] = [Math.floor(w / (width / 2)), w % (width / 2)];
    return head * width + 2 * j + b;
  });
}

/** Whether the file holds 1 + w of this norm. */
export const isOffsetNorm = (family: FamilyName, path: string): boolean =>
  family.startsWith('gemma') && /norm\.weight$/.test(path);
