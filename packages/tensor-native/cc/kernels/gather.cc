// Reading and writing rows by index: gather, gather_nd, scatter_nd, tensor_scatter_update, segment sums, one-hot.
//
// An index outside the tensor stops the command with an error before anything is written (segment_sum and one_hot pass
// over it, as tfjs defines). Repeated indices are added in the order of the rows, whatever the number of threads: the
// columns are divided, not the rows.
#include <string.h>

#include "../parallel.h"
#include "../simd.h"

namespace gimbal {
namespace GIMBAL_ISA {

// `n` elements that are usually few: a call of memcpy would cost more than they do
template <class T>
static inline void copy_row(T* y, const T* x, int64_t n) {
  if (n <= 8)
    for (int64_t i = 0; i < n; ++i) y[i] = x[i];
  else
    memcpy(y, x, (size_t)n * sizeof(T));
}

static inline void add_row(float* y, const float* x, int64_t n) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(y + i, load(y + i) + load(x + i));
  if (i < n) store_n(y + i, load_n(y + i, n - i) + load_n(x + i, n - i), n - i);
}
static inline void add_row(uint32_t* y, const uint32_t* x, int64_t n) {
  for (int64_t i = 0; i < n; ++i) y[i] += x[i];
}

// ---- gather ---------------------------------------------------------------------------------------------------------

template <class T>
static void gather_typed(Context& ctx, const double* a) {
  const T* x = ptr<T>(a[0]);
  const int32_t* ids = ptr<int32_t>(a[1]);
  T* out = ptr<T>(a[2]);
  const int64_t outer = (int64_t)a[4], axis = (int64_t)a[5], n = (int64_t)a[6], inner = (int64_t)a[7];
  parallel_for(ctx, (int64_t)a[3] * outer * n, 16384.0 / (double)(inner + 8), [=](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const int64_t slab = row / n;  // batch * outer + position
      const int64_t id = ids[slab / outer * n + row % n];
      copy_row(out + row * inner, x + (slab * axis + id) * inner, inner);
    }
  });
}

// x[batch, outer, axis, inner], ids[batch, n] -> out[batch, outer, n, inner]
// [x, ids, out, batch, outer, axis, n, inner, bytes per element (4 or 1)]
static void gather(Context& ctx, const double* a) {
  const int32_t* ids = ptr<int32_t>(a[1]);
  const int64_t count = (int64_t)a[3] * (int64_t)a[6], axis = (int64_t)a[5];
  uint32_t outside = 0;
  for (int64_t i = 0; i < count; ++i) outside |= (uint32_t)ids[i] >= (uint64_t)axis;
  if (outside) return fail(ctx, "GatherV2: an index is outside the axis it selects from");
  if ((int)a[8] == 4)
    gather_typed<uint32_t>(ctx, a);
  else
    gather_typed<uint8_t>(ctx, a);
}

// ---- indices with several components ---------------------------------------------------------------------------------

// The rows that index vectors of `depth` components name, in scratch memory; nullptr (and an error) if one is outside.
static int64_t* flat_rows(Context& ctx, const int32_t* ids, int64_t count, int64_t depth, const double* steps,
                          int64_t rows) {
  int64_t* flat = (int64_t*)shared_scratch(ctx, 10, 2 * count);
  for (int64_t i = 0; i < count; ++i) {
    int64_t row = 0;
    for (int64_t d = 0; d < depth; ++d) row += ids[i * depth + d] * (int64_t)steps[d];
    if (row < 0 || row >= rows) {
      fail(ctx, "Invalid indices: one does not index into the tensor's shape");
      return nullptr;
    }
    flat[i] = row;
  }
  return flat;
}

template <class T>
static void gather_rows(Context& ctx, const T* x, T* out, const int64_t* rows, int64_t count, int64_t inner) {
  parallel_for(ctx, count, 16384.0 / (double)(inner + 8), [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) copy_row(out + i * inner, x + rows[i] * inner, inner);
  });
}

// [x, ids, out, count, depth, inner, rows of x, bytes per element, steps in rows (depth of them)…]
static void gather_nd(Context& ctx, const double* a) {
  const int64_t count = (int64_t)a[3], inner = (int64_t)a[5];
  const int64_t* rows = flat_rows(ctx, ptr<int32_t>(a[1]), count, (int64_t)a[4], a + 8, (int64_t)a[6]);
  if (!rows) return;
  if ((int)a[7] == 4)
    gather_rows(ctx, ptr<const uint32_t>(a[0]), ptr<uint32_t>(a[2]), rows, count, inner);
  else
    gather_rows(ctx, ptr<const uint8_t>(a[0]), ptr<uint8_t>(a[2]), rows, count, inner);
}

