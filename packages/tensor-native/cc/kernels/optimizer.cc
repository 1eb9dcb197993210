// Updates of whole parameter trees, one command each.
//
//   adamw   p <- p (1 - lr wd);  m <- m + (1 - b1)(g - m);  v <- b2 v + (1 - b2) g^2
//           p <- p - lr / (1 - b1^t) m / (sqrt(v) / sqrt(1 - b2^t) + eps)          (PyTorch's formula)
//   polyak  target <- target + tau (source - target)
//   norm    sqrt(sum x^2)
//
// Commands: adamw_tree   [step, lr, gradient scale or 0, b1, b2, eps, count, then p, g, m, v, n, wd of each tensor]
//           polyak_tree  [tau, count, then target, source, n of each tensor]
//           global_norm  [out, count, then x, n of each tensor]
// step and lr are read from memory, and step counts up there, so that a captured update can be replayed.
// Tensors are cut into chunks of 8192 elements; what a chunk computes does not depend on who computes it.
#include <math.h>

#include "../lanes.h"
#include "../parallel.h"

namespace gimbal {
namespace GIMBAL_ISA {

constexpr int64_t kChunk = 8192;

/// f(tensor, first, last, chunk): chunks of a list of tensors; `sizes(i)` gives a tensor's elements.
template <class Sizes, class F>
static void over_tree(Context& context, int64_t count, Sizes sizes, F f) {
  int64_t chunks = 0;
  for (int64_t i = 0; i < count; i++) chunks += (sizes(i) + kChunk - 1) / kChunk;
  parallel_for(context, chunks, 2, [=](int64_t begin, int64_t end) {
    int64_t first = 0;
    for (int64_t i = 0; i < count && first < end; i++) {
      const int64_t n = sizes(i), here = (n + kChunk - 1) / kChunk;
      for (int64_t c = begin > first ? begin : first; c < end && c < first + here; c++) {
        const int64_t from = (c - first) * kChunk, to = from + kChunk;
        f(i, from, to < n ? to : n, c);
      }
      first += here;
    }
  });
}

/// A moment without gradient (a unit that is never active) shrinks until rounding holds it at the smallest denormals,
/// where every operation on it takes 150 cycles. It is zero instead.
GIMBAL_INLINE Vec without_denormals(Vec x) {
  return vabs(x) < splat(1.17549435e-38f) ? splat(0.0f) : x;
}

static void adamw_tree(Context& context, const double* a) {
  float* step = ptr<float>(a[0]);
  const float lr = *ptr<float>(a[1]);
  const float* gradient_scale = ptr<float>(a[2]);
  const double b1 = a[3], b2 = a[4];
  const int64_t count = (int64_t)a[6];
  const double t = ++*step;
  const Vec step_size = splat((float)(-lr / (1 - pow(b1, t))));
  const Vec root = splat((float)(1 / sqrt(1 - pow(b2, t))));
  const Vec eps = splat((float)a[5]), scale = splat(gradient_scale ? *gradient_scale : 1.0f);
  const Vec keep2 = splat((float)b2), take1 = splat((float)(1 - b1)), take2 = splat((float)(1 - b2));
  const double* list = a + 7;
  over_tree(context, count, [=](int64_t i) { return (int64_t)list[6 * i + 4]; },
            [=](int64_t tensor, int64_t from, int64_t to, int64_t) {
    const double* entry = list + 6 * tensor;
    float *p = ptr<float>(entry[0]), *m = ptr<float>(entry[2]), *v = ptr<float>(entry[3]);
    const float* g = ptr<float>(entry[1]);
    const Vec decay = splat((float)(1 - lr * entry[5]));
    for_vectors(to - from, [=](int64_t i, int64_t rest) GIMBAL_BODY {
      const int64_t j = from + i;
      const Vec gradient = load_rest(g + j, rest) * scale;
      const Vec m0 = load_rest(m + j, rest);
      const Vec m1 = without_denormals(fma(take1, gradient - m0, m0));
      const Vec v1 = without_denormals(fma(take2 * gradient, gradient, load_rest(v + j, rest) * keep2));
      store_rest(m + j, m1, rest);
      store_rest(v + j, v1, rest);
      const Vec denominator = fma(vsqrt(v1), root, eps);
      store_rest(p + j, fma(step_size, m1 / denominator, load_rest(p + j, rest) * decay), rest);
    });
  });
}

static void polyak_tree(Context& context, const double* a) {
  const Vec tau = splat((float)a[0]);
  const double* list = a + 2;
  over_tree(context, (int64_t)a[1], [=](int64_t i) { return (int64_t)list[3 * i + 2]; },
            [=](int64_t tensor, int64_t from, int64_t to, int64_t) {
    float* target = ptr<float>(list[3 * tensor]);
    const float* source = ptr<float>(list[3 * tensor + 1]);
    for_vectors(to - from, [=](int64_t i, int64_t rest) GIMBAL_BODY {
      const Vec t = load_rest(target + from + i, rest);
      store_rest(target + from + i, fma(tau, load_rest(source + from + i, rest) - t, t), rest);
    });
  });
}

static void global_norm(Context& context, const double* a) {
  const int64_t count = (int64_t)a[1];
  const double* list = a + 2;
  const auto sizes = [=](int64_t i) { return (int64_t)list[2 * i + 1]; };
  int64_t chunks = 0;
  for (int64_t i = 0; i < count; i++) chunks += (sizes(i) + kChunk - 1) / kChunk;
  float* sums = shared_scratch(context, 8, chunks + 1);
  over_tree(context, count, sizes, [=](int64_t tensor, int64_t from, int64_t to, int64_t chunk) {
    const float* x = ptr<float>(list[2 * tensor]) + from;
    Vec s0 = splat(0.0f), s1 = s0, s2 = s0, s3 = s0;
    const int64_t n = to - from;
    int64_t i = 0;
    for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
      const Vec x0 = load(x + i), x1 = load(x + i + kLanes), x2 = load(x + i + 2 * kLanes), x3 = load(x + i + 3 * kLanes);
      s0 = fma(x0, x0, s0), s1 = fma(x1, x1, s1), s2 = fma(x2, x2, s2), s3 = fma(x3, x3, s3);
    }
    for (; i < n; i += kLanes) {
      const Vec v = load_rest(x + i, n - i);
      s0 = fma(v, v, s0);
    }
    sums[chunk] = hsum((s0 + s1) + (s2 + s3));
  });
  double total = 0;
  for (int64_t c = 0; c < chunks; c++) total += sums[c];
  *ptr<float>(a[0]) = (float)sqrt(total);
}

void register_optimizer(Registry& registry) {
  registry.add("adamw_tree", adamw_tree);
  registry.add("polyak_tree", polyak_tree);
  registry.add("global_norm", global_norm);
}

}  // namespace GIMBAL_ISA
}  // namespace gimbal
