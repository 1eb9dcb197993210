// From a product to rectangles for threads. Threads are independent: each packs what it reads for itself, so there is
// no barrier; a rectangle's elements are summed in the same order wherever its edges lie.
#pragma once
#include <initializer_list>

#include "block.h"

namespace gimbal {
namespace GIMBAL_ISA {

/// The grid that a product is cut into: rows x columns rectangles of `row_step` x `column_step`.
struct Partition {
  int64_t row_step, column_step, rows, columns;
};

/// Estimated clock cycles of one rectangle on one thread, good enough to compare ways of cutting.
static inline double rectangle_cycles(const GemmArgs& g, const Blocks& block, int64_t m, int64_t n) {
  // a step of k on a tile of v vectors takes kTileRows v / 2 cycles; one vector alone cannot hide the loads
  const int64_t whole = n / kTileColumns, rest = ceil_div(n % kTileColumns, kLanes);
  const double vectors = static_cast<double>(whole * kTileVectors + rest) + (rest == 1 ? 0.2 : 0.0);
  const double tiles = static_cast<double>(ceil_div(m, kTileRows)), k = static_cast<double>(g.k);
  const double multiply = tiles * vectors * k * kTileRows / 2 + tiles * static_cast<double>(whole + (rest > 0)) * 40;
  // packing, cycles an element: Bᵀ through transposes, B while multiplying but from further away; Aᵀ by copies, A
  // through transposes of four rows (read in place beside a single column panel, it is as far away)
  const double pack_b = g.packed_b ? 0.02 : g.transpose_b ? 0.5 : 0.3;
  const double pack_a = g.transpose_a ? 0.3 : kPackRows ? 0.5 : 0.1;
  // many rows are packed again for each block of columns, unless they are kept
  const bool again = !kKeepRows && m > kFewPanels * kTileRows && !(g.transpose_a && m <= block.m);
  const double passes = again ? static_cast<double>(ceil_div(n, block.n)) : 1.0;
  return 300 + multiply + k * (pack_b * static_cast<double>(n) + pack_a * static_cast<double>(m) * passes);
}

/// The cut with the shortest estimated time: whole, by rows or by columns, into one, two or four chunks a thread.
static inline Partition partition(const GemmArgs& g, int threads, int64_t l2) {
  const Blocks block(g, l2);
  Partition best{g.m, g.n, 1, 1};
  double least_cycles = rectangle_cycles(g, block, g.m, g.n);
  if (threads == 1 || least_cycles < 4000) return best;  // a fork costs 0.3 µs and a little more
  for (int64_t each = 1; each <= 4; each *= 2) {
    // more chunks than threads even out what else the cores do, by a few percent, if each is long enough
    const double unevenness = each == 1 ? 1.03 : each == 2 ? 1.01 : 1.0;
    const int64_t row_step = ceil_div(ceil_div(g.m, threads * each), kTileRows) * kTileRows;
    const int64_t rows = ceil_div(g.m, row_step);
    const double by_rows =
        unevenness * static_cast<double>(ceil_div(rows, threads)) * rectangle_cycles(g, block, row_step, g.n);
    if (by_rows + 1500 < least_cycles) {
      least_cycles = by_rows;
      best = {row_step, g.n, rows, 1};
    }
    // packed panels cannot be cut; short rectangles may end in a partial panel
    for (const int64_t unit : {static_cast<int64_t>(kTileColumns), static_cast<int64_t>(kLanes)}) {
      if (unit != kTileColumns && g.packed_b) continue;
      const int64_t step = ceil_div(ceil_div(g.n, threads * each), unit) * unit, columns = ceil_div(g.n, step);
      const double cycles =
          unevenness * static_cast<double>(ceil_div(columns, threads)) * rectangle_cycles(g, block, g.m, step);
      if (cycles + 1500 < least_cycles) {
        least_cycles = cycles;
        best = {g.m, step, 1, columns};
      }
    }
    if (least_cycles / static_cast<double>(each) < 500e3) break;
  }
  return best;
}

}  // namespace GIMBAL_ISA
}  // namespace gimbal
