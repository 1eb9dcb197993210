// Two-dimensional convolution over NHWC tensors, forward and both gradients, as matrix products over patches:
//
//   P[pixel, patch]: the input values under the filter at each output pixel (zero outside), patch = filter_y, filter_x, c
//   y  = P W            x[N,H,W,C], W[patch, O] -> y[N*OH*OW, O]
//   dW = P^T dy
//   dx = scatter(dy W^T), the patches added back to where they came from
//
// P never exists as a whole. The direct form (conv/direct.h) reads patches where they lie in the image; the other
// (conv/patches.h) lays out blocks of them. The input gradient of a filter without stride is itself a convolution, of dy
// with the filter turned round.
//
// Commands, shape = the words of ConvShape:
//   conv_forward         [x, W, y, bias or 0, activation, slope, slopes or 0, shape…]
//   conv_filter_gradient [x, dy, dW, shape…]
//   conv_input_gradient  [dy, W, dx, shape…]
#include "conv/direct.h"
#include "conv/patches.h"
#include "gemm/pack.h"

namespace gimbal {
namespace GIMBAL_ISA {

// W or its transpose laid out once for every block
static const float* packed_filter(Context& ctx, int64_t k, int64_t n, const float* w, int64_t ldb, bool transpose) {
  float* packed = shared_scratch(ctx, kWeightSlot, packed_b_size(k, n));
  pack_b(ctx, k, n, w, ldb, transpose, packed);
  return packed;
}

static void conv_forward(Context& ctx, const double* a) {
  const ConvShape s(a + 7);
  const float *x = ptr<float>(a[0]), *w = ptr<float>(a[1]);
  float* y = ptr<float>(a[2]);
  Epilogue epilogue;
  epilogue.bias = ptr<float>(a[3]);
  epilogue.activation = (Activation)(int)a[4];
  epilogue.slope = (float)a[5];
  epilogue.slopes = ptr<float>(a[6]);
  GemmArgs product;
  product.n = s.out_channels, product.k = s.patch();
  product.lda = s.patch(), product.ldc = s.out_channels;
  product.epilogue = &epilogue;
  if (s.pointwise()) {
    product.m = s.batch * s.out_pixels();
    product.a = x, product.b = w, product.ldb = s.out_channels, product.c = y;
    gemm(ctx, product);
    return;
  }
  const float* packed = packed_filter(ctx, s.patch(), s.out_channels, w, s.out_channels, false);
  if (fits_direct(s)) return direct_forward(ctx, s, x, packed, y, &epilogue);
  product.packed_b = packed;
  const int64_t block = block_pixels(s), blocks = (s.out_pixels() + block - 1) / block;
  const int64_t flops = 2 * block * s.patch() * s.out_channels;
  parallel_for(ctx, s.batch * blocks, 600000.0 / (double)(flops + 1), [=, &ctx](int64_t begin, int64_t end) {
    float* patches = scratch(ctx, kFrameSlot, block * s.patch());
    for (int64_t i = begin; i < end; ++i) {
      const int64_t image = i / blocks, first = i % blocks * block;
      const int64_t count = s.out_pixels() - first < block ? s.out_pixels() - first : block;
      gather_patches(s, x + image * s.in_size(), first, count, patches);
      GemmArgs part = product;
      part.m = count, part.a = patches;
      part.c = y + (image * s.out_pixels() + first) * s.out_channels;
      gemm_serial(ctx, part);
    }
  });
}

static void conv_filter_gradient(Context& ctx, const double* a) {
  const ConvShape s(a + 3);
  const float *x = ptr<float>(a[0]), *dy = ptr<float>(a[1]);
  float* dw = ptr<float>(a[2]);
  const int64_t size = s.patch() * s.out_channels;
  GemmArgs product;  // dW [patch, O] = P^T [patch, pixels] dy [pixels, O]
  product.m = s.patch(), product.n = s.out_channels;
  product.lda = s.patch(), product.transpose_a = true;
  product.ldb = s.out_channels, product.ldc = s.out_channels;
  if (s.pointwise()) {
    product.k = s.batch * s.out_pixels();
    product.a = x, product.b = dy, product.c = dw;
    gemm(ctx, product);
    return;
  }
  if (fits_direct(s) && s.batch * s.out_pixels() > 0) return direct_filter_gradient(ctx, s, x, dy, dw);
  const int64_t block = block_pixels(s), blocks = (s.out_pixels() + block - 1) / block, n = s.batch * blocks;
  const double grain = 600000.0 / (double)(2 * block * size + 1);
  // every part sums its own blocks; the parts are added in order, so that a thread count has one result
  const int parts = part_count(ctx, n, grain);
  float* partial = parts > 1 ? shared_scratch(ctx, kPartialSlot, parts * size) : dw;
  if (n == 0) memset(dw, 0, (size_t)size * sizeof(float));
  parallel_parts(ctx, n, grain, [=, &ctx](int64_t begin, int64_t end, int part, int) {
    float* patches = scratch(ctx, kFrameSlot, block * s.patch());
    for (int64_t i = begin; i < end; ++i) {
      const int64_t image = i / blocks, first = i % blocks * block;
      const int64_t count = s.out_pixels() - first < block ? s.out_pixels() - first : block;
      gather_patches(s, x + image * s.in_size(), first, count, patches);
      GemmArgs piece = product;
      piece.k = count, piece.a = patches;
      piece.b = dy + (image * s.out_pixels() + first) * s.out_channels;
      piece.c = partial + part * size;
      piece.accumulate = i > begin;
      gemm_serial(ctx, piece);
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

// dx as the convolution of dy with W turned round: W'[ky, kx, o, c] = W[last - ky, last - kx, c, o]
static void turned_input_gradient(Context& ctx, const ConvShape& s, const float* dy, const float* w, float* dx) {
  ConvShape turned = s;
  turned.in_height = s.out_height, turned.in_width = s.out_width, turned.in_channels = s.out_channels;
  turned.out_height = s.in_height, turned.out_width = s.in_width, turned.out_channels = s.in_channels;
  turned.pad_top = (s.filter_height - 1) * s.dilation_y - s.pad_top;
  turned.pad_left = (s.filter_width - 1) * s.dilation_x - s.pad_left;
  // each tap's [c, o] transposed into the panels that pack_b would make of W'
  const int64_t taps = s.filter_height * s.filter_width, c = s.in_channels, o = s.out_channels;
  float* packed = shared_scratch(ctx, kWeightSlot, packed_b_size(taps * o, c));
  parallel_for(ctx, ceil_div(c, kTileColumns) * taps, 16384.0 / (double)(o * kTileColumns + 1), [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t column = i / taps * kTileColumns, tap = i % taps;
      pack_transposed_panel(w + ((taps - 1 - tap) * c + column) * o, o, least(kTileColumns, c - column), o,
                            packed + (column * taps + tap * kTileColumns) * o);
    }
  });
  const Epilogue none;
  direct_forward(ctx, turned, dy, packed, dx, &none);
}

static void conv_input_gradient(Context& ctx, const double* a) {
  const ConvShape s(a + 3);
  const float *dy = ptr<float>(a[0]), *w = ptr<float>(a[1]);
  float* dx = ptr<float>(a[2]);
  GemmArgs product;  // dP [pixels, patch] = dy [pixels, O] W^T [O, patch]
  product.n = s.patch(), product.k = s.out_channels;
  product.lda = s.out_channels, product.ldc = s.patch();
  if (s.pointwise()) {
    product.m = s.batch * s.out_pixels();
    product.a = dy, product.b = w, product.ldb = s.out_channels, product.transpose_b = true, product.c = dx;
    gemm(ctx, product);
    return;
  }
  const bool reaches = s.pad_top <= (s.filter_height - 1) * s.dilation_y && s.pad_left <= (s.filter_width - 1) * s.dilation_x;
  if (s.stride_y == 1 && s.stride_x == 1 && reaches && s.in_width >= 4) return turned_input_gradient(ctx, s, dy, w, dx);
  product.packed_b = packed_filter(ctx, s.out_channels, s.patch(), w, s.out_channels, true);
  const int64_t block = block_pixels(s);
  // patches of one image overlap: an image belongs to one thread
  const double grain = 600000.0 / (double)(2 * s.out_pixels() * s.patch() * s.out_channels + 1);
  parallel_for(ctx, s.batch, grain, [=, &ctx](int64_t begin, int64_t end) {
    float* patches = scratch(ctx, kFrameSlot, block * s.patch());
    for (int64_t image = begin; image < end; ++image) {
      float* target = dx + image * s.in_size();
      memset(target, 0, (size_t)s.in_size() * sizeof(float));
      for (int64_t first = 0; first < s.out_pixels(); first += block) {
        GemmArgs part = product;
        part.m = s.out_pixels() - first < block ? s.out_pixels() - first : block;
        part.a = dy + (image * s.out_pixels() + first) * s.out_channels;
        part.c = patches;
        gemm_serial(ctx, part);
        scatter_patches(s, patches, first, part.m, target);
      }
    }
  });
}

void register_conv(Registry& r) {
  r.add("conv_forward", conv_forward);
  r.add("conv_filter_gradient", conv_filter_gradient);
  r.add("conv_input_gradient", conv_input_gradient);
}

}  // namespace GIMBAL_ISA
}  // namespace gimbal
