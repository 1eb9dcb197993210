// bf16 products: operands rounded to bf16 and laid out in tiles, sums in float32.
//
//   B is packed once, by all threads. Then each thread takes blocks of rows: it packs the block's panels of A and runs
//   them over all panels of B, a block of k at a time, so that a panel of B (32 x 512 = 32 KiB) is read from the
//   first-level cache by the block's next panels of A.
//
// With few rows (generation) the threads share the columns instead, each packs A for itself, and B streams by.
// An element's sum runs over k in one order whatever the partition, so results do not depend on it.
#pragma once
#include "finish.h"
#include "tile.h"

namespace gimbal {
namespace GIMBAL_ISA {

constexpr int kSlotABf16 = 2, kSlotBBf16 = 3;
constexpr int64_t kBlockSteps = 16;  // steps of k between writing tiles of C back
constexpr int64_t kBlockPanels = 4;  // panels of A at a time

/// Panels [i0, i1) of A, packed one after another at `a`, times columns panels [j0, j1) of B.
static void multiply_panels(const GemmArgs& g, const float* a, int64_t i0, int64_t i1, const float* b, int64_t j0,
                            int64_t j1) {
  alignas(64) float tile[kPanel * kPanel];
  const int64_t steps = steps_of(g.k), stride = panel_floats(g.k);
  const TileUnit unit;
  for (int64_t s0 = 0; s0 < steps || s0 == 0; s0 += kBlockSteps) {
    const int64_t block = least(kBlockSteps, steps - s0);
    const bool last = s0 + block >= steps;
    const TileEnd end{g.alpha, g.accumulate || s0 > 0, last ? g.epilogue : nullptr};
    for (int64_t j = j0; j < j1; j++)
      for (int64_t i = i0; i < i1; i++) {
        const int64_t row = i * kPanel, column = j * kPanel;
        const int64_t rows = least(kPanel, g.m - row), columns = least(kPanel, g.n - column);
        multiply_tile_bf16<false>(a + (i - i0) * stride + s0 * kStepFloats, b + j * stride + s0 * kStepFloats, block, rows,
                           columns, tile);
        finish_bf16(tile, rows, {g.c + row * g.ldc + column, g.ldc, row, column, columns}, end);
      }
  }
}

/// All rows, few enough for their packed panels to stay in the first levels of cache, times columns panels [j0, j1) of
/// B, which are read once and in the order they lie in.
static void multiply_few_rows(Context& context, const GemmArgs& g, const float* b, int64_t j0, int64_t j1) {
  alignas(64) float tile[kPanel * kPanel];
  const int64_t panels = ceil_div(g.m, kPanel), steps = steps_of(g.k), stride = panel_floats(g.k);
  float* a = scratch(context, kSlotABf16, panels * stride + 16);
  for (int64_t i = 0; i < panels; i++) pack_a_panel_bf16(g, i * kPanel, a + i * stride);
  const TileUnit unit;
  for (int64_t j = j0; j < j1; j++)
    for (int64_t s0 = 0; s0 < steps || s0 == 0; s0 += kBlockSteps) {
      const int64_t block = least(kBlockSteps, steps - s0);
      const TileEnd end{g.alpha, g.accumulate || s0 > 0, s0 + block >= steps ? g.epilogue : nullptr};
      for (int64_t i = 0; i < panels; i++) {
        const int64_t row = i * kPanel, column = j * kPanel;
        const int64_t rows = least(kPanel, g.m - row), columns = least(kPanel, g.n - column);
        const auto multiply = i == 0 ? multiply_tile_bf16<true> : multiply_tile_bf16<false>;
        multiply(a + i * stride + s0 * kStepFloats, b + j * stride + s0 * kStepFloats, block, rows, columns, tile);
        finish_bf16(tile, rows, {g.c + row * g.ldc + column, g.ldc, row, column, columns}, end);
      }
    }
}

/// The product with packed B, by blocks of rows [first, last) of kBlockPanels panels.
static void multiply_row_blocks(Context& context, const GemmArgs& g, const float* b, int64_t panels_each, int64_t first,
                                int64_t last) {
  const int64_t panels = ceil_div(g.m, kPanel), stride = panel_floats(g.k);
  float* a = scratch(context, kSlotABf16, panels_each * stride + 16);
  for (int64_t block = first; block < last; block++) {
    const int64_t i0 = block * panels_each, i1 = least(panels, i0 + panels_each);
    for (int64_t i = i0; i < i1; i++) pack_a_panel_bf16(g, i * kPanel, a + (i - i0) * stride);
    multiply_panels(g, a, i0, i1, b, 0, ceil_div(g.n, kPanel));
  }
}

static void gemm_bf16_with(Context& context, const GemmArgs& g, int threads) {
  if (g.m <= 0 || g.n <= 0) return;
  const int64_t row_panels = ceil_div(g.m, kPanel), column_panels = ceil_div(g.n, kPanel), stride = panel_floats(g.k);
  // packing dominates: a panel of 32 rows costs about as much as 30 float32 additions an element
  const int64_t grain = most(1, 16384 / (kPanel * g.k + 1));
  const float* b = g.packed_b;
  if (!b) {
    float* packed = threads > 1 ? shared_scratch(context, kSlotBBf16, column_panels * stride + 16)
                                : scratch(context, kSlotBBf16, column_panels * stride + 16);
    const auto pack = [&](int64_t j0, int64_t j1) {
      for (int64_t j = j0; j < j1; j++) pack_b_panel_bf16(g, j * kPanel, packed + j * stride);
    };
    if (threads > 1)
      parallel_for(context, column_panels, grain, pack);
    else
      pack(0, column_panels);
    b = packed;
  }
  if (threads == 1) {
    multiply_row_blocks(context, g, b, kBlockPanels, 0, ceil_div(row_panels, kBlockPanels));
    return;
  }
  if (row_panels >= 2 * threads) {
    const int64_t panels_each = most(1, least(kBlockPanels, row_panels / (2 * threads)));
    parallel_for(context, ceil_div(row_panels, panels_each), most(1, grain / panels_each),
                 [&](int64_t i0, int64_t i1) { multiply_row_blocks(context, g, b, panels_each, i0, i1); });
    return;
  }
  // one part a thread: a stream is long then, and A packed no more often than it must
  parallel_parts(context, column_panels, 8192.0 / static_cast<double>(kPanel * g.k + 1),
                 [&](int64_t j0, int64_t j1, int, int) { multiply_few_rows(context, g, b, j0, j1); });
}

static void gemm_bf16_serial(Context& context, const GemmArgs& g) { gemm_bf16_with(context, g, 1); }
static void gemm_bf16(Context& context, const GemmArgs& g) { gemm_bf16_with(context, g, thread_count(context)); }

// ---- operations ----------------------------------------------------------------------------------------------------

static void op_gemm_bf16(Context& context, const double* a) { run_product(context, a, gemm_bf16); }

static void op_gemm_batched_bf16(Context& context, const double* a) {
  run_products(context, a, gemm_bf16_serial, gemm_bf16);
}

/// packed_b_size_bf16: k, n, where the bytes go (one double).
static void op_packed_b_size_bf16(Context&, const double* a) {
  const int64_t k = static_cast<int64_t>(a[0]), n = static_cast<int64_t>(a[1]);
  *ptr<double>(a[2]) = static_cast<double>(ceil_div(n, kPanel) * panel_floats(k) * static_cast<int64_t>(sizeof(float)));
}

/// pack_b_bf16: k, n, b, ldb, transpose_b, packed.
static void op_pack_b_bf16(Context& context, const double* a) {
  GemmArgs g;
  g.k = static_cast<int64_t>(a[0]);
  g.n = static_cast<int64_t>(a[1]);
  g.b = ptr<const float>(a[2]);
  g.ldb = static_cast<int64_t>(a[3]);
  g.transpose_b = a[4] != 0;
  float* packed = ptr<float>(a[5]);
  const int64_t stride = panel_floats(g.k);
  parallel_for(context, ceil_div(g.n, kPanel), most(1, 16384 / (kPanel * g.k + 1)), [&](int64_t j0, int64_t j1) {
    for (int64_t j = j0; j < j1; j++) pack_b_panel_bf16(g, j * kPanel, packed + j * stride);
  });
}

void register_gemm_bf16(Registry& registry) {
  registry.add("gemm_bf16", op_gemm_bf16);
  registry.add("gemm_batched_bf16", op_gemm_batched_bf16);
  registry.add("pack_b_bf16", op_pack_b_bf16);
  registry.add("packed_b_size_bf16", op_packed_b_size_bf16);
}

}  // namespace GIMBAL_ISA
}  // namespace gimbal
