// Random words into numbers, equal to the bit wherever this runs: only + − × ÷ √ on doubles, which IEEE 754 rounds in one
// way, in a fixed order. Math.log and Math.cos differ between engines. tensor-native's philox.cc does the same
// operations without fused multiply-add.

const ln2 = Math.LN2;
const quarterTurn = Math.PI / 2;

/** A word as one of 2²⁴ equally spaced float32 numbers in [0, 1). */
export function unitFromWord(word: number): number {
  return (word >>> 8) * 2 ** -24;
}

/**
 * ln((word + ½)·2⁻³²), from −22.9 to −1.2e-10, relative error below 1e-14.
 * With word + ½ = m·2ⁿ and √½ ≤ m < √2: ln m = 2 atanh(s), s = (m − 1)/(m + 1), |s| < 0.172.
 */
export function logUnit(word: number): number {
  let n = 31 - Math.clz32(word); // word + ½ lies in [2ⁿ, 2ⁿ⁺¹); −1 for word 0
  let m = (word + 0.5) * 2 ** -n;
  if (m > Math.SQRT2) {
    m *= 0.5;
    n += 1;
  }
  const s = (m - 1) / (m + 1);
  const q = s * s;
  let series = 2 / 19;
  series = series * q + 2 / 17;
  series = series * q + 2 / 15;
  series = series * q + 2 / 13;
  series = series * q + 2 / 11;
  series = series * q + 2 / 9;
  series = series * q + 2 / 7;
  series = series * q + 2 / 5;
  series = series * q + 2 / 3;
  series = series * q + 2;
  return (n - 32) * ln2 + s * series;
}

/**
 * Two independent standard normal numbers from two words (Box–Muller): r = √(−2 ln u), angle = a quarter turn times the
 * upper two bits of the second word, plus x in (−π/4, π/4) from the other 30.
 * @param out receives r·cos(angle), r·sin(angle) at `at` and `at + 1`, before rounding to float32
 */
export function normalPair(out: Float64Array, at: number, word0: number, word1: number): void {
  const r = Math.sqrt(-2 * logUnit(word0));
  const x = (((word1 & 0x3fffffff) + 0.5) * 2 ** -30 - 0.5) * quarterTurn;
  const q = x * x;
  // Taylor series; the first term left out is below 1e-11
  let sine = -1 / 39916800;
  sine = sine * q + 1 / 362880;
  sine = sine * q - 1 / 5040;
  sine = sine * q + 1 / 120;
  sine = sine * q - 1 / 6;
  sine = x + x * (sine * q);
  let cosine = 1 / 479001600;
  cosine = cosine * q - 1 / 3628800;
  cosine = cosine * q + 1 / 40320;
  cosine = cosine * q - 1 / 720;
  cosine = cosine * q + 1 / 24;
  cosine = cosine * q - 0.5;
  cosine = 1 + cosine * q;
  // rotate by whole quarter turns
  const turns = word1 >>> 30;
  const [c, s] = turns & 1 ? [-sine, cosine] : [cosine, sine];
  out[at] = turns & 2 ? r * -c : r * c;
  out[at + 1] = turns & 2 ? r * -s : r * s;
}
