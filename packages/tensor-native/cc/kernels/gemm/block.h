// A rectangle of C on one thread: blocks of B that fit the second-level cache, row panels of A over them.
//
//   for each block of k and of columns:           B block [kBlockK, columns] packed, in the second-level cache
//     for each row panel (kTileRows rows of A):   in the first-level cache: 8 x 512 floats = 16 KiB
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

/// A rectangle of an operand that is needed soon: brought into the second-level cache piece by piece, while the
/// micro-kernels work on what is there.
struct Ahead {
  const float* at = nullptr;
  int64_t rows = 0, columns = 0, stride = 0;

  void fetch(int64_t piece, int64_t pieces) const {
    const int64_t in_row = ceil_div(columns, 16), lines = rows * in_row;  // 64-byte lines
    for (int64_t line = lines * piece / pieces; line < lines * (piece + 1) / pieces; line++)
      __builtin_prefetch(at + line / in_row * stride + line % in_row * 16, 0, 2);
  }
};

/// The rectangle of B as stored that holds op(B)'s rows [k0, k0 + k) and columns [n0, n0 + n).
static inline Ahead part_of_b(const GemmArgs& g, int64_t k0, int64_t k, int64_t n0, int64_t n) {
  if (g.transpose_b) return {g.b + n0 * g.ldb + k0, n, k, g.ldb};
  return {g.b + k0 * g.ldb + n0, k, n, g.ldb};
}

/// The sizes of blocks: k in equal parts of at most kBlockK (a multiple of 8 steps each), columns and packed rows so
/// that the second-level cache holds the packed block of B, the next one as stored, and packed Aᵀ.
struct Blocks {
  int64_t k, n, m;
  Blocks(const GemmArgs& g, int64_t l2) {
    const int64_t parts = most(1, ceil_div(g.k, kBlockK));
    k = most(8, ceil_div(ceil_div(g.k, parts), 8) * 8);
    const int64_t share = g.transpose_a ? l2 / 4 : l2 * 3 / 8;
    n = most(1, share / (4 * k * kTileColumns)) * kTileColumns;
    m = most(1, l2 / 4 / (4 * k * kTileRows)) * kTileRows;
  }
};

/// One block of B times the rows of a rectangle.
struct BlockProduct {
  const GemmArgs& g;
  const Blocks& block;
  TileEnd end;
  int64_t k0, k;        // steps
  int64_t n0, columns;  // columns of C
  float* panels;        // packed B
  int64_t panel_stride;
  bool fuse;            // the first row panel packs B
  Ahead next_b;

  /// Row panel `index` of `count`: rows [i, i + rows) of C, op(A)'s at `o`.
  void row_panel(TileOperands o, int64_t i, int rows, int64_t index, int64_t count, const Ahead& next_a) const {
    const int64_t column_panels = ceil_div(columns, kTileColumns);
    const bool pack = fuse && index == 0;
    o.k = k;
    o.b_stride = pack ? g.ldb : kTileColumns;
    for (int64_t p = 0, j = 0; p < column_panels; p++, j += kTileColumns) {
      const int64_t here = least(kTileColumns, columns - j);
      const int vectors = static_cast<int>(ceil_div(here, kLanes));
      const TilePlace at{g.c + i * g.ldc + n0 + j, g.ldc, i, n0 + j, here};
      o.pack = panels + p * panel_stride;
      o.b = pack ? g.b + k0 * g.ldb + n0 + j : o.pack;
      if (next_a.rows > 0) next_a.fetch(p, column_panels);
      if (next_b.rows > 0) next_b.fetch(index * column_panels + p, count * column_panels);
      (pack ? tile_function<true> : tile_function<false>)(rows, vectors)(o, at, end);
    }
  }

  /// Rows [m0, m1) of C. `a_block` is the memory for packed Aᵀ, `a_packed` says that it holds these rows already.
  void run(float* a_block, bool a_packed, int64_t m0, int64_t m1) const {
    const int64_t count = ceil_div(m1 - m0, kTileRows);
    for (int64_t i = m0, index = 0; i < m1; i += kTileRows, index++) {
      const int rows = static_cast<int>(least(kTileRows, m1 - i));
      TileOperands o{};
      Ahead next_a;
      if (g.transpose_a) {
        const int64_t inside = (i - m0) % block.m;
        if (inside == 0 && !a_packed)
          pack_rows_of_transposed(g.a + k0 * g.lda + i, g.lda, least(block.m, m1 - i), k, a_block);
        o.a = a_block + inside * k;
        o.row_bytes = sizeof(float);
        o.step_bytes = kTileRows * sizeof(float);
      } else {
        o.a = g.a + i * g.lda + k0;
        o.row_bytes = g.lda * sizeof(float);
        o.step_bytes = sizeof(float);
        next_a = {o.a + kTileRows * g.lda, least(kTileRows, m1 - i - kTileRows), k, g.lda};
      }
      row_panel(o, i, rows, index, count, next_a);
    }
  }
};

static void multiply_rectangle(Context& context, const GemmArgs& g, const Rectangle& area) {
  const Blocks block(g, context.cpu.l2);
  const int64_t columns_kept = least(block.n, ceil_div(area.n1 - area.n0, kTileColumns) * kTileColumns);
  float* b_block = g.packed_b ? nullptr : scratch(context, kSlotB, columns_kept * block.k + 4096);
  float* a_block = g.transpose_a ? scratch(context, kSlotA, block.m * block.k + 64) : nullptr;
  const bool keep_a = area.m1 - area.m0 <= block.m;
  // at least once: k = 0 gives the epilogue of zeros
  for (int64_t k0 = 0; k0 < g.k || k0 == 0; k0 += block.k) {
    const int64_t k = least(block.k, g.k - k0);
    const TileEnd end{g.alpha, g.accumulate || k0 > 0, k0 + k >= g.k ? g.epilogue : nullptr};
    for (int64_t n0 = area.n0; n0 < area.n1; n0 += block.n) {
      const int64_t columns = least(block.n, area.n1 - n0);
      BlockProduct product{g, block, end, k0, k, n0, columns, b_block, k * kTileColumns, false, {}};
      if (g.packed_b) {
        product.panels = const_cast<float*>(g.packed_b) + n0 * g.k + k0 * kTileColumns;
        product.panel_stride = g.k * kTileColumns;
      } else {
        product.fuse = !g.transpose_b && packs_while_multiplying(columns);
        for (int64_t j = 0; j < columns && !product.fuse; j += kTileColumns)
          pack_b_panel(g, n0 + j, least(kTileColumns, columns - j), k0, k, b_block + j * k);
        const bool last = n0 + columns >= area.n1;
        const int64_t next_n = last ? area.n0 : n0 + block.n, next_k = last ? k0 + block.k : k0;
        if (next_k < g.k)
          product.next_b = part_of_b(g, next_k, least(block.k, g.k - next_k), next_n, least(block.n, area.n1 - next_n));
      }
      product.run(a_block, keep_a && n0 > area.n0, area.m0, area.m1);
    }
  }
}

}  // namespace GIMBAL_ISA
}  // namespace gimbal
