// Byte-level text: every byte has a printable character, so a token is a string whatever bytes it holds. The table and
// the splitting pattern are GPT-2's (openai/gpt-2, encoder.py), which `tokenizer.json` calls ByteLevel.

/**
 * Splits text before merging: a space belongs to the word after it. White space is Unicode's property, as in the Rust
 * library; JavaScript's own `\s` lacks U+0085 and has U+FEFF, which would give other ids than Python.
 */
export const gpt2Pattern =
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\p{White_Space}\\p{L}\\p{N}]+|\\p{White_Space}+(?!\\P{White_Space})|\\p{White_Space}+";

/** The character of each byte: itself where it prints, else one from U+0100 on. */
export const byteCharacters: readonly string[] = (() => {
  const prints = (b: number): boolean => (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
  let next = 256;
  return Array.from({ length: 256 }, (_, b) => String.fromCharCode(prints(b) ? b : next++));
})();

const bytesOfCharacters = new Map(byteCharacters.map((character, byte) => [character, byte]));

/** The bytes that a byte-level token stands for; undefined if one of its characters stands for no byte. */
export function tokenBytes(token: string): number[] | undefined {
  const bytes: number[] = [];
  for (const character of token) {
    const byte = bytesOfCharacters.get(character);
    if (byte === undefined) return undefined;
    bytes.push(byte);
  }
  return bytes;
}

const encoder = new TextEncoder();

/** UTF-8 written in byte characters. */
export function toByteCharacters(text: string): string {
  let out = '';
  for (const byte of encoder.encode(text)) out += byteCharacters[byte] as string;
  return out;
}
