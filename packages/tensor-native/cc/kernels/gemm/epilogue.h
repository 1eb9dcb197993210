// The end of a tile: from sums in registers to stored results (formulas in ../../gemm.h).
#pragma once
#include "tile.h"

namespace gimbal {
namespace GIMBAL_ISA {

/// Where a tile stands: `c` points at its first element, `row` and `column` are that element's indices in C.
struct TilePlace {
  float* c;
  int64_t ldc;
  int64_t row, column;
  int64_t columns;  // how many of the tile's columns exist
};

/// What to do with the sums of one block of k.
struct TileEnd {
  float alpha;
  bool accumulate;           // add to what C holds
  const Epilogue* epilogue;  // nullptr before the last block
};

/// Vector j of a row: whole, or its first columns only in the last vector of a narrow tile.
GIMBAL_INLINE Vec load_part(const float* p, int64_t columns) {
  return columns >= kLanes ? load(p) : load_n(p, columns > 0 ? columns : 0);
}
GIMBAL_INLINE void store_part(float* p, Vec v, int64_t columns) {
  if (columns >= kLanes)
    store(p, v);
  else if (columns > 0)
    store_n(p, v, columns);
}

template <Activation kActivation>
struct ActivationKind {
  static constexpr Activation value = kActivation;
};

/// Activation or its gradient over the `count` vectors of a tile kept in memory: out of line, so that the switch is
/// taken once a tile and the micro-kernels stay small.
template <int kVectors>
static __attribute__((noinline)) void activate_tile(float* tile, int rows, const Epilogue& e, const TilePlace& at) {
  const int64_t offset = at.row * at.ldc + at.column;
  const auto each = [&](auto f) {
    for (int i = 0; i < rows; i++)
      for (int j = 0; j < kVectors; j++) {
        float* v = tile + (i * kVectors + j) * kLanes;
        store(v, f(load(v), i, j));
      }
  };
  const auto with = [&](auto constant) {
    constexpr Activation kind = decltype(constant)::value;
    if (e.saved == nullptr) return each([&](Vec z, int, int) { return activate(kind, z, e.slope); });
    each([&](Vec z, int i, int j) {
      Vec saved = load_part(e.saved + offset + i * at.ldc + j * kLanes, at.columns - j * kLanes);
      return z * activation_gradient(kind, saved, e.slope);
    });
  };
  switch (e.activation) {
#define GIMBAL_CASE(name) \
  case Activation::name: return with(ActivationKind<Activation::name>{});
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
      return each([&](Vec z, int, int j) {
        Vec slope = load_part(e.slopes + at.column + j * kLanes, at.columns - j * kLanes);
        return z < splat(0.0f) ? z * slope : z;
      });
    default: return;
  }
}

#define GIMBAL_UNROLL _Pragma("GCC unroll 8")

/// The end of a tile kept in memory, whatever its epilogue and width: out of line and slow beside `finish`, but its
/// cost is that of one pass over the tile.
template <int kVectors>
static __attribute__((noinline)) void finish_in_memory(float* tile, int rows, const TilePlace& at, const TileEnd& end) {
  const int64_t offset = at.row * at.ldc + at.column;
  const Vec alpha = splat(end.alpha);
  const Epilogue* e = end.epilogue;
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < kVectors; j++) {
      const int64_t columns = at.columns - j * kLanes;
      Vec z = load(tile + (i * kVectors + j) * kLanes) * alpha;
      if (end.accumulate) z += load_part(at.c + i * at.ldc + j * kLanes, columns);
      if (e && e->bias) z += load_part(e->bias + at.column + j * kLanes, columns);
      if (e && e->pre) store_part(e->pre + offset + i * at.ldc + j * kLanes, z, columns);
      store(tile + (i * kVectors + j) * kLanes, z);
    }
  if (e) activate_tile<kVectors>(tile, rows, *e, at);
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < kVectors; j++) {
      const int64_t columns = at.columns - j * kLanes;
      Vec y = load(tile + (i * kVectors + j) * kLanes);
      if (e && e->residual) y += load_part(e->residual + offset + i * at.ldc + j * kLanes, columns);
      store_part(at.c + i * at.ldc + j * kLanes, y, columns);
    }
}

/// Ends a tile of kRows x kVectors vectors: in registers when every column exists and the epilogue is at most a bias
/// and a ReLU, else through memory.
template <int kRows, int kVectors>
GIMBAL_INLINE void finish(Vec (&r)[kRows][kVectors], const TilePlace& at, const TileEnd& end) {
  const Epilogue* e = end.epilogue;
  const bool relu = e && e->activation == Activation::relu && e->saved == nullptr;
  const bool plain = at.columns >= kVectors * kLanes && end.alpha == 1.0f &&
                     (!e || ((relu || e->activation == Activation::linear) && !e->pre && !e->residual));
  if (!plain) {
    alignas(64) float tile[kRows * kVectors * kLanes];
    GIMBAL_UNROLL for (int i = 0; i < kRows; i++) GIMBAL_UNROLL for (int j = 0; j < kVectors; j++)
        store(tile + (i * kVectors + j) * kLanes, r[i][j]);
    return finish_in_memory<kVectors>(tile, kRows, at, end);
  }
  float* c = at.c;
  if (end.accumulate)
    GIMBAL_UNROLL for (int i = 0; i < kRows; i++) GIMBAL_UNROLL for (int j = 0; j < kVectors; j++) r[i][j] +=
        load(c + i * at.ldc + j * kLanes);
  if (e && e->bias) GIMBAL_UNROLL for (int j = 0; j < kVectors; j++) {
      const Vec bias = load(e->bias + at.column + j * kLanes);
      GIMBAL_UNROLL for (int i = 0; i < kRows; i++) r[i][j] += bias;
    }
  if (relu)
    GIMBAL_UNROLL for (int i = 0; i < kRows; i++) GIMBAL_UNROLL for (int j = 0; j < kVectors; j++) r[i][j] =
        vrelu(r[i][j]);
  GIMBAL_UNROLL for (int i = 0; i < kRows; i++) GIMBAL_UNROLL for (int j = 0; j < kVectors; j++)
      store(c + i * at.ldc + j * kLanes, r[i][j]);
}

}  // namespace GIMBAL_ISA
}  // namespace gimbal
