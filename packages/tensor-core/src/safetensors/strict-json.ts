/**
 * A strict JSON reader (RFC 8259) for files that strangers wrote. Unlike `JSON.parse` it refuses duplicate keys,
 * limits the depth, keeps objects as `Map`s (a key `__proto__` is a key like any other) and numbers as written
 * (`1e400` or `9007199254740993` reach the caller unrounded).
 */

/** A number as its characters: the caller decides what range and form it accepts. */
export interface JsonNumber {
  readonly number: string;
}

export type JsonValue = null | boolean | string | JsonNumber | JsonValue[] | Map<string, JsonValue>;

/** What was wrong, and at which character. */
export class JsonSyntaxError extends Error {
  constructor(
    readonly what: string,
    readonly position: number,
  ) {
    super(`${what} at character ${position}`);
    this.name = 'JsonSyntaxError';
  }
}

const maxDepth = 32;

/**
 * Parses a JSON text.
 * @throws JsonSyntaxError for anything RFC 8259 forbids, duplicate keys, lone surrogates and nesting deeper than 32
 */
export function parseStrictJson(text: string): JsonValue {
  const scanner = new Scanner(text);
  const value = scanner.value(0);
  scanner.space();
  if (scanner.at < text.length) throw new JsonSyntaxError('text after the end of the value', scanner.at);
  return value;
}

class Scanner {
  at = 0;
  constructor(readonly text: string) {}

  space(): void {
    for (;;) {
      const c = this.text.charCodeAt(this.at);
      if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) return;
      this.at++;
    }
  }

  value(depth: number): JsonValue {
    if (depth > maxDepth) throw new JsonSyntaxError(`nesting deeper than ${maxDepth}`, this.at);
    this.space();
    const c = this.text[this.at];
    if (c === '{') return this.object(depth);
    if (c === '[') return this.array(depth);
    if (c === '"') return this.string();
    if (c === 't') return this.literal('true', true);
    if (c === 'f') return this.literal('false', false);
    if (c === 'n') return this.literal('null', null);
    return this.number();
  }

  private object(depth: number): Map<string, JsonValue> {
    const members = new Map<string, JsonValue>();
    this.at++; // {
    this.space();
    if (this.take('}')) return members;
    for (;;) {
      this.space();
      const start = this.at;
      const key = this.string();
      if (members.has(key)) throw new JsonSyntaxError(`the key ${JSON.stringify(shorten(key))} stands twice`, start);
      this.space();
      if (!this.take(':')) throw new JsonSyntaxError('no colon after a key', this.at);
      members.set(key, this.value(depth + 1));
      this.space();
      if (this.take('}')) return members;
      if (!this.take(',')) throw new JsonSyntaxError('neither comma nor closing brace', this.at);
    }
  }

  private array(depth: number): JsonValue[] {
    const items: JsonValue[] = [];
    this.at++; // [
    this.space();
    if (this.take(']')) return items;
    for (;;) {
      items.push(this.value(depth + 1));
      this.space();
      if (this.take(']')) return items;
      if (!this.take(',')) throw new JsonSyntaxError('neither comma nor closing bracket', this.at);
    }
  }

  private string(): string {
    const start = this.at;
    if (!this.take('"')) throw new JsonSyntaxError('no string where one must stand', this.at);
    let escaped = false;
    for (;;) {
      const c = this.text.charCodeAt(this.at);
      if (Number.isNaN(c)) throw new JsonSyntaxError('a string without end', start);
      if (c < 0x20) throw new JsonSyntaxError('a control character in a string', this.at);
      if (c === 0x22) break;
      if (c === 0x5c) {
        escaped = true;
        this.at++;
      }
      this.at++;
    }
    this.at++;
    const raw = this.text.slice(start + 1, this.at - 1);
    if (!escaped) return raw;
    return this.unescape(raw, start);
  }

  private unescape(raw: string, start: number): string {
    let value: string;
    try {
      value = JSON.parse(`"${raw}"`) as string; // a single string has no keys to repeat and no depth
    } catch {
      throw new JsonSyntaxError('a bad escape in a string', start);
    }
    if (loneSurrogate.test(value)) throw new JsonSyntaxError('half a surrogate pair in a string', start);
    return value;
  }

  private number(): JsonNumber {
    numberPattern.lastIndex = this.at;
    const match = numberPattern.exec(this.text);
    if (match === null) throw new JsonSyntaxError('no value where one must stand', this.at);
    this.at += match[0].length;
    return { number: match[0] };
  }

  private literal<T extends null | boolean>(word: string, value: T): T {
    if (!this.text.startsWith(word, this.at)) throw new JsonSyntaxError('no value where one must stand', this.at);
    this.at += word.length;
    return value;
  }

  private take(c: string): boolean {
    if (this.text[this.at] !== c) return false;
    this.at++;
    return true;
  }
}

const numberPattern = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const loneSurrogate = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

const shorten = (s: string): string => (s.length > 100 ? `${s.slice(0, 100)}…` : s);
