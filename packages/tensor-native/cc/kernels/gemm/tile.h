// The tile of C that a micro-kernel keeps in registers, by instruction set.
//
//   32 vector registers (AVX-512, NEON): 8 rows x 3 vectors = 24 accumulators, 3 of B, 1 of A
//   16 vector registers (AVX2, SSE2):    6 rows x 2 vectors = 12 accumulators, 2 of B, 1 of A
//
// Per step of k a tile costs rows * vectors multiply-adds and rows + vectors loads: 24 to 11 and 12 to 8, both within
// what two multipliers and two load ports do. Eight rows also fit the ways of the first-level cache when the rows of A
// lie a power of two apart, so A can be read in place.
//
// With AVX-512 a core is held back by its power, not by its ports: the clock sinks with every line that is touched. A
// row panel whose eight values of a step lie together runs 6 % faster than eight rows in place.
#pragma once
#include "../../gemm.h"

namespace gimbal {
namespace GIMBAL_ISA {

#if defined(__AVX512F__) || defined(__ARM_NEON)
constexpr int kTileRows = 8, kTileVectors = 3;
#else
constexpr int kTileRows = 6, kTileVectors = 2;
#endif
constexpr int kTileColumns = kTileVectors * kLanes;  // 48 on AVX-512, 16 on AVX2, 12 on NEON, 8 on SSE2

/// Steps of k between writing tiles of C back: a row panel of A (8 x 384 floats = 12 KiB) stays in the first-level
/// cache, a block of B (384 x columns) in the second.
constexpr int64_t kBlockK = 384;

/// Whether row panels of A are packed where more than one panel of columns reads them.
#if defined(__ARM_NEON)
constexpr bool kPackRows = false;
#else
constexpr bool kPackRows = true;
#endif

/// Whether packed rows stay, up to kKeptFloats in all, for every block of columns. With sixteen registers a block of B is
/// narrow (128 columns in 512 KiB), so that A is read through often: packing it each time would cost a quarter of Aᵀ B,
/// and reading it in place from the third level a tenth of A B.
#if defined(__AVX512F__) || defined(__ARM_NEON)
constexpr bool kKeepRows = false;
#else
constexpr bool kKeepRows = true;
#endif
constexpr int64_t kKeptFloats = 1 << 20;

/// Floats of a cache line.
constexpr int64_t kLineFloats = 16;

GIMBAL_INLINE int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
GIMBAL_INLINE int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }
GIMBAL_INLINE int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace GIMBAL_ISA
}  // namespace gimbal
