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
#include "../lanes.h"

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

// One output pixel of a plain depthwise filter (m = 1), summed in registers: y[c] = sum over taps of x[c] w[tap, c].
static inline void pixel_forward(const ConvShape& s, const float* image, const float* w, float* y, int64_t y0, int64_t x0,
                                 Taps ys, Taps xs) {
  const int64_t channels = s.in_channels;
  const auto run = [&](int64_t c, int64_t n) __attribute__((always_inline)) {
    Vec sum = splat(0.0f);
    for (int64_t ky = ys.first; ky < ys.last; ++ky) {
      const float* row = image + ((y0 + ky * s.dilation_y) * s.in_width + x0) * channels + c;
      const float* filter = w + ky * s.filter_width * channels + c;
      for (int64_t kx = xs.first; kx < xs.last; ++kx)
        sum = fma(load_rest(row + kx * s.dilation_x * channels, n), load_rest(filter + kx * channels, n), sum);
    }
    store_rest(y + c, sum, n);
  };
  int64_t c = 0;
  for (; c + kLanes <= channels; c += kLanes) run(c, kLanes);
  if (c < channels) run(c, channels - c);
}

static void forward(Context& ctx, const ConvShape& s, const float* x, const float* w, float* y) {
  const int64_t m = s.in_channels > 0 ? s.out_channels / s.in_channels : 0;
  const int64_t cost = s.out_width * s.out_channels * s.filter_height * s.filter_width;
  parallel_for(ctx, s.batch * s.out_height, 16384.0 / (double)(cost + 1), [=, &s](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const float* image = x + i / s.out_height * s.in_size();
      const int64_t y0 = i % s.out_height * s.stride_y - s.pad_top;
      const Taps ys(y0, s.filter_height, s.dilation_y, s.in_height);
      for (int64_t ox = 0; ox < s.out_width; ++ox) {
        const int64_t x0 = ox * s.stride_x - s.pad_left;
        const Taps xs(x0, s.filter_width, s.dilation_x, s.in_width);
        float* target = y + (i * s.out_width + ox) * s.out_channels;
        if (m == 1) {
          pixel_forward(s, image, w, target, y0, x0, ys, xs);
          continue;
        }
        memset(target, 0, (size_t)s.out_channels * sizeof(float));
        for (int64_t ky = ys.first; ky < ys.last; ++ky)
          for (int64_t kx = xs.first; kx < xs.last; ++kx)
            tap_forward(image + ((y0 + ky * s.dilation_y) * s.in_width + x0 + kx * s.dilation_x) * s.in_channels,
                        w + (ky * s.filter_width + kx) * s.out_channels, target, s.in_channels, m);
      }
    }
  });
}

static void depthwise_forward(Context& ctx, const double* a) {
  forward(ctx, ConvShape(a + 3), ptr<float>(a[0]), ptr<float>(a[1]), ptr<float>(a[2]));
}

// dx as the convolution of dy with the filter turned round (m = 1, no stride)
static void turned_input_gradient(Context& ctx, const ConvShape& s, const float* dy, const float* w, float* dx) {
  ConvShape turned = s;
  turned.in_height = s.out_height, turned.in_width = s.out_width;
  turned.out_height = s.in_height, turned.out_width = s.in_width;
  turned.pad_top = (s.filter_height - 1) * s.dilation_y - s.pad_top;
  turned.pad_left = (s.filter_width - 1) * s.dilation_x - s.pad_left;
  const int64_t taps = s.filter_height * s.filter_width, channels = s.in_channels;
  float* filter = shared_scratch(ctx, 8, taps * channels);
  for (int64_t tap = 0; tap < taps; ++tap)
    memcpy(filter + tap * channels, w + (taps - 1 - tap) * channels, (size_t)channels * sizeof(float));
  forward(ctx, turned, dy, filter, dx);
}

