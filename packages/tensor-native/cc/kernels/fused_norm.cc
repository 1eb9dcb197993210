// Layer normalisation and RMS normalisation over the last dimension: x[rows, n].
//
//   layer:  xhat = (x - mu) r, r = 1 / sqrt(var + eps), y = xhat scale + offset
//           dx = r (g - mean(g) - xhat mean(g xhat)), g = dy scale;  dscale = sum dy xhat;  doffset = sum dy
//   rms:    xhat = x r, r = 1 / sqrt(mean(x^2) + eps), y = xhat (scale + shift)     shift 1: Gemma's 1 + scale
//           dx = r (g - xhat mean(g xhat)), g = dy (scale + shift);  dscale = sum dy xhat
//
// Commands: layer_norm       [x, scale, offset, y, mu or 0, r or 0, rows, n, eps]
//           layer_norm_grad  [dy, x, scale, mu, r, dx, dscale, doffset, rows, n]
//           rms_norm         [x, scale, y, r or 0, rows, n, eps, shift]
//           rms_norm_grad    [dy, x, scale, r, dx, dscale, rows, n, shift]
// Sums over rows are kept per part of a fixed partition and added in order: equal bits in every run.
#include <math.h>
#include <string.h>

#include "../lanes.h"
#include "../parallel.h"

namespace gimbal {
namespace GIMBAL_ISA {

constexpr int kPartials = 8;  // scratch slot

static inline int64_t row_grain(int64_t n) { return 8192 / (n + 64) + 1; }

/// Sum of f(i, rest) over a row, in two chains.
template <class F>
GIMBAL_INLINE float row_sum(int64_t n, F f) {
  Vec a = splat(0.0f), b = a;
  int64_t i = 0;
  for (; i + 2 * kLanes <= n; i += 2 * kLanes) a += f(i, kLanes), b += f(i + kLanes, kLanes);
  for (; i < n; i += kLanes) a += keep_first(f(i, n - i), n - i);
  return hsum(a + b);
}

/// out[j] = sum over parts of partial[part][j].
static void add_parts(const float* partial, int parts, int64_t n, int64_t stride, float* out) {
  for_vectors(n, [&](int64_t i, int64_t rest) GIMBAL_BODY {
    Vec sum = load_rest(partial + i, rest);
    for (int p = 1; p < parts; p++) sum += load_rest(partial + p * stride + i, rest);
    store_rest(out + i, sum, rest);
  });
}

static void layer_norm(Context& context, const double* a) {
  const float *x = ptr<float>(a[0]), *scale = ptr<float>(a[1]), *offset = ptr<float>(a[2]);
  float *y = ptr<float>(a[3]), *means = ptr<float>(a[4]), *rs = ptr<float>(a[5]);
  const int64_t rows = (int64_t)a[6], n = (int64_t)a[7];
  const float eps = (float)a[8];
  parallel_for(context, rows, row_grain(n), [=](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row++) {
      const float* in = x + row * n;
      float* out = y + row * n;
      const float mu = row_sum(n, [=](int64_t i, int64_t rest) GIMBAL_BODY { return load_rest(in + i, rest); }) / n;
      const Vec centre = splat(mu);
      const float variance = row_sum(n, [=](int64_t i, int64_t rest) GIMBAL_BODY {
        const Vec d = load_rest(in + i, rest) - centre;
        return d * d;
      }) / n;
      const float r = 1.0f / sqrtf(variance + eps);
      if (means) means[row] = mu, rs[row] = r;
      const Vec factor = splat(r);
      for_vectors(n, [=](int64_t i, int64_t rest) GIMBAL_BODY {
        const Vec hat = (load_rest(in + i, rest) - centre) * factor;
        store_rest(out + i, fma(hat, load_rest(scale + i, rest), load_rest(offset + i, rest)), rest);
      });
    }
  });
}

static void layer_norm_grad(Context& context, const double* a) {
  const float *dy = ptr<float>(a[0]), *x = ptr<float>(a[1]), *scale = ptr<float>(a[2]);
  const float *means = ptr<float>(a[3]), *rs = ptr<float>(a[4]);
  float *dx = ptr<float>(a[5]), *dscale = ptr<float>(a[6]), *doffset = ptr<float>(a[7]);
  const int64_t rows = (int64_t)a[8], n = (int64_t)a[9];
  const int64_t stride = (n + 15) / 16 * 16;
  const int parts = part_count(context, rows, row_grain(n));
  float* partial = shared_scratch(context, kPartials, 2 * parts * stride);
  memset(partial, 0, sizeof(float) * 2 * parts * stride);
  parallel_parts(context, rows, row_grain(n), [=](int64_t begin, int64_t end, int part, int) {
    float *sum_scale = partial + 2 * part * stride, *sum_offset = sum_scale + stride;
    for (int64_t row = begin; row < end; row++) {
      const float *in = x + row * n, *d = dy + row * n;
      float* out = dx + row * n;
      const Vec mu = splat(means[row]), r = splat(rs[row]);
      Vec total = splat(0.0f), along = total;
      for_vectors(n, [&](int64_t i, int64_t rest) GIMBAL_BODY {
        const Vec hat = (load_rest(in + i, rest) - mu) * r, g = load_rest(d + i, rest);
        store_rest(sum_scale + i, fma(g, hat, load_rest(sum_scale + i, rest)), rest);
        store_rest(sum_offset + i, load_rest(sum_offset + i, rest) + g, rest);
        const Vec gs = g * load_rest(scale + i, rest);  // zero behind the end, as g is
        total += gs;
        along = fma(gs, hat, along);
      });
      const Vec mean_g = splat(hsum(total) / n), mean_along = splat(hsum(along) / n);
      for_vectors(n, [&](int64_t i, int64_t rest) GIMBAL_BODY {
        const Vec hat = (load_rest(in + i, rest) - mu) * r;
        const Vec gs = load_rest(d + i, rest) * load_rest(scale + i, rest);
        store_rest(out + i, r * (gs - mean_g - hat * mean_along), rest);
      });
    }
  });
  add_parts(partial, rows > 0 ? parts : 1, n, 2 * stride, dscale);
  add_parts(partial + stride, rows > 0 ? parts : 1, n, 2 * stride, doffset);
}

static void rms_norm(Context& context, const double* a) {
  const float *x = ptr<float>(a[0]), *scale = ptr<float>(a[1]);
  float *y = ptr<float>(a[2]), *rs = ptr<float>(a[3]);
  const int64_t rows = (int64_t)a[4], n = (int64_t)a[5];
  const float eps = (float)a[6];
  const Vec shift = splat((float)a[7]);
  parallel_for(context, rows, row_grain(n), [=](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row++) {
      const float* in = x + row * n;
      float* out = y + row * n;
      const float square = row_sum(n, [=](int64_t i, int64_t rest) GIMBAL_BODY {
        const Vec v = load_rest(in + i, rest);
        return v * v;
      }) / n;
      const float r = 1.0f / sqrtf(square + eps);
      if (rs) rs[row] = r;
      const Vec factor = splat(r);
      for_vectors(n, [=](int64_t i, int64_t rest) GIMBAL_BODY {
        store_rest(out + i, load_rest(in + i, rest) * factor * (load_rest(scale + i, rest) + shift), rest);
      });
    }
  });
}

