// The micro-kernel of direct convolution: the matrix product's tile, reading patches where they lie in the image.
//
// Element (row i, step p of segment s) of A is at a + segments[s] + i * row_bytes + p * step_bytes; B is a packed panel
// whose rows follow one another through all segments.
//   forward:         rows = neighbouring output pixels, steps = a run of the filter that is contiguous in the image
//   filter gradient: rows = neighbouring elements of such a run, steps = the output pixels of a row, a segment per row
#pragma once
#include "../gemm/epilogue.h"

namespace gimbal {
namespace GIMBAL_ISA {

struct PatchOperands {
  const float* a;
  int64_t row_bytes, step_bytes;
  const int64_t* segments;  // offsets in bytes
  int64_t segment_count;
  int64_t length;           // steps of a segment
  const float* b;           // [segment_count * length, kTileColumns]
};

template <int kRows, int kVectors>
static __attribute__((noinline)) void patch_tile(const PatchOperands& o, const TilePlace& at, const TileEnd& end) {
  Vec r[kRows][kVectors];
  GIMBAL_UNROLL for (int i = 0; i < kRows; i++) GIMBAL_UNROLL for (int j = 0; j < kVectors; j++) r[i][j] = splat(0.0f);
  const int64_t stride = o.row_bytes, next = o.step_bytes;
  const float* b = o.b;
  for (int64_t s = 0; s < o.segment_count; ++s) {
    // as in gemm/microkernel.h: three pointers reach all rows
    const char* a0 = reinterpret_cast<const char*>(o.a) + o.segments[s];
    const char *a3 = a0 + 3 * stride, *a6 = a0 + 6 * stride;
#pragma GCC unroll 2
    for (int64_t p = 0; p < o.length; ++p) {
      Vec bv[kVectors];
      GIMBAL_UNROLL for (int j = 0; j < kVectors; j++) bv[j] = load(b + j * kLanes);
      GIMBAL_UNROLL for (int i = 0; i < kRows; i++) {
        const char* row = i < 3 ? a0 + i * stride : i < 6 ? a3 + (i - 3) * stride : a6 + (i - 6) * stride;
        const Vec x = splat(*reinterpret_cast<const float*>(row));
        GIMBAL_UNROLL for (int j = 0; j < kVectors; j++) r[i][j] = fma(x, bv[j], r[i][j]);
      }
      a0 += next, a3 += next, a6 += next;
      b += kTileColumns;
    }
  }
  finish<kRows, kVectors>(r, at, end);
}

using PatchTile = void (*)(const PatchOperands&, const TilePlace&, const TileEnd&);

#define GIMBAL_PATCH_ROWS(v) \
  patch_tile<1, v>, patch_tile<2, v>, patch_tile<3, v>, patch_tile<4, v>, patch_tile<5, v>, patch_tile<6, v>

inline PatchTile patch_tile_function(int64_t rows, int64_t vectors) {
#if defined(__AVX512F__) || defined(__ARM_NEON)
  static constexpr PatchTile table[kTileVectors][kTileRows] = {{GIMBAL_PATCH_ROWS(1), patch_tile<7, 1>, patch_tile<8, 1>},
                                                               {GIMBAL_PATCH_ROWS(2), patch_tile<7, 2>, patch_tile<8, 2>},
                                                               {GIMBAL_PATCH_ROWS(3), patch_tile<7, 3>, patch_tile<8, 3>}};
#else
  static constexpr PatchTile table[kTileVectors][kTileRows] = {{GIMBAL_PATCH_ROWS(1)}, {GIMBAL_PATCH_ROWS(2)}};
#endif
  return table[vectors - 1][rows - 1];
}
#undef GIMBAL_PATCH_ROWS

/// Cuts [0, n) into runs of at most kTileRows and nearly equal length: f(first, count). A last run of one or two rows
/// would leave the multipliers waiting for results.
template <class F>
inline void for_tiles(int64_t n, F f) {
  const int64_t count = ceil_div(n, kTileRows);
  for (int64_t i = 0; i < count; ++i) {
    const int64_t first = n * i / count;
    f(first, n * (i + 1) / count - first);
  }
}

}  // namespace GIMBAL_ISA
}  // namespace gimbal
