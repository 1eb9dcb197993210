// A rectangle of C on one thread: blocks of B that fit the second-level cache, row panels of A over them.
//
//   for each block of k and of columns:           B block [kBlockK, columns] packed, in the second-level cache
//     for each row panel (kTileRows rows of A):   in the first-level cache: 8 x 384 floats = 12 KiB
//       for each column panel:                    one micro-kernel call
//
// B as stored [k, n] is packed by the first row panel's own micro-kernels while they multiply; Bᵀ is packed before,
// through register transposes. With AVX-512 a row panel of A is packed when its turn comes, fetched while the one before
// multiplies, and Aᵀ a few panels at a time. With sixteen registers both are packed once for all blocks of columns
// (kKeepRows). Where A is read once only or lies near, it is read in place.
#pragma once
#include "hint.h"
#include "microkernel.h"
#include "pack.h"

namespace gimbal {
namespace GIMBAL_ISA {

/// Part of C: rows [m0, m1), columns [n0, n1).
struct Rectangle {
  int64_t m0, m1, n0, n1;
};

constexpr int kSlotB = 0, kSlotA = 1;           // scratch slots

/// Row panels of Aᵀ that are packed together, where they are kept: their lines lie side by side.
constexpr int kPanelsAtOnce = 16;

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

/// The sizes of blocks: k in equal parts of at most kBlockK (a multiple of 8 steps each), columns and packed rows so
/// that the second-level cache holds the packed block of B and, beside A, C and what passes, packed Aᵀ; kept rows lie in
/// the third level.
struct Blocks {
  int64_t k, n, m;
  Blocks(const GemmArgs& g, int64_t l2) {
    const int64_t parts = most(1, ceil_div(g.k, kBlockK));
    k = most(8, ceil_div(ceil_div(g.k, parts), 8) * 8);
    const int64_t share = g.transpose_a && !kKeepRows ? l2 / 4 : l2 * 3 / 8;
    n = most(1, share / (4 * k * kTileColumns)) * kTileColumns;
    m = most(1, (kKeepRows ? 4 * kKeptFloats : l2 / 4) / (4 * k * kTileRows)) * kTileRows;
  }
};

/// One block of B times the rows of a rectangle.
struct BlockProduct {
  const GemmArgs& g;
  const Blocks& block;
  TileEnd end;
  int64_t k0, k;        // steps
  int64_t n0, columns;  // columns of C
  int64_t m0, m1;       // rows of C
  float* b_panels;      // packed B
  int64_t panel_stride;
  bool fuse;            // the first row panel packs B
  float* a_block;       // packed rows of op(A)
  bool a_packed;        // it holds these rows already
  bool pack_rows;       // of A, row panels are packed
  bool few_rows;        // all row panels stay packed (kKeepRows: always), else one (of A) or up to block.m rows (of Aᵀ)

  /// op(A)'s row panel that begins at row i: packed if it is stored transposed, or whole and read by several tiles.
  TileOperands row_panel(int64_t i) {
    if (g.transpose_a) {
      const int64_t inside = (i - m0) % block.m, each = kKeepRows ? kPanelsAtOnce * kTileRows : block.m;
      if (inside % each == 0 && !a_packed)
        pack_rows_of_transposed(g.a + k0 * g.lda + i, g.lda, least(each, m1 - i), k, a_block + inside * k);
      return packed_rows(a_block + inside * k);
    }
    const float* a = g.a + i * g.lda + k0;
    if (pack_rows && i + kTileRows <= m1) {
      float* packed = a_block + (few_rows || kKeepRows ? (i - m0) * k : 0);
      if (!a_packed) pack_row_panel(a, g.lda, k, packed);
      return packed_rows(packed);
    }
    TileOperands o{};
    o.k = k;
    o.a = a;
    o.row_bytes = g.lda * sizeof(float);
    o.step_bytes = sizeof(float);
    return o;
  }

  TileOperands packed_rows(const float* a) const {
    TileOperands o{};
    o.k = k;
    o.a = a;
    o.row_bytes = sizeof(float);
    o.step_bytes = kTileRows * sizeof(float);
    return o;
  }

  /// The tile of C at row i and column n0 + j; `pack`: B is read in place and laid down in `panel`, else read there.
  void tile(TileOperands& o, int64_t i, int64_t j, float* panel, bool pack) {
    const int rows = static_cast<int>(least(kTileRows, m1 - i));
    const int64_t here = least(kTileColumns, columns - j);
    const int vectors = static_cast<int>(ceil_div(here, kLanes));
    const TilePlace at{g.c + i * g.ldc + n0 + j, g.ldc, i, n0 + j, here};
    o.pack = panel;
    o.b = pack ? g.b + k0 * g.ldb + n0 + j : panel;
    o.b_stride = pack ? g.ldb : kTileColumns;
    const bool whole = rows == kTileRows && o.step_bytes == kTileRows * static_cast<int64_t>(sizeof(float));
    if (pack)
      tile_function<true>(rows, vectors)(o, at, end);
    else
      (whole ? packed_tile_function(vectors) : tile_function<false>(rows, vectors))(o, at, end);
  }

