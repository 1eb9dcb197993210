// The micro-kernels of bf16 products: a tile of 32 x 32 sums, from a panel of A and one of B (layout.h).
//
// Level `amx`: four tile registers of sums, two of A, two of B; a step of 32 k is four TDPBF16PS. Level `avx512bf16`:
// eight rows at a time with VDPBF16PS. Sums leave through memory: `tile` is [32, 32] floats in the first-level cache.
#pragma once
#include "layout.h"

namespace gimbal {
namespace GIMBAL_ISA {

/// Steps that a stream of B is fetched ahead, 2 KiB each: a tile load waits for its 16 lines, and the processor's own
/// prefetchers do not run far enough in front of it.
constexpr int64_t kStepsAhead = 4;

/// Asks for the lines of one step; behind the end of B that is harmless.
GIMBAL_INLINE void fetch_step(const float* b) {
#pragma GCC unroll 32
  for (int64_t i = 0; i < kStepFloats; i += kLanes) __builtin_prefetch(b + i, 0, 2);
}

#if defined(GIMBAL_ISA_AMX)

/// Shapes of the eight tile registers: 16 rows of 64 bytes each.
struct alignas(64) TileConfig {
  uint8_t palette = 1, start_row = 0, reserved[14] = {};
  uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

/// Tile registers are this thread's while one of these lives. Without the release every context switch would save them.
struct TileUnit {
  TileUnit() {
    const TileConfig config;
    _tile_loadconfig(&config);
  }
  ~TileUnit() { _tile_release(); }
};

/// tile = A panel times B panel over `steps` steps; with `rows` or `columns` <= 16 the second half is left out.
/// @tparam kStream B is read once, in order: fetch what comes next
template <bool kStream>
static inline void multiply_tile_bf16(const float* a, const float* b, int64_t steps, int64_t rows, int64_t columns,
                                      float* tile) {
  constexpr int kRowBytes = 64, kSumBytes = kPanel * sizeof(float);
  const bool low = rows > kLanes, right = columns > kLanes;
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  if (low && right) {
    for (int64_t s = 0; s < steps; s++, a += kStepFloats, b += kStepFloats) {
      if (kStream) fetch_step(b + kStepsAhead * kStepFloats);
      _tile_loadd(4, a, kRowBytes);
      _tile_loadd(6, b, kRowBytes);
      _tile_loadd(5, a + kTileFloats, kRowBytes);
      _tile_loadd(7, b + kTileFloats, kRowBytes);
      _tile_dpbf16ps(0, 4, 6);
      _tile_dpbf16ps(1, 4, 7);
      _tile_dpbf16ps(2, 5, 6);
      _tile_dpbf16ps(3, 5, 7);
    }
  } else {
    for (int64_t s = 0; s < steps; s++, a += kStepFloats, b += kStepFloats) {
      if (kStream) fetch_step(b + kStepsAhead * kStepFloats);
      _tile_loadd(4, a, kRowBytes);
      _tile_loadd(6, b, kRowBytes);
      _tile_dpbf16ps(0, 4, 6);
      if (right) {
        _tile_loadd(7, b + kTileFloats, kRowBytes);
        _tile_dpbf16ps(1, 4, 7);
      }
      if (low) {
        _tile_loadd(5, a + kTileFloats, kRowBytes);
        _tile_dpbf16ps(2, 5, 6);
      }
    }
  }
  _tile_stored(0, tile, kSumBytes);
  if (right) _tile_stored(1, tile + kLanes, kSumBytes);
  if (low) _tile_stored(2, tile + kLanes * kPanel, kSumBytes);
  if (low && right) _tile_stored(3, tile + kLanes * kPanel + kLanes, kSumBytes);
}

#else

struct TileUnit {
  TileUnit() {}
  ~TileUnit() {}
};

/// tile = A panel times B panel over `steps` steps, eight rows at a time.
template <bool kStream>
static inline void multiply_tile_bf16(const float* a, const float* b, int64_t steps, int64_t rows, int64_t,
                                      float* tile) {
  constexpr int kRows = 8;
  for (int64_t i0 = 0; i0 < rows; i0 += kRows) {
    __m512 r[kRows][2];
#pragma GCC unroll 8
    for (int i = 0; i < kRows; i++) r[i][0] = r[i][1] = (__m512)splat(0.0f);
    const float* x = a + i0 * kLanes;  // the second half's rows follow the first's
    const float* y = b;
    for (int64_t s = 0; s < steps; s++, x += kStepFloats, y += kStepFloats) {
      if (kStream && i0 == 0) fetch_step(y + kStepsAhead * kStepFloats);
      for (int p = 0; p < kLanes; p++) {
        const __m512bh left = (__m512bh)load(y + p * kLanes), right = (__m512bh)load(y + kTileFloats + p * kLanes);
#pragma GCC unroll 8
        for (int i = 0; i < kRows; i++) {
          const __m512bh pair = (__m512bh)splat(x[i * kLanes + p]);
          r[i][0] = _mm512_dpbf16_ps(r[i][0], pair, left);
          r[i][1] = _mm512_dpbf16_ps(r[i][1], pair, right);
        }
      }
    }
#pragma GCC unroll 8
    for (int i = 0; i < kRows; i++)
      for (int j = 0; j < 2; j++) store(tile + (i0 + i) * kPanel + j * kLanes, (Vec)r[i][j]);
  }
}

#endif

}  // namespace GIMBAL_ISA
}  // namespace gimbal
