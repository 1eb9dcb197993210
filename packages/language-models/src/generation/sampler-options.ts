// How a token is drawn from its logits.
import { ConfigError } from '@gimbal/tensor-core';

/** How a token is drawn from its logits. */
export interface SamplerOptions {
  /** Logits are divided by it; 0 takes the likeliest token (1). Comes before topK, and that before topP. */
  temperature?: number;
  /** Only the k likeliest tokens can be drawn; 0 = all (0). */
  topK?: number;
  /** Only the smallest set of likeliest tokens whose probability reaches it can be drawn; 1 = all (1). */
  topP?: number;
  /** Only tokens at least this share as probable as the likeliest can be drawn; 0 = all (0). Comes after topP. */
  minP?: number;
  /** Makes tokens that stand in the row already less likely, as Keskar et al., arXiv 1909.05858, §4.1; 1 = not (1). */
  repetitionPenalty?: number;
}

/** @throws ConfigError for a value out of range */
export function checkSampler(o: Required<SamplerOptions>): void {
  const check = (name: keyof SamplerOptions, right: boolean, wanted: string): void => {
    if (right) return;
    throw new ConfigError({ where: `generation.${name}`, what: 'out of range', got: o[name], wanted });
  };
  const { temperature, topK, topP, minP, repetitionPenalty } = o;
  check('temperature', temperature >= 0 && Number.isFinite(temperature), 'a number ≥ 0; 0 is greedy');
  check('topK', Number.isSafeInteger(topK) && topK >= 0, 'a whole number ≥ 0; 0 is no limit');
  check('topP', topP > 0 && topP <= 1, 'a number in (0, 1]; 1 is no limit');
  check('minP', minP >= 0 && minP <= 1, 'a number in [0, 1]; 0 is no limit');
  const penalises = repetitionPenalty > 0 && Number.isFinite(repetitionPenalty);
  check('repetitionPenalty', penalises, 'a number > 0; 1 is no penalty');
}