static void depthwise_input_gradient(Context& ctx, const double* a) {
  const ConvShape s(a + 3);
  const float *dy = ptr<float>(a[0]), *w = ptr<float>(a[1]);
  float* dx = ptr<float>(a[2]);
  const int64_t m = s.in_channels > 0 ? s.out_channels / s.in_channels : 0;
  if (m == 1 && s.stride_y == 1 && s.stride_x == 1) return turned_input_gradient(ctx, s, dy, w, dx);
  parallel_for(ctx, s.batch, image_grain(s), [=](int64_t begin, int64_t end) {
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

// Adds one output row to the filter gradient: for each tap the sum along the row stays in registers (m = 1).
static inline void row_filter_gradient(const ConvShape& s, const float* image, const float* dy, float* dw, int64_t y0) {
  const int64_t channels = s.in_channels;
  const Taps ys(y0, s.filter_height, s.dilation_y, s.in_height);
  for (int64_t ky = ys.first; ky < ys.last; ++ky)
    for (int64_t kx = 0; kx < s.filter_width; ++kx) {
      // the output pixels whose input column for this tap exists
      const int64_t x0 = kx * s.dilation_x - s.pad_left;
      const Taps columns(x0, s.out_width, s.stride_x, s.in_width);
      const float* row = image + ((y0 + ky * s.dilation_y) * s.in_width + x0) * channels;
      float* target = dw + (ky * s.filter_width + kx) * channels;
      const auto run = [&](int64_t c, int64_t n) __attribute__((always_inline)) {
        Vec sum = load_rest(target + c, n);
        for (int64_t ox = columns.first; ox < columns.last; ++ox)
          sum = fma(load_rest(row + ox * s.stride_x * channels + c, n), load_rest(dy + ox * channels + c, n), sum);
        store_rest(target + c, sum, n);
      };
      int64_t c = 0;
      for (; c + kLanes <= channels; c += kLanes) run(c, kLanes);
      if (c < channels) run(c, channels - c);
    }
}

static void depthwise_filter_gradient(Context& ctx, const double* a) {
  const ConvShape s(a + 3);
  const float *x = ptr<float>(a[0]), *dy = ptr<float>(a[1]);
  float* dw = ptr<float>(a[2]);
  const int64_t m = s.in_channels > 0 ? s.out_channels / s.in_channels : 0;
  const int64_t size = s.filter_height * s.filter_width * s.out_channels, rows = s.batch * s.out_height;
  const double grain = 16384.0 / (double)(s.out_width * size + 1);
  // every part sums its own rows; the parts are added in order, so that a thread count has one result
  const int parts = part_count(ctx, rows, grain);
  float* partial = parts > 1 ? shared_scratch(ctx, 8, parts * size) : dw;
  memset(partial, 0, (size_t)(parts * size) * sizeof(float));
  parallel_parts(ctx, rows, grain, [=](int64_t begin, int64_t end, int part, int) {
    float* sums = partial + part * size;
    for (int64_t i = begin; i < end; ++i) {
      const float* image = x + i / s.out_height * s.in_size();
      const float* upstream = dy + i * s.out_width * s.out_channels;
      const int64_t y0 = i % s.out_height * s.stride_y - s.pad_top;
      if (m == 1) {
        row_filter_gradient(s, image, upstream, sums, y0);
        continue;
      }
      const Taps ys(y0, s.filter_height, s.dilation_y, s.in_height);
      for (int64_t ox = 0; ox < s.out_width; ++ox) {
        const int64_t x0 = ox * s.stride_x - s.pad_left;
        const Taps xs(x0, s.filter_width, s.dilation_x, s.in_width);
        for (int64_t ky = ys.first; ky < ys.last; ++ky)
          for (int64_t kx = xs.first; kx < xs.last; ++kx)
            tap_forward(image + ((y0 + ky * s.dilation_y) * s.in_width + x0 + kx * s.dilation_x) * s.in_channels,
                        upstream + ox * s.out_channels, sums + (ky * s.filter_width + kx) * s.out_channels,
                        s.in_channels, m);
      }
    }
  });
  for (int part = 1; part < parts; ++part)
    for (int64_t i = 0; i < size; ++i) dw[i] = (part == 1 ? partial[i] : dw[i]) + partial[part * size + i];
}

void register_depthwise(Registry& r) {
  r.add("depthwise_forward", depthwise_forward);
  r.add("depthwise_filter_gradient", depthwise_filter_gradient);
  r.add("depthwise_input_gradient", depthwise_input_gradient);
}

}  // namespace GIMBAL_ISA
}  // namespace gimbal
