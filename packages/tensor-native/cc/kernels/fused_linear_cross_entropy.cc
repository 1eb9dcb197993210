// Cross-entropy of logits = hidden headT without holding them: for each chunk of rows
//
//   logits -> losses -> dlogits in place;  dhidden = dlogits head;  dhead += dlogitsT hidden
//
// for an incoming gradient of 1; dhead only where it is asked for. Formulas of a row: cross_entropy.cc.
//
// Command: linear_cross_entropy [hidden, head, targets, weights or 0, out, dhidden or 0, dhead or 0,
//                                rows, width, classes, smoothing, reduction (1 sum, 2 mean)]
#include <string.h>

#include "../gemm.h"
#include "cross_entropy/rows.h"

namespace gimbal {
namespace GIMBAL_ISA {

constexpr int kLogits = 8, kRowLosses = 9;  // scratch slots
constexpr int64_t kLogitsHeld = 1 << 21;    // floats: 8 MiB of logits at a time, at least 64 rows

static void linear_cross_entropy(Context& context, const double* a) {
  const float *hidden = ptr<float>(a[0]), *head = ptr<float>(a[1]);
  const int32_t* targets = ptr<int32_t>(a[2]);
  const float* weights = ptr<float>(a[3]);
  float *out = ptr<float>(a[4]), *dhidden = ptr<float>(a[5]), *dhead = ptr<float>(a[6]);
  const int64_t rows = (int64_t)a[7], width = (int64_t)a[8], classes = (int64_t)a[9];
  const LossForm form{classes, 1.0f, (float)a[10]};
  const int reduction = (int)a[11];
  const double total = divisor(weights, rows, reduction);
  const float factor = (float)(1 / total);

  const int64_t fit = kLogitsHeld / (classes + 1);
  const int64_t chunk = fit < 64 ? 64 : fit > rows ? rows : fit;
  float* logits = shared_scratch(context, kLogits, chunk * classes);
  float* losses = shared_scratch(context, kRowLosses, rows);
  if (dhead && rows == 0) memset(dhead, 0, sizeof(float) * classes * width);

  for (int64_t first = 0; first < rows; first += chunk) {
    const int64_t here = first + chunk < rows ? chunk : rows - first;
    GemmArgs forward;
    forward.m = here, forward.n = classes, forward.k = width;
    forward.a = hidden + first * width, forward.lda = width;
    forward.b = head, forward.ldb = width, forward.transpose_b = true;
    forward.c = logits, forward.ldc = classes;
    gemm(context, forward);

    parallel_for(context, here, 1024 / (classes + 8) + 1, [=](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i++) {
        const int64_t row = first + i;
        float* x = logits + i * classes;
        const float weight = weights ? weights[row] : 1.0f;
        const RowLoss r = row_loss(x, targets[row], form);
        losses[row] = weight == 0 ? 0.0f : weight * r.loss;
        if (dhidden) row_gradient(x, targets[row], r.lse, weight * factor, form, x);
      }
    });
    if (!dhidden) continue;

    GemmArgs by_hidden;
    by_hidden.m = here, by_hidden.n = width, by_hidden.k = classes;
    by_hidden.a = logits, by_hidden.lda = classes;
    by_hidden.b = head, by_hidden.ldb = width;
    by_hidden.c = dhidden + first * width, by_hidden.ldc = width;
    gemm(context, by_hidden);
    if (!dhead) continue;

    GemmArgs by_head;
    by_head.m = classes, by_head.n = width, by_head.k = here;
    by_head.a = logits, by_head.lda = classes, by_head.transpose_a = true;
    by_head.b = hidden + first * width, by_head.ldb = width;
    by_head.c = dhead, by_head.ldc = width;
    by_head.accumulate = first > 0;
    gemm(context, by_head);
  }
  double sum = 0;
  for (int64_t row = 0; row < rows; row++) sum += losses[row];
  *out = (float)(sum / total);
}

void register_fused_linear_cross_entropy(Registry& registry) { registry.add("linear_cross_entropy", linear_cross_entropy); }

}  // namespace GIMBAL_ISA
}  // namespace gimbal