static void rms_norm_grad(Context& context, const double* a) {
  const float *dy = ptr<float>(a[0]), *x = ptr<float>(a[1]), *scale = ptr<float>(a[2]), *rs = ptr<float>(a[3]);
  float *dx = ptr<float>(a[4]), *dscale = ptr<float>(a[5]);
  const int64_t rows = (int64_t)a[6], n = (int64_t)a[7];
  const Vec shift = splat((float)a[8]);
  const int64_t stride = (n + 15) / 16 * 16;
  const int parts = part_count(context, rows, row_grain(n));
  float* partial = shared_scratch(context, kPartials, parts * stride);
  memset(partial, 0, sizeof(float) * parts * stride);
  parallel_parts(context, rows, row_grain(n), [=](int64_t begin, int64_t end, int part, int) {
    float* sum_scale = partial + part * stride;
    for (int64_t row = begin; row < end; row++) {
      const float *in = x + row * n, *d = dy + row * n;
      float* out = dx + row * n;
      const Vec r = splat(rs[row]);
      Vec along = splat(0.0f);
      for_vectors(n, [&](int64_t i, int64_t rest) GIMBAL_BODY {
        const Vec hat = load_rest(in + i, rest) * r, g = load_rest(d + i, rest);
        store_rest(sum_scale + i, fma(g, hat, load_rest(sum_scale + i, rest)), rest);
        along = fma(g * (load_rest(scale + i, rest) + shift), hat, along);
      });
      const Vec mean_along = splat(hsum(along) / n);
      for_vectors(n, [&](int64_t i, int64_t rest) GIMBAL_BODY {
        const Vec hat = load_rest(in + i, rest) * r;
        const Vec gs = load_rest(d + i, rest) * (load_rest(scale + i, rest) + shift);
        store_rest(out + i, r * (gs - hat * mean_along), rest);
      });
    }
  });
  add_parts(partial, rows > 0 ? parts : 1, n, stride, dscale);
}

void register_fused_norm(Registry& registry) {
  registry.add("layer_norm", layer_norm);
  registry.add("layer_norm_grad", layer_norm_grad);
  registry.add("rms_norm", rms_norm);
  registry.add("rms_norm_grad", rms_norm_grad);
}

}  // namespace GIMBAL_ISA
}  // namespace gimbal