// out[rows[i]] += x[i] for rows of `inner` elements, zero where none arrives; rows of -1 are passed over. The first to
// arrive is copied, so that `out` is neither cleared nor read for it. Columns are divided among the threads.
template <class T>
static void accumulate_rows(Context& ctx, const T* x, const int64_t* rows, int64_t count, T* out, int64_t out_rows,
                            int64_t inner) {
  uint8_t* taken = (uint8_t*)shared_scratch(ctx, 9, (out_rows + count) / 4 + 1);
  uint8_t* first = taken + out_rows;
  memset(taken, 0, (size_t)out_rows);
  for (int64_t i = 0; i < count; ++i) {
    first[i] = rows[i] >= 0 && !taken[rows[i]];
    if (rows[i] >= 0) taken[rows[i]] = 1;
  }
  // parts of fewer than 64 columns would share cache lines and lose the run of memory
  const double grain = inner < 128 ? (double)inner : 16384.0 / (double)(out_rows + count + 1);
  parallel_parts(ctx, inner, grain, [=](int64_t begin, int64_t end, int, int) {
    const int64_t n = end - begin;
    for (int64_t r = 0; r < out_rows; ++r)
      if (!taken[r]) memset(out + r * inner + begin, 0, (size_t)n * sizeof(T));
    for (int64_t i = 0; i < count; ++i) {
      if (rows[i] < 0) continue;
      T* target = out + rows[i] * inner + begin;
      const T* source = x + i * inner + begin;
      if (first[i])
        copy_row(target, source, n);
      else
        add_row(target, source, n);
    }
  });
}

template <class T>
static void scatter_add(Context& ctx, const double* a) {
  const int64_t count = (int64_t)a[3], out_rows = (int64_t)a[6];
  const int64_t* rows = flat_rows(ctx, ptr<int32_t>(a[0]), count, (int64_t)a[4], a + 7, out_rows);
  if (rows) accumulate_rows(ctx, ptr<const T>(a[1]), rows, count, ptr<T>(a[2]), out_rows, (int64_t)a[5]);
}

// The updates' rows added up where their indices say, zero elsewhere.
// [ids, updates, out, count, depth, inner, rows of out, steps…]
static void scatter_nd_float(Context& ctx, const double* a) { scatter_add<float>(ctx, a); }
static void scatter_nd_int(Context& ctx, const double* a) { scatter_add<uint32_t>(ctx, a); }

template <class T>
static void scatter_update(const T* updates, T* out, const int64_t* rows, int64_t count, int64_t inner, bool scalar) {
  for (int64_t i = 0; i < count; ++i) {
    T* target = out + rows[i] * inner;
    if (scalar)
      for (int64_t j = 0; j < inner; ++j) target[j] = updates[0];
    else
      copy_row(target, updates + i * inner, inner);
  }
}

// Rows of `out` (which holds the tensor already) replaced; the last update of a row wins.
// [ids, updates, out, count, depth, inner, rows of out, bytes per element, updates is a scalar, steps…]
static void tensor_scatter_update(Context& ctx, const double* a) {
  const int64_t count = (int64_t)a[3], inner = (int64_t)a[5];
  const int64_t* rows = flat_rows(ctx, ptr<int32_t>(a[0]), count, (int64_t)a[4], a + 9, (int64_t)a[6]);
  if (!rows) return;
  const bool scalar = a[8] != 0;
  if ((int)a[7] == 4)
    scatter_update(ptr<const uint32_t>(a[1]), ptr<uint32_t>(a[2]), rows, count, inner, scalar);
  else
    scatter_update(ptr<const uint8_t>(a[1]), ptr<uint8_t>(a[2]), rows, count, inner, scalar);
}

// ---- segments and one-hot -------------------------------------------------------------------------------------------

// out[s] = sum of the rows x[i] with ids[i] = s: x[count, inner] -> out[segments, inner]
// [x, ids, out, count, inner, segments]
template <class T>
static void segment_sum(Context& ctx, const double* a) {
  const int32_t* ids = ptr<int32_t>(a[1]);
  const int64_t count = (int64_t)a[3], segments = (int64_t)a[5];
  int64_t* rows = (int64_t*)shared_scratch(ctx, 10, 2 * count);
  for (int64_t i = 0; i < count; ++i) rows[i] = (uint32_t)ids[i] < (uint64_t)segments ? ids[i] : -1;
  accumulate_rows(ctx, ptr<const T>(a[0]), rows, count, ptr<T>(a[2]), segments, (int64_t)a[4]);
}

template <class T>
static void one_hot_typed(Context& ctx, const double* a, T on, T off) {
  const int32_t* ids = ptr<int32_t>(a[0]);
  T* out = ptr<T>(a[1]);
  const int64_t depth = (int64_t)a[3];
  parallel_for(ctx, (int64_t)a[2], 16384.0 / (double)(depth + 1), [=](int64_t begin, int64_t end) {
    for (int64_t i = begin * depth; i < end * depth; ++i) out[i] = off;
    for (int64_t i = begin; i < end; ++i)
      if ((uint32_t)ids[i] < (uint64_t)depth) out[i * depth + ids[i]] = on;
  });
}

// [ids, out, count, depth, on, off, type (0 float32, 1 int32, 2 bool)]
static void one_hot(Context& ctx, const double* a) {
  if (a[6] == 0)
    one_hot_typed<float>(ctx, a, (float)a[4], (float)a[5]);
  else if (a[6] == 1)
    one_hot_typed<int32_t>(ctx, a, (int32_t)a[4], (int32_t)a[5]);
  else
    one_hot_typed<uint8_t>(ctx, a, a[4] != 0, a[5] != 0);
}

void register_gather(Registry& r) {
  r.add("gather", gather);
  r.add("gather_nd", gather_nd);
  r.add("scatter_nd_float", scatter_nd_float);
  r.add("scatter_nd_int", scatter_nd_int);
  r.add("tensor_scatter_update", tensor_scatter_update);
  r.add("segment_sum_float", segment_sum<float>);
  r.add("segment_sum_int", segment_sum<uint32_t>);
  r.add("one_hot", one_hot);
}

}  // namespace GIMBAL_ISA
}  // namespace gimbal
