// Element-wise arithmetic of two tensors that broadcast against each other.
//
// Commands `binary_<name>` (float32) and `binary_<name>_int` (int32, wrapping around like JavaScript's Int32Array), laid
// out as in broadcast.h. Semantics are those of tfjs's cpu backend: maximum and minimum give NaN wherever an input is.
#include <math.h>

#include "../broadcast.h"
#include "../simd_math.h"

namespace gimbal {
namespace GIMBAL_ISA {

template <class F>
static inline void vector_op(Context& ctx, const double* a, int64_t grain, F f) {
  const int rank = (int)a[3];
  const Broadcast plan(rank, a + 4, a + 4 + rank, a + 4 + 2 * rank);
  for_each_row(ctx, plan, ptr<const float>(a[0]), ptr<const float>(a[1]), ptr<float>(a[2]), grain,
               [=](const float* x, const float* y, float* out, int64_t n, int64_t x_step, int64_t y_step) {
                 vector_row(x, y, out, n, x_step, y_step, f);
               });
}

template <class T, class F>
static inline void number_op(Context& ctx, const double* a, int64_t grain, F f) {
  const int rank = (int)a[3];
  const Broadcast plan(rank, a + 4, a + 4 + rank, a + 4 + 2 * rank);
  for_each_row(ctx, plan, ptr<const T>(a[0]), ptr<const T>(a[1]), ptr<T>(a[2]), grain,
               [=](const T* x, const T* y, T* out, int64_t n, int64_t x_step, int64_t y_step) {
                 scalar_row(x, y, out, n, x_step, y_step, f);
               });
}

#define GIMBAL_VECTOR(name, grain, expression)                           \
  static void name(Context& ctx, const double* a) {                      \
    vector_op(ctx, a, grain, [](Vec x, Vec y) { return expression; }); \
  }
GIMBAL_VECTOR(add, 16384, x + y)
GIMBAL_VECTOR(sub, 16384, x - y)
GIMBAL_VECTOR(mul, 16384, x * y)
GIMBAL_VECTOR(div_, 8192, x / y)
GIMBAL_VECTOR(maximum, 16384, vmax_nan(x, y))
GIMBAL_VECTOR(minimum, 16384, vmin_nan(x, y))
GIMBAL_VECTOR(squared_difference, 16384, (x - y) * (x - y))
// x above 0, y x below
GIMBAL_VECTOR(prelu, 16384, select(x < splat(0.0f), x* y, x))
// dy above 0, dy (y + 1) below, where y = elu(x): inputs dy, y
GIMBAL_VECTOR(elu_grad, 16384, select(y >= splat(0.0f), x, fma(x, y, x)))
#undef GIMBAL_VECTOR

// JavaScript's power: NaN for a NaN exponent and for (±1)^±infinity, where C says 1
static inline float power(float x, float y) {
  if (y != y || (__builtin_fabsf(x) == 1.0f && __builtin_isinf(y))) return __builtin_nanf("");
  return powf(x, y);
}

// the sign of the result follows the divisor
static inline float modulo(float x, float y) {
  const float rest = fmodf(x, y);
  return (x < 0 && y < 0) || (x >= 0 && y >= 0) ? rest : fmodf(rest + y, y);
}

static void pow_(Context& ctx, const double* a) {
  const int rank = (int)a[3];
  const Broadcast plan(rank, a + 4, a + 4 + rank, a + 4 + 2 * rank);
  for_each_row(ctx, plan, ptr<const float>(a[0]), ptr<const float>(a[1]), ptr<float>(a[2]), 512,
               [](const float* x, const float* y, float* out, int64_t n, int64_t x_step, int64_t y_step) {
                 // one small whole exponent for the row is the common case
                 const float exponent = y_step ? 0 : *y;
                 if (exponent == 2)
                   vector_row(x, y, out, n, x_step, y_step, [](Vec v, Vec) { return v * v; });
                 else if (exponent == 3)
                   vector_row(x, y, out, n, x_step, y_step, [](Vec v, Vec) { return v * v * v; });
                 else if (exponent == 1)
                   vector_row(x, y, out, n, x_step, y_step, [](Vec v, Vec) { return v; });
                 else if (exponent == -1)
                   vector_row(x, y, out, n, x_step, y_step, [](Vec v, Vec) { return splat(1.0f) / v; });
                 else
                   scalar_row(x, y, out, n, x_step, y_step, power);
               });
}
static void mod(Context& ctx, const double* a) { number_op<float>(ctx, a, 512, modulo); }
static void atan2_(Context& ctx, const double* a) {
  number_op<float>(ctx, a, 256, [](float x, float y) { return atan2f(x, y); });
}

// ---- int32 ----------------------------------------------------------------------------------------------------------

// a number as Int32Array stores it: whole part modulo 2^32, NaN and infinities as 0
static inline int32_t wrap(double x) {
  if (x > -2147483649.0 && x < 2147483648.0) return (int32_t)x;
  if (!(__builtin_fabs(x) < __builtin_inf())) return 0;
  return (int32_t)(uint32_t)(int64_t)fmod(trunc(x), 4294967296.0);
}

// float32 operands, int32 result, as tfjs has it
static void floor_div(Context& ctx, const double* a) {
  const int rank = (int)a[3];
  const Broadcast plan(rank, a + 4, a + 4 + rank, a + 4 + 2 * rank);
  for_each_row(ctx, plan, ptr<const float>(a[0]), ptr<const float>(a[1]), ptr<int32_t>(a[2]), 4096,
               [](const float* x, const float* y, int32_t* out, int64_t n, int64_t x_step, int64_t y_step) {
                 scalar_row(x, y, out, n, x_step, y_step,
                            [](float u, float v) -> int32_t { return wrap(floor((double)u / (double)v)); });
               });
}

#define GIMBAL_INT(name, grain, expression)                                                     \
  static void name(Context& ctx, const double* a) {                                             \
    number_op<int32_t>(ctx, a, grain, [](int32_t x, int32_t y) -> int32_t { return expression; }); \
  }
GIMBAL_INT(add_int, 16384, (int32_t)((uint32_t)x + (uint32_t)y))
GIMBAL_INT(sub_int, 16384, (int32_t)((uint32_t)x - (uint32_t)y))
GIMBAL_INT(mul_int, 16384, (int32_t)((uint32_t)x * (uint32_t)y))
GIMBAL_INT(maximum_int, 16384, x > y ? x : y)
GIMBAL_INT(minimum_int, 16384, x < y ? x : y)
GIMBAL_INT(squared_difference_int, 16384, (int32_t)(((uint32_t)x - (uint32_t)y) * ((uint32_t)x - (uint32_t)y)))
GIMBAL_INT(div_int, 4096, wrap((double)x / (double)y))
GIMBAL_INT(floor_div_int, 4096, wrap(floor((double)x / (double)y)))
GIMBAL_INT(pow_int, 256, wrap(pow((double)x, (double)y)))
#undef GIMBAL_INT

static void mod_int(Context& ctx, const double* a) {
  number_op<int32_t>(ctx, a, 4096, [](int32_t x, int32_t y) -> int32_t {
    if (y == 0) return 0;  // NaN as int32
    const int64_t rest = (int64_t)x % y;
    return (int32_t)((x < 0) == (y < 0) ? rest : (rest + y) % y);
  });
}

void register_binary(Registry& r) {
  r.add("binary_add", add);
  r.add("binary_sub", sub);
  r.add("binary_mul", mul);
  r.add("binary_div", div_);
  r.add("binary_maximum", maximum);
  r.add("binary_minimum", minimum);
  r.add("binary_squared_difference", squared_difference);
  r.add("binary_floor_div", floor_div);
  r.add("binary_prelu", prelu);
  r.add("binary_elu_grad", elu_grad);
  r.add("binary_pow", pow_);
  r.add("binary_mod", mod);
  r.add("binary_atan2", atan2_);
  r.add("binary_add_int", add_int);
  r.add("binary_sub_int", sub_int);
  r.add("binary_mul_int", mul_int);
  r.add("binary_div_int", div_int);
  r.add("binary_maximum_int", maximum_int);
  r.add("binary_minimum_int", minimum_int);
  r.add("binary_squared_difference_int", squared_difference_int);
  r.add("binary_floor_div_int", floor_div_int);
  r.add("binary_pow_int", pow_int);
  r.add("binary_mod_int", mod_int);
}

}  // namespace GIMBAL_ISA
}  // namespace gimbal
