// Rows that are no multiple of a vector long: the last, partial vector without a second loop.
#pragma once
#include "simd.h"

namespace gimbal {
namespace GIMBAL_ISA {

/// Put behind the parameters of a loop body given as a lambda: the compiler would call it, vectors through memory.
#define GIMBAL_BODY __attribute__((always_inline))

/// The next vector of a row of which `rest` elements are left; lanes behind the end are zero.
GIMBAL_INLINE Vec load_rest(const float* p, int64_t rest) { return rest >= kLanes ? load(p) : load_n(p, rest); }

/// Writes the next vector of a row of which `rest` elements are left.
GIMBAL_INLINE void store_rest(float* p, Vec v, int64_t rest) {
  if (rest >= kLanes)
    store(p, v);
  else
    store_n(p, v, rest);
}

/// A mask of the first n lanes (all from kLanes on).
GIMBAL_INLINE IVec first_lanes(int64_t n) {
  IVec index;
  for (int i = 0; i < kLanes; i++) index[i] = i;
  return index < splat_int(static_cast<int32_t>(n < kLanes ? n : kLanes));
}

/// v with zeros in the lanes behind the first `rest`.
GIMBAL_INLINE Vec keep_first(Vec v, int64_t rest) {
  return rest >= kLanes ? v : select(first_lanes(rest), v, splat(0.0f));
}

/// f(i, rest) for each vector of a row of n elements.
template <class F>
GIMBAL_INLINE void for_vectors(int64_t n, F f) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) f(i, static_cast<int64_t>(kLanes));
  if (i < n) f(i, n - i);
}

}  // namespace GIMBAL_ISA
}  // namespace gimbal
