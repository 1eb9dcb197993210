// Batch normalisation with given statistics: y = (x - mean) scale / sqrt(variance + epsilon) + offset, per channel.
//
// Command: batch_norm [x, mean, variance, offset or 0, scale or 0, y, rows, channels, epsilon]
#include "../parallel.h"
#include "../simd.h"

namespace gimbal {
namespace GIMBAL_ISA {

static void batch_norm(Context& ctx, const double* a) {
  const float *x = ptr<float>(a[0]), *mean = ptr<float>(a[1]), *variance = ptr<float>(a[2]);
  const float *offset = ptr<float>(a[3]), *scale = ptr<float>(a[4]);
  float* y = ptr<float>(a[5]);
  const int64_t channels = (int64_t)a[7];
  const float epsilon = (float)a[8];
  float* factor = shared_scratch(ctx, 8, 2 * channels + 2 * kLanes);
  float* shift = factor + channels;
  for (int64_t c = 0; c < channels; ++c) {
    factor[c] = (scale ? scale[c] : 1.0f) / __builtin_sqrtf(variance[c] + epsilon);
    shift[c] = offset ? offset[c] : 0.0f;
  }
  parallel_for(ctx, (int64_t)a[6], 8192.0 / (double)(channels + 1), [=](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const float* source = x + row * channels;
      float* target = y + row * channels;
      int64_t c = 0;
      for (; c + kLanes <= channels; c += kLanes)
        store(target + c, fma(load(source + c) - load(mean + c), load(factor + c), load(shift + c)));
      if (const int64_t n = channels - c)
        store_n(target + c, fma(load_n(source + c, n) - load_n(mean + c, n), load_n(factor + c, n), load_n(shift + c, n)),
                n);
    }
  });
}

void register_norm(Registry& r) { r.add("batch_norm", batch_norm); }

}  // namespace GIMBAL_ISA
}  // namespace gimbal
