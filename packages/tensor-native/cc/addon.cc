// The N-API surface: commands, memory segments, threads and the profile. All state is instance data.
//
// A worker may be terminated at any moment: every call then fails and leaves its result as it was. Values therefore
// start as nullptr, which Node-API refuses politely, and what must exist is checked.
#include <node_api.h>
#include <string.h>

#include <initializer_list>
#include <new>

#include "context.h"

namespace gimbal {
namespace {

Context* context_of(napi_env env) {
  void* data = nullptr;
  napi_get_instance_data(env, &data);
  return static_cast<Context*>(data);
}

/// The first `n` arguments of a call.
template <size_t n>
struct Arguments {
  napi_value v[n] = {};
  napi_env env;
  Arguments(napi_env e, napi_callback_info info) : env(e) {
    size_t count = n;
    napi_get_cb_info(env, info, &count, v, nullptr, nullptr);
  }
  double number(size_t i) const {
    double x = 0;
    napi_get_value_double(env, v[i], &x);
    return x;
  }
};

napi_value to_js(napi_env env, double x) {
  napi_value v = nullptr;
  napi_create_double(env, x, &v);
  return v;
}

void set(napi_env env, napi_value object, const char* name, napi_value value) {
  napi_set_named_property(env, object, name, value);
}

napi_value boolean(napi_env env, bool x) {
  napi_value v = nullptr;
  napi_get_boolean(env, x, &v);
  return v;
}

napi_value string(napi_env env, const char* text) {
  napi_value v = nullptr;
  napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &v);
  return v;
}

void raise(napi_env env, Context* context) {
  napi_throw_error(env, "GIMBAL_NATIVE", context->error);
  context->error = nullptr;
}

// ---- commands ------------------------------------------------------------------------------------------------------

/// Runs commands one after another, each `[length, op, arguments…]`, length counting all words; stops at an error.
void run_all(napi_env env, Context* context, const double* c, size_t words) {
  context->upcoming_end = c + words;
  while (c < context->upcoming_end) {
    const double* command = c;
    context->upcoming = c += static_cast<int64_t>(c[0]);
    execute(*context, static_cast<int>(command[1]), command + 2);
    if (context->error) break;
  }
  context->upcoming = context->upcoming_end = nullptr;
  if (context->error) raise(env, context);
}

/// run(words: Float64Array, count): the commands in its first `count` words. The array is the caller's: two copies of the
/// package in one environment each fill their own.
napi_value run(napi_env env, napi_callback_info info) {
  Arguments<2> a(env, info);
  void* data = nullptr;
  size_t length = 0;
  napi_get_typedarray_info(env, a.v[0], nullptr, &length, &data, nullptr, nullptr);
  const size_t count = static_cast<size_t>(a.number(1));
  run_all(env, context_of(env), static_cast<const double*>(data), count < length ? count : length);
  return nullptr;
}

/// opId(name): the operation's number, or -1.
napi_value op_id(napi_env env, napi_callback_info info) {
  Arguments<1> a(env, info);
  char name[64];
  napi_get_value_string_utf8(env, a.v[0], name, sizeof name, nullptr);
  return to_js(env, context_of(env)->registry.find(name));
}

// ---- memory --------------------------------------------------------------------------------------------------------

void free_segment(napi_env, void* address, void* bytes) {
  platform::release(address, static_cast<size_t>(reinterpret_cast<uintptr_t>(bytes)));
}

/// reserve(bytes): an ArrayBuffer over reserved address space, or undefined where the system or the runtime refuses.
/// The reservation ends when the ArrayBuffer is collected.
napi_value reserve(napi_env env, napi_callback_info info) {
  Arguments<1> a(env, info);
  size_t bytes = static_cast<size_t>(a.number(0));
  void* address = platform::reserve(bytes);
  if (!address) return nullptr;
  napi_value buffer = nullptr;
  void* hint = reinterpret_cast<void*>(static_cast<uintptr_t>(bytes));
  if (napi_create_external_arraybuffer(env, address, bytes, free_segment, hint, &buffer) != napi_ok) {
    platform::release(address, bytes);
    bool pending = false;
    napi_is_exception_pending(env, &pending);
    napi_value ignored = nullptr;
    if (pending) napi_get_and_clear_last_exception(env, &ignored);
    return nullptr;
  }
  return buffer;
}

/// addressOf(buffer: ArrayBuffer): where its first byte is.
napi_value address_of(napi_env env, napi_callback_info info) {
  Arguments<1> a(env, info);
  void* data = nullptr;
  size_t bytes = 0;
  napi_get_arraybuffer_info(env, a.v[0], &data, &bytes);
  return to_js(env, static_cast<double>(reinterpret_cast<uintptr_t>(data)));
}

/// commit(address, bytes): false when the system has no memory for the range.
napi_value commit(napi_env env, napi_callback_info info) {
  Arguments<2> a(env, info);
  return boolean(env, platform::commit(ptr<void>(a.number(0)), static_cast<size_t>(a.number(1))));
}

/// discard(address, bytes): gives the pages back to the system.
napi_value discard(napi_env env, napi_callback_info info) {
  Arguments<2> a(env, info);
  platform::discard(ptr<void>(a.number(0)), static_cast<size_t>(a.number(1)));
  return nullptr;
}

// ---- threads, facts, profile ---------------------------------------------------------------------------------------

/// setThreads(n): how many threads a loop may use, the caller counted; returns how many there are now.
napi_value set_threads(napi_env env, napi_callback_info info) {
  Arguments<1> a(env, info);
  Context* context = context_of(env);
  context->pool.resize(static_cast<int>(a.number(0)));
  return to_js(env, context->pool.threads());
}

/// info(): what runs here.
napi_value facts(napi_env env, napi_callback_info) {
  Context* context = context_of(env);
  napi_value object = nullptr;
  napi_create_object(env, &object);
  set(env, object, "isa", string(env, isa_name(context->isa)));
  set(env, object, "threads", to_js(env, context->pool.threads()));
  set(env, object, "bf16", boolean(env, context->cpu.avx512bf16));
  set(env, object, "amx", boolean(env, context->cpu.amx));
  set(env, object, "l1", to_js(env, static_cast<double>(context->cpu.l1)));
  set(env, object, "l2", to_js(env, static_cast<double>(context->cpu.l2)));
  set(env, object, "operations", to_js(env, context->registry.count));
  return object;
}

/// setProfiling(on): counts and times every command from now on, from zero.
napi_value set_profiling(napi_env env, napi_callback_info info) {
  Arguments<1> a(env, info);
  Context* context = context_of(env);
  napi_get_value_bool(env, a.v[0], &context->profiling);
  Registry& registry = context->registry;
  for (int i = 0; i < registry.count; i++) registry.entries[i].microseconds = registry.entries[i].calls = 0;
  return nullptr;
}

/// profile(): `{ [operation]: [calls, microseconds] }` of those that ran.
napi_value profile(napi_env env, napi_callback_info) {
  Context* context = context_of(env);
  napi_value object = nullptr;
  napi_create_object(env, &object);
  for (int i = 0; i < context->registry.count; i++) {
    const Registry::Entry& entry = context->registry.entries[i];
    if (entry.calls == 0) continue;
    napi_value pair = nullptr;
    napi_create_array_with_length(env, 2, &pair);
    napi_set_element(env, pair, 0, to_js(env, static_cast<double>(entry.calls)));
    napi_set_element(env, pair, 1, to_js(env, entry.microseconds));
    set(env, object, entry.name, pair);
  }
  return object;
}

// ---- life of an environment ----------------------------------------------------------------------------------------

/// At the end of the environment: no thread may outlive it.
void stop_threads(void* p) { static_cast<Context*>(p)->pool.resize(1); }

void free_context(napi_env, void* p, void*) {
  Context* context = static_cast<Context*>(p);
  context->pool.resize(1);
  for (Scratch& s : context->shared)
    if (s.data) platform::release(s.data, s.bytes);
  for (auto& thread : context->own)
    for (Scratch& s : thread)
      if (s.data) platform::release(s.data, s.bytes);
  context->~Context();
  platform::release(context, sizeof(Context));
}

/// The level to run at: what the processor has, or a lower one that GIMBAL_ISA names.
void choose_isa(Context& context) {
  context.cpu = detect_cpu();
  context.isa = context.cpu.isa;
  const char* forced = getenv("GIMBAL_ISA");
  if (!forced) return;
  for (Isa isa : {Isa::base, Isa::avx2, Isa::avx512})
    if (isa <= context.cpu.isa && strcmp(forced, isa_name(isa)) == 0) context.isa = isa;
  if (strcmp(forced, "avx512bf16") == 0) context.cpu.amx = false;
  if (context.isa != Isa::avx512) context.cpu.avx512bf16 = context.cpu.amx = false;
}

}  // namespace
}  // namespace gimbal

NAPI_MODULE_INIT() {
  using namespace gimbal;
  // loaded again in the same environment, as test runners do: the state stays, the copies share it
  if (!context_of(env)) {
    void* memory = platform::reserve(sizeof(Context));
    if (!memory || !platform::commit(memory, sizeof(Context))) return nullptr;
    Context* context = new (memory) Context();
    choose_isa(*context);
    register_families(*context);
    napi_set_instance_data(env, context, free_context, nullptr);
    napi_add_env_cleanup_hook(env, stop_threads, context);
  }

  const struct {
    const char* name;
    napi_callback function;
  } functions[] = {
      {"run", run},
      {"opId", op_id},
      {"reserve", reserve},
      {"addressOf", address_of},
      {"commit", commit},
      {"discard", discard},
      {"setThreads", set_threads},
      {"info", facts},
      {"setProfiling", set_profiling},
      {"profile", profile},
  };
  for (const auto& f : functions) {
    napi_value value = nullptr;
    napi_create_function(env, f.name, NAPI_AUTO_LENGTH, f.function, nullptr, &value);
    set(env, exports, f.name, value);
  }
  return exports;
}
