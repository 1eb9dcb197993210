// Reductions over one group of neighbouring dimensions: x[outer, n, inner] -> out[outer, inner].
//
// Commands: reduce_<sum|prod|max|min>        [x, out, outer, n, inner, scale]   float32; out = scale * result
//           reduce_<sum|prod|max|min>_int    the same for int32 (wrapping, scale ignored)
//           reduce_<all|any>                 the same for bool bytes
//           arg_<max|min>_<float|int>        [x, out (int32), outer, n, inner]
// Over nothing: sum 0, prod 1, max -infinity, min infinity, all true, any false, arg 0. A NaN makes the result NaN;
// arg_max and arg_min pass over NaN (tfjs's documented rule, which its own kernels break where the first element is one);
// among nothing but NaN they give 0.
//
// Order of addition: blocks of fixed size, lanes within a block, then block results pairwise: errors grow like log n,
// and the bits do not depend on how many threads there are.
#include "../broadcast.h"

namespace gimbal {
namespace GIMBAL_ISA {

struct Sum {
  static constexpr float start = 0;
  static Vec merge(Vec a, Vec b) { return a + b; }
  static float merge(float a, float b) { return a + b; }
  static float across(Vec v) { return hsum(v); }
};
// folds the lanes with a NaN-aware rule
template <class R>
static inline float fold_lanes(Vec v) {
  float lanes[kLanes];
  store(lanes, v);
  float result = lanes[0];
  for (int i = 1; i < kLanes; ++i) result = R::merge(result, lanes[i]);
  return result;
}
struct Prod {
  static constexpr float start = 1;
  static Vec merge(Vec a, Vec b) { return a * b; }
  static float merge(float a, float b) { return a * b; }
  static float across(Vec v) { return fold_lanes<Prod>(v); }
};
struct Max {
  static constexpr float start = -__builtin_inff();
  static Vec merge(Vec a, Vec b) { return vmax_nan(a, b); }
  static float merge(float a, float b) { return a == a ? (a > b ? a : b) : a; }
  static float across(Vec v) { return fold_lanes<Max>(v); }
};
struct Min {
  static constexpr float start = __builtin_inff();
  static Vec merge(Vec a, Vec b) { return vmin_nan(a, b); }
  static float merge(float a, float b) { return a == a ? (a < b ? a : b) : a; }
  static float across(Vec v) { return fold_lanes<Min>(v); }
};

constexpr int64_t kRowBlock = 4096;     // elements of a row in one block of lanes
constexpr int64_t kColumnBlock = 256;   // rows added in sequence when columns are reduced

// one block of a contiguous row
template <class R>
static inline float reduce_block(const float* x, int64_t n) {
  int64_t i = 0;
  float result = R::start;
  if (n >= 4 * kLanes) {
    Vec a = load(x), b = load(x + kLanes), c = load(x + 2 * kLanes), d = load(x + 3 * kLanes);
    for (i = 4 * kLanes; i + 4 * kLanes <= n; i += 4 * kLanes) {
      a = R::merge(a, load(x + i));
      b = R::merge(b, load(x + i + kLanes));
      c = R::merge(c, load(x + i + 2 * kLanes));
      d = R::merge(d, load(x + i + 3 * kLanes));
    }
    a = R::merge(R::merge(a, b), R::merge(c, d));
    for (; i + kLanes <= n; i += kLanes) a = R::merge(a, load(x + i));
    result = R::across(a);
  } else if (n >= kLanes) {
    Vec a = load(x);
    for (i = kLanes; i + kLanes <= n; i += kLanes) a = R::merge(a, load(x + i));
    result = R::across(a);
  }
  for (; i < n; ++i) result = R::merge(result, x[i]);
  return result;
}

// a row of any length: halves at multiples of the block
template <class R>
static float reduce_row(const float* x, int64_t n) {
  if (n <= kRowBlock) return reduce_block<R>(x, n);
  const int64_t half = (n / 2 + kRowBlock - 1) / kRowBlock * kRowBlock;
  const float left = reduce_row<R>(x, half);
  return R::merge(left, reduce_row<R>(x + half, n - half));
}

template <class R>
static void reduce_rows(Context& ctx, const float* x, float* out, int64_t rows, int64_t n, float scale) {
  // long rows are cut into pieces of fixed length, so that one row can use every thread
  constexpr int64_t kPiece = 16 * kRowBlock;
  const int64_t pieces = n <= 2 * kPiece ? 1 : (n + kPiece - 1) / kPiece;
  if (pieces == 1) {
    parallel_for(ctx, rows, 16384.0 / (double)(n + 8), [=](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row) out[row] = reduce_row<R>(x + row * n, n) * scale;
    });
    return;
  }
  float* partial = shared_scratch(ctx, 8, rows * pieces);
  parallel_for(ctx, rows * pieces, 16384.0 / kPiece, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t row = i / pieces, at = i % pieces * kPiece;
      partial[i] = reduce_row<R>(x + row * n + at, n - at < kPiece ? n - at : kPiece);
    }
  });
  for (int64_t row = 0; row < rows; ++row) out[row] = reduce_row<R>(partial + row * pieces, pieces) * scale;
}

