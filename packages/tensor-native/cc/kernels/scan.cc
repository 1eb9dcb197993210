// Running sums and products along one dimension: x[outer, n, inner], same shape out.
//
// Commands: scan_<sum|prod>_<float|int> [x, out, outer, n, inner, exclusive, reverse]
// Exclusive: element i gets the result of those before it; reverse: from the end.
#include "../parallel.h"

namespace gimbal {
namespace GIMBAL_ISA {

// Rows of neighbouring elements: eight rows at a time, as one alone would wait for each result.
template <int rows, class T, class F>
static inline void scan_rows(const T* x, T* out, int64_t n, bool exclusive, bool reverse, T start, F f) {
  T past[rows];
  for (int r = 0; r < rows; ++r) past[r] = start;
  const int64_t step = reverse ? -1 : 1;
  for (int64_t i = 0, at = reverse ? n - 1 : 0; i < n; ++i, at += step)
    for (int r = 0; r < rows; ++r) {
      const T next = f(past[r], x[r * n + at]);
      out[r * n + at] = exclusive ? past[r] : next;
      past[r] = next;
    }
}

template <class T, class F>
static void scan(Context& ctx, const double* a, T start, F f) {
  const T* x = ptr<T>(a[0]);
  T* out = ptr<T>(a[1]);
  const int64_t outer = (int64_t)a[2], n = (int64_t)a[3], inner = (int64_t)a[4];
  const bool exclusive = a[5] != 0, reverse = a[6] != 0;
  if (inner == 1) {
    parallel_for(ctx, outer, 8192.0 / (double)(n + 1) + 8, [=](int64_t begin, int64_t end) {
      for (; begin + 8 <= end; begin += 8) scan_rows<8>(x + begin * n, out + begin * n, n, exclusive, reverse, start, f);
      for (; begin < end; ++begin) scan_rows<1>(x + begin * n, out + begin * n, n, exclusive, reverse, start, f);
    });
    return;
  }
  parallel_for(ctx, outer, 4096.0 / (double)(n * inner + 1), [=](int64_t begin, int64_t end) {
    for (int64_t o = begin; o < end; ++o) {
      for (int64_t i = 0; i < n; ++i) {
        const int64_t at = (o * n + (reverse ? n - 1 - i : i)) * inner, before = at + (reverse ? inner : -inner);
        for (int64_t j = 0; j < inner; ++j) {
          const T past = i == 0 ? start : out[before + j];
          if (exclusive)
            out[at + j] = i == 0 ? start : f(past, x[before + j]);
          else
            out[at + j] = i == 0 ? x[at + j] : f(past, x[at + j]);
        }
      }
    }
  });
}

static void sum_float(Context& ctx, const double* a) {
  scan<float>(ctx, a, 0, [](float x, float y) { return x + y; });
}
static void prod_float(Context& ctx, const double* a) {
  scan<float>(ctx, a, 1, [](float x, float y) { return x * y; });
}
static void sum_int(Context& ctx, const double* a) {
  scan<uint32_t>(ctx, a, 0, [](uint32_t x, uint32_t y) { return x + y; });
}
static void prod_int(Context& ctx, const double* a) {
  scan<uint32_t>(ctx, a, 1, [](uint32_t x, uint32_t y) { return x * y; });
}

void register_scan(Registry& r) {
  r.add("scan_sum_float", sum_float);
  r.add("scan_prod_float", prod_float);
  r.add("scan_sum_int", sum_int);
  r.add("scan_prod_int", prod_int);
}

}  // namespace GIMBAL_ISA
}  // namespace gimbal
