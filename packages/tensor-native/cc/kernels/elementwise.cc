// Elementwise operations on contiguous float32.
#include "../parallel.h"
#include "../simd.h"

namespace gimbal {
namespace GIMBAL_ISA {

/// binary_add: out[i] = x[i] + y[i]; arguments x, y, out, n.
static void binary_add(Context& context, const double* a) {
  const float *x = ptr<const float>(a[0]), *y = ptr<const float>(a[1]);
  float* out = ptr<float>(a[2]);
  parallel_for(context, static_cast<int64_t>(a[3]), 16384, [=](int64_t begin, int64_t end) {
    int64_t i = begin;
    for (; i + kLanes <= end; i += kLanes) store(out + i, load(x + i) + load(y + i));
    store_n(out + i, load_n(x + i, end - i) + load_n(y + i, end - i), end - i);
  });
}

void register_elementwise(Registry& registry) { registry.add("binary_add", binary_add); }

}  // namespace GIMBAL_ISA
}  // namespace gimbal
