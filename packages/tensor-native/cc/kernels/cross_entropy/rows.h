// One row of logits: its loss, and its gradient from log sum exp. Formulas in ../cross_entropy.cc.
#pragma once
#include <math.h>

#include "../../lanes.h"
#include "../../parallel.h"
#include "../../simd_math.h"

namespace gimbal {
namespace GIMBAL_ISA {

struct LossForm {
  int64_t classes;
  float inverse_temperature;
  float smoothing;
};

struct RowLoss {
  float loss, lse;
};

static inline RowLoss row_loss(const float* x, int32_t target, const LossForm& f) {
  // the largest logit, in four chains
  const int64_t n = f.classes;
  Vec m0 = splat(-kInfinity), m1 = m0, m2 = m0, m3 = m0;
  int64_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    m0 = vmax(load(x + i), m0), m1 = vmax(load(x + i + kLanes), m1);
    m2 = vmax(load(x + i + 2 * kLanes), m2), m3 = vmax(load(x + i + 3 * kLanes), m3);
  }
  for (; i + kLanes <= n; i += kLanes) m0 = vmax(load(x + i), m0);
  float top = hmax(vmax(vmax(m0, m1), vmax(m2, m3)));
  for (; i < n; i++) top = x[i] > top ? x[i] : top;

  const Vec shift = splat(top), scale = splat(f.inverse_temperature);
  Vec s0 = splat(0.0f), s1 = s0, total = s0;
  for (i = 0; i + 2 * kLanes <= n; i += 2 * kLanes) {
    s0 += vexp_negative((load(x + i) - shift) * scale);
    s1 += vexp_negative((load(x + i + kLanes) - shift) * scale);
  }
  for (; i < n; i += kLanes) s0 += keep_first(vexp_negative((load_rest(x + i, n - i) - shift) * scale), n - i);
  const float log_sum = logf(hsum(s0 + s1));

  RowLoss r;
  r.lse = top * f.inverse_temperature + log_sum;
  const float hit = target >= 0 && target < n ? x[target] : __builtin_nanf("");
  r.loss = log_sum + (top - hit) * f.inverse_temperature;
  if (f.smoothing > 0) {
    for_vectors(n, [&](int64_t j, int64_t rest) GIMBAL_BODY { total += load_rest(x + j, rest); });
    const float smooth = log_sum + (top - hsum(total) / n) * f.inverse_temperature;
    r.loss = (1 - f.smoothing) * r.loss + f.smoothing * smooth;
  }
  return r;
}

/// d = g (softmax - (1 - eps) onehot - eps / classes), or zeros where g is 0; d may be x.
static inline void row_gradient(const float* x, int32_t target, float lse, float g, const LossForm& f, float* d) {
  const int64_t n = f.classes;
  if (g == 0) {
    for_vectors(n, [=](int64_t i, int64_t rest) GIMBAL_BODY { store_rest(d + i, splat(0.0f), rest); });
    return;
  }
  const Vec scale = splat(f.inverse_temperature), shift = splat(lse), factor = splat(g);
  const Vec spread = splat(-g * f.smoothing / n);
  for_vectors(n, [=](int64_t i, int64_t rest) GIMBAL_BODY {
    const Vec p = vexp_negative(load_rest(x + i, rest) * scale - shift);
    store_rest(d + i, fma(p, factor, spread), rest);
  });
  if (target >= 0 && target < n)
    d[target] -= g * (1 - f.smoothing);
  else
    d[0] = __builtin_nanf("");
}

/// What a sum over rows is divided by.
static inline double divisor(const float* weights, int64_t rows, int reduction) {
  if (reduction != 2) return 1;
  double sum = 0;
  if (weights)
    for (int64_t row = 0; row < rows; row++) sum += weights[row];
  else
    sum = (double)rows;
  return sum == 0 ? 1 : sum;
}

}  // namespace GIMBAL_ISA
}  // namespace gimbal
