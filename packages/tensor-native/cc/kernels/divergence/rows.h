// One row of two distributions: their divergence, and its gradient from the sums. Formulas in ../divergence.cc.
#pragma once
#include <math.h>

#include "../../lanes.h"
#include "../../parallel.h"
#include "../../simd_math.h"

namespace gimbal {
namespace GIMBAL_ISA {

template <int K>
struct Constant {
  static constexpr int value = K;
};

struct DivergenceForm {
  int64_t n;
  int kind;
  float mix, factor;
  float inverse_q, inverse_p;  // 1 / temperature
};

// log sum exp of x * scale
static inline float row_lse(const float* x, int64_t n, float inverse) {
  Vec m0 = splat(-kInfinity), m1 = m0;
  int64_t i = 0;
  for (; i + 2 * kLanes <= n; i += 2 * kLanes)
    m0 = vmax_nan(load(x + i), m0), m1 = vmax_nan(load(x + i + kLanes), m1);
  for (; i + kLanes <= n; i += kLanes) m0 = vmax_nan(load(x + i), m0);
  float top = hmax(vmax_nan(m0, m1));
  for (; i < n; i++) top = x[i] > top ? x[i] : top;
  if (top == -kInfinity) return top;
  const Vec shift = splat(top), scale = splat(inverse);
  double total = 0;
  for (int64_t from = 0; from < n; from += 1024) {
    const int64_t to = from + 1024 < n ? from + 1024 : n;
    Vec s0 = splat(0.0f), s1 = s0;
    int64_t j = from;
    for (; j + 2 * kLanes <= to; j += 2 * kLanes) {
      s0 += vexp_negative((load(x + j) - shift) * scale);
      s1 += vexp_negative((load(x + j + kLanes) - shift) * scale);
    }
    for (; j < to; j += kLanes) s0 += keep_first(vexp_negative((load_rest(x + j, to - j) - shift) * scale), to - j);
    total += hsum(s0 + s1);
  }
  return top * inverse + (float)log(total);
}

// log of a number a little or much above 0, without vlog's care for subnormals: M/base is at least the base's share
GIMBAL_INLINE Vec log_of_share(Vec x) { return log_of_normal(x < splat(1.2e-38f) ? splat(1.2e-38f) : x, splat(0.0f)); }

struct Mixture {
  Vec over_base;  // log M/base
  Vec of_other;   // log other/M
};

GIMBAL_INLINE Mixture mixture(Vec s, float b) {
  const Vec near = vmin(s, splat(80.0f));
  const Vec grown = vexpm1(near);
  Vec body = vlog1p(grown * splat(b));
  // where M is little but its share of the base, 1 + b (e^s - 1) would lose that share
  if (b > 0.5f) body = near < splat(-0.7f) ? log_of_share(fma(vexp(near), splat(b), splat(1.0f - b))) : body;
  if (b == 0) return {splat(0.0f), s};
  return {body + vmax(s - splat(80.0f), splat(0.0f)), near - body};
}

// p x, and 0 where p is
GIMBAL_INLINE Vec weigh(Vec p, Vec x) { return p == splat(0.0f) ? splat(0.0f) : p * x; }

struct Terms {
  Vec f, w;
};

// f of the sum, w of the gradient q (w - sum q w); fkl's gradient needs no w
template <int K>
GIMBAL_INLINE Terms terms(Vec p, Vec q, Vec r, float mix) {
  if constexpr (K == 0) return {weigh(p, r), splat(0.0f)};
  if constexpr (K == 1) return {vneg(weigh(q, r)), vneg(r)};
  if constexpr (K == 2) {
    const Vec d = q - p;
    const Vec half = d > splat(0.0f) ? splat(0.5f) : (d < splat(0.0f) ? splat(-0.5f) : splat(0.0f));
    return {vabs(d) * splat(0.5f), half};
  }
  if constexpr (K == 3) {
    if (mix <= 0.5f) {
      const Mixture m = mixture(r, mix);
      return {splat(mix) * weigh(p, m.of_other) - splat(1 - mix) * weigh(q, m.over_base),
              vneg(m.over_base) * splat(1 - mix)};
    }
    const float b = 1 - mix;
    const Mixture m = mixture(vneg(r), b);
    return {splat(b) * weigh(q, m.of_other) - splat(mix) * weigh(p, m.over_base), m.of_other * splat(b)};
  }
  if constexpr (K == 4) {
    const Mixture m = mixture(vneg(r), 1 - mix);
    return {vneg(weigh(p, m.over_base)), vexp(vneg(m.over_base)) * splat(mix - 1)};
  }
  const Mixture m = mixture(r, 1 - mix);
  return {vneg(weigh(q, m.over_base)), vneg(m.over_base) - vexp(vneg(m.over_base)) * splat(mix)};
}

struct Sides {
  Vec p, q, r, log_q;
};

GIMBAL_INLINE Sides sides(Vec z, Vec y, const DivergenceForm& f, float lse_q, float lse_p) {
  Sides s;
  s.log_q = z * splat(f.inverse_q) - splat(lse_q);
  const Vec log_p = y * splat(f.inverse_p) - splat(lse_p);
  s.q = vexp_negative(s.log_q);
  s.p = vexp_negative(log_p);
  const IVec none = (s.p == splat(0.0f)) & (s.q == splat(0.0f));
  s.r = none ? splat(0.0f) : log_p - s.log_q;
  return s;
}

template <int K, bool measures>
static inline float row_divergence(const float* z, const float* y, const DivergenceForm& form, float* columns) {
  const int64_t n = form.n;
  const float lse_q = row_lse(z, n, form.inverse_q), lse_p = row_lse(y, n, form.inverse_p);
  double sums[6] = {0, 0, 0, 0, 0, 0};
  for (int64_t from = 0; from < n; from += 1024) {
    const int64_t to = from + 1024 < n ? from + 1024 : n;
    Vec f = splat(0.0f), centre = f, forward = f, reverse = f, distance = f, entropy = f;
    for (int64_t i = from; i < to; i += kLanes) {
      const int64_t rest = to - i;
      Sides s = sides(load_rest(z + i, rest), load_rest(y + i, rest), form, lse_q, lse_p);
      if (rest < kLanes) {
        s.p = keep_first(s.p, rest), s.q = keep_first(s.q, rest), s.r = keep_first(s.r, rest);
        s.log_q = keep_first(s.log_q, rest);
      }
      const Terms t = terms<K>(s.p, s.q, s.r, form.mix);
      f += t.f;
      if constexpr (K != 0) centre += weigh(s.q, t.w);
      if constexpr (measures) {
        forward += weigh(s.p, s.r), reverse += weigh(s.q, s.r);
        distance += vabs(s.p - s.q), entropy += weigh(s.q, s.log_q);
      }
    }
    sums[0] += hsum(f), sums[1] += hsum(centre), sums[2] += hsum(forward);
    sums[3] -= hsum(reverse), sums[4] += 0.5 * hsum(distance), sums[5] -= hsum(entropy);
  }
  columns[0] = lse_q, columns[1] = lse_p;
  for (int i = 1; i < 6; i++) columns[1 + i] = (float)sums[i];
  return (float)(sums[0] * form.factor);
}

template <int K>
static inline void row_divergence_grad(float dy, const float* z, const float* y, const float* columns,
                                       const DivergenceForm& form, float* d) {
  const int64_t n = form.n;
  const float g = dy * form.factor * form.inverse_q;
  if (g == 0) {
    for_vectors(n, [=](int64_t i, int64_t rest) GIMBAL_BODY { store_rest(d + i, splat(0.0f), rest); });
    return;
  }
  const float lse_q = columns[0], lse_p = columns[1];
  const Vec centre = splat(columns[2]), scale = splat(g);
  const DivergenceForm f = form;
  for_vectors(n, [=](int64_t i, int64_t rest) GIMBAL_BODY {
    const Sides s = sides(load_rest(z + i, rest), load_rest(y + i, rest), f, lse_q, lse_p);
    Vec out;
    if constexpr (K == 0)
      out = s.q - s.p;
    else
      out = weigh(s.q, terms<K>(s.p, s.q, s.r, f.mix).w - centre);
    store_rest(d + i, out * scale, rest);
  });
}

}  // namespace GIMBAL_ISA
}  // namespace gimbal
