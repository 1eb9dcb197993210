// Few rows times packed weights, as in generation: every weight is read once for all rows, so it streams from the third
// level of the cache or from memory, at 30 GB/s a core where 32 rows multiply as fast as 15 GB/s bring it. That only
// works out if the stream never waits:
//
//   for each column panel of the thread's run:   read in the order it lies in, once
//     for each row panel:                        one micro-kernel call, which also fetches into the second-level cache a
//                                                third of the next panel and, in a replay, a piece of what the next
//                                                command reads: its weights or, of attention, the first heads' cache
//
// The columns are shared out by vectors, not by panels: 256 columns are five panels and a third, which two threads could
// only halve as 144 and 112. Sums run over k in the blocks of block.h, so the bits are those of any other product.
#pragma once
#include "arguments.h"
#include "block.h"

namespace gimbal {
namespace GIMBAL_ISA {

/// Cache lines of one step of a packed panel.
constexpr int64_t kLineFloats = 16, kPanelLines = (kTileColumns + kLineFloats - 1) / kLineFloats;

/// Steps of a panel that lie in the second level already are brought to the first ahead of their use.
constexpr int kStepsToFirstLevel = 8;

/// A tile as `multiply_tile`'s, of a packed panel, which also fetches a line each step from `fetch` on, a panel's step
/// apart, and one from `ahead`.
template <int kRows, int kVectors>
static __attribute__((noinline)) void stream_tile(const TileOperands& o, const float* fetch, Fetch ahead,
                                                  const TilePlace& at, const TileEnd& end) {
  Vec r[kRows][kVectors];
  GIMBAL_UNROLL for (int i = 0; i < kRows; i++) GIMBAL_UNROLL for (int j = 0; j < kVectors; j++) r[i][j] = splat(0.0f);
  const int64_t stride = o.row_bytes;
  const char* a0 = reinterpret_cast<const char*>(o.a);
  const char *a3 = a0 + 3 * stride, *a6 = a0 + 6 * stride;
  const float* b = o.b;
#pragma GCC unroll 2
  for (int64_t p = 0; p < o.k; p++) {
    Vec bv[kVectors];
    GIMBAL_UNROLL for (int j = 0; j < kVectors; j++) {
      bv[j] = load(b + j * kLanes);
      __builtin_prefetch(b + kStepsToFirstLevel * kTileColumns + j * kLanes);
    }
    __builtin_prefetch(fetch, 0, 2);
    __builtin_prefetch(ahead.at, 0, 2);
    GIMBAL_UNROLL for (int i = 0; i < kRows; i++) {
      const char* row = i < 3 ? a0 + i * stride : i < 6 ? a3 + (i - 3) * stride : a6 + (i - 6) * stride;
      const Vec x = splat(*reinterpret_cast<const float*>(row));
      GIMBAL_UNROLL for (int j = 0; j < kVectors; j++) r[i][j] = fma(x, bv[j], r[i][j]);
    }
    a0 += sizeof(float), a3 += sizeof(float), a6 += sizeof(float);
    b += kTileColumns;
    fetch += kTileColumns;
    ahead.at += ahead.stride;
  }
  finish<kRows, kVectors>(r, at, end);
}

using StreamFunction = void (*)(const TileOperands&, const float*, Fetch, const TilePlace&, const TileEnd&);

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

/// Whether a product is one of these. A single row panel multiplies faster than memory delivers: there the processor's
/// own prefetchers do better alone, on whole panels.
static inline bool has_few_rows(const GemmArgs& g) {
  return g.packed_b && !g.transpose_a && g.m > kTileRows && g.m <= kFewPanels * kTileRows;
}

/// What the next command reads, handed out piece by piece to a thread's tiles.
struct AheadPieces {
  Ahead ahead;
  int part, parts;
  int64_t lines;  // that may still be fetched
  int64_t index = 0;

  /// The next piece, or `otherwise` again and again.
  Fetch next(int64_t steps, const float* otherwise) {
    if (ahead.hint && lines > 0) {
      const Fetch piece = ahead.hint(ahead.arguments, part, parts, index++, steps);
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
  // row panels of equal height: nine rows are five and four, not eight and one
  const int64_t panels = ceil_div(g.m, kTileRows), height = ceil_div(g.m, panels);
  for (int64_t v = begin; v < end;) {
    const int64_t inside = v % kTileVectors, vectors = least(kTileVectors - inside, end - v);
    const float* panel = g.packed_b + v / kTileVectors * kTileColumns * g.k;
    for (int64_t k0 = 0; k0 < g.k || k0 == 0; k0 += block.k) {
      const int64_t k = least(block.k, g.k - k0);
      const TileEnd tile_end{g.alpha, g.accumulate || k0 > 0, k0 + k >= g.k ? g.epilogue : nullptr};
      const float* here = panel + k0 * kTileColumns;
      TileOperands o{};
      o.b = here + inside * kLanes;
      o.k = k;
      o.row_bytes = g.lda * static_cast<int64_t>(sizeof(float));
      for (int64_t i = 0, index = 0; i < g.m; i += height, index++) {
        o.a = g.a + i * g.lda + k0;
        // what follows the block lies behind it; past the end of B a fetch is harmless
        const float* fetch = here + k * kTileColumns + least(index, kPanelLines - 1) * kLineFloats;
        const TilePlace at{g.c + i * g.ldc + v * kLanes, g.ldc, i, v * kLanes, g.n - v * kLanes};
        stream_function(least(height, g.m - i), vectors)(o, fetch, pieces.next(k, here), at, tile_end);
      }
    }
    v += vectors;
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
    multiply_vectors(g, block, {ahead, part, parts, lines}, begin, end);
  });
}

/// HintFn of a product: the thread's run of packed panels, if it has few rows.
static Fetch hint_product(const double* a, int part, int parts, int64_t index, int64_t steps) {
  GemmArgs g = read_product(a);
  g.packed_b = ptr<const float>(a[20]);
  if (!has_few_rows(g)) return {};
  const int64_t vectors = ceil_div(g.n, kLanes);
  const auto panel = [&](int64_t v) { return g.packed_b + v / kTileVectors * kTileColumns * g.k; };
  const float* at = panel(vectors * part / parts) + index * steps * kLineFloats;
  if (at >= panel(vectors * (part + 1) / parts)) return {};
  return {reinterpret_cast<const char*>(at), kLineFloats * static_cast<int64_t>(sizeof(float))};
}

}  // namespace GIMBAL_ISA
}  // namespace gimbal
