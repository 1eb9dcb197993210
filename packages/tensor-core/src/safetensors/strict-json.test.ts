import fc from 'fast-check';
import { type JsonValue, parseStrictJson } from './strict-json.ts';

/** The value as JSON.parse would give it. */
function plain(v: JsonValue): unknown {
  if (Array.isArray(v)) return v.map(plain);
  if (v instanceof Map) return Object.fromEntries([...v].map(([k, x]) => [k, plain(x)]));
  if (typeof v === 'object' && v !== null) return Number(v.number);
  return v;
}

test('what JSON.stringify writes is read back', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
      const text = JSON.stringify(value);
      expect(plain(parseStrictJson(text))).toEqual(JSON.parse(text));
    }),
  );
});

test('nothing is accepted that JSON.parse refuses', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom(...'{}[]",:\\ 01-+.eEtrufalsn\n\u0000x'), maxLength: 20 }),
      (text) => {
        let ours: unknown;
        try {
          ours = plain(parseStrictJson(text));
        } catch (error) {
          expect((error as Error).name).toBe('JsonSyntaxError');
          return;
        }
        expect(ours).toEqual(JSON.parse(text));
      },
    ),
    { numRuns: 3000 },
  );
});

test.each([
  ['{"a":1,"a":2}', 'the key "a" stands twice'],
  ['{"a":1,"\\u0061":2}', 'the key "a" stands twice'],
  ['[1,]', 'no value'],
  ['01', 'text after the end'],
  ['"\\ud800"', 'half a surrogate pair'],
  ['"a', 'a string without end'],
  ['"\\', 'a string without end'],
  [`${'['.repeat(100000)}`, 'nesting deeper than 32'],
  ['', 'no value'],
])('%s is refused', (text, message) => {
  expect(() => parseStrictJson(text)).toThrow(message);
});

test('a key named __proto__ is a key, and numbers keep their digits', () => {
  const map = parseStrictJson('{"__proto__":9007199254740993}') as Map<string, JsonValue>;
  expect(map.get('__proto__')).toEqual({ number: '9007199254740993' });
});
