// What differs between Linux, macOS and Windows: address space, threads, waiting on a word, the clock.
// Everything is a thin function; no state lives here.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#define NOMINMAX
#include <windows.h>
// words of 16-bit pointers, still macros there; kernels use them as names
#undef near
#undef far
#else
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <time.h>
#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif
#endif
#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#endif

namespace gimbal::platform {

constexpr size_t kHugePage = size_t{2} << 20;  // 2 MiB: one TLB entry instead of 512

inline size_t round_up(size_t n, size_t to) { return (n + to - 1) / to * to; }

// ---- address space -------------------------------------------------------------------------------------------------

/// Reserves address space, aligned to 2 MiB, that costs memory only once touched; nullptr when refused.
/// On Windows the range must be given to `commit` before it is touched.
inline void* reserve(size_t bytes) {
#if defined(_WIN32)
  return VirtualAlloc(nullptr, round_up(bytes, kHugePage), MEM_RESERVE, PAGE_READWRITE);
#else
  int flags = MAP_PRIVATE | MAP_ANONYMOUS;
#if defined(MAP_NORESERVE)
  flags |= MAP_NORESERVE;
#endif
  size_t size = round_up(bytes, kHugePage);
  void* raw = mmap(nullptr, size + kHugePage, PROT_READ | PROT_WRITE, flags, -1, 0);
  if (raw == MAP_FAILED) return nullptr;
  // cut the unaligned ends off, so that `release` needs only the address and the size
  char* begin = static_cast<char*>(raw);
  char* aligned = reinterpret_cast<char*>(round_up(reinterpret_cast<uintptr_t>(begin), kHugePage));
  if (aligned > begin) munmap(begin, aligned - begin);
  size_t tail = begin + kHugePage - aligned;
  if (tail > 0) munmap(aligned + size, tail);
#if defined(MADV_HUGEPAGE)
  madvise(aligned, size, MADV_HUGEPAGE);
#endif
  return aligned;
#endif
}

/// Makes a reserved range usable. False when the system has no memory for it. Only Windows needs it.
inline bool commit(void* address, size_t bytes) {
#if defined(_WIN32)
  return VirtualAlloc(address, bytes, MEM_COMMIT, PAGE_READWRITE) != nullptr;
#else
  (void)address, (void)bytes;
  return true;
#endif
}

/// Gives the pages of a range back to the system; the range stays usable, its contents are lost.
inline void discard(void* address, size_t bytes) {
#if defined(_WIN32)
  if (VirtualFree(address, bytes, MEM_DECOMMIT)) commit(address, bytes);
#elif defined(__APPLE__)
  madvise(address, bytes, MADV_FREE);
#else
  madvise(address, bytes, MADV_DONTNEED);
#endif
}

/// Ends a reservation made by `reserve` with the same size.
inline void release(void* address, size_t bytes) {
#if defined(_WIN32)
  (void)bytes;
  VirtualFree(address, 0, MEM_RELEASE);
#else
  munmap(address, round_up(bytes, kHugePage));
#endif
}

// ---- time ----------------------------------------------------------------------------------------------------------

/// Monotonic time in microseconds.
inline double now_us() {
#if defined(_WIN32)
  LARGE_INTEGER ticks, frequency;
  QueryPerformanceCounter(&ticks);
  QueryPerformanceFrequency(&frequency);
  return static_cast<double>(ticks.QuadPart) * 1e6 / static_cast<double>(frequency.QuadPart);
#else
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_nsec) * 1e-3;
#endif
}

// ---- threads -------------------------------------------------------------------------------------------------------

/// Tells the core that this is a spin loop.
inline void relax() {
#if defined(__x86_64__) || defined(_M_X64)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

inline void yield_thread() {
#if defined(_WIN32)
  SwitchToThread();
#else
  sched_yield();
#endif
}

#if defined(_WIN32)
using Thread = HANDLE;
#else
using Thread = pthread_t;
#endif

/// Starts `body(argument)` on a thread; false when the system refuses.
using ThreadBody = void (*)(void*);
struct ThreadStart {
  ThreadBody body;
  void* argument;
};

#if defined(_WIN32)
inline DWORD WINAPI thread_entry(void* p) {
  ThreadStart start = *static_cast<ThreadStart*>(p);
  free(p);
  start.body(start.argument);
  return 0;
}
#else
inline void* thread_entry(void* p) {
  ThreadStart start = *static_cast<ThreadStart*>(p);
  free(p);
  start.body(start.argument);
  return nullptr;
}
#endif

inline bool start_thread(Thread* out, ThreadBody body, void* argument) {
  ThreadStart* start = static_cast<ThreadStart*>(malloc(sizeof(ThreadStart)));
  if (!start) return false;
  *start = {body, argument};
#if defined(_WIN32)
  *out = CreateThread(nullptr, 0, thread_entry, start, 0, nullptr);
  bool ok = *out != nullptr;
#else
  bool ok = pthread_create(out, nullptr, thread_entry, start) == 0;
#endif
  if (!ok) free(start);
  return ok;
}

inline void join_thread(Thread thread) {
#if defined(_WIN32)
  WaitForSingleObject(thread, INFINITE);
  CloseHandle(thread);
#else
  pthread_join(thread, nullptr);
#endif
}

// ---- a word that threads sleep on ----------------------------------------------------------------------------------

/// Threads sleep while the word has the value they saw; `wake_all` changes it and wakes them.
struct WaitWord {
  std::atomic<uint32_t> value{0};
#if !defined(_WIN32) && !defined(__linux__)
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
#endif

  uint32_t load() const { return value.load(std::memory_order_seq_cst); }

  void wait(uint32_t seen) {
#if defined(_WIN32)
    WaitOnAddress(&value, &seen, sizeof seen, INFINITE);
#elif defined(__linux__)
    syscall(SYS_futex, reinterpret_cast<uint32_t*>(&value), FUTEX_WAIT_PRIVATE, seen, nullptr, nullptr, 0);
#else
    pthread_mutex_lock(&mutex);
    while (value.load() == seen) pthread_cond_wait(&changed, &mutex);
    pthread_mutex_unlock(&mutex);
#endif
  }

  void wake_all() {
#if defined(_WIN32)
    value.fetch_add(1);
    WakeByAddressAll(&value);
#elif defined(__linux__)
    value.fetch_add(1);
    syscall(SYS_futex, reinterpret_cast<uint32_t*>(&value), FUTEX_WAKE_PRIVATE, 1 << 30, nullptr, nullptr, 0);
#else
    pthread_mutex_lock(&mutex);
    value.fetch_add(1);
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
#endif
  }
};

}  // namespace gimbal::platform
