// Philox 4x32-10: a counter-based generator. Block n of a stream is a pure function of (key, n), so a stream can be
// continued from anywhere, split without coordination, and filled by any number of threads with the same numbers.
// Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011), and the known answers
// of its Random123 library (random/rng.test.ts).

/**
 * What tells one stream from another: the two key words and the upper two counter words.
 * The lower two counter words are the block number.
 */
export type StreamId = readonly [key0: number, key1: number, counter2: number, counter3: number];

// as constants: a lookup in a global object that is intercepted (a vm context, such as a test runner's) costs more than a round
const { floor, imul } = Math;

const rounds = 10;
const [m0, m1] = [0xd2511f53 | 0, 0xcd9e8d57 | 0]; // multipliers of the round function
const [w0, w1] = [0x9e3779b9 | 0, 0xbb67ae85 | 0]; // Weyl increments of the key: golden ratio, √3 − 1

/** Upper 32 bits of the 64-bit product of two 32-bit words, read without a sign; as int32, like all words here. */
function mulHigh(a: number, b: number): number {
  const [aLow, aHigh, bLow, bHigh] = [a & 0xffff, a >>> 16, b & 0xffff, b >>> 16];
  const [lowHigh, highLow] = [imul(aLow, bHigh), imul(aHigh, bLow)];
  const carry = (imul(aLow, bLow) >>> 16) + (lowHigh & 0xffff) + (highLow & 0xffff);
  return (imul(aHigh, bHigh) + (lowHigh >>> 16) + (highLow >>> 16) + (carry >>> 16)) | 0;
}

/**
 * One block: four random words from four counter words and two key words.
 * @param out receives the words at `at` … `at + 3`
 */
export function philoxBlock(
  out: Uint32Array,
  at: number,
  c0: number,
  c1: number,
  c2: number,
  c3: number,
  k0: number,
  k1: number,
): void {
  // signed: unsigned words above 2³¹ would be boxed, one object each
  let [x0, x1, x2, x3, key0, key1] = [c0 | 0, c1 | 0, c2 | 0, c3 | 0, k0 | 0, k1 | 0];
  for (let round = 0; round < rounds; round++) {
    const high0 = mulHigh(m0, x0);
    const high1 = mulHigh(m1, x2);
    const low0 = imul(m0, x0);
    x0 = high1 ^ x1 ^ key0;
    x1 = imul(m1, x2);
    x2 = high0 ^ x3 ^ key1;
    x3 = low0;
    key0 = (key0 + w0) | 0;
    key1 = (key1 + w1) | 0;
  }
  out[at] = x0;
  out[at + 1] = x1;
  out[at + 2] = x2;
  out[at + 3] = x3;
}

/**
 * Consecutive words of a stream.
 * @param out its length must be a multiple of 4
 * @param block number of the first block, below 2⁵³
 */
export function philoxWords(out: Uint32Array, id: StreamId, block: number): void {
  for (let at = 0; at < out.length; at += 4, block++) {
    philoxBlock(out, at, block | 0, floor(block / 2 ** 32), id[2], id[3], id[0], id[1]);
  }
}

/**
 * The stream called `name` below another stream: 128 bits hashed from the parent's identity and the name, not from how
 * far the parent has got. Each four words m of the message are absorbed as h ← Philox(m ⊕ (0, 0, h₂, h₃); key (h₀, h₁))
 * ⊕ m, the Matyas–Meyer–Oseas chain; the last four hold the length and the kind of name, so that '1' and 1 differ.
 */
export function childStream(parent: StreamId, name: string | number): StreamId {
  const message = typeof name === 'string' ? wordsOf(new TextEncoder().encode(name)) : wordsOf(bytesOf(name));
  const length = message.length;
  const padded = new Uint32Array(Math.ceil(length / 4) * 4 + 4);
  padded.set(message);
  padded[padded.length - 4] = typeof name === 'string' ? 1 : 2;
  padded[padded.length - 3] = typeof name === 'string' ? name.length : 8;
  let [h0, h1, h2, h3]: StreamId = parent;
  const out = new Uint32Array(4);
  for (let at = 0; at < padded.length; at += 4) {
    const [a, b, c, d] = padded.subarray(at, at + 4) as unknown as StreamId;
    philoxBlock(out, 0, a, b, (c ^ h2) >>> 0, (d ^ h3) >>> 0, h0, h1);
    const [x, y, z, w] = out as unknown as StreamId;
    [h0, h1, h2, h3] = [(x ^ a) >>> 0, (y ^ b) >>> 0, (z ^ c) >>> 0, (w ^ d) >>> 0];
  }
  return [h0, h1, h2, h3];
}

/** The eight bytes of a double, little-endian on every machine. */
function bytesOf(n: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, n, true);
  return new Uint8Array(view.buffer);
}

/** Bytes as little-endian words, padded with zeros. */
function wordsOf(bytes: Uint8Array): Uint32Array {
  const words = new Uint32Array(Math.ceil(bytes.length / 4));
  bytes.forEach((byte, i) => {
    words[i >> 2] = (words[i >> 2] ?? 0) | (byte << ((i & 3) * 8));
  });
  return words;
}
