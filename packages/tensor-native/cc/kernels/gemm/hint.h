// What a product of few rows reads, told to the command before it, which may fetch it meanwhile (HintFn in registry.h).
#pragma once
#include "arguments.h"
#include "tile.h"

namespace gimbal {
namespace GIMBAL_ISA {

/// Up to this many row panels, panels of B are the outer loop.
constexpr int64_t kFewPanels = 8;

/// Whether a product reads every weight once for a few rows. A single row panel multiplies faster than memory delivers:
/// there the processor's own prefetchers do better alone, on whole panels.
static inline bool has_few_rows(const GemmArgs& g) {
  return g.packed_b && !g.transpose_a && g.m > kTileRows && g.m <= kFewPanels * kTileRows;
}

/// HintFn of `gemm`: the thread's run of packed panels, if it has few rows.
static Fetch hint_product(Context&, const double* a, int part, int parts, int64_t index, int64_t steps) {
  GemmArgs g = read_product(a);
  g.read_packed(a[20]);
  if (!has_few_rows(g)) return {};
  const int64_t vectors = ceil_div(g.n, kLanes);
  const auto panel = [&](int64_t v) { return g.packed_b + v / kTileVectors * kTileColumns * g.k; };
  const float* at = panel(vectors * part / parts) + index * steps * kLineFloats;
  if (at >= panel(vectors * (part + 1) / parts)) return {};
  return {reinterpret_cast<const char*>(at), kLineFloats * static_cast<int64_t>(sizeof(float))};
}

}  // namespace GIMBAL_ISA
}  // namespace gimbal
