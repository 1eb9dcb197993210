// The machine's limit, for benchmarks: fused multiply-adds in registers only, on all threads.
//
// Command: peak_fma [iterations, y]. Iterations are split over the threads; y[0] takes a sum, so that the work cannot be
// left out, y[1] the FLOP of one iteration.
#include "../parallel.h"
#include "../simd.h"

namespace gimbal {
namespace GIMBAL_ISA {

// latency (4–5 cycles) times ports (2) of independent chains keep the units full, and fit into the registers
constexpr int kChains = kLanes == 16 ? 24 : 12;

static void peak_fma(Context& ctx, const double* a) {
  float* y = ptr<float>(a[1]);
  y[1] = 2.0f * kChains * kLanes;
  parallel_parts(ctx, (int64_t)a[0], 1000, [=](int64_t begin, int64_t end, int part, int) {
    Vec sum[kChains];
#pragma GCC unroll 24
    for (int i = 0; i < kChains; ++i) sum[i] = splat((float)i);
    // read from memory: a known factor could be folded
    volatile float factor = 0.9999f, addend = 0.0001f;
    const Vec f = splat(factor), c = splat(addend);
    for (int64_t n = begin; n < end; ++n) {
#pragma GCC unroll 24  // or the sums live in memory
      for (int i = 0; i < kChains; ++i) sum[i] = fma(sum[i], f, c);
    }
    Vec all = sum[0];
#pragma GCC unroll 24
    for (int i = 1; i < kChains; ++i) all += sum[i];
    volatile float kept = all[0];
    if (part == 0) y[0] = kept;
  });
}

void register_peak(Registry& r) { r.add("peak_fma", peak_fma); }

}  // namespace GIMBAL_ISA
}  // namespace gimbal
