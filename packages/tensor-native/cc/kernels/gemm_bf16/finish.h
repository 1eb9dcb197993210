// The end of a bf16 tile: from sums in memory to stored results in one pass (formulas in ../../gemm.h).
#pragma once
#include "../gemm/epilogue.h"
#include "layout.h"

namespace gimbal {
namespace GIMBAL_ISA {

template <Activation kActivation, bool kSaved>
static __attribute__((noinline)) void finish_bf16_as(const float* tile, int64_t rows, const TilePlace& at,
                                                     const TileEnd& end) {
  const Epilogue none, *given = end.epilogue, &e = given ? *given : none;
  const Vec alpha = splat(end.alpha);
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < kPanel && j < at.columns; j += kLanes) {
      const int64_t columns = at.columns - j, offset = (at.row + i) * at.ldc + at.column + j;
      float* c = at.c + i * at.ldc + j;
      Vec z = load(tile + i * kPanel + j) * alpha;
      if (end.accumulate) z += load_part(c, columns);
      if (e.bias) z += load_part(e.bias + at.column + j, columns);
      if (e.pre) store_part(e.pre + offset, z, columns);
      z = kSaved ? z * activation_gradient(kActivation, load_part(e.saved + offset, columns), e.slope)
                 : activate(kActivation, z, e.slope);
      if (e.residual) z += load_part(e.residual + offset, columns);
      store_part(c, z, columns);
    }
}

/// Ends a [32, 32] tile of sums: its first `rows` rows and `at.columns` columns exist.
static inline void finish_bf16(float* tile, int64_t rows, const TilePlace& at, const TileEnd& end) {
  const Activation activation = end.epilogue ? end.epilogue->activation : Activation::linear;
  const bool saved = end.epilogue && end.epilogue->saved;
  switch (activation) {
#define GIMBAL_CASE(name)  \
  case Activation::name:   \
    return saved ? finish_bf16_as<Activation::name, true>(tile, rows, at, end) \
                 : finish_bf16_as<Activation::name, false>(tile, rows, at, end);
    GIMBAL_CASE(relu)
    GIMBAL_CASE(relu6)
    GIMBAL_CASE(leaky)
    GIMBAL_CASE(elu)
    GIMBAL_CASE(sigmoid)
    GIMBAL_CASE(tanh)
    GIMBAL_CASE(gelu)
    GIMBAL_CASE(gelu_erf)
    GIMBAL_CASE(silu)
    GIMBAL_CASE(softplus)
#undef GIMBAL_CASE
    case Activation::prelu:
      return finish_in_memory<kPanel / kLanes>(tile, static_cast<int>(rows), at, end);
    default: return finish_bf16_as<Activation::linear, false>(tile, rows, at, end);
  }
}

}  // namespace GIMBAL_ISA
}  // namespace gimbal
