// Moving elements without changing them: one strided copy that serves transpose, slice (with steps), reverse, tile,
// broadcast, pad, concat and split for any rank, and fill.
//
// Commands: copy  [source, target, bytes per element, rank, dims…, source steps…, target steps…]   (steps in elements)
//           fill  [target, n, bytes per element (1 or 4), value, is float]
#include <string.h>

#include "../broadcast.h"

namespace gimbal {
namespace GIMBAL_ISA {

// The dimensions of a copy, largest target step first; ones dropped, neighbours merged.
struct CopyPlan {
  int rank = 0;
  int64_t dims[kMaxRank], from[kMaxRank], to[kMaxRank];
  int64_t size = 1;

  CopyPlan(int given, const double* d, const double* source, const double* target) {
    for (int i = 0; i < given; ++i) {
      const int64_t dim = (int64_t)d[i], s = (int64_t)source[i], t = (int64_t)target[i];
      size *= dim;
      if (dim == 1) continue;
      if (rank > 0 && from[rank - 1] == s * dim && to[rank - 1] == t * dim) {
        dims[rank - 1] *= dim, from[rank - 1] = s, to[rank - 1] = t;
      } else {
        dims[rank] = dim, from[rank] = s, to[rank] = t;
        ++rank;
      }
    }
    if (rank == 0) dims[0] = 1, from[0] = 1, to[0] = 1, rank = 1;
  }
};

// a contiguous run; short ones without a call of memcpy, which would cost more than they do
template <class T>
static inline void copy_contiguous(const T* __restrict x, T* __restrict y, int64_t n) {
  const int64_t bytes = n * (int64_t)sizeof(T);
  if (bytes > 1024) {
    memcpy(y, x, (size_t)bytes);
    return;
  }
  const char* from = (const char*)x;
  char* to = (char*)y;
  int64_t i = 0;
  for (; i + (int64_t)sizeof(Vec) <= bytes; i += sizeof(Vec)) memcpy(to + i, from + i, sizeof(Vec));
  for (int64_t j = i / (int64_t)sizeof(T); j < n; ++j) y[j] = x[j];
}

// one run along the innermost dimension
template <class T>
static inline void copy_run(const T* __restrict x, T* __restrict y, int64_t n, int64_t from, int64_t to) {
  if (from == 1 && to == 1) {
    copy_contiguous(x, y, n);
  } else if (from == 0 && to == 1) {
    const T value = *x;
    for (int64_t i = 0; i < n; ++i) y[i] = value;
  } else if (to == 1) {
    for (int64_t i = 0; i < n; ++i) y[i] = x[i * from];
  } else {
    for (int64_t i = 0; i < n; ++i) y[i * to] = x[i * from];
  }
}

// y[j * to + i] = x[i * from + j] for 4x4 blocks of 4-byte elements
static inline void transpose_4x4(const float* x, float* y, int64_t from, int64_t to) {
  Vec4 a, b, c, d;
  memcpy(&a, x, 16), memcpy(&b, x + from, 16), memcpy(&c, x + 2 * from, 16), memcpy(&d, x + 3 * from, 16);
  const Vec4 ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5), ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  const Vec4 cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5), cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  const Vec4 r0 = __builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5), r1 = __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7);
  const Vec4 r2 = __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5), r3 = __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7);
  memcpy(y, &r0, 16), memcpy(y + to, &r1, 16), memcpy(y + 2 * to, &r2, 16), memcpy(y + 3 * to, &r3, 16);
}

// y[j * to + i] = x[i * from + j], i < rows, j < columns: both sides run along their own contiguous dimension
template <class T>
static inline void transpose_block(const T* x, T* y, int64_t rows, int64_t columns, int64_t from, int64_t to) {
  int64_t j = 0;
  if (sizeof(T) == 4) {
    for (; j + 4 <= columns; j += 4) {
      int64_t i = 0;
      for (; i + 4 <= rows; i += 4)
        transpose_4x4((const float*)x + i * from + j, (float*)y + j * to + i, from, to);
      for (; i < rows; ++i)
        for (int k = 0; k < 4; ++k) y[(j + k) * to + i] = x[i * from + j + k];
    }
  }
  for (; j < columns; ++j)
    for (int64_t i = 0; i < rows; ++i) y[j * to + i] = x[i * from + j];
}

// Where an outer position lies, and the step to the next.
struct Odometer {
  const CopyPlan& plan;
  int rank;                     // outer dimensions: [0, rank) less the skipped one
  int skip;
  int64_t index[kMaxRank], from = 0, to = 0;

