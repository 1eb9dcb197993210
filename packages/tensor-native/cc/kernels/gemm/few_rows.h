// Few rows times packed weights, as in generation: every weight is read once for all rows, so it streams from the third
// level of the cache or from memory, at 30 GB/s a core where 32 rows multiply as fast as 15 GB/s bring it. That only
// works out if the stream never waits:
//
//   for each three vectors of columns of the thread's run:   read in the order they lie in, once
//     for each 128 steps of k:                               brought to the first level by the first row panel
//       for each row panel:                                  one micro-kernel call
//
// A call also fetches into the second level a share of the weights that come next and a piece of what is read after
// that: first the rows of A that other cores wrote; then, in a replay, of the next command its weights or, of attention,
// the first heads' cache.
//
// The columns are shared out by vectors, not by panels: 256 columns are five panels and a third, which two threads could
// only halve as 144 and 112. Sums run over k in the blocks of block.h, so the bits are those of any other product.
#pragma once
#include "block.h"

namespace gimbal {
namespace GIMBAL_ISA {

/// For so many steps of a tile one step of the weights that come next is fetched: four row panels of 32 rows then fetch
/// each of them once, in the order they lie in and evenly in time. The processor's own prefetcher follows such a stream
/// and runs ahead of it; one that jumps from line to line or comes in bursts it does not.
constexpr int kStepsToFetch = 4;

/// Where the vectors of a tile lie in packed B, in floats from the first: a run that begins inside a panel goes on in the
/// next one.
struct VectorPlaces {
  int64_t at[kTileVectors];
};

/// Unfinished sums of a tile, in the first-level cache: before the first steps there are none, after the last they are
/// finished.
struct Sums {
  float* tile;
  bool first, last;
};

/// Steps of k that all row panels take before the next ones: three vectors of B and all of A then stay in the first level
/// (24 and 16 KiB with 32 rows).
constexpr int64_t kNearSteps = 128;

/// A tile as `multiply_tile`'s, of packed weights, which also fetches weights from `fetch` on, one step for kStepsToFetch
/// of its own, and a line of `ahead` each step.
template <int kRows, int kVectors>
static __attribute__((noinline)) void stream_tile(const TileOperands& o, const VectorPlaces& places, const float* fetch,
                                                  Fetch ahead, const Sums& sums, const TilePlace& at,
                                                  const TileEnd& end) {
  Vec r[kRows][kVectors];
  if (sums.first)
    GIMBAL_UNROLL for (int i = 0; i < kRows; i++) GIMBAL_UNROLL for (int j = 0; j < kVectors; j++) r[i][j] = splat(0.0f);
  else
    GIMBAL_UNROLL for (int i = 0; i < kRows; i++) GIMBAL_UNROLL for (int j = 0; j < kVectors; j++) r[i][j] =
        load(sums.tile + (i * kVectors + j) * kLanes);
  const int64_t stride = o.row_bytes;
  const char* a0 = reinterpret_cast<const char*>(o.a);
  const char *a3 = a0 + 3 * stride, *a6 = a0 + 6 * stride;
  const float* b = o.b;
  const VectorPlaces place = places;
  const auto step = [&]() __attribute__((always_inline)) {
    Vec bv[kVectors];
    GIMBAL_UNROLL for (int j = 0; j < kVectors; j++) bv[j] = load(b + place.at[j]);
    __builtin_prefetch(ahead.at, 0, 2);
    GIMBAL_UNROLL for (int i = 0; i < kRows; i++) {
      const char* row = i < 3 ? a0 + i * stride : i < 6 ? a3 + (i - 3) * stride : a6 + (i - 6) * stride;
      const Vec x = splat(*reinterpret_cast<const float*>(row));
      GIMBAL_UNROLL for (int j = 0; j < kVectors; j++) r[i][j] = fma(x, bv[j], r[i][j]);
    }
    a0 += sizeof(float), a3 += sizeof(float), a6 += sizeof(float);
    b += kTileColumns;
    ahead.at += ahead.stride;
  };
  int64_t p = 0;
  for (; p + kStepsToFetch <= o.k; p += kStepsToFetch) {
    GIMBAL_UNROLL for (int j = 0; j < kVectors; j++) __builtin_prefetch(fetch + place.at[j], 0, 2);
    fetch += kTileColumns;
    GIMBAL_UNROLL for (int q = 0; q < kStepsToFetch; q++) step();
  }
  for (; p < o.k; p++) step();
  if (!sums.last) {
    GIMBAL_UNROLL for (int i = 0; i < kRows; i++) GIMBAL_UNROLL for (int j = 0; j < kVectors; j++)
        store(sums.tile + (i * kVectors + j) * kLanes, r[i][j]);
    return;
  }
  finish<kRows, kVectors>(r, at, end);
}

using StreamFunction = void (*)(const TileOperands&, const VectorPlaces&, const float*, Fetch, const Sums&,
                                const TilePlace&, const TileEnd&);

static inline StreamFunction stream_function(int64_t rows, int64_t vectors) {
#define GIMBAL_STREAM_ROWS(v) \
  stream_tile<1, v>, stream_tile<2, v>, stream_tile<3, v>, stream_tile<4, v>, stream_tile<5, v>, stream_tile<6, v>
#if defined(__AVX512F__) || defined(__ARM_NEON)
  static constexpr StreamFunction table[kTileVectors][kTileRows] = {
      {GIMBAL_STREAM_ROWS(1), stream_tile<7, 1>, stream_tile<8, 1>},
      {GIMBAL_STREAM_ROWS(2), stream_tile<7, 2>, stream_tile<8, 2>},
      {GIMBAL_STREAM_ROWS(3), stream_tile<7, 3>, stream_tile<8, 3>}};
#else
  static constexpr StreamFunction table[kTileVectors][kTileRows] = {{GIMBAL_STREAM_ROWS(1)}, {GIMBAL_STREAM_ROWS(2)}};
#endif
#undef GIMBAL_STREAM_ROWS
  return table[vectors - 1][rows - 1];
}

/// Fetches beside a product, handed out piece by piece to a thread's tiles: the rows of A behind the first panel, then
/// what the next command reads.
struct AheadPieces {
  Context* context;
  Ahead ahead;
  int part, parts;
  int64_t lines;                 // that may still be fetched of it
  const float *rows, *rows_end;  // of A
  int64_t index = 0;

