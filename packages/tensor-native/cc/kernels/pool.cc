// Two-dimensional pooling over NHWC tensors and its gradients (ConvShape with out_channels = in_channels).
//
// Commands: pool_max_forward, pool_average_forward [x, y, shape…]
//           pool_max_gradient     [dy, x, dx, shape…]   to the first largest element of each window
//           pool_average_gradient [dy, dx, shape…]
// The average is over the elements inside the image; its gradient divides by the window's size, padding included, and
// max passes over NaN: both as in tfjs.
#include <string.h>

#include "../conv_shape.h"
#include "../parallel.h"
#include "../simd.h"

namespace gimbal {
namespace GIMBAL_ISA {

// Calls f(pixel offset of the output, y taps, x taps, y0, x0) for the output pixels of rows [begin, end) of all images.
template <class F>
static inline void for_windows(const ConvShape& s, int64_t begin, int64_t end, F f) {
  for (int64_t i = begin; i < end; ++i) {
    const int64_t y0 = i % s.out_height * s.stride_y - s.pad_top;
    const Taps ys(y0, s.filter_height, s.dilation_y, s.in_height);
    for (int64_t ox = 0; ox < s.out_width; ++ox) {
      const int64_t x0 = ox * s.stride_x - s.pad_left;
      f(i * s.out_width + ox, i / s.out_height, ys, Taps(x0, s.filter_width, s.dilation_x, s.in_width), y0, x0);
    }
  }
}

static inline int64_t pixel(const ConvShape& s, int64_t y0, int64_t x0, int64_t ky, int64_t kx) {
  return (y0 + ky * s.dilation_y) * s.in_width + x0 + kx * s.dilation_x;
}

template <bool average>
static void forward(Context& ctx, const double* a) {
  const ConvShape s(a + 2);
  const float* x = ptr<float>(a[0]);
  float* y = ptr<float>(a[1]);
  const int64_t channels = s.in_channels, cost = s.out_width * channels * s.filter_height * s.filter_width;
  parallel_for(ctx, s.batch * s.out_height, 16384.0 / (double)(cost + 1), [=](int64_t begin, int64_t end) {
    for_windows(s, begin, end, [&](int64_t out, int64_t image, Taps ys, Taps xs, int64_t y0, int64_t x0) {
      const float* source = x + image * s.in_size();
      const Vec start = splat(average ? 0.0f : -__builtin_inff());
      const Vec scale = splat(1.0f / (float)((ys.last - ys.first) * (xs.last - xs.first)));
      for (int64_t c = 0; c < channels; c += kLanes) {
        const int64_t n = channels - c;
        Vec result = start;
        for (int64_t ky = ys.first; ky < ys.last; ++ky)
          for (int64_t kx = xs.first; kx < xs.last; ++kx) {
            const float* p = source + pixel(s, y0, x0, ky, kx) * channels + c;
            const Vec v = n >= kLanes ? load(p) : load_n(p, n);
            result = average ? result + v : vmax(v, result);
          }
        if (average) result = result * scale;
        float* target = y + out * channels + c;
        if (n >= kLanes)
          store(target, result);
        else
          store_n(target, result, n);
      }
    });
  });
}

static void max_gradient(Context& ctx, const double* a) {
  const ConvShape s(a + 3);
  const float *dy = ptr<float>(a[0]), *x = ptr<float>(a[1]);
  float* dx = ptr<float>(a[2]);
  const int64_t channels = s.in_channels;
  // windows overlap: an image belongs to one thread
  parallel_for(ctx, s.batch, image_grain(s), [=](int64_t first, int64_t last) {
    memset(dx + first * s.in_size(), 0, (size_t)((last - first) * s.in_size()) * sizeof(float));
    for_windows(s, first * s.out_height, last * s.out_height,
                [&](int64_t out, int64_t image, Taps ys, Taps xs, int64_t y0, int64_t x0) {
      const float* source = x + image * s.in_size();
      float* target = dx + image * s.in_size();
      for (int64_t c = 0; c < channels; c += kLanes) {
        const int64_t n = channels - c < kLanes ? channels - c : kLanes;
        Vec best = splat(-__builtin_inff());
        IVec where = splat_int(-1);
        for (int64_t ky = ys.first; ky < ys.last; ++ky)
          for (int64_t kx = xs.first; kx < xs.last; ++kx) {
            const int64_t at = pixel(s, y0, x0, ky, kx);
            const float* p = source + at * channels + c;
            const Vec v = n == kLanes ? load(p) : load_n(p, n);
            const IVec larger = v > best;
            best = select(larger, v, best);
            where = select(larger, splat_int((int32_t)at), where);
          }
        int32_t lanes[kLanes];
        store(lanes, where);
        for (int64_t i = 0; i < n; ++i)
          if (lanes[i] >= 0) target[lanes[i] * channels + c + i] += dy[out * channels + c + i];
      }
    });
  });
}

static void average_gradient(Context& ctx, const double* a) {
  const ConvShape s(a + 2);
  const float* dy = ptr<float>(a[0]);
  float* dx = ptr<float>(a[1]);
  const int64_t channels = s.in_channels;
  const Vec scale = splat(1.0f / (float)(s.filter_height * s.filter_width));
  parallel_for(ctx, s.batch, image_grain(s), [=](int64_t first, int64_t last) {
    memset(dx + first * s.in_size(), 0, (size_t)((last - first) * s.in_size()) * sizeof(float));
    for_windows(s, first * s.out_height, last * s.out_height,
                [&](int64_t out, int64_t image, Taps ys, Taps xs, int64_t y0, int64_t x0) {
      float* target = dx + image * s.in_size();
      for (int64_t c = 0; c < channels; c += kLanes) {
        const int64_t n = channels - c < kLanes ? channels - c : kLanes;
        const float* p = dy + out * channels + c;
        const Vec share = (n == kLanes ? load(p) : load_n(p, n)) * scale;
        for (int64_t ky = ys.first; ky < ys.last; ++ky)
          for (int64_t kx = xs.first; kx < xs.last; ++kx) {
            float* q = target + pixel(s, y0, x0, ky, kx) * channels + c;
            if (n == kLanes)
              store(q, load(q) + share);
            else
              store_n(q, load_n(q, n) + share, n);
          }
      }
    });
  });
}

void register_pool(Registry& r) {
  r.add("pool_max_forward", forward<false>);
  r.add("pool_average_forward", forward<true>);
  r.add("pool_max_gradient", max_gradient);
  r.add("pool_average_gradient", average_gradient);
}

}  // namespace GIMBAL_ISA
}  // namespace gimbal