  Odometer(const CopyPlan& p, int outer_rank, int skipped, int64_t position) : plan(p), rank(outer_rank), skip(skipped) {
    for (int i = rank - 1; i >= 0; --i) {
      if (i == skip) continue;
      index[i] = position % plan.dims[i];
      position /= plan.dims[i];
      from += index[i] * plan.from[i], to += index[i] * plan.to[i];
    }
  }
  void next() {
    for (int i = rank - 1; i >= 0; --i) {
      if (i == skip) continue;
      from += plan.from[i], to += plan.to[i];
      if (++index[i] < plan.dims[i]) return;
      from -= index[i] * plan.from[i], to -= index[i] * plan.to[i];
      index[i] = 0;
    }
  }
};

template <class T>
static void copy_typed(Context& ctx, const CopyPlan& plan, const T* x, T* y) {
  const int last = plan.rank - 1;
  const int64_t inner = plan.dims[last], from = plan.from[last], to = plan.to[last];

  // a long contiguous copy is divided by elements
  if (plan.rank == 1) {
    parallel_for(ctx, inner, 32768, [=](int64_t begin, int64_t end) {
      copy_run(x + begin * from, y + begin * to, end - begin, from, to);
    });
    return;
  }

  // transposition: another dimension is the contiguous one of the source
  int other = -1;
  if (from != 1 && from != 0 && to == 1)
    for (int i = 0; i < last; ++i)
      if (plan.from[i] == 1 && plan.dims[i] >= 4) other = i;
  if (other >= 0 && inner >= 4) {
    constexpr int64_t kTile = 64;
    const int64_t columns = plan.dims[other], column_step = plan.to[other];
    const int64_t column_tiles = (columns + kTile - 1) / kTile, row_tiles = (inner + kTile - 1) / kTile;
    const int64_t tiles = plan.size / inner / columns * column_tiles * row_tiles;
    parallel_for(ctx, tiles, 2, [=](int64_t begin, int64_t end) {
      for (int64_t tile = begin; tile < end; ++tile) {
        const int64_t i = tile % row_tiles * kTile, j = tile / row_tiles % column_tiles * kTile;
        const Odometer at(plan, last, other, tile / row_tiles / column_tiles);
        const int64_t rows = inner - i < kTile ? inner - i : kTile, width = columns - j < kTile ? columns - j : kTile;
        transpose_block(x + at.from + i * from + j, y + at.to + j * column_step + i, rows, width, from, column_step);
      }
    });
    return;
  }

  // the two innermost dimensions are walked by plain steps, the others by the odometer
  const int64_t middle = plan.dims[last - 1], middle_from = plan.from[last - 1], middle_to = plan.to[last - 1];
  parallel_for(ctx, plan.size / inner, 16384.0 / (double)inner, [=](int64_t begin, int64_t end) {
    Odometer at(plan, last - 1, -1, begin / middle);
    for (int64_t i = begin % middle; begin < end; i = 0, at.next()) {
      const int64_t count = middle - i < end - begin ? middle - i : end - begin;
      const T* source = x + at.from + i * middle_from;
      T* target = y + at.to + i * middle_to;
      for (int64_t row = 0; row < count; ++row, source += middle_from, target += middle_to)
        copy_run(source, target, inner, from, to);
      begin += count;
    }
  });
}

static void copy(Context& ctx, const double* a) {
  const int rank = (int)a[3];
  const CopyPlan plan(rank, a + 4, a + 4 + rank, a + 4 + 2 * rank);
  if (plan.size == 0) return;
  if ((int)a[2] == 4)
    copy_typed(ctx, plan, ptr<const uint32_t>(a[0]), ptr<uint32_t>(a[1]));
  else if ((int)a[2] == 8)
    copy_typed(ctx, plan, ptr<const uint64_t>(a[0]), ptr<uint64_t>(a[1]));
  else
    copy_typed(ctx, plan, ptr<const uint8_t>(a[0]), ptr<uint8_t>(a[1]));
}

template <class T>
static void fill_typed(Context& ctx, T* y, int64_t n, T value) {
  parallel_for(ctx, n, 65536, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) y[i] = value;
  });
}

static void fill(Context& ctx, const double* a) {
  const int64_t n = (int64_t)a[1];
  if ((int)a[2] == 1)
    fill_typed(ctx, ptr<uint8_t>(a[0]), n, (uint8_t)a[3]);
  else if (a[4] != 0)
    fill_typed(ctx, ptr<float>(a[0]), n, (float)a[3]);
  else
    fill_typed(ctx, ptr<int32_t>(a[0]), n, (int32_t)(int64_t)a[3]);
}

void register_layout(Registry& r) {
  r.add("copy", copy);
  r.add("fill", fill);
}

}  // namespace GIMBAL_ISA
}  // namespace gimbal
