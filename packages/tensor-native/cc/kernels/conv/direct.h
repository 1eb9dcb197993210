// Direct convolution and its filter gradient: products over patches that are never laid out.
#pragma once
#include "../../parallel.h"
#include "bands.h"

namespace gimbal {
namespace GIMBAL_ISA {

constexpr int64_t kBandFloats = 32768;  // input of a band, forward
constexpr double kGrainFlops = 600000;

/// y = epilogue(conv(x, W)); `packed` is W [patch, O] as pack_b lays it out.
static void direct_forward(Context& ctx, const ConvShape& s, const float* x, const float* packed, float* y,
                           const Epilogue* epilogue) {
  const Bands bands(s, kBandFloats, thread_count(ctx));
  const FilterRuns runs(s);
  const double flops = 2.0 * (double)(bands.rows * s.out_width * s.out_channels) * (double)s.patch();
  parallel_for(ctx, bands.count(), kGrainFlops / (flops + 1), [=, &ctx, &s](int64_t begin, int64_t end) {
    float* frame = scratch(ctx, kFrameSlot, bands.frame_floats());
    int64_t* segments = (int64_t*)scratch(ctx, kSegmentSlot, 2 * runs.count);
    for (int64_t r = 0; r < runs.count; ++r) segments[r] = runs.offset(s, bands.row_floats(), r) * 4;
    for (int64_t band = begin; band < end; ++band) {
      const int64_t image = band / bands.per_image, first = band % bands.per_image * bands.rows;
      const int64_t rows = least(bands.rows, s.out_height - first);
      const float* input = bands.input(x, image, first, rows, frame);
      float* output = y + (image * s.out_pixels() + first * s.out_width) * s.out_channels;
      for (int64_t column = 0; column < s.out_channels; column += kTileColumns) {
        const int64_t columns = least(kTileColumns, s.out_channels - column);
        const float* panel = packed + column * s.patch();
        for (int64_t row = 0; row < rows; ++row)
          for_tiles(s.out_width, [&](int64_t pixel, int64_t count) {
            const PatchOperands o{input + row * s.stride_y * bands.row_floats() + pixel * s.stride_x * s.in_channels,
                                  s.stride_x * s.in_channels * 4,
                                  4,
                                  segments,
                                  runs.count,
                                  runs.length,
                                  panel};
            const int64_t at = row * s.out_width + pixel;
            const TilePlace place{output + at * s.out_channels + column, s.out_channels, 0, column, columns};
            patch_tile_function(count, ceil_div(columns, kLanes))(o, place, TileEnd{1, false, epilogue});
          });
      }
    }
  });
}

/// Bands that are multiplied together: their inputs lie in one piece of memory, their dy is packed as one panel.
struct BandGroup {
  const float* base;   // the bands' inputs are at these offsets from here
  int64_t* segments;   // an offset in bytes for every output row
  int64_t rows = 0;
};

/// dW = sum over output pixels of patch^T dy. Every part of the bands has its own sum; they are added in order, so that
/// a thread count has one result.
static void direct_filter_gradient(Context& ctx, const ConvShape& s, const float* x, const float* dy, float* dw) {
  const Bands bands(s, kBandFloats, thread_count(ctx));
  const FilterRuns runs(s);
  const int64_t size = s.patch() * s.out_channels;
  // every group reads and writes all of dW: a large one wants long sums, even if their input leaves the nearest caches
  const int64_t band_floats = bands.input_rows(bands.rows) * bands.row_floats();
  const int64_t group = most(1, (size < 65536 ? kBandFloats : 8 * kBandFloats) / band_floats);
  const double flops = 2.0 * (double)(bands.rows * s.out_width) * (double)size, grain = kGrainFlops / (flops + 1);
  const int parts = part_count(ctx, bands.count(), grain);
  float* partial = parts > 1 ? shared_scratch(ctx, kPartialSlot, parts * size) : dw;
  parallel_parts(ctx, bands.count(), grain, [=, &ctx, &s](int64_t begin, int64_t end, int part, int) {
    const int64_t most_rows = group * bands.rows;
    float* frames = scratch(ctx, kFrameSlot, group * bands.frame_floats());
    float* panel = scratch(ctx, kPanelSlot, most_rows * s.out_width * kTileColumns);
    BandGroup g{bands.framed ? frames : x, (int64_t*)scratch(ctx, kSegmentSlot, 2 * most_rows)};
    for (int64_t first_band = begin; first_band < end; first_band += group) {
      const int64_t last_band = least(end, first_band + group);
      g.rows = 0;
      for (int64_t band = first_band; band < last_band; ++band) {
        const int64_t image = band / bands.per_image, first = band % bands.per_image * bands.rows;
        const int64_t rows = least(bands.rows, s.out_height - first);
        const float* input = bands.input(x, image, first, rows, frames + (band - first_band) * bands.frame_floats());
        for (int64_t row = 0; row < rows; ++row)
          g.segments[g.rows++] = (input - g.base + row * s.stride_y * bands.row_floats()) * 4;
      }
      // the bands' output rows follow one another in dy, through image borders as well
      const int64_t start = first_band / bands.per_image * s.out_height + first_band % bands.per_image * bands.rows;
      const float* upstream = dy + start * s.out_width * s.out_channels;
      for (int64_t column = 0; column < s.out_channels; column += kTileColumns) {
        const int64_t columns = least(kTileColumns, s.out_channels - column), vectors = ceil_div(columns, kLanes);
        for (int64_t p = 0; p < g.rows * s.out_width; ++p)
          for (int64_t j = 0; j < vectors; ++j)
            store(panel + p * kTileColumns + j * kLanes,
                  load_part(upstream + p * s.out_channels + column + j * kLanes, columns - j * kLanes));
        for (int64_t r = 0; r < runs.count; ++r)
          for_tiles(runs.length, [&](int64_t element, int64_t count) {
            const PatchOperands o{g.base + runs.offset(s, bands.row_floats(), r) + element,
                                  4,
                                  s.stride_x * s.in_channels * 4,
                                  g.segments,
                                  g.rows,
                                  s.out_width,
                                  panel};
            float* target = partial + part * size + (r * runs.length + element) * s.out_channels + column;
            const TilePlace place{target, s.out_channels, 0, column, columns};
            patch_tile_function(count, vectors)(o, place, TileEnd{1, first_band > begin, nullptr});
          });
      }
    }
  });
  if (parts == 1) return;
  parallel_for(ctx, size, 8192, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      float sum = partial[i];
      for (int part = 1; part < parts; ++part) sum += partial[part * size + i];
      dw[i] = sum;
    }
  });
}

}  // namespace GIMBAL_ISA
}  // namespace gimbal
