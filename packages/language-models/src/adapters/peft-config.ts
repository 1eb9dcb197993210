// `adapter_config.json` of Python's PEFT.
import { CheckpointError } from '@gimbal/tensor-core';
import type { Adaptable } from './adaptable.ts';
import { type LoraConfig, loraConfig } from './lora-config.ts';

type Json = Record<string, unknown>;

/** Options that make an adapter compute something else, and are not done here. */
const refused = [
  'lora_bias',
  'layer_replication',
  'layers_to_transform',
  'megatron_config',
  'trainable_token_indices',
  'target_parameters',
  'alora_invocation_tokens',
  'use_qalora',
  'use_bdlora',
  'arrow_config',
  'kasa_config',
  'monteclora_config',
];

/** First values that PEFT makes out of the base model's weights, which it changes for that when it opens the adapter. */
const changesBase = /^(?:pissa(?:_niter_\d+)?|olora|corda|loftq|lora_ga)$/;

/** Options that are read here, or that only say how an adapter was trained or where it came from. */
const known = new Set([
  ...refused,
  ...['peft_type', 'task_type', 'bias', 'r', 'lora_alpha', 'target_modules', 'rank_pattern', 'alpha_pattern'],
  ...['use_rslora', 'use_dora', 'fan_in_fan_out', 'modules_to_save', 'init_lora_weights', 'lora_dropout'],
  ...['base_model_name_or_path', 'revision', 'inference_mode', 'auto_mapping', 'peft_version', 'exclude_modules'],
  ...['layers_pattern', 'megatron_core', 'loftq_config', 'eva_config', 'corda_config', 'lora_ga_config'],
  ...['velora_config', 'qalora_group_size', 'runtime_config', 'ensure_weight_tying'],
]);

const isEmpty = (value: unknown): boolean =>
  value === undefined || value === null || value === false || (Array.isArray(value) && value.length === 0);

/** Options of versions of PEFT to come, as they stand in the file. */
export const unknownToPeft = (json: Json): Json =>
  Object.fromEntries(Object.entries(json).filter(([key]) => !known.has(key)));

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
  for (const key of refused) if (!isEmpty(json[key])) refuse(key, 'absent');
  if (changesBase.test(String(json.init_lora_weights).toLowerCase())) {
    refuse('init_lora_weights', "true or gaussian: save it with PEFT's path_initial_model_for_weight_conversion");
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

/** What to tell the user of options that nothing here knows: they are passed over, and written again. */
export const peftWarnings = (other: Json, where: string): string[] =>
  Object.entries(other)
    .filter(([, value]) => !isEmpty(value))
    .map(([key, value]) => `${where} ${key}: not known here, passed over (${JSON.stringify(value)})`);

/** Writes the config of an adapter. @param o.whole names of modules whose leaves stand in the file whole */
export const loraToPeft = (
  c: LoraConfig,
  o: { base: string; whole: readonly string[] } & Pick<Adaptable, 'family' | 'taskType'>,
): Json => ({
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
  modules_to_save: o.whole.length > 0 ? o.whole : null,
  init_lora_weights: true,
  inference_mode: true,
});
