// One token per row of logits [rows, n]: temperature, top-k, top-p, min-p, then the inverse of the cumulative distribution in
// vocabulary order at a given uniform number. Tokens that tie at a threshold all stay.
//
// Command: sample_tokens [logits, uniform, ids, log probabilities, rows, n, temperature, k (0: all), p, least share of the largest]
#include <math.h>
#include <string.h>

#include "../lanes.h"
#include "../parallel.h"
#include "../simd_math.h"

namespace gimbal {
namespace GIMBAL_ISA {

constexpr int kWeights = 8, kHeap = 9;  // scratch slots

/// The index of the first largest element.
static int64_t first_largest(const float* x, int64_t n) {
  const Vec none = splat(-kInfinity);
  Vec best = none;
  for_vectors(n, [&](int64_t i, int64_t rest) GIMBAL_BODY {
    const Vec v = load_rest(x + i, rest);
    best = vmax(rest >= kLanes ? v : select(first_lanes(rest), v, none), best);
  });
  const float top = hmax(best);
  for (int64_t i = 0; i < n; i++)
    if (x[i] == top) return i;
  return 0;
}

/// Restores a heap with its smallest element on top after v[i] changed.
static void sift(float* v, int64_t n, int64_t i) {
  const float x = v[i];
  for (int64_t child = 2 * i + 1; child < n; i = child, child = 2 * i + 1) {
    if (child + 1 < n && v[child + 1] < v[child]) child++;
    if (v[child] >= x) break;
    v[i] = v[child];
  }
  v[i] = x;
}

/// Puts the k largest of v's n elements into v[0…k), falling.
static void largest(float* v, int64_t n, int64_t k) {
  for (int64_t i = k / 2 - 1; i >= 0; i--) sift(v, k, i);
  for (int64_t i = k; i < n; i++)
    if (v[i] > v[0]) {
      v[0] = v[i];
      sift(v, k, 0);
    }
  for (int64_t end = k - 1; end > 0; end--) {
    const float least = v[0];
    v[0] = v[end];
    v[end] = least;
    sift(v, end, 0);
  }
}

/// The least of the largest weights, in (0, 1], that together reach the share p of all; `work` holds n floats. Sorting a
/// whole vocabulary takes milliseconds a row: buckets by the weights' leading bits say where the share is reached, and
/// only that bucket is sorted.
static float nucleus_threshold(const float* weights, int64_t n, float p, float* work) {
  constexpr int kShift = 19, kBuckets = (0x3f800000 >> kShift) + 1;  // exponent and four bits; the last holds 1
  const auto bucket_of = [](float w) {
    uint32_t bits;
    memcpy(&bits, &w, sizeof bits);
    const uint32_t bucket = bits >> kShift;
    return bucket < kBuckets ? static_cast<int>(bucket) : kBuckets - 1;  // NaN too has a place
  };
  double sums[kBuckets] = {};
  for (int64_t i = 0; i < n; i++) sums[bucket_of(weights[i])] += weights[i];
  double total = 0, before = 0;
  for (int b = kBuckets - 1; b >= 0; b--) total += sums[b];
  int b = kBuckets - 1;
  for (; b > 0 && before + sums[b] < p * total; b--) before += sums[b];
  int64_t count = 0;
  for (int64_t i = 0; i < n; i++)
    if (bucket_of(weights[i]) == b) work[count++] = weights[i];
  if (count == 0) return 0;
  largest(work, count, count);
  int64_t last = 0;
  for (int64_t i = 0; i < count && before < p * total; i++) last = i, before += work[i];
  return work[last];
}

/// The weight below which tokens are not drawn; `heap` is work memory for n floats.
static float threshold(const float* weights, int64_t n, int64_t k, float p, float* heap) {
  if (k == n) return p >= 1 ? 0 : nucleus_threshold(weights, n, p, heap);
  for (int64_t i = 0; i < n; i++) heap[i] = weights[i];
  largest(heap, n, k);
  if (p >= 1) return heap[k - 1];
  double total = 0, before = 0;
  for (int64_t i = 0; i < k; i++) total += heap[i];
  int64_t last = 0;
  for (int64_t i = 0; i < k && before < p * total; i++) last = i, before += heap[i];
  return heap[last];
}

static void sample_tokens(Context& context, const double* a) {
  const float *logits = ptr<float>(a[0]), *uniform = ptr<float>(a[1]);
  int32_t* ids = ptr<int32_t>(a[2]);
  float* log_probs = ptr<float>(a[3]);
  const int64_t rows = (int64_t)a[4], n = (int64_t)a[5];
  const float temperature = (float)a[6];
  const int64_t k = a[7] > 0 && a[7] < n ? (int64_t)a[7] : n;
  const float p = (float)a[8], min_p = (float)a[9];
  parallel_for(context, rows, 1024 / (n + 8) + 1, [=, &context](int64_t begin, int64_t end) {
    float *weights = scratch(context, kWeights, n + kLanes), *heap = scratch(context, kHeap, n);
    for (int64_t row = begin; row < end; row++) {
      const float* x = logits + row * n;
      const int64_t best = first_largest(x, n);
      ids[row] = (int32_t)best;
      log_probs[row] = 0;
      if (temperature == 0) continue;
      const Vec top = splat(x[best]), scale = splat(1 / temperature);
      for_vectors(n, [=](int64_t i, int64_t rest) GIMBAL_BODY {
        store_rest(weights + i, vexp_negative((load_rest(x + i, rest) - top) * scale), rest);
      });
      // weights are shares of the largest one's, so min-p is a threshold as it stands; the largest itself always stays
      const float share = min_p < weights[best] ? min_p : weights[best];
      const float nucleus = threshold(weights, n, k, p, heap), least = nucleus > share ? nucleus : share;
      double total = 0;
      for (int64_t i = 0; i < n; i++) total += weights[i] >= least ? weights[i] : 0;
      const double target = uniform[row] * total;
      double sum = 0;
      for (int64_t i = 0; i < n; i++) {
        if (!(weights[i] >= least) || weights[i] == 0) continue;
        ids[row] = (int32_t)i;  // the last possible one, should rounding leave the target unreached
        sum += weights[i];
        if (sum > target) break;
      }
      log_probs[row] = (float)log(weights[ids[row]] / total);
    }
  });
}

void register_fused_sample(Registry& registry) { registry.add("sample_tokens", sample_tokens); }

}  // namespace GIMBAL_ISA
}  // namespace gimbal
