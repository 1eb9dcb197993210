// Element-wise functions of one tensor: y = f(x).
//
// Commands `unary_<name>`: [x, y, n, parameters…]. float32 unless the name ends in _int; tests (is_nan…) write bool
// bytes. x and y may be the same memory. NaN gives NaN except where tfjs's definition says otherwise (sign).
#include <math.h>

#include "../parallel.h"
#include "../simd_math.h"

namespace gimbal {
namespace GIMBAL_ISA {

// elements that take about 5 µs
constexpr int64_t kCheap = 16384, kMedium = 8192, kExpensive = 2048, kLibrary = 512;

template <class F>
static inline void map(Context& ctx, const double* a, int64_t grain, F f) {
  const float* x = ptr<float>(a[0]);
  float* y = ptr<float>(a[1]);
  parallel_for(ctx, (int64_t)a[2], grain, [=](int64_t begin, int64_t end) {
    int64_t i = begin;
    for (; i + 2 * kLanes <= end; i += 2 * kLanes) {
      const Vec first = f(load(x + i)), second = f(load(x + i + kLanes));
      store(y + i, first);
      store(y + i + kLanes, second);
    }
    for (; i + kLanes <= end; i += kLanes) store(y + i, f(load(x + i)));
    if (i < end) store_n(y + i, f(load_n(x + i, end - i)), end - i);
  });
}

// number by number, for what has no vector form
template <class X, class Y, class F>
static inline void map_scalar(Context& ctx, const double* a, int64_t grain, F f) {
  const X* x = ptr<X>(a[0]);
  Y* y = ptr<Y>(a[1]);
  parallel_for(ctx, (int64_t)a[2], grain, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) y[i] = f(x[i]);
  });
}

#define GIMBAL_MAP(name, grain, expression)               \
  static void name(Context& ctx, const double* a) {       \
    map(ctx, a, grain, [](Vec x) { return expression; }); \
  }
GIMBAL_MAP(abs_, kCheap, vabs(x))
GIMBAL_MAP(neg, kCheap, vneg(x))
GIMBAL_MAP(square, kCheap, x* x)
GIMBAL_MAP(reciprocal, kMedium, splat(1.0f) / x)
GIMBAL_MAP(sqrt_, kMedium, vsqrt(x))
GIMBAL_MAP(rsqrt, kMedium, splat(1.0f) / vsqrt(x))
GIMBAL_MAP(floor_, kCheap, vfloor(x))
GIMBAL_MAP(ceil_, kCheap, vceil(x))
GIMBAL_MAP(round_, kCheap, vround_even(x))
GIMBAL_MAP(sign, kCheap, select(x > splat(0.0f), splat(1.0f), select(x < splat(0.0f), splat(-1.0f), splat(0.0f))))
GIMBAL_MAP(exp_, kExpensive, vexp(x))
GIMBAL_MAP(expm1_, kExpensive, vexpm1(x))
GIMBAL_MAP(log_, kExpensive, vlog(x))
GIMBAL_MAP(log1p_, kExpensive, vlog1p(x))
GIMBAL_MAP(tanh_, kExpensive, vtanh(x))
GIMBAL_MAP(sigmoid, kExpensive, vsigmoid(x))
GIMBAL_MAP(softplus, kExpensive, vsoftplus(x))
GIMBAL_MAP(erf_, kExpensive, verf(x))
GIMBAL_MAP(sin_, kExpensive, vsin(x))
GIMBAL_MAP(cos_, kExpensive, vcos(x))
GIMBAL_MAP(relu, kCheap, vrelu(x))
GIMBAL_MAP(relu6, kCheap, select(x > splat(6.0f), splat(6.0f), vrelu(x)))
GIMBAL_MAP(elu, kExpensive, velu(x))
// scale (x above 0, alpha (e^x - 1) below), the constants of Klambauer et al. 2017
GIMBAL_MAP(selu, kExpensive,
           select(x >= splat(0.0f), splat(1.0507009873554805f) * x, splat(1.7580993408473766f) * vexpm1(x)))
#undef GIMBAL_MAP

// x above 0, alpha x below; [x, y, n, alpha]
static void leaky_relu(Context& ctx, const double* a) {
  const Vec alpha = splat((float)a[3]);
  map(ctx, a, kCheap, [=](Vec x) { return select(x < splat(0.0f), alpha * x, x); });
}
// 1 above 0, alpha below; [x, y, n, alpha]
static void step(Context& ctx, const double* a) {
  const Vec alpha = splat((float)a[3]);
  map(ctx, a, kCheap, [=](Vec x) { return select(x == x, select(x > splat(0.0f), splat(1.0f), alpha), x); });
}
// x held between low and high; [x, y, n, low, high]
static void clip(Context& ctx, const double* a) {
  const Vec low = splat((float)a[3]), high = splat((float)a[4]);
  map(ctx, a, kCheap, [=](Vec x) { return select(x > high, high, select(x < low, low, x)); });
}
// scale x + offset; [x, y, n, scale, offset]
static void affine(Context& ctx, const double* a) {
  const Vec scale = splat((float)a[3]), offset = splat((float)a[4]);
  map(ctx, a, kCheap, [=](Vec x) { return fma(x, scale, offset); });
}