  /// The next piece, or `otherwise` again and again.
  Fetch next(int64_t steps, const float* otherwise) {
    constexpr int64_t kLineBytes = kLineFloats * static_cast<int64_t>(sizeof(float));
    if (rows < rows_end) {
      const Fetch piece{reinterpret_cast<const char*>(rows), kLineBytes};
      rows += steps * kLineFloats;
      return piece;
    }
    if (ahead.hint && lines > 0) {
      const Fetch piece = ahead.hint(*context, ahead.arguments, part, parts, index++, steps);
      lines -= steps;
      if (piece.at) return piece;
      lines = 0;
    }
    return {reinterpret_cast<const char*>(otherwise), 0};
  }
};

/// Columns of C that are vectors [begin, end), counted in kLanes.
static inline void multiply_vectors(const GemmArgs& g, const Blocks& block, AheadPieces pieces, int64_t begin,
                                    int64_t end) {
  const auto vector_at = [&](int64_t v) {
    return g.packed_b + v / kTileVectors * kTileColumns * g.k + v % kTileVectors * kLanes;
  };
  // row panels of equal height: nine rows are five and four, not eight and one
  const int64_t panels = ceil_div(g.m, kTileRows), height = ceil_div(g.m, panels);
  alignas(64) float sums[kFewPanels * kTileRows * kTileColumns];
  for (int64_t v = begin; v < end; v += kTileVectors) {
    const int64_t vectors = least(kTileVectors, end - v);
    VectorPlaces places{};
    for (int64_t j = 0; j < vectors; j++) places.at[j] = vector_at(v + j) - vector_at(v);
    for (int64_t k0 = 0; k0 < g.k || k0 == 0; k0 += block.k) {
      const int64_t k = least(block.k, g.k - k0);
      const bool last = k0 + k >= g.k;
      const TileEnd tile_end{g.alpha, g.accumulate || k0 > 0, last ? g.epilogue : nullptr};
      TileOperands o{};
      o.row_bytes = g.lda * static_cast<int64_t>(sizeof(float));
      for (int64_t s0 = 0; s0 < k || s0 == 0; s0 += kNearSteps) {
        o.b = vector_at(v) + (k0 + s0) * kTileColumns;
        o.k = least(kNearSteps, k - s0);
        const bool end_of_block = s0 + kNearSteps >= k;
        for (int64_t i = 0, index = 0; i < g.m; i += height, index++) {
          o.a = g.a + i * g.lda + k0 + s0;
          // each row panel a run of what is read next; past the end of B a fetch is harmless
          const float* fetch = last && end_of_block ? vector_at(v + kTileVectors)
                                                    : vector_at(v) + (k0 + s0 + o.k) * kTileColumns;
          fetch += index * (o.k / kStepsToFetch) * kTileColumns;
          const TilePlace at{g.c + i * g.ldc + v * kLanes, g.ldc, i, v * kLanes, g.n - v * kLanes};
          const Sums partial{sums + index * kTileRows * kTileColumns, s0 == 0, end_of_block};
          const Fetch beside = pieces.next(kNearSteps, o.b);
          stream_function(least(height, g.m - i), vectors)(o, places, fetch, beside, partial, at, tile_end);
        }
      }
    }
  }
}

/// The product on this thread or, one run of columns each, on all.
static void multiply_few_rows(Context& context, const GemmArgs& g, bool threads) {
  const Blocks block(g, context.cpu.l2);
  const int64_t vectors = ceil_div(g.n, kLanes);
  if (!threads) return multiply_vectors(g, block, {}, 0, vectors);
  // 5 µs: 600 kFLOP, or 150 KB of weights
  const double flops = 2.0 * g.m * g.k * kLanes, bytes = 4.0 * g.k * kLanes;
  const double grain = 1 / (flops / 600e3 > bytes / 150e3 ? flops / 600e3 : bytes / 150e3);
  const Ahead ahead = look_ahead(context);
  const int64_t lines = context.cpu.l2 / 128;  // half of the cache
  parallel_parts(context, vectors, grain, [&](int64_t begin, int64_t end, int part, int parts) {
    const AheadPieces pieces{&context, ahead, part, parts, lines, g.a + kTileRows * g.lda, g.a + g.m * g.lda};
    multiply_vectors(g, block, pieces, begin, end);
  });
}

}  // namespace GIMBAL_ISA
}  // namespace gimbal
