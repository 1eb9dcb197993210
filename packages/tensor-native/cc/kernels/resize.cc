// Images resized, bilinear and nearest, and the gradients: x[batch, H, W, C] <-> y[batch, H', W', C].
//
// Commands: resize_bilinear, resize_nearest                    [x, y, batch, H, W, H', W', C, align corners, half pixel]
//           resize_bilinear_gradient, resize_nearest_gradient  [dy, dx, the same words]
// The gradients know no half-pixel centres, as tfjs's do not.
#include <math.h>
#include <string.h>

#include "../parallel.h"
#include "../simd.h"

namespace gimbal {
namespace GIMBAL_ISA {

struct Resize {
  int64_t batch, height, width, new_height, new_width, channels;
  bool align, half;
  double scale_y, scale_x;

  explicit Resize(const double* a)
      : batch((int64_t)a[0]),
        height((int64_t)a[1]),
        width((int64_t)a[2]),
        new_height((int64_t)a[3]),
        new_width((int64_t)a[4]),
        channels((int64_t)a[5]),
        align(a[6] != 0),
        half(a[7] != 0),
        scale_y(scale(height, new_height)),
        scale_x(scale(width, new_width)) {}

  // input pixels per output pixel
  double scale(int64_t from, int64_t to) const {
    return align && to > 1 ? (double)(from - 1) / (double)(to - 1) : (double)from / (double)to;
  }
};

// the two neighbours of an output position along one axis and the share of the second
struct Between {
  int64_t low, high;
  float share;
  Between(int64_t position, double scale, bool half, int64_t size) {
    const double at = half ? scale * ((double)position + 0.5) - 0.5 : scale * (double)position;
    low = at > 0 ? (int64_t)floor(at) : 0;
    high = (int64_t)ceil(at);
    if (high > size - 1) high = size - 1;
    share = (float)(at - (double)low);
  }
};

static inline int64_t nearest(int64_t position, double scale, bool half, bool align, int64_t size) {
  const double at = scale * ((double)position + (half ? 0.5 : 0.0));
  const int64_t index = (int64_t)floor(align ? at + 0.5 : at);
  return index < 0 ? 0 : index > size - 1 ? size - 1 : index;
}

template <class F>
static inline void for_rows(Context& ctx, const Resize& r, F f) {
  const int64_t cost = r.new_width * r.channels * 4;
  parallel_for(ctx, r.batch * r.new_height, 16384.0 / (double)(cost + 1), [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) f(i / r.new_height, i % r.new_height);
  });
}

static void bilinear(Context& ctx, const double* a) {
  const Resize r(a + 2);
  const float* x = ptr<float>(a[0]);
  float* y = ptr<float>(a[1]);
  const int64_t c = r.channels;
  for_rows(ctx, r, [=](int64_t image, int64_t row) {
    const Between v(row, r.scale_y, r.half, r.height);
    const float *top = x + (image * r.height + v.low) * r.width * c, *bottom = x + (image * r.height + v.high) * r.width * c;
    for (int64_t column = 0; column < r.new_width; ++column) {
      const Between h(column, r.scale_x, r.half, r.width);
      float* out = y + ((image * r.new_height + row) * r.new_width + column) * c;
      for (int64_t i = 0; i < c; ++i) {
        const float above = top[h.low * c + i] + (top[h.high * c + i] - top[h.low * c + i]) * h.share;
        const float below = bottom[h.low * c + i] + (bottom[h.high * c + i] - bottom[h.low * c + i]) * h.share;
        out[i] = above + (below - above) * v.share;
      }
    }
  });
}

static void nearest_forward(Context& ctx, const double* a) {
  const Resize r(a + 2);
  const float* x = ptr<float>(a[0]);
  float* y = ptr<float>(a[1]);
  const int64_t c = r.channels;
  for_rows(ctx, r, [=](int64_t image, int64_t row) {
    const float* source = x + (image * r.height + nearest(row, r.scale_y, r.half, r.align, r.height)) * r.width * c;
    float* out = y + (image * r.new_height + row) * r.new_width * c;
    for (int64_t column = 0; column < r.new_width; ++column) {
      const float* p = source + nearest(column, r.scale_x, r.half, r.align, r.width) * c;
      for (int64_t i = 0; i < c; ++i) out[column * c + i] = p[i];
    }
  });
}

// the gradients add into the image: one image, one thread
template <class F>
static inline void gradient(Context& ctx, const double* a, F f) {
  const Resize r(a + 2);
  const float* dy = ptr<float>(a[0]);
  float* dx = ptr<float>(a[1]);
  const int64_t size = r.height * r.width * r.channels;
  parallel_for(ctx, r.batch, 4096.0 / (double)(r.new_height * r.new_width * r.channels + 1), [=](int64_t begin, int64_t end) {
    memset(dx + begin * size, 0, (size_t)((end - begin) * size) * sizeof(float));
    for (int64_t image = begin; image < end; ++image)
      for (int64_t row = 0; row < r.new_height; ++row)
        for (int64_t column = 0; column < r.new_width; ++column)
          f(r, dy + ((image * r.new_height + row) * r.new_width + column) * r.channels, dx + image * size, row, column);
  });
}

static void bilinear_gradient(Context& ctx, const double* a) {
  gradient(ctx, a, [](const Resize& r, const float* dy, float* dx, int64_t row, int64_t column) {
    const Between v(row, r.scale_y, false, r.height), h(column, r.scale_x, false, r.width);
    const int64_t c = r.channels;
    for (int64_t i = 0; i < c; ++i) {
      const float above = dy[i] * (1 - v.share), below = dy[i] * v.share;
      dx[(v.low * r.width + h.low) * c + i] += above * (1 - h.share);
      dx[(v.low * r.width + h.high) * c + i] += above * h.share;
      dx[(v.high * r.width + h.low) * c + i] += below * (1 - h.share);
      dx[(v.high * r.width + h.high) * c + i] += below * h.share;
    }
  });
}

static void nearest_gradient(Context& ctx, const double* a) {
  gradient(ctx, a, [](const Resize& r, const float* dy, float* dx, int64_t row, int64_t column) {
    const int64_t y = nearest(row, r.scale_y, false, r.align, r.height);
    float* target = dx + (y * r.width + nearest(column, r.scale_x, false, r.align, r.width)) * r.channels;
    for (int64_t i = 0; i < r.channels; ++i) target[i] += dy[i];
  });
}

void register_resize(Registry& r) {
  r.add("resize_bilinear", bilinear);
  r.add("resize_nearest", nearest_forward);
  r.add("resize_bilinear_gradient", bilinear_gradient);
  r.add("resize_nearest_gradient", nearest_gradient);
}

}  // namespace GIMBAL_ISA
}  // namespace gimbal
