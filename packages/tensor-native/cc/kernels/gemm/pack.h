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

/// Row panels of op(A) = Aᵀ, stored [k, m]: `rows` of its columns from `a` on to panels of [k, kTileRows]. The last
/// panel's missing rows are left as they are: no micro-kernel reads them. Eight panels at a time: panels lie a power of
/// two apart, and a first-level cache has not many more places for such lines.
static inline void pack_rows_of_transposed(const float* a, int64_t lda, int64_t rows, int64_t k, float* out) {
  for (int64_t begin = 0; begin < rows; begin += 8 * kTileRows) {
    const int64_t end = least(rows, begin + 8 * kTileRows);
    for (int64_t p = 0; p < k; p++)
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

}  // namespace GIMBAL_ISA
}  // namespace gimbal
