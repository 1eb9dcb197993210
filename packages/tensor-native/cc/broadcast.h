// Walking two operands that broadcast against each other, for element-wise kernels of any rank.
//
// Command layout shared by those kernels: [a, b, out, rank, out dims…, a dims…, b dims…], the shapes of a and b padded
// with leading ones to `rank`. Neighbouring dimensions are merged where both operands allow it, so that nearly every
// call ends as one row, or as rows of which one operand is a scalar or the same vector again.
#pragma once
#include "parallel.h"
#include "simd.h"

namespace gimbal {
namespace GIMBAL_ISA {

constexpr int kMaxRank = 32;

struct Broadcast {
  int rank = 0;  // at least 1
  int64_t dims[kMaxRank], a[kMaxRank], b[kMaxRank];  // sizes and steps (in elements; 0 where the operand repeats)
  int64_t size = 1;

  Broadcast(int given, const double* out_dims, const double* a_dims, const double* b_dims) {
    int64_t a_step = 1, b_step = 1;
    int64_t dim[kMaxRank], sa[kMaxRank], sb[kMaxRank];
    int count = 0;
    // innermost first: drop ones, merge a dimension into the one inside it where both steps continue
    for (int i = given - 1; i >= 0; --i) {
      const int64_t d = (int64_t)out_dims[i], da = (int64_t)a_dims[i], db = (int64_t)b_dims[i];
      size *= d;
      const int64_t step_a = da == 1 ? 0 : a_step, step_b = db == 1 ? 0 : b_step;
      a_step *= da, b_step *= db;
      if (d == 1) continue;
      if (count > 0 && step_a == sa[count - 1] * dim[count - 1] && step_b == sb[count - 1] * dim[count - 1]) {
        dim[count - 1] *= d;
        continue;
      }
      dim[count] = d, sa[count] = step_a, sb[count] = step_b;
      ++count;
    }
    if (count == 0) dim[0] = size, sa[0] = 1, sb[0] = 1, count = 1;  // scalars and empty tensors
    rank = count;
    for (int i = 0; i < count; ++i) dims[i] = dim[count - 1 - i], a[i] = sa[count - 1 - i], b[i] = sb[count - 1 - i];
  }
};

// Calls row(a, b, out, n, a_step, b_step) for runs that cover the output elements; steps are 0 or 1, never both 0.
// `grain`: elements that take about 5 µs.
template <class A, class B, class Out, class Row>
inline void for_each_row(Context& ctx, const Broadcast& p, const A* a, const B* b, Out* out, int64_t grain, Row row) {
  const int last = p.rank - 1;
  const int64_t inner = p.dims[last], a_step = p.a[last], b_step = p.b[last];
  parallel_for(ctx, p.size, grain, [&](int64_t begin, int64_t end) {
    // where `begin` lies
    int64_t index[kMaxRank], rest = begin / inner, column = begin % inner, oa = 0, ob = 0;
    for (int i = last - 1; i >= 0; --i) {
      index[i] = rest % p.dims[i];
      rest /= p.dims[i];
      oa += index[i] * p.a[i], ob += index[i] * p.b[i];
    }
    while (begin < end) {
      const int64_t n = inner - column < end - begin ? inner - column : end - begin;
      row(a + oa + column * a_step, b + ob + column * b_step, out + begin, n, a_step, b_step);
      begin += n, column = 0;
      for (int i = last - 1; i >= 0; --i) {
        oa += p.a[i], ob += p.b[i];
        if (++index[i] < p.dims[i]) break;
        oa -= index[i] * p.a[i], ob -= index[i] * p.b[i];
        index[i] = 0;
      }
    }
  });
}

// out[i] = f(a[i], b[i]) for one row, f on vectors
template <class F>
GIMBAL_INLINE void vector_row(const float* a, const float* b, float* out, int64_t n, int64_t a_step, int64_t b_step, F f) {
  int64_t i = 0;
  if (a_step && b_step) {
    for (; i + kLanes <= n; i += kLanes) store(out + i, f(load(a + i), load(b + i)));
    if (i < n) store_n(out + i, f(load_n(a + i, n - i), load_n(b + i, n - i)), n - i);
  } else if (a_step) {
    const Vec y = splat(*b);
    for (; i + kLanes <= n; i += kLanes) store(out + i, f(load(a + i), y));
    if (i < n) store_n(out + i, f(load_n(a + i, n - i), y), n - i);
  } else {
    const Vec x = splat(*a);
    for (; i + kLanes <= n; i += kLanes) store(out + i, f(x, load(b + i)));
    if (i < n) store_n(out + i, f(x, load_n(b + i, n - i)), n - i);
  }
}

// the same, f on numbers; the compiler vectorises what it can
template <class A, class B, class Out, class F>
GIMBAL_INLINE void scalar_row(const A* __restrict a, const B* __restrict b, Out* __restrict out, int64_t n,
                              int64_t a_step, int64_t b_step, F f) {
  if (a_step && b_step) {
    for (int64_t i = 0; i < n; ++i) out[i] = f(a[i], b[i]);
  } else if (a_step) {
    const B y = *b;
    for (int64_t i = 0; i < n; ++i) out[i] = f(a[i], y);
  } else {
    const A x = *a;
    for (int64_t i = 0; i < n; ++i) out[i] = f(x, b[i]);
  }
}

}  // namespace GIMBAL_ISA
}  // namespace gimbal