// columns [0, width) of `rows` rows, one after another
template <class R>
static inline void reduce_columns_block(const float* x, float* out, int64_t rows, int64_t width, int64_t step,
                                        float scale) {
  int64_t j = 0;
  for (; j + 4 * kLanes <= width; j += 4 * kLanes) {
    Vec a = splat(R::start), b = a, c = a, d = a;
    for (int64_t i = 0; i < rows; ++i) {
      const float* row = x + i * step + j;
      a = R::merge(a, load(row));
      b = R::merge(b, load(row + kLanes));
      c = R::merge(c, load(row + 2 * kLanes));
      d = R::merge(d, load(row + 3 * kLanes));
    }
    store(out + j, a * scale);
    store(out + j + kLanes, b * scale);
    store(out + j + 2 * kLanes, c * scale);
    store(out + j + 3 * kLanes, d * scale);
  }
  for (; j < width; j += kLanes) {
    // two chains, as one would wait for its own result
    Vec a = splat(R::start), b = a;
    int64_t i = 0;
    if (j + kLanes <= width) {
      for (; i + 2 <= rows; i += 2) {
        a = R::merge(a, load(x + i * step + j));
        b = R::merge(b, load(x + (i + 1) * step + j));
      }
      if (i < rows) a = R::merge(a, load(x + i * step + j));
      store(out + j, R::merge(a, b) * scale);
    } else {
      const int64_t n = width - j;
      for (; i + 2 <= rows; i += 2) {
        a = R::merge(a, load_n(x + i * step + j, n));
        b = R::merge(b, load_n(x + (i + 1) * step + j, n));
      }
      if (i < rows) a = R::merge(a, load_n(x + i * step + j, n));
      store_n(out + j, R::merge(a, b) * scale, n);
    }
  }
}

template <class R>
static void reduce_columns(Context& ctx, const float* x, float* out, int64_t outer, int64_t n, int64_t inner, float scale,
                           int slot) {
  constexpr int64_t kWidth = 256;
  const int64_t widths = (inner + kWidth - 1) / kWidth;
  const int64_t blocks = n <= 2 * kColumnBlock ? 1 : (n + kColumnBlock - 1) / kColumnBlock;
  float* target = blocks == 1 ? out : shared_scratch(ctx, slot, outer * blocks * inner);
  const int64_t block_rows = blocks == 1 ? n : kColumnBlock;
  const int64_t unit = block_rows * (inner < kWidth ? inner : kWidth);
  parallel_for(ctx, outer * blocks * widths, 16384.0 / (double)(unit + 1), [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t column = i % widths * kWidth, block = i / widths % blocks, o = i / widths / blocks;
      const int64_t first = block * block_rows, rows = n - first < block_rows ? n - first : block_rows;
      reduce_columns_block<R>(x + (o * n + first) * inner + column, target + (o * blocks + block) * inner + column, rows,
                              inner - column < kWidth ? inner - column : kWidth, inner, blocks == 1 ? scale : 1.0f);
    }
  });
  // the blocks' results are reduced the same way (two scratch slots take turns)
  if (blocks > 1) reduce_columns<R>(ctx, target, out, outer, blocks, inner, scale, slot == 8 ? 9 : 8);
}

template <class R>
static void reduce(Context& ctx, const double* a) {
  const float* x = ptr<float>(a[0]);
  float* out = ptr<float>(a[1]);
  const int64_t outer = (int64_t)a[2], n = (int64_t)a[3], inner = (int64_t)a[4];
  const float scale = (float)a[5];
  if (inner == 1)
    reduce_rows<R>(ctx, x, out, outer, n, scale);
  else
    reduce_columns<R>(ctx, x, out, outer, n, inner, scale, 8);
}

// ---- whole numbers and bools ----------------------------------------------------------------------------------------

