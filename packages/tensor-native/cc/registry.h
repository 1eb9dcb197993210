// Operations by name. A kernel family adds its functions; JavaScript asks for an operation's number once and then
// sends commands `[number, arguments…]`, all of them doubles (exact for addresses and sizes below 2^53).
#pragma once
#include <cstdint>
#include <cstring>

namespace gimbal {

struct Context;

/// An operation: `a` are the command's arguments, in the order its comment gives.
using OpFn = void (*)(Context&, const double* a);

struct Registry {
  static constexpr int kCapacity = 1024;
  struct Entry {
    const char* name;
    OpFn fn;
    // profile, filled only while profiling is on
    double microseconds;
    int64_t calls;
  };
  Entry entries[kCapacity];
  int count = 0;

  /// A second function under the same name replaces the first (a better instruction set).
  void add(const char* name, OpFn fn) {
    int at = find(name);
    if (at < 0 && count < kCapacity) at = count++;
    if (at >= 0) entries[at] = {name, fn, 0, 0};
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
