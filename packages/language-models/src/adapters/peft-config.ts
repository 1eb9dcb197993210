// `adapter_config.json` of Python's PEFT.
import { CheckpointError } from '@gimbal/tensor-core';
import type { Adaptable } from './adaptable.ts';
import { type LoraConfig, loraConfig } from './lora-config.ts';

type Json = Record<string, unknown>;

/**
 * Reads the config of an adapter.
 * @throws CheckpointError for an adapter of another kind, or an option that is not done here
 */
export function loraFromPeft(json: Json, where: string): LoraConfig {
  const refuse = (key: string, wanted: string): never => {
    throw new CheckpointError({ where: `${where} ${key}`, what: 'cannot be used', got: json[key], wanted });
  };
  if (json.peft_type !== 'LORA') refuse('peft_type', 'LORA');
  if ((json.bias ?? 'none') !== 'none') refuse('bias', 'none');
  for (const key of [
    'lora_bias',
    'layer_replication',
    'layers_to_transform',
    'megatron_config',
    'trainable_token_indices',
    'target_parameters',
    'alora_invocation_tokens',
  ]) {
    const value = json[key] ?? false;
    if (value !== false && !(Array.isArray(value) && value.length === 0)) refuse(key, 'absent');
  }
  const { target_modules: targets } = json;
  if (typeof targets !== 'string' && !Array.isArray(targets)) refuse('target_modules', 'names of layers');
  return loraConfig({
    rank: json.r as number,
    alpha: (json.lora_alpha ?? 8) as number,
    rankStabilized: json.use_rslora === true,
    dora: json.use_dora === true,
    targetModules: targets as string | string[],
    rankPattern: (json.rank_pattern ?? {}) as Record<string, number>,
    alphaPattern: (json.alpha_pattern ?? {}) as Record<string, number>,
  });
}

/** Writes the config of an adapter. */
export const loraToPeft = (c: LoraConfig, o: { base: string } & Pick<Adaptable, 'family' | 'taskType'>): Json => ({
  peft_type: 'LORA',
  task_type: o.taskType,
  base_model_name_or_path: o.base,
  r: c.rank,
  lora_alpha: c.alpha,
  lora_dropout: 0,
  target_modules: c.targetModules,
  bias: 'none',
  fan_in_fan_out: o.family === 'gpt2',
  use_rslora: c.rankStabilized,
  use_dora: c.dora,
  rank_pattern: c.rankPattern,
  alpha_pattern: c.alphaPattern,
  modules_to_save: null,
  init_lora_weights: true,
  inference_mode: true,
});
