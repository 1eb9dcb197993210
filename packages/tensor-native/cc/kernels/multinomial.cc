// Draws from categorical distributions: probabilities[batch, n] -> samples[batch, draws] (int32).
//
// Command: multinomial [probabilities, out, batch, n, draws, seed]
// Draw (row, i) depends only on the seed, the row and i: the same numbers on any number of threads.
#include "../parallel.h"

namespace gimbal {
namespace GIMBAL_ISA {

// SplitMix64's finaliser (Steele, Lea, Flood 2014): a well mixed 64-bit number from a counter
static inline uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15ull;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

static void multinomial(Context& ctx, const double* a) {
  const float* probabilities = ptr<float>(a[0]);
  int32_t* out = ptr<int32_t>(a[1]);
  const int64_t n = (int64_t)a[3], draws = (int64_t)a[4];
  uint64_t seed;
  __builtin_memcpy(&seed, &a[5], sizeof seed);  // any number is a seed, fractions included
  parallel_for(ctx, (int64_t)a[2], 4096.0 / (double)(n + draws + 1), [=, &ctx](int64_t begin, int64_t end) {
    float* cumulative = scratch(ctx, 8, n);
    for (int64_t row = begin; row < end; ++row) {
      double sum = 0;
      for (int64_t i = 0; i < n; ++i) cumulative[i] = (float)(sum += probabilities[row * n + i]);
      const uint64_t row_seed = mix(seed ^ mix((uint64_t)row));
      for (int64_t i = 0; i < draws; ++i) {
        const float u = (float)(mix(row_seed + (uint64_t)i) >> 40) * 0x1p-24f;
        // the first index whose cumulative probability exceeds u; rounding leaves the rest to the last
        int64_t low = 0, high = n - 1;
        while (low < high) {
          const int64_t middle = (low + high) / 2;
          if (u < cumulative[middle])
            high = middle;
          else
            low = middle + 1;
        }
        out[row * draws + i] = (int32_t)low;
      }
    }
  });
}

void register_multinomial(Registry& r) { r.add("multinomial", multinomial); }

}  // namespace GIMBAL_ISA
}  // namespace gimbal
