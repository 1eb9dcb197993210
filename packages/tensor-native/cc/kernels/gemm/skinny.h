// Products with at most kSkinnyRows rows, or one column: bound by reading the large operand once, so it is read in
// place, in the order it is stored, and nothing is packed.
//
//   rows:  c[i, :] += a[i, p] b[p, :]          B as stored [k, n]: kAtOnce rows of B per pass over c, which stays in L1
//   dots:  c[i, j] = sum_p a[i, p] b[j, p]     B as stored [n, k]: four rows of B at once
//   one column: C's single column is the row of the transposed product.
//
// The only products whose bits depend on the number of threads (rows cut k into parts).
#pragma once
#include <type_traits>

#include "epilogue.h"

namespace gimbal {
namespace GIMBAL_ISA {

constexpr int kSkinnyRows = 4, kAtOnce = 8;

/// sums[i * n + j] = sum_p a(i, p) b[p * ldb + j] for j in [0, n): the order of a tile's sums.
template <int kRows>
static void rows_of_b(const float* a, int64_t row_stride, int64_t step_stride, const float* b, int64_t ldb, int64_t k,
                      int64_t n, float* sums) {
  for (int64_t i = 0; i < kRows * n; i++) sums[i] = 0;
  const auto pass = [&](auto count, int64_t p) {
    constexpr int kCount = decltype(count)::value;
    Vec x[kRows][kCount];
    for (int i = 0; i < kRows; i++)
      for (int q = 0; q < kCount; q++) x[i][q] = splat(a[i * row_stride + (p + q) * step_stride]);
    const float* from = b + p * ldb;
    for (int64_t j = 0; j < n; j += kLanes) {
      Vec bv[kCount];
#pragma GCC unroll 8
      for (int q = 0; q < kCount; q++) bv[q] = load_part(from + q * ldb + j, n - j);
#pragma GCC unroll 4
      for (int i = 0; i < kRows; i++) {
        Vec sum = load_part(sums + i * n + j, n - j);
#pragma GCC unroll 8
        for (int q = 0; q < kCount; q++) sum = fma(x[i][q], bv[q], sum);
        store_part(sums + i * n + j, sum, n - j);
      }
    }
  };
  int64_t p = 0;
  for (; p + kAtOnce <= k; p += kAtOnce) pass(std::integral_constant<int, kAtOnce>{}, p);
  for (; p < k; p++) pass(std::integral_constant<int, 1>{}, p);
}

/// sums[i * n + j] = dot of a's row i and b's row j, both contiguous.
template <int kRows>
static void dots_with_b(const float* a, int64_t lda, const float* b, int64_t ldb, int64_t k, int64_t n, float* sums) {
  const auto group = [&](auto count, int64_t j) {
    constexpr int kCount = decltype(count)::value;
    Vec sum[kRows][kCount];
    for (int i = 0; i < kRows; i++)
      for (int q = 0; q < kCount; q++) sum[i][q] = splat(0.0f);
    const float* rows = b + j * ldb;
    for (int64_t p = 0; p < k; p += kLanes) {
      Vec av[kRows];
#pragma GCC unroll 4
      for (int i = 0; i < kRows; i++) av[i] = load_part(a + i * lda + p, k - p);
#pragma GCC unroll 4
      for (int q = 0; q < kCount; q++) {
        const Vec bv = load_part(rows + q * ldb + p, k - p);
#pragma GCC unroll 4
        for (int i = 0; i < kRows; i++) sum[i][q] = fma(av[i], bv, sum[i][q]);
      }
    }
    for (int i = 0; i < kRows; i++)
      for (int q = 0; q < kCount; q++) sums[i * n + j + q] = hsum(sum[i][q]);
  };
  int64_t j = 0;
  for (; j + 4 <= n; j += 4) group(std::integral_constant<int, 4>{}, j);
  for (; j < n; j++) group(std::integral_constant<int, 1>{}, j);
}

/// One row count of both, chosen at run time.
struct SkinnySums {
  const float* a;
  int64_t row_stride, step_stride;
  const float* b;
  int64_t ldb;
  bool dots;
  int64_t k;