  /// Fetches part `p` of `parts` of the row panel at row i into the second-level cache: its rows are too short for the
  /// processor to see where they go, and packing it would wait for the third level line by line.
  void fetch_row_panel(int64_t i, int64_t p, int64_t parts) const {
    constexpr int64_t kLine = 64 / sizeof(float);
    const int64_t lines = k / kLine + 1, each = ceil_div(lines, parts), end = least(lines, (p + 1) * each);
    for (int64_t line = p * each; line < end; line++)
      for (int r = 0; r < kTileRows; r++) __builtin_prefetch(g.a + (i + r) * g.lda + k0 + line * kLine, 0, 2);
  }

  /// Row panels over all of B: A's panel stays in the first-level cache, B comes from the second.
  void by_rows() {
    const int64_t column_panels = ceil_div(columns, kTileColumns);
    if (!fuse && !g.packed_b)
      for (int64_t p = 0; p < column_panels; p++) pack_panel_of_b(p * kTileColumns, b_panels + p * panel_stride);
    // few rows lie in the second-level cache as they are
    const bool worth = pack_rows && !kKeepRows && !g.transpose_a && column_panels > 1 && m1 - m0 > block.m / 4;
    for (int64_t i = m0; i < m1; i += kTileRows) {
      TileOperands o = row_panel(i);
      const bool fetch = worth && i + 2 * kTileRows <= m1;
      for (int64_t p = 0; p < column_panels; p++) {
        if (fetch) fetch_row_panel(i + kTileRows, p, column_panels);
        tile(o, i, p * kTileColumns, b_panels + p * panel_stride, fuse && i == m0);
      }
    }
  }

  /// Few rows: one panel of B after the other over all of them, so that it is packed, read and forgotten in the
  /// first-level cache.
  void by_columns() {
    for (int64_t j = 0; j < columns; j += kTileColumns) {
      float* panel = g.packed_b ? b_panels + j / kTileColumns * panel_stride : b_panels;
      if (!fuse && !g.packed_b) pack_panel_of_b(j, panel);
      for (int64_t i = m0; i < m1; i += kTileRows) {
        TileOperands o = row_panel(i);
        tile(o, i, j, panel, fuse && i == m0);
      }
      a_packed = true;
    }
  }

  void pack_panel_of_b(int64_t j, float* panel) const {
    pack_b_panel(g, n0 + j, least(kTileColumns, columns - j), k0, k, panel);
  }
};

static void multiply_rows(Context& context, const GemmArgs& g, const Blocks& block, const Rectangle& area) {
  const int64_t rows = area.m1 - area.m0;
  const bool few_rows = rows <= kFewPanels * kTileRows;
  const int64_t columns_kept = least(block.n, ceil_div(area.n1 - area.n0, kTileColumns) * kTileColumns);
  float* b_block = g.packed_b ? nullptr : scratch(context, kSlotB, columns_kept * block.k + 4096);
  const int64_t rows_kept = g.transpose_a ? least(block.m, rows) : few_rows || kKeepRows ? rows : kTileRows;
  float* a_block = scratch(context, kSlotA, (rows_kept + kTileRows) * block.k);
  // at least once: k = 0 gives the epilogue of zeros
  for (int64_t k0 = 0; k0 < g.k || k0 == 0; k0 += block.k) {
    const int64_t k = least(block.k, g.k - k0);
    const TileEnd end{g.alpha, g.accumulate || k0 > 0, k0 + k >= g.k ? g.epilogue : nullptr};
    for (int64_t n0 = area.n0; n0 < area.n1; n0 += block.n) {
      const int64_t columns = least(block.n, area.n1 - n0);
      const bool a_packed = n0 > area.n0 && (kKeepRows || rows <= (g.transpose_a ? block.m : kFewPanels * kTileRows));
      // kept rows are packed if the second-level cache would not hold them as they are
      const bool pack_rows = kKeepRows ? 4 * k * rows > context.cpu.l2 && area.n1 - area.n0 >= 8 * kTileColumns
                                       : kPackRows && columns > kTileColumns && rows > kTileRows;
      BlockProduct product{g,       block,   end, k0, k, n0, columns, area.m0, area.m1, b_block, k * kTileColumns,
                           false, a_block, a_packed, pack_rows, few_rows};
      if (g.packed_b) {
        product.b_panels = const_cast<float*>(g.packed_b) + n0 * g.k + k0 * kTileColumns;
        product.panel_stride = g.k * kTileColumns;
      } else {
        product.fuse = !g.transpose_b && packs_while_multiplying(columns);
      }
      if (few_rows)
        product.by_columns();
      else
        product.by_rows();
    }
  }
}

static void multiply_rectangle(Context& context, const GemmArgs& g, const Rectangle& area) {
  const Blocks block(g, context.cpu.l2);
  const int64_t rows_at_once = kKeepRows ? block.m : area.m1 - area.m0;
  for (int64_t m0 = area.m0; m0 < area.m1; m0 += rows_at_once)
    multiply_rows(context, g, block, {m0, least(area.m1, m0 + rows_at_once), area.n0, area.n1});
}

}  // namespace GIMBAL_ISA
}  // namespace gimbal
