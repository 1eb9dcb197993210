// Cross-entropy of logits x[rows, classes] with whole-number targets, in one pass forward and one backward.
//
//   lse = log sum exp(x / tau);  loss = (1 - eps)(lse - x_target / tau) + eps (lse - mean(x) / tau)
//   dx = g (softmax(x / tau) - (1 - eps) onehot - eps / classes),  g = sign w dy / (tau divisor)
//
// A row of weight 0 is left out whatever its target; another target outside [0, classes) gives NaN. The divisor is 1, or
// with reduction `mean` the sum of the weights (1 where that is 0).
//
// Commands: cross_entropy       [logits, targets, weights or 0, out, lse or 0, rows, classes, 1/tau, eps, sign, reduction]
//           cross_entropy_grad  [dy, logits, targets, weights or 0, lse, dlogits, rows, classes, 1/tau, eps, sign, reduction]
// reduction: 0 none, 1 sum, 2 mean. Sums run over rows in order: equal bits for any number of threads.
#include "cross_entropy/rows.h"

namespace gimbal {
namespace GIMBAL_ISA {

constexpr int kLosses = 8;  // scratch slot

static void cross_entropy(Context& context, const double* a) {
  const float* logits = ptr<float>(a[0]);
  const int32_t* targets = ptr<int32_t>(a[1]);
  const float* weights = ptr<float>(a[2]);
  float *out = ptr<float>(a[3]), *lse = ptr<float>(a[4]);
  const int64_t rows = (int64_t)a[5];
  const LossForm form{(int64_t)a[6], (float)a[7], (float)a[8]};
  const float sign = (float)a[9];
  const int reduction = (int)a[10];

  float* losses = reduction == 0 ? out : shared_scratch(context, kLosses, rows);
  parallel_for(context, rows, 1024 / (form.classes + 8) + 1, [=](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row++) {
      const float weight = weights ? weights[row] : 1.0f;
      const RowLoss r = row_loss(logits + row * form.classes, targets[row], form);
      losses[row] = weight == 0 ? 0.0f : sign * weight * r.loss;
      if (lse) lse[row] = r.lse;
    }
  });
  if (reduction == 0) return;
  double sum = 0;
  for (int64_t row = 0; row < rows; row++) sum += losses[row];
  *out = (float)(sum / divisor(weights, rows, reduction));
}

static void cross_entropy_grad(Context& context, const double* a) {
  const float *dy = ptr<float>(a[0]), *logits = ptr<float>(a[1]);
  const int32_t* targets = ptr<int32_t>(a[2]);
  const float *weights = ptr<float>(a[3]), *lse = ptr<float>(a[4]);
  float* dlogits = ptr<float>(a[5]);
  const int64_t rows = (int64_t)a[6];
  const LossForm form{(int64_t)a[7], (float)a[8], (float)a[9]};
  const int reduction = (int)a[11];
  const float factor = (float)(a[10] * a[8] / divisor(weights, rows, reduction));
  parallel_for(context, rows, 1536 / (form.classes + 8) + 1, [=](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row++) {
      const float g = factor * (reduction == 0 ? dy[row] : *dy) * (weights ? weights[row] : 1.0f);
      row_gradient(logits + row * form.classes, targets[row], lse[row], g, form, dlogits + row * form.classes);
    }
  });
}

void register_cross_entropy(Registry& registry) {
  registry.add("cross_entropy", cross_entropy);
  registry.add("cross_entropy_grad", cross_entropy_grad);
}

}  // namespace GIMBAL_ISA
}  // namespace gimbal