  template <int kRows>
  void run(int64_t n0, int64_t n, float* sums) const {
    if (dots)
      dots_with_b<kRows>(a, row_stride, b + n0 * ldb, ldb, k, n, sums);
    else
      rows_of_b<kRows>(a, row_stride, step_stride, b + n0, ldb, k, n, sums);
  }
  void operator()(int64_t rows, int64_t n0, int64_t n, float* sums) const {
    if (rows == 1) return run<1>(n0, n, sums);
    if (rows == 2) return run<2>(n0, n, sums);
    if (rows == 3) return run<3>(n0, n, sums);
    run<4>(n0, n, sums);
  }
};

constexpr int kSlotSums = 2;

/// The epilogue over `rows` x `columns` finished sums, a vector at a time.
static void finish_sums(const GemmArgs& g, const float* sums, int64_t row, int64_t rows, int64_t column,
                        int64_t columns) {
  const TileEnd end{g.alpha, g.accumulate, g.epilogue};
  alignas(64) float tile[kTileRows * kLanes];
  for (int64_t j = 0; j < columns; j += kLanes)
    for (int64_t i = 0; i < rows; i += kTileRows) {
      const int here = static_cast<int>(least(kTileRows, rows - i));
      for (int r = 0; r < here; r++) store(tile + r * kLanes, load_part(sums + (i + r) * columns + j, columns - j));
      const TilePlace at{g.c + (row + i) * g.ldc + column + j, g.ldc, row + i, column + j, columns - j};
      finish_in_memory<1>(tile, here, at, end);
    }
}

/// Whether a product is one of these.
static inline bool is_skinny(const GemmArgs& g) {
  if (g.packed_b) return false;
  if (g.n == 1 && g.m > 1) return g.transpose_b || g.ldb == 1;  // b as one contiguous row
  return g.m <= kSkinnyRows && (!g.transpose_b || !g.transpose_a || g.m == 1);
}

/// Lines of `floats` floats that a thread should at least read: 5 µs at 20 GB/s.
static inline int64_t skinny_grain(int64_t floats) {
  return most(kLanes, ceil_div(25000 / most(1, floats), kLanes) * kLanes);
}

static void multiply_skinny(Context& context, const GemmArgs& g, bool threads) {
  const bool column = g.n == 1 && g.m > 1;
  const int64_t length = column ? g.m : g.n, rows = column ? 1 : g.m;
  SkinnySums sums{};
  sums.k = g.k;
  if (column) {
    // cᵀ = bᵀ op(A)ᵀ: A plays B; as stored [m, k] its rows are dotted with b
    sums.a = g.b;
    sums.row_stride = 0;
    sums.step_stride = 1;
    sums.b = g.a;
    sums.ldb = g.lda;
    sums.dots = !g.transpose_a;
  } else {
    sums.a = g.a;
    sums.row_stride = g.transpose_a ? 1 : g.lda;
    sums.step_stride = g.transpose_a ? g.lda : 1;
    sums.b = g.b;
    sums.ldb = g.ldb;
    sums.dots = g.transpose_b;
  }
  float* copy = nullptr;
  if (sums.dots && sums.step_stride != 1) {
    // a transposed [k, 1] operand: one row, gathered once
    copy = scratch(context, kSlotA, g.k);
    for (int64_t p = 0; p < g.k; p++) copy[p] = sums.a[p * sums.step_stride];
    sums.a = copy;
  }
  const auto finish = [&](const float* from, int64_t begin, int64_t end) {
    if (column)
      finish_sums(g, from, begin, end - begin, 0, 1);
    else
      finish_sums(g, from, 0, rows, begin, end - begin);
  };
  const auto part = [&](int64_t begin, int64_t end, int, int) {
    float* own = scratch(context, kSlotSums, rows * (end - begin) + kLanes);
    sums(rows, begin, end - begin, own);
    finish(own, begin, end);
  };
  if (!threads) return part(0, length, 0, 1);
  if (sums.dots || g.k < 64) return parallel_parts(context, length, skinny_grain(g.k), part);
  // Rows of B to threads, whole: columns would be every other page, which a power of two apart fill half of a cache.
  // Fixed parts, summed in order, so that the bits depend on the thread count only.
  const int64_t grain = skinny_grain(length), parts = part_count(context, g.k, grain), size = rows * length;
  float* partial = shared_scratch(context, kSlotSums, parts * size + kLanes);
  parallel_parts(context, g.k, grain, [&](int64_t begin, int64_t end, int index, int) {
    SkinnySums here = sums;
    here.a += begin * sums.step_stride;
    here.b += begin * sums.ldb;
    here.k = end - begin;
    here(rows, 0, length, partial + index * size);
  });
  for (int64_t index = 1; index < parts; index++)
    for (int64_t i = 0; i < size; i += kLanes)
      store_part(partial + i, load_part(partial + i, size - i) + load_part(partial + index * size + i, size - i), size - i);
  finish(partial, 0, length);
}

}  // namespace GIMBAL_ISA
}  // namespace gimbal
