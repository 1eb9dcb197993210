// From a product to rectangles for threads. Threads are independent: each packs what it reads for itself, so there is
// no barrier; a rectangle's elements are summed in the same order wherever its edges lie.
#pragma once
#include "block.h"

namespace gimbal {
namespace GIMBAL_ISA {

/// The grid that a product is cut into: rows x columns rectangles of `row_step` x `column_step`.
struct Partition {
  int64_t row_step, column_step, rows, columns;
};

static inline Partition partition(const GemmArgs& g, int threads) {
  const double flops = 2.0 * g.m * g.n * g.k;
  Partition whole{g.m, g.n, 1, 1};
  if (threads == 1 || flops < 250e3) return whole;
  // Cutting rows makes every thread pack all of B, cutting columns all of Aᵀ. Packing while multiplying is free.
  const int64_t rows_each = g.m / threads;
  const int64_t rows_wanted = g.packed_b ? 2 * kTileRows : g.transpose_b ? 128 : g.transpose_a ? 24 : 48;
  const bool by_rows = rows_each >= rows_wanted || g.n < kTileColumns * threads;
  // several chunks a thread even out the load, once each is worth 200 µs
  const int64_t chunks_each = g.transpose_b && !g.packed_b ? 2 : 4;
  const int64_t chunks = threads * most(1, least(chunks_each, static_cast<int64_t>(flops / threads / 40e6)));
  if (by_rows) {
    const int64_t least_rows = chunks > threads ? 64 : kTileRows;
    const int64_t step = most(least_rows, ceil_div(ceil_div(g.m, chunks), kTileRows) * kTileRows);
    return {step, g.n, ceil_div(g.m, step), 1};
  }
  const int64_t unit = g.packed_b || g.n >= 4 * threads * kTileColumns ? kTileColumns : kLanes;
  const int64_t step = ceil_div(ceil_div(g.n, chunks), unit) * unit;
  return {g.m, step, 1, ceil_div(g.n, step)};
}

}  // namespace GIMBAL_ISA
}  // namespace gimbal
