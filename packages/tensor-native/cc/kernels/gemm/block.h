// A rectangle of C on one thread: blocks of B that fit the second-level cache, row panels of A over them.
//
//   for each block of columns and of k:           B block [kBlockK, columns] packed, in the second-level cache
//     for each row panel (kTileRows rows of A):   in the first-level cache: 8 x 256 floats = 8 KiB
//       for each column panel:                    one micro-kernel call
//
// B as stored [k, n] is packed by the first row panel's own micro-kernels while they multiply; Bᵀ is packed before,
// through register transposes. A is read in place, Aᵀ is packed a few panels at a time.
#pragma once
#include "microkernel.h"
#include "pack.h"

namespace gimbal {
namespace GIMBAL_ISA {

/// Part of C: rows [m0, m1), columns [n0, n1).
struct Rectangle {
  int64_t m0, m1, n0, n1;
};

constexpr int kSlotB = 0, kSlotA = 1;           // scratch slots
constexpr int64_t kRowsPacked = 8 * kTileRows;  // rows of Aᵀ packed at a time: whole cache lines of A

/// Whether the micro-kernels themselves can pack B: they read it in place, so partial vectors need true masks.
GIMBAL_INLINE bool packs_while_multiplying(int64_t columns) {
#if defined(__AVX512F__)
  (void)columns;
  return true;
#else
  return columns % kLanes == 0;
#endif
}

/// op(B)'s panel of `columns` columns from column j and step p on.
static inline void pack_b_panel(const GemmArgs& g, int64_t j, int64_t columns, int64_t p, int64_t k, float* out) {
  if (g.transpose_b)
    pack_transposed_panel(g.b + j * g.ldb + p, g.ldb, columns, k, out);
  else
    pack_panel(g.b + p * g.ldb + j, g.ldb, columns, k, out);
}

/// One row panel over all column panels of a block.
template <bool kPack>
static inline void multiply_row_panel(const GemmArgs& g, TileOperands o, const TileEnd& end, int rows, int64_t row,
                                      int64_t column, int64_t columns, const float* in_place, float* packed,
                                      int64_t panel_stride) {
  for (int64_t j = 0; j < columns; j += kTileColumns, packed += panel_stride) {
    const int64_t here = least(kTileColumns, columns - j);
    const int vectors = static_cast<int>(ceil_div(here, kLanes));
    o.b = kPack ? in_place + j : packed;
    o.pack = packed;
    const TilePlace at{g.c + row * g.ldc + column + j, g.ldc, row, column + j, here};
    tile_function<kPack>(rows, vectors)(o, at, end);
  }
}

static void multiply_rectangle(Context& context, const GemmArgs& g, const Rectangle& area) {
  // k in equal blocks of at most kBlockK, a multiple of 8 steps each
  const int64_t blocks_k = most(1, ceil_div(g.k, kBlockK));
  const int64_t block_k = most(8, ceil_div(ceil_div(g.k, blocks_k), 8) * 8);
  // columns so that the packed block takes half the second-level cache
  const int64_t fit = context.cpu.l2 / 2 / static_cast<int64_t>(sizeof(float)) / block_k / kTileColumns * kTileColumns;
  const int64_t block_n = most(kTileColumns, fit);
  const int64_t columns_kept = least(block_n, ceil_div(area.n1 - area.n0, kTileColumns) * kTileColumns);
  float* b_block = g.packed_b ? nullptr : scratch(context, kSlotB, columns_kept * block_k + 4096);
  float* a_block = g.transpose_a ? scratch(context, kSlotA, kRowsPacked * block_k + 64) : nullptr;

  for (int64_t n0 = area.n0; n0 < area.n1; n0 += block_n) {
    const int64_t columns = least(block_n, area.n1 - n0);
    for (int64_t k0 = 0; k0 < g.k || k0 == 0; k0 += block_k) {
      const int64_t k = least(block_k, g.k - k0);
      const bool last = k0 + k >= g.k;
      const TileEnd end{g.alpha, g.accumulate || k0 > 0, last ? g.epilogue : nullptr};
      float* panels = b_block;
      int64_t panel_stride = k * kTileColumns;
      bool fuse = false;
      if (g.packed_b) {
        panels = const_cast<float*>(g.packed_b) + n0 / kTileColumns * g.k * kTileColumns + k0 * kTileColumns;
        panel_stride = g.k * kTileColumns;
      } else if (!g.transpose_b && packs_while_multiplying(columns)) {
        fuse = true;
      } else {
        for (int64_t j = 0; j < columns; j += kTileColumns)
          pack_b_panel(g, n0 + j, least(kTileColumns, columns - j), k0, k, b_block + j * k);
      }
      const float* in_place = fuse ? g.b + k0 * g.ldb + n0 : nullptr;

      for (int64_t i = area.m0; i < area.m1; i += kTileRows) {
        const int rows = static_cast<int>(least(kTileRows, area.m1 - i));
        TileOperands o{};
        o.k = k;
        if (g.transpose_a) {
          const int64_t inside = (i - area.m0) % kRowsPacked;
          if (inside == 0)
            pack_rows_of_transposed(g.a + k0 * g.lda + i, g.lda, least(kRowsPacked, area.m1 - i), k, a_block);
          o.a = a_block + inside * k;
          o.row_bytes = sizeof(float);
          o.step_bytes = kTileRows * sizeof(float);
        } else {
          o.a = g.a + i * g.lda + k0;
          o.row_bytes = g.lda * sizeof(float);
          o.step_bytes = sizeof(float);
        }
        if (fuse && i == area.m0) {
          o.b_stride = g.ldb;
          multiply_row_panel<true>(g, o, end, rows, i, n0, columns, in_place, panels, panel_stride);
        } else {
          o.b_stride = kTileColumns;
          multiply_row_panel<false>(g, o, end, rows, i, n0, columns, in_place, panels, panel_stride);
        }
      }
    }
  }
}

}  // namespace GIMBAL_ISA
}  // namespace gimbal
