// Everything one Node environment owns: the main thread and every worker thread have a Context of their own, kept as
// N-API instance data, so that nothing mutable is shared between them.
#pragma once
#include "cpu.h"
#include "pool.h"
#include "registry.h"

namespace gimbal {

/// A command to come, and what it will read.
struct Ahead {
  HintFn hint = nullptr;
  const double* arguments = nullptr;
};

/// A block of memory that only grows.
struct Scratch {
  void* data = nullptr;
  size_t bytes = 0;
};

struct Context {
  static constexpr int kSlots = 16;

  Cpu cpu;                // what the processor has
  Isa isa = Isa::base;    // the level in use (GIMBAL_ISA may force a lower one)
  Pool pool;
  Registry registry;
  bool profiling = false;
  const char* error = nullptr;  // set by `fail`, thrown as a JavaScript error after the command
  // during a replay, the commands behind the one that runs
  const double *upcoming = nullptr, *upcoming_end = nullptr;
  Ahead within;  // what the running command itself reads next, before any other
  Scratch own[Pool::kMaxThreads][kSlots];
  Scratch shared[kSlots];
};

/// Makes the running command throw `message` (a string literal) in JavaScript once it returns.
inline void fail(Context& context, const char* message) { context.error = message; }

/// Runs one command.
inline void execute(Context& context, int op, const double* arguments) {
  Registry::Entry& entry = context.registry.entries[op];
  if (!context.profiling) {
    entry.fn(context, arguments);
    return;
  }
  double start = platform::now_us();
  entry.fn(context, arguments);
  entry.microseconds += platform::now_us() - start;
  entry.calls++;
}

/// What is read next: by the running command itself, or, during a replay, by the next command that says so; none if the
/// next few do not.
inline Ahead look_ahead(const Context& context) {
  if (context.within.hint) return context.within;
  constexpr int kCommands = 3;
  const double* c = context.upcoming;
  for (int i = 0; i < kCommands && c < context.upcoming_end; i++, c += static_cast<int64_t>(c[0]))
    if (HintFn hint = context.registry.entries[static_cast<int>(c[1])].hint) return {hint, c + 2};
  return {};
}

/// Adds the operations of every family at the level in use (dispatch.cc).
void register_families(Context& context);

}  // namespace gimbal
