// From what a person wrote (a flag's text, a YAML scalar) to the value an option takes. Strict where a lenient reader
// would guess: `1_000` is no number, `10.5` no whole number, `no` and `off` are false and never "true because not empty".
import type { OptionKind } from './kind.ts';

/** A value that was understood, or the reason why not. */
export type Reading = { value: unknown } | { problem: string; got: unknown };

const decimal = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/;
const yes = new Set(['true', 'yes', 'on']);
const no = new Set(['false', 'no', 'off']);

/**
 * Read one value.
 * @param kind what the option takes
 * @param raw a flag's text, or a value of a YAML file: text, number, boolean, null, list or map
 * @param source the scalar as written in the file, for an option that takes text (`007` stays `007`)
 */
export function readValue(kind: OptionKind, raw: unknown, source?: string): Reading {
  switch (kind.type) {
    case 'integer':
    case 'number':
      return readNumber(kind, raw);
    case 'boolean':
      return readBoolean(raw);
    case 'string':
      return readText(kind, raw, source);
    case 'list':
      return readList(kind.of, kind.whole && !Array.isArray(raw) ? [raw] : raw);
    case 'map':
      return readMap(raw);
    case 'either':
      return readEither(kind.of, raw, source);
  }
}

function readNumber(kind: OptionKind & { type: 'integer' | 'number' }, raw: unknown): Reading {
  const text = typeof raw === 'string' ? raw.trim() : undefined;
  if (text !== undefined && !decimal.test(text)) return { problem: 'not a number', got: raw };
  const value = text === undefined ? raw : Number(text);
  if (typeof value !== 'number' || !Number.isFinite(value)) return { problem: 'not a number', got: raw };
  if (kind.type === 'integer' && !Number.isSafeInteger(value)) return { problem: 'not a whole number', got: raw };
  const low = kind.minimum !== undefined && value < kind.minimum;
  const high = kind.maximum !== undefined && value > kind.maximum;
  const notAbove = kind.above !== undefined && value <= kind.above;
  const notBelow = kind.below !== undefined && value >= kind.below;
  return low || high || notAbove || notBelow ? { problem: 'out of range', got: value } : { value };
}

function readBoolean(raw: unknown): Reading {
  if (typeof raw === 'boolean') return { value: raw };
  const word = typeof raw === 'string' ? raw.trim().toLowerCase() : '';
  if (yes.has(word)) return { value: true };
  if (no.has(word)) return { value: false };
  return { problem: 'neither true nor false', got: raw };
}

function readText(kind: OptionKind & { type: 'string' }, raw: unknown, source?: string): Reading {
  const text = typeof raw === 'string' ? raw : typeof raw === 'number' || typeof raw === 'boolean' ? source : undefined;
  const value = text ?? (typeof raw === 'number' || typeof raw === 'boolean' ? String(raw) : undefined);
  if (value === undefined) return { problem: 'not text', got: raw };
  if (kind.filled && value === '') return { problem: 'empty', got: value };
  if (kind.choices && !kind.choices.includes(value)) return { problem: 'unknown value', got: value };
  return { value };
}

/** A text that is all white space is meant: a line feed ends a completion. */
const trimmed = (text: string): string => text.trim() || text;

function readList(of: OptionKind, raw: unknown): Reading {
  const parts = Array.isArray(raw) ? raw : typeof raw === 'string' ? raw.split(',').map(trimmed) : [raw];
  const values: unknown[] = [];
  for (const part of parts) {
    const reading = readValue(of, part);
    if ('problem' in reading) return reading;
    values.push(reading.value);
  }
  return { value: values };
}

function readMap(raw: unknown): Reading {
  if (typeof raw === 'object' && raw !== null && !Array.isArray(raw)) {
    const wrong = Object.values(raw).find((v) => typeof v !== 'string');
    return wrong === undefined ? { value: { ...raw } } : { problem: 'a value that is not text', got: wrong };
  }
  if (typeof raw !== 'string') return { problem: 'no pairs', got: raw };
  const value: { [key: string]: string } = {};
  for (const pair of raw.split(',')) {
    const at = pair.indexOf('=');
    if (at < 1) return { problem: 'no pairs', got: raw };
    if (pair.slice(at + 1).trim() === '') return { problem: 'a pair without a value', got: raw };
    value[pair.slice(0, at).trim()] = pair.slice(at + 1).trim();
  }
  return { value };
}

function readEither(kinds: readonly OptionKind[], raw: unknown, source?: string): Reading {
  let first: Reading | undefined;
  for (const kind of kinds) {
    const reading = readValue(kind, raw, source);
    if ('value' in reading) return reading;
    first ??= reading;
  }
  return { problem: 'no value this option takes', got: first && 'got' in first ? first.got : raw };
}