#define GIMBAL_LIBRARY(name, function)                                                  \
  static void name(Context& ctx, const double* a) {                                     \
    map_scalar<float, float>(ctx, a, kLibrary, [](float x) { return function(x); }); \
  }
// in double precision: near its poles the last digit of the argument is worth thousands of the result's
GIMBAL_LIBRARY(tan_, (float)__builtin_tan)
GIMBAL_LIBRARY(asin_, asinf)
GIMBAL_LIBRARY(acos_, acosf)
GIMBAL_LIBRARY(atan_, atanf)
GIMBAL_LIBRARY(sinh_, sinhf)
GIMBAL_LIBRARY(cosh_, coshf)
GIMBAL_LIBRARY(asinh_, asinhf)
GIMBAL_LIBRARY(acosh_, acoshf)
GIMBAL_LIBRARY(atanh_, atanhf)
#undef GIMBAL_LIBRARY

#define GIMBAL_SCALAR(name, X, Y, expression)                                \
  static void name(Context& ctx, const double* a) {                          \
    map_scalar<X, Y>(ctx, a, kCheap, [](X x) -> Y { return expression; }); \
  }
GIMBAL_SCALAR(is_nan, float, uint8_t, x != x)
GIMBAL_SCALAR(is_inf, float, uint8_t, __builtin_fabsf(x) == kInfinity)
GIMBAL_SCALAR(is_finite, float, uint8_t, __builtin_fabsf(x) < kInfinity)
GIMBAL_SCALAR(logical_not, uint8_t, uint8_t, x == 0)
// int32 wraps around like JavaScript's Int32Array
GIMBAL_SCALAR(abs_int, int32_t, int32_t, x < 0 ? (int32_t)(0u - (uint32_t)x) : x)
GIMBAL_SCALAR(neg_int, int32_t, int32_t, (int32_t)(0u - (uint32_t)x))
GIMBAL_SCALAR(square_int, int32_t, int32_t, (int32_t)((uint32_t)x * (uint32_t)x))
GIMBAL_SCALAR(sign_int, int32_t, int32_t, (x > 0) - (x < 0))
GIMBAL_SCALAR(relu_int, int32_t, int32_t, x < 0 ? 0 : x)
#undef GIMBAL_SCALAR

// [x, y, n, low, high] of whole numbers
static void clip_int(Context& ctx, const double* a) {
  const int32_t low = (int32_t)a[3], high = (int32_t)a[4];
  map_scalar<int32_t, int32_t>(ctx, a, kCheap, [=](int32_t x) { return x > high ? high : x < low ? low : x; });
}

void register_unary(Registry& r) {
  r.add("unary_abs", abs_);
  r.add("unary_neg", neg);
  r.add("unary_square", square);
  r.add("unary_reciprocal", reciprocal);
  r.add("unary_sqrt", sqrt_);
  r.add("unary_rsqrt", rsqrt);
  r.add("unary_floor", floor_);
  r.add("unary_ceil", ceil_);
  r.add("unary_round", round_);
  r.add("unary_sign", sign);
  r.add("unary_exp", exp_);
  r.add("unary_expm1", expm1_);
  r.add("unary_log", log_);
  r.add("unary_log1p", log1p_);
  r.add("unary_tanh", tanh_);
  r.add("unary_sigmoid", sigmoid);
  r.add("unary_softplus", softplus);
  r.add("unary_erf", erf_);
  r.add("unary_sin", sin_);
  r.add("unary_cos", cos_);
  r.add("unary_relu", relu);
  r.add("unary_relu6", relu6);
  r.add("unary_elu", elu);
  r.add("unary_selu", selu);
  r.add("unary_leaky_relu", leaky_relu);
  r.add("unary_step", step);
  r.add("unary_clip", clip);
  r.add("unary_affine", affine);
  r.add("unary_tan", tan_);
  r.add("unary_asin", asin_);
  r.add("unary_acos", acos_);
  r.add("unary_atan", atan_);
  r.add("unary_sinh", sinh_);
  r.add("unary_cosh", cosh_);
  r.add("unary_asinh", asinh_);
  r.add("unary_acosh", acosh_);
  r.add("unary_atanh", atanh_);
  r.add("unary_is_nan", is_nan);
  r.add("unary_is_inf", is_inf);
  r.add("unary_is_finite", is_finite);
  r.add("unary_logical_not", logical_not);
  r.add("unary_abs_int", abs_int);
  r.add("unary_neg_int", neg_int);
  r.add("unary_square_int", square_int);
  r.add("unary_sign_int", sign_int);
  r.add("unary_relu_int", relu_int);
  r.add("unary_clip_int", clip_int);
}

}  // namespace GIMBAL_ISA
}  // namespace gimbal
