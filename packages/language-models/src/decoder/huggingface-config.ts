// Reading a `config.json` with typed errors: what is absent takes the default of its family, what is of a wrong type or
// asks for something that is not done here is refused by name.
import { ConfigError } from '@gimbal/tensor-core';
import type { DecoderConfig } from './config.ts';

export interface ConfigReader {
  /** A number; null counts as absent. @throws ConfigError where it is absent and has no default, or is no number */
  number(key: string, absent?: number): number;
  boolean(key: string, absent: boolean): boolean;
  /** Refuses every value of `key` but these. */
  require(key: string, values: readonly unknown[], absent: unknown): void;
}

/** What helps where a file says what no program writes. */
export const copyAgain = 'The file is damaged or of another program: copy the folder again from where it came';

export function readConfig(json: Record<string, unknown>): ConfigReader {
  const refuse = (key: string, wanted: string, fix?: string): ConfigError =>
    new ConfigError({
      where: `config.json ${key}`,
      what: 'cannot be used',
      got: json[key],
      wanted,
      ...(fix && { fix }),
    });
  return {
    number(key, absent) {
      const value = json[key] ?? absent;
      if (typeof value !== 'number' || !Number.isFinite(value)) throw refuse(key, 'a number', copyAgain);
      return value;
    },
    boolean(key, absent) {
      const value = json[key] ?? absent;
      if (typeof value !== 'boolean') throw refuse(key, 'true or false', copyAgain);
      return value;
    },
    require(key, values, absent) {
      if (!values.includes(json[key] ?? absent)) throw refuse(key, values.map((v) => JSON.stringify(v)).join(' or '));
    },
  };
}

/** The special ids as `config.json` has them: one end token as a number, several as a list. */
export const specialIdsToJson = (c: DecoderConfig): Record<string, unknown> => ({
  bos_token_id: c.bosId ?? null,
  eos_token_id: c.eosIds.length === 0 ? null : c.eosIds.length === 1 ? c.eosIds[0] : c.eosIds,
  pad_token_id: c.padId,
});

/** The special ids that a `config.json` or `generation_config.json` gives. */
export function specialIdsFromJson(
  json: Record<string, unknown>,
): Partial<Pick<DecoderConfig, 'eosIds' | 'padId' | 'bosId'>> {
  const { eos_token_id: eos, pad_token_id: pad, bos_token_id: bos } = json;
  const eosIds = (Array.isArray(eos) ? eos : [eos]).filter((id) => typeof id === 'number');
  return {
    ...(eosIds.length > 0 ? { eosIds } : {}),
    ...(typeof pad === 'number' ? { padId: pad } : {}),
    ...(typeof bos === 'number' ? { bosId: bos } : {}),
  };
}
