// The squashed Gaussian head of soft actor-critic: parameters [rows, 2 n] are means, then log standard deviations.
//
//   u = mu + sigma e, a = tanh u;  logp = sum (-e^2/2 - log sigma - log(2 pi)/2 - 2 (log 2 - u - softplus(-2u)))
//   du = da (1 - a^2) + 2 a dlogp;  dmu = du;  dlogsigma = du sigma e - dlogp, 0 where clamped
//
// Commands: squashed_gaussian       [parameters, noise, action, logp, rows, n, lowest, highest log sigma]
//           squashed_gaussian_grad  [daction, dlogp, parameters, noise, action, dparameters, rows, n, lowest, highest]
#include "../lanes.h"
#include "../parallel.h"
#include "../simd_math.h"

namespace gimbal {
namespace GIMBAL_ISA {

GIMBAL_INLINE Vec clamp(Vec x, Vec low, Vec high) { return x < low ? low : (x > high ? high : x); }

static void squashed_gaussian(Context& context, const double* a) {
  const float *parameters = ptr<float>(a[0]), *noise = ptr<float>(a[1]);
  float *action = ptr<float>(a[2]), *logp = ptr<float>(a[3]);
  const int64_t rows = (int64_t)a[4], n = (int64_t)a[5];
  const Vec low = splat((float)a[6]), high = splat((float)a[7]);
  parallel_for(context, rows, 256 / (n / kLanes + 1) + 1, [=](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row++) {
      const float *mean = parameters + row * 2 * n, *raw = mean + n, *e = noise + row * n;
      Vec sum = splat(0.0f);
      for_vectors(n, [&](int64_t i, int64_t rest) GIMBAL_BODY {
        const Vec log_sigma = clamp(load_rest(raw + i, rest), low, high), eps = load_rest(e + i, rest);
        const Vec u = fma(vexp(log_sigma), eps, load_rest(mean + i, rest));
        store_rest(action + row * n + i, vtanh(u), rest);
        // log(1 - tanh^2 u), without cancellation
        const Vec squash = splat(2.0f) * (splat(0.693147181f) - u - vsoftplus(splat(-2.0f) * u));
        const Vec density = fma(eps * eps, splat(-0.5f), splat(-0.918938533f)) - log_sigma;
        sum += keep_first(density - squash, rest);
      });
      logp[row] = hsum(sum);
    }
  });
}

static void squashed_gaussian_grad(Context& context, const double* a) {
  const float *daction = ptr<float>(a[0]), *dlogp = ptr<float>(a[1]), *parameters = ptr<float>(a[2]);
  const float *noise = ptr<float>(a[3]), *action = ptr<float>(a[4]);
  float* dparameters = ptr<float>(a[5]);
  const int64_t rows = (int64_t)a[6], n = (int64_t)a[7];
  const Vec low = splat((float)a[8]), high = splat((float)a[9]);
  parallel_for(context, rows, 512 / (n / kLanes + 1) + 1, [=](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row++) {
      const float* raw = parameters + row * 2 * n + n;
      float *dmean = dparameters + row * 2 * n, *draw = dmean + n;
      const Vec dlog = splat(dlogp[row]);
      for_vectors(n, [&](int64_t i, int64_t rest) GIMBAL_BODY {
        const Vec act = load_rest(action + row * n + i, rest), given = load_rest(raw + i, rest);
        const Vec log_sigma = clamp(given, low, high);
        const Vec du = fma(load_rest(daction + row * n + i, rest), splat(1.0f) - act * act, splat(2.0f) * act * dlog);
        store_rest(dmean + i, du, rest);
        const Vec d = fma(du * vexp(log_sigma), load_rest(noise + row * n + i, rest), -dlog);
        store_rest(draw + i, select(given == log_sigma, d, splat(0.0f)), rest);
      });
    }
  });
}

void register_policy_head(Registry& registry) {
  registry.add("squashed_gaussian", squashed_gaussian);
  registry.add("squashed_gaussian_grad", squashed_gaussian_grad);
}

}  // namespace GIMBAL_ISA
}  // namespace gimbal
