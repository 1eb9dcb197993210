// The gradient of softmax over the last dimension: dx = y (dy - sum dy y).
//
// Command: softmax_grad [dy, y, dx, rows, n]
#include "../lanes.h"
#include "../parallel.h"

namespace gimbal {
namespace GIMBAL_ISA {

static void softmax_grad(Context& context, const double* a) {
  const float *dy = ptr<float>(a[0]), *y = ptr<float>(a[1]);
  float* dx = ptr<float>(a[2]);
  const int64_t rows = (int64_t)a[3], n = (int64_t)a[4];
  parallel_for(context, rows, 8192 / (n + 8) + 1, [=](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row++) {
      const float *d = dy + row * n, *p = y + row * n;
      float* out = dx + row * n;
      Vec s0 = splat(0.0f), s1 = s0;
      int64_t i = 0;
      for (; i + 2 * kLanes <= n; i += 2 * kLanes) {
        s0 = fma(load(d + i), load(p + i), s0);
        s1 = fma(load(d + i + kLanes), load(p + i + kLanes), s1);
      }
      for (; i < n; i += kLanes) s0 = fma(load_rest(d + i, n - i), load_rest(p + i, n - i), s0);
      const Vec along = splat(hsum(s0 + s1));
      for_vectors(n, [=](int64_t j, int64_t rest) GIMBAL_BODY {
        store_rest(out + j, load_rest(p + j, rest) * (load_rest(d + j, rest) - along), rest);
      });
    }
  });
}

void register_fused_softmax_grad(Registry& registry) { registry.add("softmax_grad", softmax_grad); }

}  // namespace GIMBAL_ISA
}  // namespace gimbal
