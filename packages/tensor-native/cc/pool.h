// The thread pool: fork and join over numbered chunks of one job.
//
// The caller never depends on a helper. A job is a function over chunks; helpers that are awake join, the caller works
// too, closes the job when no chunk is left, and waits only for those that joined. The chunks lie in lanes, one a thread:
// a thread claims those of its own lane and then what is left in others. So jobs of one form give a thread the same part
// each time, and it finds in its own cache what it wrote the time before.
//
// Helpers spin for 1 ms after their last job, longer than JavaScript takes to fill the queue of commands (a fork costs
// 0.3 µs then), and sleep after that (waking costs the caller 2–6 µs, and the helper starts about 30 µs later).
#pragma once
#include "platform.h"

namespace gimbal {

class Pool {
 public:
  static constexpr int kMaxThreads = 256;

  /// How much work a job is, which decides whether sleeping helpers are woken for it.
  enum class Size { small, large };

  /// Starts `threads - 1` helpers (fewer if the system refuses); ends those that were running before.
  void resize(int threads);
  int threads() const { return threads_; }

  /// Runs `body(closure, chunk)` for every chunk in [0, chunks), on this thread and on the helpers that join.
  /// `large`: at least 100 µs of work, worth waking helpers for. A smaller job wakes them softly, for the next one.
  using Body = void (*)(void* closure, int64_t chunk);
  void run(Body body, void* closure, int64_t chunks, Size size);

  ~Pool() { resize(1); }

 private:
  static void helper_main(void* p);
  void helper_loop();
  void work(int thread) {
    for (int i = 0; i < lane_count_; i++) {
      Lane& lane = lanes_[(thread + i) % lane_count_];
      for (;;) {
        const int64_t chunk = lane.next.fetch_add(1, std::memory_order_relaxed);
        if (chunk >= lane.end) break;
        body_(closure_, chunk);
      }
    }
  }

  // state: generation << 16 | open << 15 | helpers inside
  static constexpr uint64_t kOpen = 0x8000, kInside = 0x7fff;
  alignas(64) std::atomic<uint64_t> state_{0};
  alignas(64) platform::WaitWord wake_;
  alignas(64) std::atomic<int> sleeping_{0};
  std::atomic<bool> quit_{false};
  Body body_ = nullptr;
  void* closure_ = nullptr;
  int lane_count_ = 0;
  uint64_t generation_ = 0;
  double last_soft_wake_ = 0;
  int threads_ = 1;
  struct alignas(64) Lane {
    std::atomic<int64_t> next{0};
    int64_t end = 0;
  } lanes_[kMaxThreads];
  struct Helper {
    Pool* pool;
    int index;
    platform::Thread thread;
  } helpers_[kMaxThreads];
};

/// This thread's number in its pool: 0 for the caller, 1… for helpers. A thread belongs to one pool only.
int thread_index();

/// True while this thread runs a chunk of a job; a job inside a job runs on one thread.
bool inside_job();

}  // namespace gimbal
