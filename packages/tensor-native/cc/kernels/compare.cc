// Comparisons, logic and selection: results are bool bytes (0 or 1), or one of two tensors chosen by them.
//
// Commands `compare_<name>_<type>` with type float, int or bool, and `logical_<name>`, laid out as in broadcast.h.
// A comparison with NaN is false (not_equal: true).
#include "../broadcast.h"

namespace gimbal {
namespace GIMBAL_ISA {

template <class T, class F>
static inline void compare(Context& ctx, const double* a, F f) {
  const int rank = (int)a[3];
  const Broadcast plan(rank, a + 4, a + 4 + rank, a + 4 + 2 * rank);
  for_each_row(ctx, plan, ptr<const T>(a[0]), ptr<const T>(a[1]), ptr<uint8_t>(a[2]), 16384,
               [=](const T* x, const T* y, uint8_t* out, int64_t n, int64_t x_step, int64_t y_step) {
                 scalar_row(x, y, out, n, x_step, y_step, f);
               });
}

#define GIMBAL_COMPARE(name, expression)                                                        \
  static void name##_float(Context& ctx, const double* a) {                                     \
    compare<float>(ctx, a, [](float x, float y) -> uint8_t { return expression; });             \
  }                                                                                             \
  static void name##_int(Context& ctx, const double* a) {                                       \
    compare<int32_t>(ctx, a, [](int32_t x, int32_t y) -> uint8_t { return expression; });       \
  }                                                                                             \
  static void name##_bool(Context& ctx, const double* a) {                                      \
    compare<uint8_t>(ctx, a, [](uint8_t x, uint8_t y) -> uint8_t { return expression; });       \
  }
GIMBAL_COMPARE(equal, x == y)
GIMBAL_COMPARE(not_equal, x != y)
GIMBAL_COMPARE(greater, x > y)
GIMBAL_COMPARE(greater_equal, x >= y)
GIMBAL_COMPARE(less, x < y)
GIMBAL_COMPARE(less_equal, x <= y)
#undef GIMBAL_COMPARE

static void logical_and(Context& ctx, const double* a) {
  compare<uint8_t>(ctx, a, [](uint8_t x, uint8_t y) -> uint8_t { return x && y; });
}
static void logical_or(Context& ctx, const double* a) {
  compare<uint8_t>(ctx, a, [](uint8_t x, uint8_t y) -> uint8_t { return x || y; });
}
static void logical_xor(Context& ctx, const double* a) {
  compare<uint8_t>(ctx, a, [](uint8_t x, uint8_t y) -> uint8_t { return !x != !y; });
}

template <class T>
static void select_typed(Context& ctx, const double* a) {
  const uint8_t* __restrict condition = ptr<uint8_t>(a[0]);
  const T *__restrict yes = ptr<T>(a[1]), *__restrict no = ptr<T>(a[2]);
  T* __restrict out = ptr<T>(a[3]);
  const int64_t n = (int64_t)a[4], inner = (int64_t)a[5];
  if (inner == 1) {
    parallel_for(ctx, n, 16384, [=](int64_t begin, int64_t end) {
      // bits, not a branch: conditions are as good as random
      for (int64_t i = begin; i < end; ++i) {
        const T mask = (T)(0 - (T)(condition[i] != 0));
        out[i] = (T)((yes[i] & mask) | (no[i] & (T)~mask));
      }
    });
    return;
  }
  parallel_for(ctx, n, 16384.0 / (double)inner, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      __builtin_memcpy(out + i * inner, (condition[i] ? yes : no) + i * inner, (size_t)inner * sizeof(T));
  });
}

// Rows of `inner` elements from one of two tensors: [condition, yes, no, out, rows, inner, bytes per element (4 or 1)]
static void select_rows(Context& ctx, const double* a) {
  if ((int)a[6] == 4)
    select_typed<uint32_t>(ctx, a);
  else
    select_typed<uint8_t>(ctx, a);
}

void register_compare(Registry& r) {
#define GIMBAL_ADD(name)                       \
  r.add("compare_" #name "_float", name##_float); \
  r.add("compare_" #name "_int", name##_int);     \
  r.add("compare_" #name "_bool", name##_bool);
  GIMBAL_ADD(equal)
  GIMBAL_ADD(not_equal)
  GIMBAL_ADD(greater)
  GIMBAL_ADD(greater_equal)
  GIMBAL_ADD(less)
  GIMBAL_ADD(less_equal)
#undef GIMBAL_ADD
  r.add("logical_and", logical_and);
  r.add("logical_or", logical_or);
  r.add("logical_xor", logical_xor);
  r.add("select", select_rows);
}

}  // namespace GIMBAL_ISA
}  // namespace gimbal
