// How operands of bf16 products lie in memory: tiles of 1 KiB, 32 steps of k by 16 rows of A or 16 columns of B.
//
//   A tile: row i holds its 32 values of k                              a[i][0 … 31]
//   B tile: row p holds a pair of k for each of 16 columns              (b[2p][j], b[2p + 1][j]), j = 0 … 15
//
// Those are the operands of AMX's TDPBF16PS, and a 32-bit pair times a row of pairs is what AVX512-BF16's VDPBF16PS
// takes, so one layout serves both. A panel is 32 rows (columns) wide: for each step of 32 k two tiles. Missing rows,
// columns and k are zeros. Rounding to bf16 (nearest even) happens here, on the way.
#pragma once
#include "../gemm/pack.h"

namespace gimbal {
namespace GIMBAL_ISA {

constexpr int64_t kPanel = 32;           // rows or columns of a panel
constexpr int64_t kStep = 32;            // k of a tile
constexpr int64_t kTileFloats = 256;     // a tile's 1 KiB, counted in floats as scratch memory is
constexpr int64_t kStepFloats = 2 * kTileFloats;

GIMBAL_INLINE int64_t steps_of(int64_t k) { return ceil_div(k, kStep); }
/// Floats of one panel over all of k.
GIMBAL_INLINE int64_t panel_floats(int64_t k) { return steps_of(k) * kStepFloats; }

/// 32 values as bf16: x in the lower half, y in the upper.
GIMBAL_INLINE Vec to_bf16(Vec x, Vec y) { return (Vec)_mm512_cvtne2ps_pbh((__m512)y, (__m512)x); }

/// 16 pairs (x[j], y[j]) as bf16.
GIMBAL_INLINE Vec to_pairs(Vec x, Vec y) {
  // word 2j from position j of the lower half, word 2j + 1 from position j of the upper
  const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21,
                                         5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  return (Vec)_mm512_maskz_permutexvar_epi16(0xffffffff, order, (__m512i)to_bf16(x, y));
}

/// The next vector of a row of which `rest` elements are left (none when rest <= 0); zeros behind the end.
GIMBAL_INLINE Vec load_up_to(const float* p, int64_t rest) {
  return rest >= kLanes ? load(p) : rest > 0 ? load_n(p, rest) : splat(0.0f);
}

/// Rows of a matrix as they lie, `rest` of them left, to one tile: 32 k each.
static inline void rows_to_tile(const float* x, int64_t ld, int64_t rest, int64_t k_left, float* tile) {
  const int64_t rows = least(rest, kLanes);
  for (int64_t i = 0; i < rows; i++, x += ld)
    store(tile + i * kLanes, to_bf16(load_up_to(x, k_left), load_up_to(x + kLanes, k_left - kLanes)));
  for (int64_t i = most(rows, 0); i < kLanes; i++) store(tile + i * kLanes, splat(0.0f));
}

/// Rows of k as they lie (`k_left` of them), 16 columns, to one tile of pairs.
GIMBAL_INLINE void load_pairs(const float* x, int64_t ld, int64_t rest, int64_t k_left, Vec (&pairs)[kLanes]) {
#pragma GCC unroll 4
  for (int64_t p = 0; p < kLanes; p++, x += 2 * ld) {
    const Vec even = 2 * p < k_left ? load_up_to(x, rest) : splat(0.0f);
    const Vec odd = 2 * p + 1 < k_left ? load_up_to(x + ld, rest) : splat(0.0f);
    pairs[p] = to_pairs(even, odd);
  }
}

GIMBAL_INLINE void store_tile(float* tile, const Vec (&rows)[kLanes]) {
#pragma GCC unroll 16
  for (int i = 0; i < kLanes; i++) store(tile + i * kLanes, rows[i]);
}

/// A panel of an operand whose rows run along k: A as stored [m, k], B stored [n, k].
/// @param x the panel's first row; `rest` rows are left. @param pairs the tiles hold pairs of k (B) or rows (A)
static inline void pack_along_k(const float* x, int64_t ld, int64_t rest, int64_t k, bool pairs, float* out) {
  for (int64_t k0 = 0; k0 < k; k0 += kStep)
    for (int64_t half = 0; half < kPanel; half += kLanes, out += kTileFloats) {
      rows_to_tile(x + half * ld + k0, ld, rest - half, k - k0, out);
      if (!pairs) continue;
      Vec square[kLanes];
      for (int i = 0; i < kLanes; i++) square[i] = load(out + i * kLanes);
      transpose(square);
      store_tile(out, square);
    }
}

/// A panel of an operand whose rows run across k: A stored [k, m], B as stored [k, n].
/// @param x the panel's first column; `rest` columns are left
static inline void pack_across_k(const float* x, int64_t ld, int64_t rest, int64_t k, bool pairs, float* out) {
  for (int64_t k0 = 0; k0 < k; k0 += kStep)
    for (int64_t half = 0; half < kPanel; half += kLanes, out += kTileFloats) {
      Vec square[kLanes];
      load_pairs(x + half + k0 * ld, ld, rest - half, k - k0, square);
      if (!pairs) transpose(square);
      store_tile(out, square);
    }
}

/// The panel of op(A) that begins at row i.
static inline void pack_a_panel_bf16(const GemmArgs& g, int64_t i, float* out) {
  if (g.transpose_a)
    pack_across_k(g.a + i, g.lda, g.m - i, g.k, false, out);
  else
    pack_along_k(g.a + i * g.lda, g.lda, g.m - i, g.k, false, out);
}

/// The panel of op(B) that begins at column j.
static inline void pack_b_panel_bf16(const GemmArgs& g, int64_t j, float* out) {
  if (g.transpose_b)
    pack_along_k(g.b + j * g.ldb, g.ldb, g.n - j, g.k, true, out);
  else
    pack_across_k(g.b + j, g.ldb, g.n - j, g.k, true, out);
}

}  // namespace GIMBAL_ISA
}  // namespace gimbal
