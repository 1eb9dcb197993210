// Gradients of reductions over one group of neighbouring dimensions: x[outer, n, inner] was reduced to y[outer, inner].
//
// Commands: reduce_spread        [dy, dx, outer, n, inner, scale]   dx = scale dy: of sums and means
//           reduce_extreme_grad  [dy, x, y, dx, outer, n, inner]    dx = dy / (how many x equal y) where x = y, else 0
#include "../lanes.h"
#include "../parallel.h"

namespace gimbal {
namespace GIMBAL_ISA {

namespace {

/// Columns that one piece of work takes through all n rows.
constexpr int64_t kWidth = 256;

/// f(o, j, width) over pieces of [outer, inner], n elements of x each.
template <class F>
void for_columns(Context& context, int64_t outer, int64_t n, int64_t inner, F f) {
  const int64_t pieces = (inner + kWidth - 1) / kWidth, unit = n * (inner < kWidth ? inner : kWidth);
  parallel_for(context, outer * pieces, 16384.0 / static_cast<double>(unit + 1), [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const int64_t j = i % pieces * kWidth;
      f(i / pieces, j, inner - j < kWidth ? inner - j : kWidth);
    }
  });
}

void spread_row(float* dx, int64_t n, Vec value) {
  for_vectors(n, [=](int64_t i, int64_t rest) GIMBAL_BODY { store_rest(dx + i, value, rest); });
}

void reduce_spread(Context& context, const double* a) {
  const float* dy = ptr<const float>(a[0]);
  float* dx = ptr<float>(a[1]);
  const int64_t outer = static_cast<int64_t>(a[2]), n = static_cast<int64_t>(a[3]), inner = static_cast<int64_t>(a[4]);
  const float scale = static_cast<float>(a[5]);
  if (inner == 1 && outer == 1) {
    const Vec value = splat(dy[0] * scale);
    return parallel_for(context, n, 16384, [=](int64_t begin, int64_t end) { spread_row(dx + begin, end - begin, value); });
  }
  if (inner == 1)
    return parallel_for(context, outer, 16384.0 / static_cast<double>(n + 8), [=](int64_t begin, int64_t end) {
      for (int64_t o = begin; o < end; o++) spread_row(dx + o * n, n, splat(dy[o] * scale));
    });
  for_columns(context, outer, n, inner, [=](int64_t o, int64_t j, int64_t width) {
    const float* from = dy + o * inner + j;
    float* to = dx + o * n * inner + j;
    for_vectors(width, [=](int64_t at, int64_t rest) GIMBAL_BODY {
      const Vec value = load_rest(from + at, rest) * splat(scale);
      for (int64_t i = 0; i < n; i++) store_rest(to + i * inner + at, value, rest);
    });
  });
}

void reduce_extreme_grad(Context& context, const double* a) {
  const float *dy = ptr<const float>(a[0]), *x = ptr<const float>(a[1]), *y = ptr<const float>(a[2]);
  float* dx = ptr<float>(a[3]);
  const int64_t outer = static_cast<int64_t>(a[4]), n = static_cast<int64_t>(a[5]), inner = static_cast<int64_t>(a[6]);
  const Vec one = splat(1.0f), zero = splat(0.0f);
  if (inner == 1)
    return parallel_for(context, outer, 8192.0 / static_cast<double>(n + 8), [=](int64_t begin, int64_t end) {
      for (int64_t o = begin; o < end; o++) {
        const float* row = x + o * n;
        float* to = dx + o * n;
        const Vec best = splat(y[o]);
        int64_t count = 0;
        for (int64_t i = 0; i < n; i++) count += row[i] == y[o];
        const Vec share = splat(dy[o] / static_cast<float>(count));
        for_vectors(n, [=](int64_t i, int64_t rest) GIMBAL_BODY {
          store_rest(to + i, select(load_rest(row + i, rest) == best, one, zero) * share, rest);
        });
      }
    });
  for_columns(context, outer, n, inner, [=](int64_t o, int64_t j, int64_t width) {
    const int64_t first = o * inner + j;
    const float* from = x + o * n * inner + j;
    float* to = dx + o * n * inner + j;
    for_vectors(width, [=](int64_t at, int64_t rest) GIMBAL_BODY {
      const Vec best = load_rest(y + first + at, rest);
      Vec count = zero;
      for (int64_t i = 0; i < n; i++) count += select(load_rest(from + i * inner + at, rest) == best, one, zero);
      const Vec share = load_rest(dy + first + at, rest) / count;
      for (int64_t i = 0; i < n; i++)
        store_rest(to + i * inner + at, select(load_rest(from + i * inner + at, rest) == best, one, zero) * share, rest);
    });
  });
}

}  // namespace

void register_reduce_grad(Registry& registry) {
  registry.add("reduce_spread", reduce_spread);
  registry.add("reduce_extreme_grad", reduce_extreme_grad);
}

}  // namespace GIMBAL_ISA
}  // namespace gimbal
