// Random numbers from consecutive blocks of a Philox 4x32-10 stream (Salmon, Moraes, Dror, Shaw, SC 2011).
//
// Commands: philox_uniform, philox_normal
//           [out, n, key0, key1, counter2, counter3, block (low word), block (high word), a, b]
// Element i comes from word i % 4 of block `block + i / 4`. Uniform: a + (b - a) u, u = (word >> 8) 2^-24. Normal:
// a + b z, z by Box-Muller from words (0, 1) and (2, 3) of the block.
//
// tensor-core's random/transforms.ts computes the same numbers on other backends, equal to the bit: doubles, only
// + - * / sqrt, in the same order, and no fused multiply-add (see `alone`). Change both or neither.
#include "../parallel.h"
#include "../simd.h"

namespace gimbal {
namespace GIMBAL_ISA {

// ---- vectors of 64-bit lanes: one block in each ----------------------------------------------------------------------

constexpr int kBlocks = kLanes / 2;
typedef double DVec __attribute__((vector_size(kLanes * 4)));
typedef uint64_t WVec __attribute__((vector_size(kLanes * 4)));

GIMBAL_INLINE WVec words(uint64_t w) { return WVec{} + w; }
GIMBAL_INLINE DVec number(double x) { return DVec{} + x; }

// the 64-bit product of the lower halves of each lane
GIMBAL_INLINE WVec multiply_low(WVec a, WVec b) {
#if defined(__AVX512F__)
  return (WVec)_mm512_maskz_mul_epu32(0xff, (__m512i)a, (__m512i)b);  // unmasked: GCC 12 warns
#elif defined(__AVX2__)
  return (WVec)_mm256_mul_epu32((__m256i)a, (__m256i)b);
#elif defined(__SSE2__)
  return (WVec)_mm_mul_epu32((__m128i)a, (__m128i)b);
#else
  return (a & 0xffffffffu) * (b & 0xffffffffu);
#endif
}

GIMBAL_INLINE DVec square_root(DVec x) {
#if defined(__AVX512F__)
  return (DVec)_mm512_maskz_sqrt_pd(0xff, (__m512d)x);
#elif defined(__AVX2__)
  return (DVec)_mm256_sqrt_pd((__m256d)x);
#elif defined(__SSE2__)
  return (DVec)_mm_sqrt_pd((__m128d)x);
#else
  for (int i = 0; i < kBlocks; ++i) x[i] = __builtin_sqrt(x[i]);
  return x;
#endif
}

// whole numbers below 2^32 as doubles: 2^52 + w has w in its low mantissa bits
GIMBAL_INLINE DVec to_double(WVec w) { return (DVec)(w | 0x4330000000000000u) - 0x1p52; }

// ---- the generator ---------------------------------------------------------------------------------------------------

struct Stream {
  uint32_t key0, key1, counter2, counter3;
  uint64_t block;
};

// four words of the blocks first, first + 1, …
GIMBAL_INLINE void philox(const Stream& s, uint64_t first, WVec out[4]) {
  WVec c0, c1;
  for (int i = 0; i < kBlocks; ++i) {
    c0[i] = (uint32_t)(first + i);
    c1[i] = (first + i) >> 32;
  }
  WVec c2 = words(s.counter2), c3 = words(s.counter3);
  uint32_t k0 = s.key0, k1 = s.key1;
  for (int round = 0; round < 10; ++round) {
    const WVec p0 = multiply_low(c0, words(0xd2511f53u)), p1 = multiply_low(c2, words(0xcd9e8d57u));
    c0 = (p1 >> 32) ^ c1 ^ k0;
    c1 = p1 & 0xffffffffu;
    c2 = (p0 >> 32) ^ c3 ^ k1;
    c3 = p0 & 0xffffffffu;
    k0 += 0x9e3779b9u;
    k1 += 0xbb67ae85u;
  }
  out[0] = c0, out[1] = c1, out[2] = c2, out[3] = c3;
}

// ---- the transforms --------------------------------------------------------------------------------------------------

// ln((word + 1/2) 2^-32): with word + 1/2 = m 2^n, sqrt(1/2) <= m < sqrt(2): ln m = 2 atanh(s), s = (m - 1) / (m + 1)
GIMBAL_INLINE DVec log_unit(WVec word) {
  const DVec v = to_double(word) + 0.5;
  const WVec bits = (WVec)v;
  DVec exponent = to_double(bits >> 52) - (1023.0 + 32.0);
  DVec m = (DVec)((bits & 0x000fffffffffffffu) | 0x3ff0000000000000u);
  const auto large = m > number(0x1.6a09e667f3bcdp+0);
  m = large ? m * 0.5 : m;
  exponent = large ? exponent + 1.0 : exponent;
  const DVec s = (m - 1.0) / (m + 1.0);
  const DVec q = s * s;
  DVec series = number(2.0 / 19);
  series = alone(series * q) + 2.0 / 17;
  series = alone(series * q) + 2.0 / 15;
  series = alone(series * q) + 2.0 / 13;
  series = alone(series * q) + 2.0 / 11;
  series = alone(series * q) + 2.0 / 9;
  series = alone(series * q) + 2.0 / 7;
  series = alone(series * q) + 2.0 / 5;
  series = alone(series * q) + 2.0 / 3;
  series = alone(series * q) + 2.0;
  return alone(exponent * 0x1.62e42fefa39efp-1) + alone(s * series);
}

// r cos, r sin with r = sqrt(-2 ln u) and an angle of whole quarter turns plus x in (-pi/4, pi/4)
GIMBAL_INLINE void normal_pair(WVec word0, WVec word1, DVec& first, DVec& second) {
  const DVec r = square_root(-2.0 * log_unit(word0));
  const DVec part = alone((to_double(word1 & 0x3fffffffu) + 0.5) * 0x1p-30);
  const DVec x = (part - 0.5) * 0x1.921fb54442d18p+0;
  const DVec q = x * x;
  DVec sine = number(-1.0 / 39916800);
  sine = alone(sine * q) + 1.0 / 362880;
  sine = alone(sine * q) - 1.0 / 5040;
  sine = alone(sine * q) + 1.0 / 120;
  sine = alone(sine * q) - 1.0 / 6;
  sine = x + alone(x * alone(sine * q));
  DVec cosine = number(1.0 / 479001600);
  cosine = alone(cosine * q) - 1.0 / 3628800;
  cosine = alone(cosine * q) + 1.0 / 40320;
  cosine = alone(cosine * q) - 1.0 / 720;
  cosine = alone(cosine * q) + 1.0 / 24;
  cosine = alone(cosine * q) - 0.5;
  cosine = 1.0 + alone(cosine * q);
  const WVec turns = word1 >> 30;
  const auto odd = (turns & 1) == 1;
  const DVec c = odd ? -sine : cosine, s = odd ? cosine : sine;
  const auto back = (turns & 2) == 2;
  first = r * (back ? -c : c);
  second = r * (back ? -s : s);
}

// ---- commands --------------------------------------------------------------------------------------------------------

template <bool normal>
static void fill(Context& ctx, const double* a) {
  float* out = ptr<float>(a[0]);
  const int64_t n = (int64_t)a[1];
  const Stream stream = {(uint32_t)a[2], (uint32_t)a[3], (uint32_t)a[4], (uint32_t)a[5],
                         (uint64_t)a[6] + ((uint64_t)a[7] << 32)};
  const double offset = a[8], scale = normal ? a[9] : a[9] - a[8];
  const int64_t group = 4 * kBlocks;  // numbers of one call of the generator
  parallel_for(ctx, (n + group - 1) / group, 1024, [=](int64_t begin, int64_t end) {
    for (int64_t g = begin; g < end; ++g) {
      WVec word[4];
      DVec z[4];
      philox(stream, stream.block + (uint64_t)(g * kBlocks), word);
      if (normal) {
        normal_pair(word[0], word[1], z[0], z[1]);
        normal_pair(word[2], word[3], z[2], z[3]);
      } else {
        for (int j = 0; j < 4; ++j) z[j] = to_double(word[j] >> 8) * 0x1p-24;
      }
      float numbers[4 * kBlocks];
      for (int j = 0; j < 4; ++j) {
        const DVec scaled = offset + alone(scale * z[j]);
        for (int i = 0; i < kBlocks; ++i) numbers[4 * i + j] = (float)scaled[i];
      }
      const int64_t count = n - g * group < group ? n - g * group : group;
      for (int64_t i = 0; i < count; ++i) out[g * group + i] = numbers[i];
    }
  });
}

void register_philox(Registry& r) {
  r.add("philox_uniform", fill<false>);
  r.add("philox_normal", fill<true>);
}

}  // namespace GIMBAL_ISA
}  // namespace gimbal
