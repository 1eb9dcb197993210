// The k largest elements of each row, largest first, equal ones by index; NaN counts as the smallest.
//
// Commands: top_k_float, top_k_int [x, values, indices (int32), rows, n, k]
#include "../parallel.h"

namespace gimbal {
namespace GIMBAL_ISA {

template <class T>
struct Ranked {
  T value;
  int32_t index;
};

// whether a comes before b in the answer
template <class T>
static inline bool before(const Ranked<T>& a, const Ranked<T>& b) {
  if (a.value > b.value) return true;
  if (a.value < b.value) return false;
  // equal, or a NaN: those go last
  const bool a_nan = a.value != a.value, b_nan = b.value != b.value;
  return a_nan == b_nan ? a.index < b.index : b_nan;
}

// heap of k entries whose root comes last in the answer
template <class T>
static inline void sift_down(Ranked<T>* heap, int64_t at, int64_t size) {
  const Ranked<T> moving = heap[at];
  for (;;) {
    int64_t child = 2 * at + 1;
    if (child >= size) break;
    if (child + 1 < size && before(heap[child], heap[child + 1])) ++child;
    if (!before(moving, heap[child])) break;
    heap[at] = heap[child];
    at = child;
  }
  heap[at] = moving;
}

template <class T>
static void top_k(Context& ctx, const double* a) {
  const T* x = ptr<T>(a[0]);
  T* values = ptr<T>(a[1]);
  int32_t* indices = ptr<int32_t>(a[2]);
  const int64_t n = (int64_t)a[4], k = (int64_t)a[5];
  if (k == 0) return;
  parallel_for(ctx, (int64_t)a[3], 4096.0 / (double)(n + 1), [=, &ctx](int64_t begin, int64_t end) {
    Ranked<T>* heap = (Ranked<T>*)scratch(ctx, 8, 2 * k);
    for (int64_t row = begin; row < end; ++row) {
      const T* source = x + row * n;
      for (int64_t i = 0; i < k; ++i) heap[i] = {source[i], (int32_t)i};
      for (int64_t i = k / 2 - 1; i >= 0; --i) sift_down(heap, i, k);
      for (int64_t i = k; i < n; ++i) {
        const Ranked<T> next = {source[i], (int32_t)i};
        if (!before(next, heap[0])) continue;
        heap[0] = next;
        sift_down(heap, 0, k);
      }
      // the root is the last of what is left
      for (int64_t i = k - 1; i >= 0; --i) {
        values[row * k + i] = heap[0].value;
        indices[row * k + i] = heap[0].index;
        heap[0] = heap[i];
        sift_down(heap, 0, i);
      }
    }
  });
}

void register_top_k(Registry& r) {
  r.add("top_k_float", top_k<float>);
  r.add("top_k_int", top_k<int32_t>);
}

}  // namespace GIMBAL_ISA
}  // namespace gimbal
