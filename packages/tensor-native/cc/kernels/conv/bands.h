// Bands: a few output rows of one image, the unit of work of direct convolution. A band's input rows fit the second-level
// cache, and where the filter reaches over the border they are first copied to a frame with zeros around.
#pragma once
#include <string.h>

#include "../../conv_shape.h"
#include "tile.h"

namespace gimbal {
namespace GIMBAL_ISA {

constexpr int kFrameSlot = 8, kSegmentSlot = 9, kPanelSlot = 10;  // scratch of a thread
constexpr int kWeightSlot = 11, kPartialSlot = 12;               // scratch that threads share

/// Geometry of the bands of one convolution.
struct Bands {
  const ConvShape& s;
  int64_t frame_width;  // input pixels from the first to the last that an output row reads
  bool framed;          // some of them lie outside the image
  int64_t rows;         // output rows of a band
  int64_t per_image;

  Bands(const ConvShape& shape, int64_t limit_floats, int threads) : s(shape) {
    frame_width = (s.out_width - 1) * s.stride_x + (s.filter_width - 1) * s.dilation_x + 1;
    const int64_t height = (s.out_height - 1) * s.stride_y + (s.filter_height - 1) * s.dilation_y + 1;
    framed = s.pad_top != 0 || s.pad_left != 0 || frame_width > s.in_width || height > s.in_height;
    rows = limit_floats / (row_floats() * s.stride_y + 1);
    // enough bands for every thread, several each
    const int64_t wanted = ceil_div(4 * threads, most(s.batch, 1));
    rows = most(1, least(rows, ceil_div(s.out_height, wanted)));
    per_image = ceil_div(s.out_height, rows);
  }

  int64_t count() const { return s.batch * per_image; }
  /// Floats of an input row as a band sees it.
  int64_t row_floats() const { return (framed ? frame_width : s.in_width) * s.in_channels; }
  int64_t input_rows(int64_t output_rows) const {
    return (output_rows - 1) * s.stride_y + (s.filter_height - 1) * s.dilation_y + 1;
  }
  int64_t frame_floats() const { return framed ? input_rows(rows) * row_floats() : 0; }

  /// The input pixel that the first output pixel of a band reads first; `frame` holds frame_floats().
  const float* input(const float* x, int64_t image, int64_t first, int64_t output_rows, float* frame) const {
    const float* source = x + image * s.in_size();
    const int64_t top = first * s.stride_y - s.pad_top;
    if (!framed) return source + top * row_floats();
    const int64_t c = s.in_channels, from = least(s.pad_left, frame_width), to = least(frame_width, s.pad_left + s.in_width);
    for (int64_t i = 0; i < input_rows(output_rows); ++i) {
      float* row = frame + i * row_floats();
      const int64_t y = top + i;
      if (y < 0 || y >= s.in_height) {
        memset(row, 0, (size_t)row_floats() * sizeof(float));
        continue;
      }
      for (int64_t j = 0; j < from * c; ++j) row[j] = 0;
      memcpy(row + from * c, source + y * s.in_width * c, (size_t)((to - from) * c) * sizeof(float));
      for (int64_t j = to * c; j < row_floats(); ++j) row[j] = 0;
    }
    return frame;
  }
};

/// Runs of the filter that are contiguous in the image: whole filter rows, or single taps when it is dilated sideways.
struct FilterRuns {
  int64_t per_row, count, length;
  explicit FilterRuns(const ConvShape& s)
      : per_row(s.dilation_x == 1 ? 1 : s.filter_width),
        count(s.filter_height * per_row),
        length(s.dilation_x == 1 ? s.filter_width * s.in_channels : s.in_channels) {}
  /// Offset in floats of run r from a patch's first element.
  int64_t offset(const ConvShape& s, int64_t row_floats, int64_t r) const {
    return r / per_row * s.dilation_y * row_floats + r % per_row * s.dilation_x * s.in_channels;
  }
};

/// Whether rows of output pixels are long enough to fill tiles.
inline bool fits_direct(const ConvShape& s) { return s.out_width >= 4; }

}  // namespace GIMBAL_ISA
}  // namespace gimbal
