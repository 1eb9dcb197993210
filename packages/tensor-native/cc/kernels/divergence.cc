// Divergences D(p||q) of rows, p = softmax(target / tau_p), q = softmax(logits / tau_q), and their gradient to the logits.
// Formulas and names as in tensor-core's src/ops/divergence.ts; r = log p/q, M = b other + (1 - b) base:
//
//   log M/base = log1p(b (e^s - 1)), s = log other/base
//
// A class of probability 0 contributes 0 wherever its probability stands before the logarithm.
//
// Commands: divergence       [logits, target, values, columns, rows, n, kind, mix, factor, 1/tau_q, 1/tau_p, measures]
//           divergence_grad  [dy, logits, target, columns, dlogits, rows, n, kind, mix, factor, 1/tau_q, 1/tau_p]
// kind: 0 fkl, 1 rkl, 2 tvd, 3 jsd, 4 skew-fkl, 5 skew-rkl. columns [rows, 7]: log sum exp of q and of p, sum q w, KL(p||q),
// KL(q||p), total variation, entropy of q. One thread sums a row, in float64 over blocks: equal bits for any number of threads.
#include "divergence/rows.h"

namespace gimbal {
namespace GIMBAL_ISA {

static DivergenceForm form_of(const double* a) {
  return {(int64_t)a[0], (int)a[1], (float)a[2], (float)a[3], (float)a[4], (float)a[5]};
}

// the kind as a constant, so that a row's loop has no branch
template <class F>
static inline void with_kind(int kind, F f) {
  switch (kind) {
    case 0: return f(Constant<0>{});
    case 1: return f(Constant<1>{});
    case 2: return f(Constant<2>{});
    case 3: return f(Constant<3>{});
    case 4: return f(Constant<4>{});
    default: return f(Constant<5>{});
  }
}

static void divergence(Context& context, const double* a) {
  const float *logits = ptr<float>(a[0]), *target = ptr<float>(a[1]);
  float *values = ptr<float>(a[2]), *columns = ptr<float>(a[3]);
  const int64_t rows = (int64_t)a[4];
  const DivergenceForm form = form_of(a + 5);
  const bool measures = a[11] != 0;
  with_kind(form.kind, [&](auto kind) {
    parallel_for(context, rows, 400.0 / (form.n + 4), [=, &context](int64_t begin, int64_t end) {
      float* work = scratch(context, 8, 2 * whole_vectors(form.n));
      for (int64_t row = begin; row < end; row++) {
        const float *z = logits + row * form.n, *y = target + row * form.n;
        values[row] = measures ? row_divergence<kind.value, true>(z, y, form, columns + row * 7, work)
                               : row_divergence<kind.value, false>(z, y, form, columns + row * 7, work);
      }
    });
  });
}

static void divergence_grad(Context& context, const double* a) {
  const float *dy = ptr<float>(a[0]), *logits = ptr<float>(a[1]), *target = ptr<float>(a[2]);
  const float* columns = ptr<float>(a[3]);
  float* d = ptr<float>(a[4]);
  const int64_t rows = (int64_t)a[5];
  const DivergenceForm form = form_of(a + 6);
  with_kind(form.kind, [&](auto kind) {
    parallel_for(context, rows, 800.0 / (form.n + 4), [=](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; row++) {
        const int64_t at = row * form.n;
        row_divergence_grad<kind.value>(dy[row], logits + at, target + at, columns + row * 7, form, d + at);
      }
    });
  });
}

void register_divergence(Registry& registry) {
  registry.add("divergence", divergence);
  registry.add("divergence_grad", divergence_grad);
}

}  // namespace GIMBAL_ISA
}  // namespace gimbal
