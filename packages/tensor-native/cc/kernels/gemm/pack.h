// Packing: laying operands out in the order the micro-kernel reads them. Transposes happen here, in registers.
#pragma once
#include "tile.h"

namespace gimbal {
namespace GIMBAL_ISA {

/// The lower and upper half of two vectors, interleaved: (a0 b0 a1 b1 …), (… a_last b_last).
#if defined(__AVX512F__)
GIMBAL_INLINE Vec interleave_low(Vec a, Vec b) {
  return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}
GIMBAL_INLINE Vec interleave_high(Vec a, Vec b) {
  return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}
#elif defined(__AVX2__)
GIMBAL_INLINE Vec interleave_low(Vec a, Vec b) { return __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11); }
GIMBAL_INLINE Vec interleave_high(Vec a, Vec b) { return __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15); }
#else
GIMBAL_INLINE Vec interleave_low(Vec a, Vec b) { return __builtin_shufflevector(a, b, 0, 4, 1, 5); }
GIMBAL_INLINE Vec interleave_high(Vec a, Vec b) { return __builtin_shufflevector(a, b, 2, 6, 3, 7); }
#endif

/// Transposes kLanes vectors: log2(kLanes) perfect shuffles of the whole square (each row i with row i + kLanes / 2).
GIMBAL_INLINE void transpose(Vec (&r)[kLanes]) {
#pragma GCC unroll 4
  for (int span = 1; span < kLanes; span *= 2) {
    Vec t[kLanes];
#pragma GCC unroll 16
    for (int i = 0; i < kLanes / 2; i++) {
      t[2 * i] = interleave_low(r[i], r[i + kLanes / 2]);
      t[2 * i + 1] = interleave_high(r[i], r[i + kLanes / 2]);
    }
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; i++) r[i] = t[i];
  }
}

/// A column panel of op(B) = Bᵀ: stored [n, k], `columns` rows of it from `b` on, k steps each, to [k, kTileColumns],
/// zeros behind the last column.
static inline void pack_transposed_panel(const float* b, int64_t ldb, int64_t columns, int64_t k, float* out) {
  for (int j = 0; j < kTileColumns; j += kLanes) {
    const int64_t here = columns - j;
    const float* rows = b + j * ldb;
    int64_t p = 0;
    for (; p + kLanes <= k; p += kLanes) {
      Vec r[kLanes];
#pragma GCC unroll 16
      for (int i = 0; i < kLanes; i++) r[i] = i < here ? load(rows + i * ldb + p) : splat(0.0f);
      transpose(r);
#pragma GCC unroll 16
      for (int i = 0; i < kLanes; i++) store(out + (p + i) * kTileColumns + j, r[i]);
    }
    for (; p < k; p++)
      for (int i = 0; i < kLanes; i++) out[p * kTileColumns + j + i] = i < here ? rows[i * ldb + p] : 0.0f;
  }
}

/// A column panel of B as stored [k, n].
static inline void pack_panel(const float* b, int64_t ldb, int64_t columns, int64_t k, float* out) {
  for (int64_t p = 0; p < k; p++, b += ldb, out += kTileColumns)
#pragma GCC unroll 4
    for (int j = 0; j < kTileColumns; j += kLanes) {
      const int64_t here = columns - j;
      store(out + j, here >= kLanes ? load(b + j) : load_n(b + j, here > 0 ? here : 0));
    }
}