template <class T, class F>
static void reduce_whole(Context& ctx, const double* a, T start, F f) {
  const T* x = ptr<T>(a[0]);
  T* out = ptr<T>(a[1]);
  const int64_t outer = (int64_t)a[2], n = (int64_t)a[3], inner = (int64_t)a[4];
  parallel_for(ctx, outer, 8192.0 / (double)(n * inner + 1), [=](int64_t begin, int64_t end) {
    for (int64_t o = begin; o < end; ++o) {
      T* target = out + o * inner;
      for (int64_t j = 0; j < inner; ++j) target[j] = start;
      if (inner == 1) {
        T result = start;
        for (int64_t i = 0; i < n; ++i) result = f(result, x[o * n + i]);
        target[0] = result;
        continue;
      }
      for (int64_t i = 0; i < n; ++i)
        for (int64_t j = 0; j < inner; ++j) target[j] = f(target[j], x[(o * n + i) * inner + j]);
    }
  });
}

static void sum_int(Context& ctx, const double* a) {
  reduce_whole<uint32_t>(ctx, a, 0, [](uint32_t x, uint32_t y) { return x + y; });
}
static void prod_int(Context& ctx, const double* a) {
  reduce_whole<uint32_t>(ctx, a, 1, [](uint32_t x, uint32_t y) { return x * y; });
}
static void max_int(Context& ctx, const double* a) {
  reduce_whole<int32_t>(ctx, a, INT32_MIN, [](int32_t x, int32_t y) { return x > y ? x : y; });
}
static void min_int(Context& ctx, const double* a) {
  reduce_whole<int32_t>(ctx, a, INT32_MAX, [](int32_t x, int32_t y) { return x < y ? x : y; });
}
static void all(Context& ctx, const double* a) {
  reduce_whole<uint8_t>(ctx, a, 1, [](uint8_t x, uint8_t y) -> uint8_t { return x && y; });
}
static void any_(Context& ctx, const double* a) {
  reduce_whole<uint8_t>(ctx, a, 0, [](uint8_t x, uint8_t y) -> uint8_t { return x || y; });
}

// ---- positions ------------------------------------------------------------------------------------------------------

// the first index whose value no other exceeds
static inline int32_t arg_max_row(const float* x, int64_t n, bool least) {
  const Vec sign = splat(least ? -1.0f : 1.0f);
  Vec best = splat(-__builtin_inff());
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) best = vmax(load(x + i) * sign, best);
  float top = fold_lanes<Max>(best);
  for (; i < n; ++i) {
    const float v = least ? -x[i] : x[i];
    if (v > top) top = v;
  }
  if (least) top = -top;
  const Vec wanted = splat(top);
  for (i = 0; i + kLanes <= n; i += kLanes)
    if (any(load(x + i) == wanted)) break;
  while (i < n && x[i] != top) ++i;
  return i < n ? (int32_t)i : 0;
}

template <class T, bool least>
static void arg(Context& ctx, const double* a) {
  const T* x = ptr<T>(a[0]);
  int32_t* out = ptr<int32_t>(a[1]);
  const int64_t outer = (int64_t)a[2], n = (int64_t)a[3], inner = (int64_t)a[4];
  parallel_for(ctx, outer, 8192.0 / (double)(n * inner + 1), [=](int64_t begin, int64_t end) {
    for (int64_t o = begin; o < end; ++o) {
      const T* row = x + o * n * inner;
      if constexpr (sizeof(T) == sizeof(float) && T(0.5) != T(0)) {
        if (inner == 1) {
          out[o] = arg_max_row((const float*)row, n, least);
          continue;
        }
      }
      for (int64_t j = 0; j < inner; ++j) {
        T best = n > 0 ? row[j] : T();
        int32_t at = 0;
        for (int64_t i = 1; i < n; ++i) {
          const T v = row[i * inner + j];
          if ((least ? v < best : v > best) || (best != best && v == v)) best = v, at = (int32_t)i;
        }
        out[o * inner + j] = at;
      }
    }
  });
}

void register_reduce(Registry& r) {
  r.add("reduce_sum", reduce<Sum>);
  r.add("reduce_prod", reduce<Prod>);
  r.add("reduce_max", reduce<Max>);
  r.add("reduce_min", reduce<Min>);
  r.add("reduce_sum_int", sum_int);
  r.add("reduce_prod_int", prod_int);
  r.add("reduce_max_int", max_int);
  r.add("reduce_min_int", min_int);
  r.add("reduce_all", all);
  r.add("reduce_any", any_);
  r.add("arg_max_float", arg<float, false>);
  r.add("arg_min_float", arg<float, true>);
  r.add("arg_max_int", arg<int32_t, false>);
  r.add("arg_min_int", arg<int32_t, true>);
}

}  // namespace GIMBAL_ISA
}  // namespace gimbal
