// Patches laid out as a matrix, for what direct convolution does badly: the input gradient of strided filters, and images
// a few pixels wide. Blocks of pixels small enough for the second-level cache, so that the matrix never exists as a whole.
#pragma once
#include <string.h>

#include "../../conv_shape.h"
#include "../../simd.h"
#include "bands.h"

namespace gimbal {
namespace GIMBAL_ISA {

// Output pixels per block: patches of about 512 KB.
static inline int64_t block_pixels(const ConvShape& s) {
  const int64_t pixels = 131072 / (s.patch() + 1);
  return pixels < 24 ? 24 : pixels > 1024 ? 1024 : pixels;
}

static inline void copy_floats(float* y, const float* x, int64_t n) {
  if (n >= 32) {
    memcpy(y, x, (size_t)n * sizeof(float));
    return;
  }
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(y + i, load(x + i));
  for (; i < n; ++i) y[i] = x[i];
}

// rows [first, first + count) of P for one image
static void gather_patches(const ConvShape& s, const float* image, int64_t first, int64_t count, float* patches) {
  const int64_t c = s.in_channels, row_floats = s.filter_width * c;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t oy = (first + i) / s.out_width, ox = (first + i) % s.out_width;
    const int64_t y0 = oy * s.stride_y - s.pad_top, x0 = ox * s.stride_x - s.pad_left;
    const Taps ys(y0, s.filter_height, s.dilation_y, s.in_height), xs(x0, s.filter_width, s.dilation_x, s.in_width);
    float* patch = patches + i * s.patch();
    if (ys.first > 0) memset(patch, 0, (size_t)(ys.first * row_floats) * sizeof(float));
    for (int64_t ky = ys.first; ky < ys.last; ++ky) {
      const float* source = image + ((y0 + ky * s.dilation_y) * s.in_width + x0) * c;
      float* row = patch + ky * row_floats;
      for (int64_t j = 0; j < xs.first * c; ++j) row[j] = 0;
      if (s.dilation_x == 1)
        copy_floats(row + xs.first * c, source + xs.first * c, (xs.last - xs.first) * c);
      else
        for (int64_t kx = xs.first; kx < xs.last; ++kx) copy_floats(row + kx * c, source + kx * s.dilation_x * c, c);
      for (int64_t j = xs.last * c; j < row_floats; ++j) row[j] = 0;
    }
    if (ys.last < s.filter_height)
      memset(patch + ys.last * row_floats, 0, (size_t)((s.filter_height - ys.last) * row_floats) * sizeof(float));
  }
}

// the reverse: adds rows of dP to the image they were read from
static void scatter_patches(const ConvShape& s, const float* patches, int64_t first, int64_t count, float* image) {
  const int64_t c = s.in_channels;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t oy = (first + i) / s.out_width, ox = (first + i) % s.out_width;
    const int64_t y0 = oy * s.stride_y - s.pad_top, x0 = ox * s.stride_x - s.pad_left;
    const Taps ys(y0, s.filter_height, s.dilation_y, s.in_height), xs(x0, s.filter_width, s.dilation_x, s.in_width);
    const float* patch = patches + i * s.patch();
    for (int64_t ky = ys.first; ky < ys.last; ++ky) {
      // neighbouring taps are neighbours in the image when the filter is not dilated
      const int64_t runs = s.dilation_x == 1 ? 1 : xs.last - xs.first;
      const int64_t n = s.dilation_x == 1 ? (xs.last - xs.first) * c : c;
      for (int64_t run = 0; run < runs; ++run) {
        const int64_t kx = xs.first + run;
        float* target = image + ((y0 + ky * s.dilation_y) * s.in_width + x0 + kx * s.dilation_x) * c;
        const float* source = patch + (ky * s.filter_width + kx) * c;
        int64_t j = 0;
        for (; j + kLanes <= n; j += kLanes) store(target + j, load(target + j) + load(source + j));
        if (j < n) store_n(target + j, load_n(target + j, n - j) + load_n(source + j, n - j), n - j);
      }
    }
  }
}

}  // namespace GIMBAL_ISA
}  // namespace gimbal
