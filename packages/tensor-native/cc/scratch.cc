// Work memory of kernels: whole pages, kept for the life of the environment, mapped anew in steps of 64 KiB when a larger
// piece is asked.
#include "parallel.h"

namespace gimbal {

static float* grow(Scratch& scratch, int64_t floats) {
  size_t wanted = platform::round_up(static_cast<size_t>(floats) * sizeof(float), 4096);
  if (wanted <= scratch.bytes) return static_cast<float*>(scratch.data);
  // a quarter more than asked, so that slowly growing shapes do not map anew each time
  wanted = platform::round_up(wanted + wanted / 4, 65536);
  if (scratch.data) platform::release(scratch.data, scratch.bytes);
  scratch.data = platform::reserve(wanted);
  if (!scratch.data || !platform::commit(scratch.data, wanted)) abort();  // out of address space: nothing to return to
  scratch.bytes = wanted;
  return static_cast<float*>(scratch.data);
}

float* scratch(Context& context, int slot, int64_t floats) {
  return grow(context.own[thread_index()][slot], floats);
}

float* shared_scratch(Context& context, int slot, int64_t floats) { return grow(context.shared[slot], floats); }

}  // namespace gimbal
