// How kernels use threads.
//
// `grain` is the number of items that take about 5 µs on one thread (for float32: 16 384 additions, 2 048 exponentials,
// 600 kFLOP of product at 120 GFLOP/s). A loop of at most one grain runs on the caller; up to 20 grains (100 µs) it is
// split only if a helper is awake; above that helpers are woken. Items of more than 5 µs have a grain below 1 (16384.0 /
// elements per item), so that a few heavy ones wake helpers too. A loop inside a loop runs on one thread.
#pragma once
#include "context.h"

namespace gimbal {

/// Threads a loop started here would use: 1 inside a parallel region.
inline int thread_count(Context& context) { return inside_job() ? 1 : context.pool.threads(); }

inline Pool::Size job_size(int64_t n, double grain) {
  return static_cast<double>(n) >= 20 * grain ? Pool::Size::large : Pool::Size::small;
}

/// Items of one chunk, from a grain that may be a fraction.
inline int64_t chunk_items(double grain) { return grain < 1 ? 1 : static_cast<int64_t>(grain); }

/// f(begin, end) over [0, n) in chunks taken by whichever thread is free: only where the partition cannot change a
/// result's bits.
template <class F>
void parallel_for(Context& context, int64_t n, double grain, F f) {
  if (n <= 0) return;
  const int64_t items = chunk_items(grain);
  int threads = thread_count(context);
  if (n <= items || threads == 1) return f(int64_t{0}, n);
  int64_t chunks = (n + items - 1) / items;
  if (chunks > 8 * threads) chunks = 8 * threads;
  struct Closure {
    F* f;
    int64_t n, step;
  } closure{&f, n, (n + chunks - 1) / chunks};
  chunks = (n + closure.step - 1) / closure.step;
  context.pool.run(
      [](void* p, int64_t chunk) {
        Closure& c = *static_cast<Closure*>(p);
        int64_t begin = chunk * c.step, end = begin + c.step;
        (*c.f)(begin, end < c.n ? end : c.n);
      },
      &closure, chunks, job_size(n, grain));
}

/// How many parts `parallel_parts` will make of the same n and grain, for allocating per-part results beforehand.
inline int part_count(Context& context, int64_t n, double grain) {
  const int64_t items = chunk_items(grain);
  int64_t most = (n + items - 1) / items;
  int threads = thread_count(context);
  int64_t parts = most < threads ? most : threads;
  return parts < 1 ? 1 : static_cast<int>(parts);
}

/// f(begin, end, part, parts) over a partition of [0, n) that depends only on n, grain and the thread count, so that
/// sums kept per part and added in order have the same bits in every run.
template <class F>
void parallel_parts(Context& context, int64_t n, double grain, F f) {
  if (n <= 0) return;
  int parts = part_count(context, n, grain);
  if (parts == 1) return f(int64_t{0}, n, 0, 1);
  struct Closure {
    F* f;
    int64_t n;
    int parts;
  } closure{&f, n, parts};
  context.pool.run(
      [](void* p, int64_t part) {
        Closure& c = *static_cast<Closure*>(p);
        (*c.f)(c.n * part / c.parts, c.n * (part + 1) / c.parts, static_cast<int>(part), c.parts);
      },
      &closure, parts, job_size(n, grain));
}

/// Memory of this thread, 64-byte aligned, valid until the same slot is asked for again on the same thread.
/// Slots 0–7 belong to gemm, 8–15 to everyone else. Never inside a loop that holds the same slot.
float* scratch(Context& context, int slot, int64_t floats);

/// Memory of the environment that all its threads may use; ask before the parallel region.
float* shared_scratch(Context& context, int slot, int64_t floats);

}  // namespace gimbal
