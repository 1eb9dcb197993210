// How `config.json` writes rotary positions. transformers 4 has `rope_theta` and `rope_scaling` side by side, 5 one
// `rope_parameters`; Gemma 3 has one of those for each kind of layer. All are read; the older pair is written, which both
// versions read alike.
import { ConfigError, type RotaryScaling } from '@gimbal/tensor-core';
import { readConfig } from '../huggingface-config.ts';

type Json = Record<string, unknown>;

export interface RopeOptions {
  ropeTheta: number;
  ropeScaling?: RotaryScaling;
  localRopeTheta?: number;
}

/** Reads the rotary part of a config. */
export function ropeFromJson(json: Json, absent: { theta: number; local?: number }): RopeOptions {
  const newer = (json.rope_parameters ?? {}) as Json;
  const full = (newer.full_attention ?? newer) as Json;
  const sliding = (newer.sliding_attention ?? {}) as Json;
  const scaling = fromScaling({ ...((json.rope_scaling ?? {}) as Json), ...full }, json);
  const ownScaling = fromScaling(sliding, json);
  if (ownScaling !== undefined) throw notKnown(`${ownScaling.type} in layers that slide`);
  const local = sliding.rope_theta ?? json.rope_local_base_freq ?? absent.local;
  return {
    ropeTheta: (full.rope_theta ?? json.rope_theta ?? absent.theta) as number,
    ...(scaling === undefined ? {} : { ropeScaling: scaling }),
    ...(local === undefined ? {} : { localRopeTheta: local as number }),
  };
}

/** The older pair of keys. */
export const ropeToJson = (o: RopeOptions): Json => ({
  rope_theta: o.ropeTheta,
  rope_scaling: o.ropeScaling === undefined ? null : toScaling(o.ropeScaling),
  ...(o.localRopeTheta === undefined ? {} : { rope_local_base_freq: o.localRopeTheta }),
});

function toScaling(s: RotaryScaling): Json {
  switch (s.type) {
    case 'linear':
      return { rope_type: 'linear', factor: s.factor };
    case 'llama3':
      return {
        rope_type: 'llama3',
        factor: s.factor,
        low_freq_factor: s.lowFrequencyFactor,
        high_freq_factor: s.highFrequencyFactor,
        original_max_position_embeddings: s.originalMaxPositions,
      };
    case 'yarn':
      return {
        rope_type: 'yarn',
        factor: s.factor,
        beta_fast: s.betaFast,
        beta_slow: s.betaSlow,
        attention_factor: s.attentionFactor,
        original_max_position_embeddings: s.originalMaxPositions,
      };
  }
}

function fromScaling(rope: Json, json: Json): RotaryScaling | undefined {
  const type = (rope.rope_type ?? rope.type ?? 'default') as string;
  const read = readConfig(rope);
  switch (type) {
    case 'default':
      return undefined;
    case 'linear':
      return { type, factor: read.number('factor') };
    case 'llama3':
      return {
        type,
        factor: read.number('factor'),
        lowFrequencyFactor: read.number('low_freq_factor'),
        highFrequencyFactor: read.number('high_freq_factor'),
        originalMaxPositions: read.number('original_max_position_embeddings'),
      };
    case 'yarn': {
      for (const key of ['mscale', 'mscale_all_dim'])
        if (rope[key] !== undefined && rope[key] !== null) throw notKnown(`yarn with ${key}`);
      if (rope.truncate === false) throw notKnown('yarn with truncate: false');
      const factor = read.number('factor');
      return {
        type,
        factor,
        betaFast: read.number('beta_fast', 32),
        betaSlow: read.number('beta_slow', 1),
        attentionFactor: read.number('attention_factor', factor > 1 ? 0.1 * Math.log(factor) + 1 : 1),
        originalMaxPositions: read.number(
          'original_max_position_embeddings',
          readConfig(json).number('max_position_embeddings'),
        ),
      };
    }
    default:
      throw notKnown(type);
  }
}

const notKnown = (got: unknown): ConfigError =>
  new ConfigError({
    where: 'config.json rope_scaling',
    what: 'this stretching of rotary positions is not known here; running without it would be silently wrong',
    got,
    wanted: 'default, linear, llama3 or yarn',
  });
