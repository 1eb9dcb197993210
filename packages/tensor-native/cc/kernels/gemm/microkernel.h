// The micro-kernel: one tile of C = A panel times B panel, all sums in registers.
//
// A is read in place or from a packed panel: element (row i, step p) is a[i * row_stride + p * step_stride], with
// strides (lda, 1) for a row-major A and (1, kTileRows) for a packed panel (kept in bytes). B is read as rows of kVectors vectors,
// `b_stride` apart: kTileColumns in a packed panel, ldb in place. With `kPack` the rows of B are copied, as they pass,
// to a packed panel that the tiles below will read: the stores cost nothing beside 24 multiply-adds.
#pragma once
#include "epilogue.h"

namespace gimbal {
namespace GIMBAL_ISA {

/// Operands of a tile.
struct TileOperands {
  const float* a;
  int64_t row_bytes, step_bytes;
  const float* b;
  int64_t b_stride;
  float* pack;  // packed panel to fill while reading B in place
  int64_t k;
};

/// Steps of a packed panel that B is fetched ahead into the first-level cache.
constexpr int kPanelAhead = 8;

/// Steps that B is fetched ahead while it is packed: its rows lie far apart, and where they come from the third level of
/// the cache, what the core itself looks ahead covers a quarter of the way.
constexpr int kRowsAhead = 16;

/// The tile of C is needed in k steps: fetches it meanwhile.
template <int kRows, int kVectors>
GIMBAL_INLINE void fetch_tile(const TilePlace& at) {
  const float* c = at.c;
#pragma GCC unroll 1
  for (int i = 0; i < kRows; i++, c += at.ldc) {
    __builtin_prefetch(c, 1);
    if (kVectors > 1) __builtin_prefetch(c + kLanes, 1);
    if (kVectors > 2) __builtin_prefetch(c + 2 * kLanes, 1);
  }
}

template <int kRows, int kVectors, bool kPack>
static __attribute__((noinline)) void multiply_tile(const TileOperands& o, const TilePlace& at, const TileEnd& end) {
  Vec r[kRows][kVectors];
  GIMBAL_UNROLL for (int i = 0; i < kRows; i++) GIMBAL_UNROLL for (int j = 0; j < kVectors; j++) r[i][j] = splat(0.0f);

  // rows 0…2, 3…5, 6…7 from three pointers: every address is a pointer + {0, 1, 2} * stride
  const int64_t stride = o.row_bytes, next = o.step_bytes, b_stride = o.b_stride;
  const char* a0 = reinterpret_cast<const char*>(o.a);
  const char *a3 = a0 + 3 * stride, *a6 = a0 + 6 * stride;
  const float* b = o.b;
  float* pack = o.pack;
  fetch_tile<kRows, kVectors>(at);

  const auto step = [&]() __attribute__((always_inline)) {
    Vec bv[kVectors];
    GIMBAL_UNROLL for (int j = 0; j < kVectors; j++) {
      if (kPack) {
        bv[j] = load_part(b + j * kLanes, at.columns - j * kLanes);
        store(pack + j * kLanes, bv[j]);
        __builtin_prefetch(b + kRowsAhead * b_stride + j * kLanes);
      } else {
        bv[j] = load(b + j * kLanes);
        __builtin_prefetch(b + kPanelAhead * kTileColumns + j * kLanes);
      }
    }
    GIMBAL_UNROLL for (int i = 0; i < kRows; i++) {
      const char* row = i < 3 ? a0 + i * stride : i < 6 ? a3 + (i - 3) * stride : a6 + (i - 6) * stride;
      const Vec x = splat(*reinterpret_cast<const float*>(row));
      GIMBAL_UNROLL for (int j = 0; j < kVectors; j++) r[i][j] = fma(x, bv[j], r[i][j]);
    }
    a0 += next, a3 += next, a6 += next;
    b += b_stride;
    if (kPack) pack += kTileColumns;
  };
#pragma GCC unroll 2
  for (int64_t p = 0; p < o.k; p++) step();

  finish<kRows, kVectors>(r, at, end);
}

/// The same tile, all kTileRows rows of it, with A's panel packed: one pointer and constant offsets. B's panels are read
/// again by each row panel: they lie near, and fetching them ahead would cost 4 %.
template <int kVectors>
static __attribute__((noinline)) void multiply_packed_tile(const TileOperands& o, const TilePlace& at,
                                                           const TileEnd& end) {
  Vec r[kTileRows][kVectors];
  GIMBAL_UNROLL for (int i = 0; i < kTileRows; i++) GIMBAL_UNROLL for (int j = 0; j < kVectors; j++) r[i][j] =
      splat(0.0f);
  fetch_tile<kTileRows, kVectors>(at);
  const float *a = o.a, *b = o.b;
#pragma GCC unroll 4
  for (int64_t p = 0; p < o.k; p++, a += kTileRows, b += kTileColumns) {
    Vec bv[kVectors];
    GIMBAL_UNROLL for (int j = 0; j < kVectors; j++) bv[j] = load(b + j * kLanes);
    GIMBAL_UNROLL for (int i = 0; i < kTileRows; i++) {
      const Vec x = splat(a[i]);
      GIMBAL_UNROLL for (int j = 0; j < kVectors; j++) r[i][j] = fma(x, bv[j], r[i][j]);
    }
  }
  finish<kTileRows, kVectors>(r, at, end);
}

using TileFunction = void (*)(const TileOperands&, const TilePlace&, const TileEnd&);

#define GIMBAL_TILE_ROWS(v, pack) \
  multiply_tile<1, v, pack>, multiply_tile<2, v, pack>, multiply_tile<3, v, pack>, multiply_tile<4, v, pack>, \
  multiply_tile<5, v, pack>, multiply_tile<6, v, pack>

/// The micro-kernel for a tile of `rows` x `vectors`.
template <bool kPack>
inline TileFunction tile_function(int rows, int vectors) {
#if defined(__AVX512F__) || defined(__ARM_NEON)
  static constexpr TileFunction table[kTileVectors][kTileRows] = {
      {GIMBAL_TILE_ROWS(1, kPack), multiply_tile<7, 1, kPack>, multiply_tile<8, 1, kPack>},
      {GIMBAL_TILE_ROWS(2, kPack), multiply_tile<7, 2, kPack>, multiply_tile<8, 2, kPack>},
      {GIMBAL_TILE_ROWS(3, kPack), multiply_tile<7, 3, kPack>, multiply_tile<8, 3, kPack>}};
#else
  static constexpr TileFunction table[kTileVectors][kTileRows] = {{GIMBAL_TILE_ROWS(1, kPack)},
                                                                 {GIMBAL_TILE_ROWS(2, kPack)}};
#endif
  return table[vectors - 1][rows - 1];
}
#undef GIMBAL_TILE_ROWS

/// The micro-kernel for a whole, packed row panel.
inline TileFunction packed_tile_function(int vectors) {
  static constexpr TileFunction table[] = {multiply_packed_tile<1>, multiply_packed_tile<2>,
                                           multiply_packed_tile<kTileVectors>};
  return table[vectors - 1];
}

}  // namespace GIMBAL_ISA
}  // namespace gimbal
