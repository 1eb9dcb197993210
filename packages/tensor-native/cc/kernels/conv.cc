// Two-dimensional convolution over NHWC tensors, forward and both gradients, as matrix products over patches:
//
//   P[pixel, patch]: the input values under the filter at each output pixel (zero outside), patch = filter_y, filter_x, c
//   y  = P W            x[N,H,W,C], W[patch, O] -> y[N*OH*OW, O]
//   dW = P^T dy
//   dx = scatter(dy W^T), the patches added back to where they came from
//
// P never exists as a whole: blocks of pixels small enough for the L2 cache are laid out, multiplied and dropped.
//
// Commands, shape = the words of ConvShape:
//   conv_forward         [x, W, y, bias or 0, activation, slope, slopes or 0, shape…]
//   conv_filter_gradient [x, dy, dW, shape…]
//   conv_input_gradient  [dy, W, dx, shape…]
#include <string.h>

#include "../conv_shape.h"
#include "../gemm.h"

namespace gimbal {
namespace GIMBAL_ISA {

constexpr int kPatchSlot = 8, kWeightSlot = 11, kPartialSlot = 12;

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
  product.packed_b = packed_filter(ctx, s.patch(), s.out_channels, w, s.out_channels, false);
  const int64_t block = block_pixels(s), blocks = (s.out_pixels() + block - 1) / block;
  const int64_t flops = 2 * block * s.patch() * s.out_channels;
  parallel_for(ctx, s.batch * blocks, 600000 / (flops + 1), [=, &ctx](int64_t begin, int64_t end) {
    float* patches = scratch(ctx, kPatchSlot, block * s.patch());
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
  const int64_t block = block_pixels(s), blocks = (s.out_pixels() + block - 1) / block, n = s.batch * blocks;
  const int64_t flops = 2 * block * size, grain = 600000 / (flops + 1);
  // every part sums its own blocks; the parts are added in order, so that a thread count has one result
  const int parts = part_count(ctx, n, grain);
  float* partial = parts > 1 ? shared_scratch(ctx, kPartialSlot, parts * size) : dw;
  if (n == 0) memset(dw, 0, (size_t)size * sizeof(float));
  parallel_parts(ctx, n, grain, [=, &ctx](int64_t begin, int64_t end, int part, int) {
    float* patches = scratch(ctx, kPatchSlot, block * s.patch());
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
  product.packed_b = packed_filter(ctx, s.out_channels, s.patch(), w, s.out_channels, true);
  const int64_t block = block_pixels(s);
  // patches of one image overlap: an image belongs to one thread
  parallel_for(ctx, s.batch, 1, [=, &ctx](int64_t begin, int64_t end) {
    float* patches = scratch(ctx, kPatchSlot, block * s.patch());
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
