// Operations by name. A kernel family adds its functions; JavaScript asks for an operation's number once and then
// sends commands `[number, arguments…]`, all of them doubles (exact for addresses and sizes below 2^53).
#pragma once
#include <cstdint>
#include <cstring>

namespace gimbal {

struct Context;

/// An operation: `a` are the command's arguments, in the order its comment gives.
using OpFn = void (*)(Context&, const double* a);

/// Memory to fetch into the second-level cache: one address each step.
struct Fetch {
  const char* at;
  int64_t stride;  // bytes from step to step
};

/// What thread `part` of `parts` will read when an operation runs with arguments `a`: piece `index` of it, in the order
/// it is read, a cache line each of `steps` steps; `at` is nullptr behind the last. An operation that comes before it
/// may fetch that meanwhile (look_ahead in context.h).
using HintFn = Fetch (*)(Context&, const double* a, int part, int parts, int64_t index, int64_t steps);

struct Registry {
  static constexpr int kCapacity = 1024;
  struct Entry {
    const char* name;
    OpFn fn;
    HintFn hint;  // or nullptr
    // profile, filled only while profiling is on
    double microseconds;
    int64_t calls;
  };
  Entry entries[kCapacity];
  int count = 0;

  /// A second function under the same name replaces the first (a better instruction set).
  void add(const char* name, OpFn fn, HintFn hint = nullptr) {
    int at = find(name);
    if (at < 0 && count < kCapacity) at = count++;
    if (at >= 0) entries[at] = {name, fn, hint, 0, 0};
  }

  /// The operation's number, or -1.
  int find(const char* name) const {
    for (int i = 0; i < count; i++)
      if (strcmp(entries[i].name, name) == 0) return i;
    return -1;
  }
};

/// An absolute address sent by JavaScript; 0 is nullptr.
template <class T>
inline T* ptr(double address) {
  return reinterpret_cast<T*>(static_cast<uintptr_t>(address));
}

}  // namespace gimbal
