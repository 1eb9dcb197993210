// Elementary functions on vectors: range reduction + the polynomials of scripts/fit-polynomials.py.
//
// Errors are the largest seen against double precision over the float32 range (cc/test/simd_test.cc), in units in the
// last place (base x86-64 without FMA included). NaN gives NaN; infinities and signed zeros
// give what the C library gives, unless a line says otherwise.
#pragma once

#include "simd.h"

namespace gimbal {
namespace GIMBAL_ISA {

constexpr float kInfinity = __builtin_inff();
constexpr float kRoundMagic = 12582912.0f;  // 1.5 * 2^23: adding it leaves the nearest integer in the low bits

// x * 2^n with x in [0.5, 2) or so and |n| <= 252, in two steps so that subnormal results and overflow come out right
GIMBAL_INLINE Vec scale_by_power(Vec x, IVec n) {
  const IVec half = n >> 1;
  const Vec first = as_float((half + 127) << 23), second = as_float((n - half + 127) << 23);
  return x * first * second;
}

// x = n ln 2 + r with |r| <= ln 2 / 2; returns r. ln 2 in two parts, the first short enough that n * part is exact
GIMBAL_INLINE Vec reduce_by_ln2(Vec x, IVec& n) {
  const Vec shifted = fma(x, splat(1.44269504f), splat(kRoundMagic));
  n = as_int(shifted) - as_int(splat(kRoundMagic));
  const Vec whole = shifted - splat(kRoundMagic);
  return fma(whole, splat(2.12194440e-4f), fma(whole, splat(-0.693359375f), x));
}

// e^x. 1.4 ulp
GIMBAL_INLINE Vec vexp(Vec x) {
  // beyond these e^x is infinity or zero; written so that NaN passes
  x = x > splat(89.0f) ? splat(89.0f) : x;
  x = x < splat(-104.0f) ? splat(-104.0f) : x;
  IVec n;
  const Vec r = reduce_by_ln2(x, n);
  Vec p = fma(splat(0.00139506022f), r, splat(0.00836895313f));
  p = fma(p, r, splat(0.041666206f));
  p = fma(p, r, splat(0.166665182f));
  p = fma(p, r, splat(0.5f));
  p = fma(p * r, r, r) + splat(1.0f);
  return scale_by_power(p, n);
}

// e^x for x <= 0 (softmax, sigmoid, attention): below -87.3 it gives 0 instead of a subnormal. 1 ulp
GIMBAL_INLINE Vec vexp_negative(Vec x) {
  const IVec tiny = x < splat(-87.3f);
  IVec n;
  const Vec r = reduce_by_ln2(tiny ? splat(0.0f) : x, n);
  Vec p = fma(splat(0.00139506022f), r, splat(0.00836895313f));
  p = fma(p, r, splat(0.041666206f));
  p = fma(p, r, splat(0.166665182f));
  p = fma(p, r, splat(0.5f));
  p = fma(p * r, r, r) + splat(1.0f);
  // a multiplication, not an addition to the exponent's bits: a NaN must stay one
  const Vec y = p * as_float((n + 127) << 23);
  return tiny ? splat(0.0f) : y;
}

// e^x - 1. 2 ulp
GIMBAL_INLINE Vec vexpm1(Vec x) {
  const Vec given = x;
  x = x > splat(89.0f) ? splat(89.0f) : x;
  x = x < splat(-20.0f) ? splat(-20.0f) : x;
  IVec n;
  const Vec r = reduce_by_ln2(x, n);
  Vec p = fma(splat(0.000198458845f), r, splat(0.00139407197f));
  p = fma(p, r, splat(0.00833338965f));
  p = fma(p, r, splat(0.0416663587f));
  p = fma(p, r, splat(0.166666657f));
  p = fma(p, r, splat(0.5f));
  p = fma(p * r, r, r);
  // 2^n (p + 1) - 1 = 2 (2^(n-1) p + (2^(n-1) - 1/2)), so that n = 128 does not overflow early
  const Vec half = as_float((n + 126) << 23);
  const Vec y = splat(2.0f) * fma(half, p, half - splat(0.5f));
  return given == splat(0.0f) ? given : y;
}

// log x for a positive normal number m 2^e, m in [sqrt(1/2), sqrt(2)): the pieces shared by log and log1p
GIMBAL_INLINE Vec log_of_normal(Vec x, Vec extra_exponent) {
  const IVec bits = as_int(x) - splat_int(0x3f3504f3);  // sqrt(1/2)
  const Vec e = to_float(bits >> 23) + extra_exponent;
  const Vec f = as_float((bits & splat_int(0x007fffff)) + splat_int(0x3f3504f3)) - splat(1.0f);
  Vec p = fma(splat(0.0674663857f), f, splat(-0.116756514f));
  p = fma(p, f, splat(0.118881628f));
  p = fma(p, f, splat(-0.124055892f));
  p = fma(p, f, splat(0.142195523f));
  p = fma(p, f, splat(-0.166679963f));
  p = fma(p, f, splat(0.200021192f));
  p = fma(p, f, splat(-0.250000089f));
  p = fma(p, f, splat(0.333333135f));
  const Vec square = f * f;
  // log m = f - f^2/2 + f^3 p, then + e ln 2 in two parts
  Vec y = fma(p * f, square, e * splat(-2.12194440e-4f));
  y = fma(square, splat(-0.5f), y);
  return fma(e, splat(0.693359375f), f + y);
}

// log x; log 0 = -infinity, of a negative number NaN. 0.8 ulp
GIMBAL_INLINE Vec vlog(Vec x) {
  // subnormal numbers are scaled up by 2^23
  const IVec small = x < splat(1.17549435e-38f);
  const Vec normal = small ? x * splat(8388608.0f) : x;
  Vec y = log_of_normal(normal, small ? splat(-23.0f) : splat(0.0f));
  y = x < splat(kInfinity) ? y : x;  // infinity and NaN
  y = x == splat(0.0f) ? splat(-kInfinity) : y;
  return x < splat(0.0f) ? splat(__builtin_nanf("")) : y;
}

// log(1 + x). 1.5 ulp
GIMBAL_INLINE Vec vlog1p(Vec x) {
  // the rounding error c of u = 1 + x is put back: log(1 + x) = log u + c / u. An estimate of 1 / u will do, but where x is
  // so small that c is nearly all of it: there c / u = c - c x / u
  const Vec u = splat(1.0f) + x;
  const IVec small = vabs(x) < splat(1.0f);
  const Vec c = small ? x - (u - splat(1.0f)) : splat(1.0f) - (u - x);
  const Vec part = c * reciprocal_estimate(u);
  Vec y = log_of_normal(u, splat(0.0f)) + (small ? c - part * x : part);
  y = u < splat(kInfinity) ? y : u;
  y = u == splat(0.0f) ? splat(-kInfinity) : y;
  y = u < splat(0.0f) ? splat(__builtin_nanf("")) : y;
  return x == splat(0.0f) ? x : y;
}

// tanh x = t / (t + 2), t = e^(2x) - 1. 2.4 ulp
GIMBAL_INLINE Vec vtanh(Vec x) {
  Vec size = vabs(x);
  size = size > splat(9.1f) ? splat(9.1f) : size;  // tanh is 1 from 9.02 on
  const Vec t = vexpm1(size + size);
  return copysign(t / (t + splat(2.0f)), x);
}

// 1 / (1 + e^-x); below -88 it gives 0 instead of a subnormal. 2.2 ulp
GIMBAL_INLINE Vec vsigmoid(Vec x) {
  // e^-|x| never overflows: s = 1 / (1 + e) for x >= 0, e / (1 + e) below
  const Vec e = vexp_negative(vneg(vabs(x)));
  return (x < splat(0.0f) ? e : splat(1.0f)) / (splat(1.0f) + e);
}

// log(1 + e^x) = max(x, 0) + log(1 + e^-|x|). 2 ulp
GIMBAL_INLINE Vec vsoftplus(Vec x) {
  const Vec tail = vlog1p(vexp(vneg(vabs(x))));
  return (x < splat(0.0f) ? splat(0.0f) : x) + tail;
}

// the error function. 1.7 ulp
GIMBAL_INLINE Vec verf(Vec x) {
  const Vec t = vabs(x);
  // |x| <= 1: x + x Q(x^2)
  const Vec z = x * x;
  Vec q = fma(splat(-0.000566015602f), z, splat(0.00492478954f));
  q = fma(q, z, splat(-0.0267177075f));
  q = fma(q, z, splat(0.112804115f));
  q = fma(q, z, splat(-0.376123548f));
  q = fma(q, z, splat(0.128379121f));
  const Vec inner = fma(q, x, x);
  // |x| > 1: 1 - exp(t R(t)); 1 from 3.92 on
  const Vec far = t > splat(4.0f) ? splat(4.0f) : t;
  Vec r = fma(splat(0.000210182174f), far, splat(-0.00318311783f));
  r = fma(r, far, splat(0.0227860883f));
  r = fma(r, far, splat(-0.105096668f));
  r = fma(r, far, splat(-0.635846376f));
  r = fma(r, far, splat(-1.12847555f));
  const Vec outer = copysign(splat(1.0f) - vexp_negative(r * far), x);
  return t > splat(1.0f) ? outer : inner;
}

// ---- sine and cosine ------------------------------------------------------------------------------------------------

// x = n pi/2 + r, |r| <= pi/4, for |x| <= 8192: pi/2 in three parts with few bits each
GIMBAL_INLINE Vec reduce_by_half_pi(Vec x, IVec& n) {
  const Vec shifted = fma(x, splat(0.636619772f), splat(kRoundMagic));
  n = as_int(shifted) - as_int(splat(kRoundMagic));
  const Vec whole = shifted - splat(kRoundMagic);
  Vec r = fma(whole, splat(-1.5703125f), x);
  r = fma(whole, splat(-4.83751297e-4f), r);
  r = fma(whole, splat(-7.54953362e-8f), r);
  return fma(whole, splat(-2.56334406e-12f), r);
}

// sin(r + quarter * pi/2) from r
GIMBAL_INLINE Vec sine_of_reduced(Vec r, IVec quarter) {
  const Vec z = r * r;
  Vec s = fma(splat(-0.000195166562f), z, splat(0.00833217334f));
  s = fma(s, z, splat(-0.166666552f));
  s = fma(s * z, r, r);
  Vec c = fma(splat(2.44377297e-05f), z, splat(-0.00138873619f));
  c = fma(c, z, splat(0.0416666456f));
  c = fma(c * z, z, fma(z, splat(-0.5f), splat(1.0f)));
  const Vec y = (quarter & 1) != 0 ? c : s;
  return as_float(as_int(y) ^ ((quarter & 2) << 30));
}

// numbers beyond the reduction's range (and infinities) go one by one through double precision
template <class F>
static __attribute__((noinline)) void patch_large(const float* x, float* y, F f) {
  for (int i = 0; i < kLanes; ++i)
    if (!(__builtin_fabsf(x[i]) <= 8192.0f)) y[i] = (float)f((double)x[i]);
}
template <class F>
GIMBAL_INLINE Vec with_large(Vec x, Vec y, F f) {
  if (!any(vabs(x) > splat(8192.0f))) return y;
  float in[kLanes], out[kLanes];
  store(in, x);
  store(out, y);
  patch_large(in, out, f);
  return load(out);
}

// sin x, cos x. 1.5 ulp for |x| <= 3; near the other zeros the absolute error is below 1e-7
GIMBAL_INLINE Vec vsin(Vec x) {
  IVec n;
  const Vec r = reduce_by_half_pi(x, n);
  return with_large(x, sine_of_reduced(r, n), [](double v) { return __builtin_sin(v); });
}
GIMBAL_INLINE Vec vcos(Vec x) {
  IVec n;
  const Vec r = reduce_by_half_pi(x, n);
  return with_large(x, sine_of_reduced(r, n + 1), [](double v) { return __builtin_cos(v); });
}

// ---- activations and their derivatives ------------------------------------------------------------------------------

// GELU, tanh form: x/2 (1 + tanh u) = x sigmoid(2u), u = sqrt(2/pi) (x + 0.044715 x^3)
GIMBAL_INLINE Vec gelu_gate(Vec x) {
  const Vec u2 = x * fma(x * x, splat(2.0f * 0.7978845608f * 0.044715f), splat(2.0f * 0.7978845608f));
  return vsigmoid(u2);
}
GIMBAL_INLINE Vec vgelu(Vec x) { return x * gelu_gate(x); }
// s + x s (1 - s) 2u',  u' = sqrt(2/pi) (1 + 3 * 0.044715 x^2)
GIMBAL_INLINE Vec vgelu_grad(Vec x) {
  const Vec s = gelu_gate(x);
  Vec near = x > splat(16.0f) ? splat(16.0f) : x;  // s (1 - s) is 0 beyond; keeps x^3 finite
  near = near < splat(-16.0f) ? splat(-16.0f) : near;
  const Vec slope = fma(near * near, splat(6.0f * 0.7978845608f * 0.044715f), splat(2.0f * 0.7978845608f));
  return fma(near * slope, s * (splat(1.0f) - s), s);
}

// GELU, exact form: x Phi(x). The tail h = Phi(-|x|) = exp(|x| R(|x|)) / 2 has one form for all x, and nothing cancels:
// x Phi(x) = max(x, 0) - |x| h. Absolute error 3e-7 (PyTorch's, by 1 + erf, 1e-6)
GIMBAL_INLINE Vec normal_tail(Vec size) {
  Vec r = fma(splat(-1.96501173e-06f), size, splat(2.72945344e-05f));
  r = fma(r, size, splat(-0.000129050299f));
  r = fma(r, size, splat(-9.4917079e-05f));
  r = fma(r, size, splat(0.00489598978f));
  r = fma(r, size, splat(-0.0363875777f));
  r = fma(r, size, splat(-0.318298876f));
  r = fma(r, size, splat(-0.797885299f));
  return splat(0.5f) * vexp_negative(r * size);
}
// |x|, finite: the tail is 0 long before, and 0 times infinity must not arise
GIMBAL_INLINE Vec finite_size(Vec x) {
  const Vec size = vabs(x);
  return size > splat(1000.0f) ? splat(1000.0f) : size;
}
GIMBAL_INLINE Vec vgelu_erf(Vec x) {
  const Vec size = finite_size(x);
  return fma(-size, normal_tail(size), x < splat(0.0f) ? splat(0.0f) : x);
}
// derivative Phi(x) + x phi(x)
GIMBAL_INLINE Vec vgelu_erf_grad(Vec x) {
  const Vec size = finite_size(x), tail = normal_tail(size);
  const Vec cdf = x < splat(0.0f) ? tail : splat(1.0f) - tail;
  const Vec density = splat(0.3989422804f) * vexp_negative(splat(-0.5f) * size * size);
  return fma(copysign(size, x), density, cdf);
}

// SiLU (swish): x s(x); derivative s (1 + x (1 - s))
GIMBAL_INLINE Vec vsilu(Vec x) { return x * vsigmoid(x); }
GIMBAL_INLINE Vec vsilu_grad(Vec x) {
  const Vec s = vsigmoid(x);
  Vec near = x < splat(-100.0f) ? splat(-100.0f) : x;
  near = near > splat(100.0f) ? splat(100.0f) : near;
  return fma(near * s, splat(1.0f) - s, s);
}

// ELU: x above 0, e^x - 1 below
GIMBAL_INLINE Vec velu(Vec x) { return x >= splat(0.0f) ? x : vexpm1(x); }
// ReLU: NaN stays NaN
GIMBAL_INLINE Vec vrelu(Vec x) { return x < splat(0.0f) ? splat(0.0f) : x; }

}  // namespace GIMBAL_ISA
}  // namespace gimbal
