// Conversions between float32, int32 and bool bytes, and sequences.
//
// Commands: cast_<from>_<to> [x, y, n]; sequence_float, sequence_int [y, n, start, step].
#include <math.h>

#include "../parallel.h"

namespace gimbal {
namespace GIMBAL_ISA {

template <class X, class Y, class F>
static inline void convert(Context& ctx, const double* a, F f) {
  const X* __restrict x = ptr<X>(a[0]);
  Y* __restrict y = ptr<Y>(a[1]);
  parallel_for(ctx, (int64_t)a[2], 16384, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) y[i] = f(x[i]);
  });
}

// towards zero, modulo 2^32 outside int32, NaN and infinities 0: what a JavaScript Int32Array stores
static __attribute__((noinline)) int32_t wrap_large(float x) {
  if (!(__builtin_fabsf(x) < __builtin_inff())) return 0;
  return (int32_t)(uint32_t)(int64_t)fmod(trunc((double)x), 4294967296.0);
}

static void float_int(Context& ctx, const double* a) {
  convert<float, int32_t>(ctx, a, [](float x) -> int32_t {
    return __builtin_fabsf(x) < 2147483648.0f ? (int32_t)x : wrap_large(x);
  });
}
static void float_bool(Context& ctx, const double* a) {
  convert<float, uint8_t>(ctx, a, [](float x) -> uint8_t { return x != 0; });
}
static void int_float(Context& ctx, const double* a) {
  convert<int32_t, float>(ctx, a, [](int32_t x) { return (float)x; });
}
static void int_bool(Context& ctx, const double* a) {
  convert<int32_t, uint8_t>(ctx, a, [](int32_t x) -> uint8_t { return x != 0; });
}
static void bool_float(Context& ctx, const double* a) {
  convert<uint8_t, float>(ctx, a, [](uint8_t x) { return (float)x; });
}
static void bool_int(Context& ctx, const double* a) {
  convert<uint8_t, int32_t>(ctx, a, [](uint8_t x) -> int32_t { return x; });
}

// y[i] = start + i step, in double precision
template <class Y>
static void sequence(Context& ctx, const double* a) {
  Y* y = ptr<Y>(a[0]);
  const double start = a[2], step = a[3];
  parallel_for(ctx, (int64_t)a[1], 16384, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) y[i] = (Y)(start + (double)i * step);
  });
}

void register_cast(Registry& r) {
  r.add("cast_float_int", float_int);
  r.add("cast_float_bool", float_bool);
  r.add("cast_int_float", int_float);
  r.add("cast_int_bool", int_bool);
  r.add("cast_bool_float", bool_float);
  r.add("cast_bool_int", bool_int);
  r.add("sequence_float", sequence<float>);
  r.add("sequence_int", sequence<int32_t>);
}

}  // namespace GIMBAL_ISA
}  // namespace gimbal
