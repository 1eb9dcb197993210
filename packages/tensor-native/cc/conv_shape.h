// The geometry of a two-dimensional convolution or pooling over NHWC tensors, as a command carries it.
#pragma once
#include <stdint.h>

namespace gimbal {
namespace GIMBAL_ISA {

struct ConvShape {
  int64_t batch, in_height, in_width, in_channels;
  int64_t out_height, out_width, out_channels;
  int64_t filter_height, filter_width;
  int64_t stride_y, stride_x, dilation_y, dilation_x;
  int64_t pad_top, pad_left;

  static constexpr int kWords = 15;
  explicit ConvShape(const double* a)
      : batch((int64_t)a[0]),
        in_height((int64_t)a[1]),
        in_width((int64_t)a[2]),
        in_channels((int64_t)a[3]),
        out_height((int64_t)a[4]),
        out_width((int64_t)a[5]),
        out_channels((int64_t)a[6]),
        filter_height((int64_t)a[7]),
        filter_width((int64_t)a[8]),
        stride_y((int64_t)a[9]),
        stride_x((int64_t)a[10]),
        dilation_y((int64_t)a[11]),
        dilation_x((int64_t)a[12]),
        pad_top((int64_t)a[13]),
        pad_left((int64_t)a[14]) {}

  int64_t in_size() const { return in_height * in_width * in_channels; }      // of one image
  int64_t out_pixels() const { return out_height * out_width; }               // of one image
  int64_t patch() const { return filter_height * filter_width * in_channels; }
  /// Every output pixel reads exactly the input pixel at its own place.
  bool pointwise() const {
    return filter_height == 1 && filter_width == 1 && stride_y == 1 && stride_x == 1 && pad_top == 0 && pad_left == 0 &&
           out_height == in_height && out_width == in_width;
  }
};

/// Images that take about 5 µs, for work of one addition per element under the filter.
inline double image_grain(const ConvShape& s) {
  return 16384.0 / (double)(s.out_pixels() * s.out_channels * s.filter_height * s.filter_width + 1);
}

/// The range of filter positions k in [0, size) for which 0 <= start + k * dilation < limit.
struct Taps {
  int64_t first, last;  // [first, last)
  Taps(int64_t start, int64_t size, int64_t dilation, int64_t limit) {
    first = start < 0 ? (-start + dilation - 1) / dilation : 0;
    last = limit > start ? (limit - start + dilation - 1) / dilation : 0;
    if (last > size) last = size;
    if (first > last) first = last;
  }
};

}  // namespace GIMBAL_ISA
}  // namespace gimbal
