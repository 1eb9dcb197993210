// Products with weights in blocks (blocks.h): few rows read the blocks as they are, many rows read a few hundred columns at
// a time as packed floats.
#pragma once
#include "blocks.h"
#include "epilogue.h"

namespace gimbal {
namespace GIMBAL_ISA {

constexpr int kSlotUnpacked = 4;  // scratch slot

/// kVectors vectors of columns of C, from `lane` of panel `first` on, times kRows rows of A.
template <int kBits, int kRows, int kVectors>
static __attribute__((noinline)) void block_tile(const BlockMatrix& w, int64_t first, const GemmArgs& g, int64_t row,
                                                 int64_t column) {
  constexpr int kCodes = 32 / kBits;
  Vec r[kRows][kVectors];
  GIMBAL_UNROLL for (int i = 0; i < kRows; i++) GIMBAL_UNROLL for (int v = 0; v < kVectors; v++) r[i][v] = splat(0.0f);
  const char* at[kVectors];  // of each vector's panel, the group to come
  GIMBAL_UNROLL for (int v = 0; v < kVectors; v++) {
    // past the last panel a vector reads the last one again: its columns are not stored
    const int64_t panel = first + v / kPanelVectors, last = w.panels() - 1;
    at[v] = w.panel(panel < last ? panel : last);
  }
  const int64_t head = kBlockPanel * w.scale_bytes * (1 + w.offsets), words = w.words(), stride = w.group_bytes();
  const float* a = g.a + row * g.lda;
  for (int64_t k0 = 0; k0 < w.k; k0 += w.group) {
    GroupScale s[kVectors];
    GIMBAL_UNROLL for (int v = 0; v < kVectors; v++) s[v] = load_group(w, at[v], v % kPanelVectors * kLanes);
    for (int64_t word = 0; word < words; word++) {
      IVec codes[kVectors];
      GIMBAL_UNROLL for (int v = 0; v < kVectors; v++) codes[v] = load(
          reinterpret_cast<const int32_t*>(at[v] + head) + word * kBlockPanel + v % kPanelVectors * kLanes);
      const float* x = a + k0 + word * kCodes;
      GIMBAL_UNROLL for (int j = 0; j < kCodes; j++) {
        Vec weight[kVectors];
        GIMBAL_UNROLL for (int v = 0; v < kVectors; v++) weight[v] =
            fma(decode<kBits>(codes[v], j), s[v].scale, s[v].offset);
        GIMBAL_UNROLL for (int i = 0; i < kRows; i++) {
          const Vec value = splat(x[i * g.lda + j]);
          GIMBAL_UNROLL for (int v = 0; v < kVectors; v++) r[i][v] = fma(value, weight[v], r[i][v]);
        }
      }
    }
    GIMBAL_UNROLL for (int v = 0; v < kVectors; v++) at[v] += stride;
  }
  finish<kRows, kVectors>(r, {g.c + row * g.ldc + column, g.ldc, row, column, g.n - column},
                          {g.alpha, g.accumulate, g.epilogue});
}

/// Columns that a tile of so many rows takes: enough sums to hide the multiplier's latency, few enough for the registers.
constexpr int block_vectors(int rows) {
#if defined(__AVX512F__)
  return rows <= 2 ? 4 : 2;
#else
  return rows <= 2 || kPanelVectors > 2 ? kPanelVectors : 2;
#endif
}

using BlockTile = void (*)(const BlockMatrix&, int64_t, const GemmArgs&, int64_t, int64_t);

/// Most rows of A that are multiplied by the blocks as they are.
constexpr int kBlockRows = 8;

template <int kBits>
static inline BlockTile block_function(int64_t rows) {
#define GIMBAL_BLOCK_TILE(n) block_tile<kBits, n, block_vectors(n)>
  static constexpr BlockTile table[kBlockRows] = {
      GIMBAL_BLOCK_TILE(1), GIMBAL_BLOCK_TILE(2), GIMBAL_BLOCK_TILE(3), GIMBAL_BLOCK_TILE(4),
      GIMBAL_BLOCK_TILE(5), GIMBAL_BLOCK_TILE(6), GIMBAL_BLOCK_TILE(7), GIMBAL_BLOCK_TILE(8)};
#undef GIMBAL_BLOCK_TILE
  return table[rows - 1];
}

/// Few rows: columns [first, last) in panels.
static inline void multiply_panels(const GemmArgs& g, int64_t first, int64_t last) {
  const BlockMatrix& w = *g.blocks;
  const BlockTile tile = w.bits == 4 ? block_function<4>(g.m) : block_function<8>(g.m);
  const int64_t step = most(1, block_vectors(static_cast<int>(g.m)) / kPanelVectors);
  for (int64_t panel = first; panel < last; panel += step) {
    GemmArgs part = g;
    part.n = least(g.n, last * kBlockPanel);  // a tile must not write what another thread has
    tile(w, panel, part, 0, panel * kBlockPanel);
  }
}

/// The product with W's columns [j, j + columns) only.
static inline GemmArgs columns_of(const GemmArgs& g, int64_t j, int64_t columns, Epilogue& e) {
  GemmArgs part = g;
  part.blocks = nullptr;
  part.n = columns;
  part.c = g.c + j;
  if (!g.epilogue) return part;
  e = *g.epilogue;
  if (e.bias) e.bias += j;
  if (e.slopes) e.slopes += j;
  if (e.pre) e.pre += j;
  if (e.saved) e.saved += j;
  if (e.residual) e.residual += j;
  part.epilogue = &e;
  return part;
}

/// Many rows: columns at a time as packed floats.
static void multiply_unpacked(Context& context, const GemmArgs& g, bool threads) {
  const BlockMatrix& w = *g.blocks;
  const int64_t parts = threads ? thread_count(context) : 1;
  // a third of the second-level cache; no more than a thread's share
  const int64_t near = most(1, context.cpu.l2 / 3 / (4 * g.k * kTileColumns));
  const int64_t panels = ceil_div(g.n, kTileColumns), share = ceil_div(panels, 4 * parts);
  const int64_t step = least(near, most(1, share)) * kTileColumns;
  const auto run = [&](int64_t first, int64_t last) {
    float* packed = scratch(context, kSlotUnpacked, step * g.k + kLanes);
    for (int64_t i = first; i < last; i++) {
      const int64_t j = i * step, columns = least(step, g.n - j);
      unpack_columns(w, j, columns, packed);
      Epilogue e;
      GemmArgs part = columns_of(g, j, columns, e);
      part.packed_b = packed;
      gemm_serial(context, part);
    }
  };
  const int64_t chunks = ceil_div(g.n, step);
  if (parts == 1) return run(0, chunks);
  const double flops = 2.0 * g.m * g.k * static_cast<double>(step);
  parallel_for(context, chunks, 600e3 / flops, run);
}

/// C = epilogue(A Wᵀ) of a product whose B are blocks.
static void multiply_blocks(Context& context, const GemmArgs& g, bool threads) {
  if (g.m > kBlockRows) return multiply_unpacked(context, g, threads);
  const int64_t panels = g.blocks->panels();
  if (!threads) return multiply_panels(g, 0, panels);
  // 5 µs: 150 KB of weights, or 600 kFLOP
  const double bytes = static_cast<double>(g.blocks->panel_bytes()), flops = 2.0 * g.m * g.k * kBlockPanel;
  const double grain = 1 / (flops / 300e3 > bytes / 75e3 ? flops / 300e3 : bytes / 75e3);
  parallel_parts(context, panels, grain, [&](int64_t begin, int64_t end, int, int) { multiply_panels(g, begin, end); });
}

}  // namespace GIMBAL_ISA
}  // namespace gimbal
