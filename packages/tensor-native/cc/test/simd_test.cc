// Compares simd.h and simd_math.h with double precision: prints the largest error of each function in ulp.
// c++ -std=c++17 -O2 -DGIMBAL_ISA=avx2 -mavx2 -mfma cc/test/simd_test.cc -o simd_test && ./simd_test
#include "../simd_math.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

using namespace gimbal::GIMBAL_ISA;

static double ulp_error(float got, double wanted) {
  if (isnan(got) && isnan(wanted)) return 0;
  const float nearest = (float)wanted;
  if (got == nearest) return fabs((double)got - wanted) > 0 && isfinite(got) ? 0.5 : 0;
  if (!isfinite(got) || !isfinite(nearest)) return 1e9;
  int exponent;
  frexp(fabs(wanted) < 1.17549435e-38 ? 1.17549435e-38 : fabs(wanted), &exponent);
  return fabs((double)got - wanted) / ldexp(1.0, exponent - 24);
}

template <class F, class G>
static bool check(const char* name, F f, G reference, float low, float high, double limit) {
  double worst = 0;
  float worst_at = 0;
  const float special[] = {0.0f, -0.0f, INFINITY, -INFINITY, NAN, 1e-45f, -1e-45f, 1e-38f, -1e-38f, 3.4e38f, -3.4e38f, 1.0f, -1.0f};
  const auto one = [&](float x) {
    float in[kLanes], out[kLanes];
    for (int i = 0; i < kLanes; ++i) in[i] = x;
    store(out, f(load(in)));
    const double error = ulp_error(out[kLanes - 1], reference((double)x));
    if (error > worst) worst = error, worst_at = x;
  };
  for (float x : special)
    if ((x >= low && x <= high) || (low == -INFINITY && high == INFINITY) || isnan(x)) one(x);
  // every 997th float of the range
  uint32_t bits;
  for (uint64_t i = 0; i < 0x100000000ull; i += 997) {
    bits = (uint32_t)i;
    float x;
    memcpy(&x, &bits, 4);
    if (x >= low && x <= high) one(x);
  }
  const bool good = worst <= limit;
  printf("%-14s %8.2f ulp at %.9g%s\n", name, worst, worst_at, good ? "" : "   TOO LARGE");
  return good;
}

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }
static double gelu(double x) { return x * sigmoid(2 * 0.7978845608028654 * (x + 0.044715 * x * x * x)); }
static double softplus(double x) { return fmax(x, 0) + log1p(exp(-fabs(x))); }

int main() {
  bool good = true;
  const float inf = INFINITY;
  good &= check("exp", vexp, [](double x) { return exp(x); }, -inf, inf, 2);
  good &= check("exp_negative", vexp_negative, [](double x) { return exp(x); }, -87.3f, 0, 2);
  good &= check("expm1", vexpm1, [](double x) { return expm1(x); }, -inf, inf, 2.5);
  good &= check("log", vlog, [](double x) { return log(x); }, -inf, inf, 2);
  good &= check("log1p", vlog1p, [](double x) { return log1p(x); }, -inf, inf, 3);
  good &= check("tanh", vtanh, [](double x) { return tanh(x); }, -inf, inf, 4);
  good &= check("sigmoid", vsigmoid, sigmoid, -87.3f, inf, 4);
  good &= check("softplus", vsoftplus, softplus, -inf, inf, 4);
  good &= check("erf", verf, [](double x) { return erf(x); }, -inf, inf, 3);
  good &= check("sin", vsin, [](double x) { return sin(x); }, -3.0f, 3.0f, 3);
  good &= check("cos", vcos, [](double x) { return cos(x); }, -1.5f, 1.5f, 3);
  good &= check("sin large", vsin, [](double x) { return sin(x); }, 1e4f, inf, 1);
  good &= check("sqrt", vsqrt, [](double x) { return sqrt(x); }, 0, inf, 0.5);
  good &= check("round", vround_even, [](double x) { return nearbyint(x); }, -inf, inf, 0);
  good &= check("floor", vfloor, [](double x) { return floor(x); }, -inf, inf, 0);
  good &= check("ceil", vceil, [](double x) { return ceil(x); }, -inf, inf, 0);
  good &= check("gelu", vgelu, gelu, -4.0f, 1e10f, 24);

  // masks and folds
  float x[kLanes + 1], y[kLanes + 1];
  for (int n = 0; n < kLanes; ++n) {
    for (int i = 0; i <= kLanes; ++i) x[i] = (float)(i + 1), y[i] = -1;
    store_n(y, load_n(x, n) * splat(2), n);
    for (int i = 0; i <= kLanes; ++i) good &= y[i] == (i < n ? 2 * x[i] : -1);
  }
  const float sum = hsum(load(x)), largest = hmax(load(x)), least = hmin(load(x));
  good &= sum == kLanes * (kLanes + 1) / 2 && largest == kLanes && least == 1;
  printf("%s\n", good ? "passed" : "FAILED");
  return good ? 0 : 1;
}
