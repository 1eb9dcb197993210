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

constexpr int64_t kBlock = 1024;  // classes that are summed in float32 before float64

struct DivergenceForm {
  int64_t n;
  int kind;
  float mix, factor;
  float inverse_q, inverse_p;  // 1 / temperature
};

// A row's softmax at a temperature, but for what every class is divided by.
struct Softened {
  float top;      // the largest logit
  float log_sum;  // log of the sum of e^((x - top) / tau)
  float share;    // 1 / that sum
};

// floats that a row of n takes in whole vectors
static inline int64_t whole_vectors(int64_t n) { return (n + kLanes - 1) / kLanes * kLanes; }

static inline float largest(const float* x, int64_t n) {
  Vec m0 = splat(-kInfinity), m1 = m0, m2 = m0, m3 = m0;
  int64_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    m0 = vmax(load(x + i), m0), m1 = vmax(load(x + i + kLanes), m1);
    m2 = vmax(load(x + i + 2 * kLanes), m2), m3 = vmax(load(x + i + 3 * kLanes), m3);
  }
  for (; i + kLanes <= n; i += kLanes) m0 = vmax(load(x + i), m0);
  float top = hmax(vmax(vmax(m0, m1), vmax(m2, m3)));
  for (; i < n; i++) top = x[i] > top ? x[i] : top;
  return top;
}

// e[i] = e^((x[i] - top) / tau), zeros behind the end to a whole vector. A NaN in x is one in the sum.
static inline Softened soften(const float* x, int64_t n, float inverse, float* e) {
  Softened s;
  s.top = largest(x, n);
  const Vec shift = splat(s.top), scale = splat(inverse);
  double total = 0;
  for (int64_t from = 0; from < n; from += kBlock) {
    const int64_t to = from + kBlock < n ? from + kBlock : n;
    Vec s0 = splat(0.0f), s1 = s0;
    int64_t j = from;
    for (; j + 2 * kLanes <= to; j += 2 * kLanes) {
      const Vec first = vexp_negative((load(x + j) - shift) * scale);
      const Vec second = vexp_negative((load(x + j + kLanes) - shift) * scale);
      store(e + j, first), store(e + j + kLanes, second);
      s0 += first, s1 += second;
    }
    for (; j < to; j += kLanes) {
      const Vec last = keep_first(vexp_negative((load_rest(x + j, to - j) - shift) * scale), to - j);
      store(e + j, last);
      s0 += last;
    }
    total += hsum(s0 + s1);
  }
  s.log_sum = (float)log(total), s.share = (float)(1 / total);
  return s;
}

// log of a number a little or much above 0, without vlog's care for subnormals: M/base is at least the base's share
GIMBAL_INLINE Vec log_of_share(Vec x) { return log_of_normal(x < splat(1.2e-38f) ? splat(1.2e-38f) : x, splat(0.0f)); }

struct Mixture {
  Vec over_base;  // log M/base
  Vec of_other;   // log other/M
};

GIMBAL_INLINE Mixture mixture(Vec s, float b) {
  const Vec near = vmin(splat(80.0f), s);  // in this order a NaN stays one
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

// The value; columns are those of ../divergence.cc. `work` has room for the exponentials of both rows: each is taken once.
template <int K, bool measures>
static inline float row_divergence(const float* z, const float* y, const DivergenceForm& form, float* columns,
                                   float* work) {
  const int64_t n = form.n;
  float *e_q = work, *e_p = work + whole_vectors(n);
  const Softened of_q = soften(z, n, form.inverse_q, e_q), of_p = soften(y, n, form.inverse_p, e_p);
  double sums[6] = {0, 0, 0, 0, 0, 0};
  for (int64_t from = 0; from < n; from += kBlock) {
    const int64_t to = from + kBlock < n ? from + kBlock : n;
    Vec f = splat(0.0f), centre = f, forward = f, reverse = f, distance = f, entropy = f;
    for (int64_t i = from; i < to; i += kLanes) {
      const int64_t rest = to - i;
      // equal rows are to be exactly 0 apart: p - q of a product that is not rounded is its rounding error
      const Vec q = alone(load(e_q + i) * splat(of_q.share)), p = alone(load(e_p + i) * splat(of_p.share));
      const Vec log_q = (load_rest(z + i, rest) - splat(of_q.top)) * splat(form.inverse_q) - splat(of_q.log_sum);
      const Vec log_p = (load_rest(y + i, rest) - splat(of_p.top)) * splat(form.inverse_p) - splat(of_p.log_sum);
      // of a class of probability 0 anything may stand here, NaN too: it is weighed with 0
      const Vec r = log_p - log_q;
      const Terms t = terms<K>(p, q, r, form.mix);
      f += t.f;
      if constexpr (K != 0) centre += weigh(q, t.w);
      if constexpr (measures) {
        forward += weigh(p, r), reverse += weigh(q, r);
        distance += vabs(p - q), entropy += weigh(q, log_q);
      }
    }
    sums[0] += hsum(f), sums[1] += hsum(centre), sums[2] += hsum(forward);
    sums[3] -= hsum(reverse), sums[4] += 0.5 * hsum(distance), sums[5] -= hsum(entropy);
  }
  columns[0] = of_q.top * form.inverse_q + of_q.log_sum, columns[1] = of_p.top * form.inverse_p + of_p.log_sum;
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
    const Vec log_q = load_rest(z + i, rest) * splat(f.inverse_q) - splat(lse_q);
    const Vec log_p = load_rest(y + i, rest) * splat(f.inverse_p) - splat(lse_p);
    const Vec q = alone(vexp_negative(log_q));
    // only these two look at p itself
    const Vec p = K == 0 || K == 2 ? alone(vexp_negative(log_p)) : splat(0.0f);
    const Vec out = K == 0 ? q - p : weigh(q, terms<K>(p, q, log_p - log_q, f.mix).w - centre);
    store_rest(d + i, out * scale, rest);
  });
}

}  // namespace GIMBAL_ISA
}  // namespace gimbal
