// What an attention command says: where queries, keys and values are, and which keys a query sees.
#pragma once
#include "../../lanes.h"
#include "../../parallel.h"
#include "../../simd_math.h"
#include "../gemm/microkernel.h"
#include "../gemm/pack.h"

namespace gimbal {
namespace GIMBAL_ISA {

/// A [batch, time, heads, d] tensor by strides, in floats; heads are d apart.
struct Tokens {
  float* data;
  int64_t batch_stride, row_stride;

  float* at(int64_t batch, int64_t time, int64_t head, int64_t d) const {
    return data + batch * batch_stride + time * row_stride + head * d;
  }
};

struct AttentionForm {
  int64_t batch, queries, keys, heads, kv_heads, d;
  bool causal;
  int64_t window;  // 0: all
  float softcap;   // 0: none
  float scale;
  const int32_t *lengths, *starts;  // or nullptr
  Tokens q, k, v;

  int64_t group() const { return heads / kv_heads; }
  /// d rounded up to whole vectors: rows of packed blocks.
  int64_t padded() const { return ceil_div(d, kLanes) * kLanes; }
};

/// Arguments 0…13 of a command: batch, queries, keys, heads, kv_heads, d, causal, window, softcap, scale, lengths or 0,
/// starts or 0; then q, k and v as address, batch stride, row stride each (12…20).
static inline AttentionForm read_attention(const double* a) {
  const auto tokens = [](const double* t) {
    return Tokens{ptr<float>(t[0]), static_cast<int64_t>(t[1]), static_cast<int64_t>(t[2])};
  };
  AttentionForm f;
  f.batch = static_cast<int64_t>(a[0]), f.queries = static_cast<int64_t>(a[1]), f.keys = static_cast<int64_t>(a[2]);
  f.heads = static_cast<int64_t>(a[3]), f.kv_heads = static_cast<int64_t>(a[4]), f.d = static_cast<int64_t>(a[5]);
  f.causal = a[6] != 0;
  f.window = static_cast<int64_t>(a[7]);
  f.softcap = static_cast<float>(a[8]), f.scale = static_cast<float>(a[9]);
  f.lengths = ptr<int32_t>(a[10]), f.starts = ptr<int32_t>(a[11]);
  f.q = tokens(a + 12), f.k = tokens(a + 15), f.v = tokens(a + 18);
  return f;
}
constexpr int kAttentionArguments = 21;

/// Keys [low, high); empty where low == high.
struct Range {
  int64_t low, high;
};

/// The keys that query t of a sequence sees. Both ends never fall as t grows.
static inline Range visible(const AttentionForm& f, int64_t batch, int64_t t) {
  const int64_t position = t + f.keys - f.queries;
  Range r{f.starts ? f.starts[batch] : 0, f.lengths ? f.lengths[batch] : f.keys};
  if (r.low < 0) r.low = 0;
  if (r.high > f.keys) r.high = f.keys;
  if (f.causal) r.high = least(r.high, position + 1);
  if (f.window > 0) {
    r.low = most(r.low, position - f.window + 1);
    if (!f.causal) r.high = least(r.high, position + f.window);
  }
  if (r.low > f.keys) r.low = f.keys;
  if (r.high < r.low) r.high = r.low;
  return r;
}

/// C tile [rows, vectors] (+)= A B: A's rows and steps by strides in floats, B rows `b_stride` apart.
static inline void tile_product(int rows, int vectors, const float* a, int64_t a_row, int64_t a_step, const float* b,
                                int64_t b_stride, int64_t k, float* c, int64_t ldc, bool accumulate) {
  TileOperands o{};
  o.a = a;
  o.row_bytes = a_row * static_cast<int64_t>(sizeof(float));
  o.step_bytes = a_step * static_cast<int64_t>(sizeof(float));
  o.b = b;
  o.b_stride = b_stride;
  o.k = k;
  const TilePlace place{c, ldc, 0, 0, static_cast<int64_t>(vectors) * kLanes};
  const TileEnd end{1.0f, accumulate, nullptr};
  tile_function<false>(rows, vectors)(o, place, end);
}

/// Rows of a strip (at most kTileRows) times B [k, width]: width is a whole number of vectors.
static inline void strip_product(int rows, int64_t width, const float* a, int64_t a_row, int64_t a_step, const float* b,
                                 int64_t k, float* c, int64_t ldc, bool accumulate) {
  for (int64_t j = 0; j < width; j += kTileColumns) {
    const int vectors = static_cast<int>(least(kTileColumns, width - j) / kLanes);
    tile_product(rows, vectors, a, a_row, a_step, b + j, width, k, c + j, ldc, accumulate);
  }
}

/// A strip of scores: rows of `a` [rows, d] times packed keys, columns [low, high) to x (whole vectors: those around are
/// overwritten too). Only the vectors that are needed are computed: with a causal mask half of them are not.
static inline void strip_scores(int rows, const float* a, int64_t a_row, const float* panels, int64_t d, int64_t low,
                                int64_t high, float* x, int64_t ldx) {
  for (int64_t j = low / kTileColumns * kTileColumns; j < high; j += kTileColumns) {
    const int64_t skip = low > j ? (low - j) / kLanes * kLanes : 0;
    const int vectors = static_cast<int>(ceil_div(least(kTileColumns, high - j) - skip, kLanes));
    tile_product(rows, vectors, a, a_row, 1, panels + j * d + skip, kTileColumns, d, x + j + skip, ldx, false);
  }
}

/// Copies rows of d floats into rows of `padded`, zeros behind.
static inline void pack_rows(const float* from, int64_t stride, int64_t rows, int64_t d, int64_t padded, float* to) {
  for (int64_t r = 0; r < rows; r++, from += stride, to += padded)
    for (int64_t j = 0; j < padded; j += kLanes)
      store(to + j, j + kLanes <= d ? load(from + j) : load_n(from + j, d - j));
}

/// Rows [first, first + rows) transposed into column panels [d, kTileColumns], one after another.
static inline void pack_panels(const float* from, int64_t stride, int64_t rows, int64_t d, float* to) {
  for (int64_t j = 0; j < rows; j += kTileColumns)
    pack_transposed_panel(from + j * stride, stride, least(kTileColumns, rows - j), d, to + j * d);
}

/// f(index) for every task, on all threads; `flops` is the work of one.
template <class F>
static void parallel_tasks(Context& context, int64_t count, double flops, F f) {
  if (count <= 0) return;
  if (count == 1 || thread_count(context) == 1 || flops * count < 400e3) {
    for (int64_t i = 0; i < count; i++) f(i);
    return;
  }
  context.pool.run([](void* p, int64_t index) { (*static_cast<F*>(p))(index); }, &f, count,
                   flops * count > 15e6 ? Pool::Size::large : Pool::Size::small);
}

}  // namespace GIMBAL_ISA
}  // namespace gimbal
