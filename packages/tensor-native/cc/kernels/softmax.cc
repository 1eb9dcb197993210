// Softmax and its logarithm over the last dimension: x[rows, n].
//
// Commands: softmax, log_softmax [x, y, rows, n]
// A NaN anywhere makes its row NaN; -infinity gives probability 0.
#include <math.h>

#include "../parallel.h"
#include "../simd_math.h"

namespace gimbal {
namespace GIMBAL_ISA {

static inline float row_max(const float* x, int64_t n) {
  Vec a = splat(-kInfinity), b = a;
  int64_t i = 0;
  for (; i + 2 * kLanes <= n; i += 2 * kLanes) a = vmax(load(x + i), a), b = vmax(load(x + i + kLanes), b);
  for (; i + kLanes <= n; i += kLanes) a = vmax(load(x + i), a);
  float top = hmax(vmax(a, b));
  for (; i < n; ++i) top = x[i] > top ? x[i] : top;
  return top;
}

// y = e^(x - top) where y is given; returns the sum
template <bool write>
static inline float sum_exp(const float* x, float* y, int64_t n, float top) {
  const Vec shift = splat(top);
  Vec a = splat(0.0f), b = a;
  int64_t i = 0;
  for (; i + 2 * kLanes <= n; i += 2 * kLanes) {
    const Vec first = vexp_negative(load(x + i) - shift), second = vexp_negative(load(x + i + kLanes) - shift);
    if (write) store(y + i, first), store(y + i + kLanes, second);
    a += first, b += second;
  }
  for (; i < n; i += kLanes) {
    const int64_t rest = n - i;
    const Vec e = rest >= kLanes ? vexp_negative(load(x + i) - shift) : vexp_negative(load_n(x + i, rest) - shift);
    if (rest >= kLanes) {
      if (write) store(y + i, e);
      a += e;
    } else {
      // lanes past the end hold e^(0 - top): through memory only the real ones are kept
      float lanes[kLanes];
      store(lanes, e);
      if (write) store_n(y + i, e, rest);
      a += load_n(lanes, rest);
    }
  }
  return hsum(a + b);
}

template <class F>
static inline void map_row(const float* x, float* y, int64_t n, F f) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(y + i, f(load(x + i)));
  if (i < n) store_n(y + i, f(load_n(x + i, n - i)), n - i);
}

static void softmax(Context& ctx, const double* a) {
  const float* x = ptr<float>(a[0]);
  float* y = ptr<float>(a[1]);
  const int64_t rows = (int64_t)a[2], n = (int64_t)a[3];
  parallel_for(ctx, rows, 2048.0 / (double)(n + 8), [=](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const float *row = x + r * n;
      float* out = y + r * n;
      const Vec scale = splat(1.0f / sum_exp<true>(row, out, n, row_max(row, n)));
      map_row(out, out, n, [=](Vec v) { return v * scale; });
    }
  });
}

static void log_softmax(Context& ctx, const double* a) {
  const float* x = ptr<float>(a[0]);
  float* y = ptr<float>(a[1]);
  const int64_t rows = (int64_t)a[2], n = (int64_t)a[3];
  parallel_for(ctx, rows, 2048.0 / (double)(n + 8), [=](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const float *row = x + r * n, top = row_max(row, n);
      // (x - top) - log sum: x - (top + log sum) would lose digits for large top
      const Vec shift = splat(top), log_sum = splat(logf(sum_exp<false>(row, nullptr, n, top)));
      map_row(row, y + r * n, n, [=](Vec v) { return (v - shift) - log_sum; });
    }
  });
}

void register_softmax(Registry& r) {
  r.add("softmax", softmax);
  r.add("log_softmax", log_softmax);
}

}  // namespace GIMBAL_ISA
}  // namespace gimbal