/// Transposes the four 4 x 4 squares (one in each 128 bits) of four vectors.
GIMBAL_INLINE void transpose_quarters(Vec& a, Vec& b, Vec& c, Vec& d) {
#if defined(__AVX512F__)
#define GIMBAL_EACH_QUARTER(x, y, w0, w1, w2, w3) \
  __builtin_shufflevector(x, y, w0, w1, w2, w3, w0 + 4, w1 + 4, w2 + 4, w3 + 4, w0 + 8, w1 + 8, w2 + 8, w3 + 8, \
                          w0 + 12, w1 + 12, w2 + 12, w3 + 12)
#elif defined(__AVX2__)
#define GIMBAL_EACH_QUARTER(x, y, w0, w1, w2, w3) \
  __builtin_shufflevector(x, y, w0, w1, w2, w3, w0 + 4, w1 + 4, w2 + 4, w3 + 4)
#else
#define GIMBAL_EACH_QUARTER(x, y, w0, w1, w2, w3) __builtin_shufflevector(x, y, w0, w1, w2, w3)
#endif
  constexpr int y = kLanes;  // where the second operand's elements begin
  const Vec ab_low = GIMBAL_EACH_QUARTER(a, b, 0, y, 1, y + 1), ab_high = GIMBAL_EACH_QUARTER(a, b, 2, y + 2, 3, y + 3);
  const Vec cd_low = GIMBAL_EACH_QUARTER(c, d, 0, y, 1, y + 1), cd_high = GIMBAL_EACH_QUARTER(c, d, 2, y + 2, 3, y + 3);
  a = GIMBAL_EACH_QUARTER(ab_low, cd_low, 0, 1, y, y + 1), b = GIMBAL_EACH_QUARTER(ab_low, cd_low, 2, 3, y + 2, y + 3);
  c = GIMBAL_EACH_QUARTER(ab_high, cd_high, 0, 1, y, y + 1);
  d = GIMBAL_EACH_QUARTER(ab_high, cd_high, 2, 3, y + 2, y + 3);
#undef GIMBAL_EACH_QUARTER
}

/// A row panel of A as stored [m, k], all kTileRows rows of it, to [k, kTileRows]: four rows at a time through 4 x 4
/// squares, two that are left through pairs.
static inline void pack_row_panel(const float* a, int64_t lda, int64_t k, float* out) {
  constexpr int kFours = kTileRows / 4 * 4;
  int64_t p = 0;
  for (; p + kLanes <= k; p += kLanes) {
    for (int i0 = 0; i0 < kFours; i0 += 4) {
      const float* from = a + i0 * lda + p;
      Vec r[4] = {load(from), load(from + lda), load(from + 2 * lda), load(from + 3 * lda)};
      transpose_quarters(r[0], r[1], r[2], r[3]);
      float* to = out + p * kTileRows + i0;
#pragma GCC unroll 4
      for (int i = 0; i < kLanes; i += 4)
#pragma GCC unroll 4
        for (int step = 0; step < 4; step++)
          __builtin_memcpy(to + (i + step) * kTileRows, reinterpret_cast<const float*>(&r[step]) + i, 4 * sizeof(float));
    }
    if (kTileRows % 4 == 2) {
      const float* from = a + kFours * lda + p;
      const Vec x = load(from), y = load(from + lda);
      const Vec pairs[2] = {interleave_low(x, y), interleave_high(x, y)};
      float* to = out + p * kTileRows + kFours;
#pragma GCC unroll 16
      for (int i = 0; i < kLanes; i++)
        __builtin_memcpy(to + i * kTileRows, reinterpret_cast<const float*>(pairs) + 2 * i, 2 * sizeof(float));
    }
  }
  for (; p < k; p++)
    for (int i = 0; i < kTileRows; i++) out[p * kTileRows + i] = a[i * lda + p];
}

/// Steps that Aᵀ is fetched ahead while it is packed: its rows lie too far apart for the processor to see where they go.
constexpr int kPackAhead = 16;

/// Row panels of op(A) = Aᵀ, stored [k, m]: `rows` of its columns from `a` on to panels of [k, kTileRows]. The last
/// panel's missing rows are left as they are: no micro-kernel reads them. Eight panels at a time: panels lie a power of
/// two apart, and a first-level cache has not many more places for such lines.
static inline void pack_rows_of_transposed(const float* a, int64_t lda, int64_t rows, int64_t k, float* out) {
  for (int64_t begin = 0; begin < rows; begin += 8 * kTileRows) {
    const int64_t end = least(rows, begin + 8 * kTileRows);
    for (int64_t p = 0; p < k; p++) {
      const float* ahead = a + (p + kPackAhead) * lda;
      if (kKeepRows)
        for (int64_t i = begin; i < end + kLineFloats; i += kLineFloats) __builtin_prefetch(ahead + i);
      for (int64_t i = begin; i < end; i += kTileRows) {
        const float* from = a + p * lda + i;
        float* to = out + i * k + p * kTileRows;
        if (i + kTileRows <= rows)
          __builtin_memcpy(to, from, kTileRows * sizeof(float));
        else
          for (int64_t r = 0; r < rows - i; r++) to[r] = from[r];
      }
    }
  }
}

}  // namespace GIMBAL_ISA
}  // namespace gimbal
