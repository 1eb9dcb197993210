// What an adapter is, in PEFT's words: which layers, of which rank, scaled how.
import { ConfigError, requireOptions } from '@gimbal/tensor-core';

/** The options of PEFT's LoraConfig, by our names. */
export interface LoraOptions {
  /** Rank r of the adapters' matrices (8). */
  rank?: number;
  /** Adapters are multiplied by alpha / rank (twice the rank). */
  alpha?: number;
  /** By alpha / √rank instead (false). */
  rankStabilized?: boolean;
  /** Also learn the length of each output's weights: DoRA (false). */
  dora?: boolean;
  /** Which layers: ends of their paths, such as `q_proj`, a regular expression of the whole path, or `all-linear`, every matrix but the output's (`all-linear`). */
  targetModules?: readonly string[] | string;
  /** Ranks of some layers, by a regular expression of the end of their path. */
  rankPattern?: Readonly<Record<string, number>>;
  /** Alphas of some layers, in the same way. */
  alphaPattern?: Readonly<Record<string, number>>;
}

/** The options with every default filled in. */
export type LoraConfig = Required<LoraOptions>;

/**
 * Fills in the defaults and checks them.
 * @throws ConfigError for a rank or an alpha that is no number > 0
 */
export function loraConfig(o: LoraOptions = {}): LoraConfig {
  requireOptions('lora', o);
  const { rank = 8, rankStabilized = false, dora = false, targetModules = 'all-linear' } = o;
  const { alpha = 2 * rank, rankPattern = {}, alphaPattern = {} } = o;
  for (const [name, value] of [['rank', rank] as const, ...Object.entries(rankPattern)]) {
    if (Number.isSafeInteger(value) && value > 0) continue;
    throw new ConfigError({ where: `lora.${name}`, what: 'bad rank', got: value, wanted: 'a whole number > 0' });
  }
  for (const [name, value] of [['alpha', alpha] as const, ...Object.entries(alphaPattern)]) {
    if (value > 0 && Number.isFinite(value)) continue;
    throw new ConfigError({ where: `lora.${name}`, what: 'out of range', got: value, wanted: 'a number > 0' });
  }
  return { rank, alpha, rankStabilized, dora, targetModules, rankPattern, alphaPattern };
}

/** Rank and scale of the layer of a path. */
export function loraShape(c: LoraConfig, path: string): { rank: number; scale: number } {
  const find = (pattern: Readonly<Record<string, number>>): number | undefined =>
    Object.entries(pattern).find(([key]) => new RegExp(`^(?:.*\\.)?(?:${key})$`).test(path))?.[1];
  const rank = find(c.rankPattern) ?? c.rank;
  const alpha = find(c.alphaPattern) ?? c.alpha;
  return { rank, scale: alpha / (c.rankStabilized ? Math.sqrt(rank) : rank) };
}

/** Whether an adapter belongs to the layer of a path. */
export function isTarget({ targetModules: t }: LoraConfig, path: string): boolean {
  if (t === 'all-linear') return true;
  if (typeof t === 'string') return new RegExp(`^(?:${t})$`).test(path);
  return t.some((name) => path === name || path.endsWith(`.${name}`));
}
