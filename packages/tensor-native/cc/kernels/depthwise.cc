// Depthwise convolution over NHWC tensors: every input channel has `multiplier` filters of its own.
//
//   y[.., c * multiplier + q] = sum over taps of x[.., c] W[tap, c, q]
//
// Commands, shape = the words of ConvShape (out_channels = in_channels * multiplier):
//   depthwise_forward         [x, W, y, shape…]
//   depthwise_filter_gradient [x, dy, dW, shape…]
//   depthwise_input_gradient  [dy, W, dx, shape…]
#include <string.h>

#include "../conv_shape.h"
#include "../parallel.h"
#include "../simd.h"

namespace gimbal {
namespace GIMBAL_ISA {

// y[c * m + q] += x[c] w[c * m + q]
static inline void tap_forward(const float* x, const float* w, float* y, int64_t channels, int64_t m) {
  if (m == 1) {
    int64_t c = 0;
    for (; c + kLanes <= channels; c += kLanes) store(y + c, fma(load(x + c), load(w + c), load(y + c)));
    if (const int64_t n = channels - c)
      store_n(y + c, fma(load_n(x + c, n), load_n(w + c, n), load_n(y + c, n)), n);
    return;
  }
  for (int64_t c = 0; c < channels; ++c)
    for (int64_t q = 0; q < m; ++q) y[c * m + q] += x[c] * w[c * m + q];
}

// dx[c] += sum over q of dy[c * m + q] w[c * m + q]
static inline void tap_input(const float* dy, const float* w, float* dx, int64_t channels, int64_t m) {
  if (m == 1) return tap_forward(dy, w, dx, channels, 1);
  for (int64_t c = 0; c < channels; ++c) {
    float sum = dx[c];
    for (int64_t q = 0; q < m; ++q) sum += dy[c * m + q] * w[c * m + q];
    dx[c] = sum;
  }
}

static void depthwise_forward(Context& ctx, const double* a) {
  const ConvShape s(a + 3);
  const float *x = ptr<float>(a[0]), *w = ptr<float>(a[1]);
  float* y = ptr<float>(a[2]);
  const int64_t m = s.in_channels > 0 ? s.out_channels / s.in_channels : 0;
  const int64_t cost = s.out_width * s.out_channels * s.filter_height * s.filter_width;
  parallel_for(ctx, s.batch * s.out_height, 16384 / (cost + 1), [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const float* image = x + i / s.out_height * s.in_size();
      const int64_t y0 = i % s.out_height * s.stride_y - s.pad_top;
      const Taps ys(y0, s.filter_height, s.dilation_y, s.in_height);
      for (int64_t ox = 0; ox < s.out_width; ++ox) {
        const int64_t x0 = ox * s.stride_x - s.pad_left;
        const Taps xs(x0, s.filter_width, s.dilation_x, s.in_width);
        float* target = y + (i * s.out_width + ox) * s.out_channels;
        memset(target, 0, (size_t)s.out_channels * sizeof(float));
        for (int64_t ky = ys.first; ky < ys.last; ++ky)
          for (int64_t kx = xs.first; kx < xs.last; ++kx)
            tap_forward(image + ((y0 + ky * s.dilation_y) * s.in_width + x0 + kx * s.dilation_x) * s.in_channels,
                        w + (ky * s.filter_width + kx) * s.out_channels, target, s.in_channels, m);
      }
    }
  });
}

static void depthwise_input_gradient(Context& ctx, const double* a) {
  const ConvShape s(a + 3);
  const float *dy = ptr<float>(a[0]), *w = ptr<float>(a[1]);
  float* dx = ptr<float>(a[2]);
  const int64_t m = s.in_channels > 0 ? s.out_channels / s.in_channels : 0;
  parallel_for(ctx, s.batch, 1, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      float* image = dx + i * s.in_size();
      memset(image, 0, (size_t)s.in_size() * sizeof(float));
      for (int64_t oy = 0; oy < s.out_height; ++oy) {
        const int64_t y0 = oy * s.stride_y - s.pad_top;
        const Taps ys(y0, s.filter_height, s.dilation_y, s.in_height);
        for (int64_t ox = 0; ox < s.out_width; ++ox) {
          const int64_t x0 = ox * s.stride_x - s.pad_left;
          const Taps xs(x0, s.filter_width, s.dilation_x, s.in_width);
          const float* source = dy + ((i * s.out_height + oy) * s.out_width + ox) * s.out_channels;
          for (int64_t ky = ys.first; ky < ys.last; ++ky)
            for (int64_t kx = xs.first; kx < xs.last; ++kx)
              tap_input(source, w + (ky * s.filter_width + kx) * s.out_channels,
                        image + ((y0 + ky * s.dilation_y) * s.in_width + x0 + kx * s.dilation_x) * s.in_channels,
                        s.in_channels, m);
        }
      }
    }
  });
}

static void depthwise_filter_gradient(Context& ctx, const double* a) {
  const ConvShape s(a + 3);
  const float *x = ptr<float>(a[0]), *dy = ptr<float>(a[1]);
  float* dw = ptr<float>(a[2]);
  const int64_t m = s.in_channels > 0 ? s.out_channels / s.in_channels : 0;
  // a tap's filters belong to one thread
  parallel_for(ctx, s.filter_height * s.filter_width, 1, [=](int64_t begin, int64_t end) {
    for (int64_t tap = begin; tap < end; ++tap) {
      const int64_t dy0 = tap / s.filter_width * s.dilation_y - s.pad_top;
      const int64_t dx0 = tap % s.filter_width * s.dilation_x - s.pad_left;
      float* target = dw + tap * s.out_channels;
      memset(target, 0, (size_t)s.out_channels * sizeof(float));
      for (int64_t i = 0; i < s.batch * s.out_height; ++i) {
        const int64_t iy = i % s.out_height * s.stride_y + dy0;
        if (iy < 0 || iy >= s.in_height) continue;
        const float* row = x + (i / s.out_height * s.in_height + iy) * s.in_width * s.in_channels;
        for (int64_t ox = 0; ox < s.out_width; ++ox) {
          const int64_t ix = ox * s.stride_x + dx0;
          if (ix < 0 || ix >= s.in_width) continue;
          tap_forward(row + ix * s.in_channels, dy + (i * s.out_width + ox) * s.out_channels, target, s.in_channels, m);
        }
      }
    }
  });
}

void register_depthwise(Registry& r) {
  r.add("depthwise_forward", depthwise_forward);
  r.add("depthwise_filter_gradient", depthwise_filter_gradient);
  r.add("depthwise_input_gradient", depthwise_input_gradient);
}

}  // namespace GIMBAL_ISA
}  // namespace gimbal
