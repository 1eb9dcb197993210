// What families with Llama's names change in its block. A family is a row here; its options (windows, caps, scales) are in
// the config, because checkpoints of one family differ in them.
import type { DecoderConfig, FamilyName } from '../config.ts';

export interface Traits {
  /** The class that transformers opens it with. */
  readonly architecture: string;
  readonly activation: 'silu' | 'gelu';
  /** RMS norms multiply by 1 + weight. */
  readonly unitOffset: boolean;
  /** Queries and keys are normalised per head before they are turned. */
  readonly headNorms: boolean;
  /** Each branch's output is normalised before it joins the stream, which moves the name of the norm before the MLP. */
  readonly outputNorms: boolean;
  /** Embeddings are multiplied by √D. */
  readonly scalesEmbedding: boolean;
}

const plain = {
  activation: 'silu',
  unitOffset: false,
  headNorms: false,
  outputNorms: false,
  scalesEmbedding: false,
} as const;
const gemma = { ...plain, activation: 'gelu', unitOffset: true, scalesEmbedding: true } as const;

/** Every family with Llama's names. */
export type LlamaLike = Exclude<FamilyName, 'gpt2'>;

export const traits: Readonly<Record<LlamaLike, Traits>> = {
  llama: { ...plain, architecture: 'LlamaForCausalLM' },
  mistral: { ...plain, architecture: 'MistralForCausalLM' },
  qwen2: { ...plain, architecture: 'Qwen2ForCausalLM' },
  qwen3: { ...plain, architecture: 'Qwen3ForCausalLM', headNorms: true },
  gemma: { ...gemma, architecture: 'GemmaForCausalLM' },
  gemma2: { ...gemma, architecture: 'Gemma2ForCausalLM', outputNorms: true },
  gemma3_text: { ...gemma, architecture: 'Gemma3ForCausalLM', outputNorms: true, headNorms: true },
};

export const traitsOf = (c: DecoderConfig): Traits => traits[c.family as LlamaLike];
