#include "pool.h"

namespace gimbal {

namespace {
constexpr double kSpinMicroseconds = 1000, kSoftWakeInterval = 50;
thread_local int t_index = 0;
thread_local bool t_inside = false;
}  // namespace

int thread_index() { return t_index; }
bool inside_job() { return t_inside; }

void Pool::helper_main(void* p) {
  Helper* helper = static_cast<Helper*>(p);
  t_index = helper->index;
  t_inside = true;
  helper->pool->helper_loop();
}

void Pool::helper_loop() {
  uint64_t seen = 0;
  double idle_since = platform::now_us();
  for (int spins = 0; !quit_.load(std::memory_order_relaxed);) {
    uint64_t state = state_.load(std::memory_order_acquire);
    if ((state >> 16) != seen && (state & kOpen)) {
      if (state_.compare_exchange_weak(state, state + 1, std::memory_order_acq_rel)) {
        seen = state >> 16;
        work(t_index);
        state_.fetch_sub(1, std::memory_order_acq_rel);
        spins = 0;
        idle_since = platform::now_us();
      }
      continue;
    }
    platform::relax();
    if ((++spins & 127) != 0) continue;
    if (platform::now_us() - idle_since < kSpinMicroseconds) continue;
    // sleep; the order (announce, then look once more) pairs with the caller's (publish, then look for sleepers)
    uint32_t word = wake_.load();
    sleeping_.fetch_add(1, std::memory_order_seq_cst);
    state = state_.load(std::memory_order_seq_cst);
    bool missed = (state >> 16) != seen && (state & kOpen);
    if (!missed && !quit_.load(std::memory_order_seq_cst)) wake_.wait(word);
    sleeping_.fetch_sub(1, std::memory_order_seq_cst);
    idle_since = platform::now_us();
  }
}

void Pool::run(Body body, void* closure, int64_t chunks, Size size) {
  bool alone = threads_ == 1 || chunks == 1 || t_inside;
  int sleeping = alone ? 0 : sleeping_.load(std::memory_order_relaxed);
  if (!alone && size == Size::small && sleeping == threads_ - 1) {
    // everyone sleeps and the job is too short to wait for them: have them awake for the next one
    alone = true;
    double now = platform::now_us();
    if (now - last_soft_wake_ > kSoftWakeInterval) {
      last_soft_wake_ = now;
      wake_.wake_all();
    }
  }
  if (alone) {
    bool before = t_inside;
    // a loop inside must see one thread here as it would beside helpers, or its partition would vary between runs
    if (chunks > 1) t_inside = true;
    for (int64_t i = 0; i < chunks; i++) body(closure, i);
    t_inside = before;
    return;
  }
  t_inside = true;
  body_ = body;
  closure_ = closure;
  lane_count_ = static_cast<int>(chunks < threads_ ? chunks : threads_);
  for (int i = 0; i < lane_count_; i++) {
    lanes_[i].next.store(chunks * i / lane_count_, std::memory_order_relaxed);
    lanes_[i].end = chunks * (i + 1) / lane_count_;
  }
  state_.store(++generation_ << 16 | kOpen, std::memory_order_seq_cst);
  if (sleeping_.load(std::memory_order_seq_cst) > 0) wake_.wake_all();
  work(0);
  state_.fetch_and(~kOpen, std::memory_order_acq_rel);
  for (int spins = 0; state_.load(std::memory_order_acquire) & kInside;) {
    platform::relax();
    if ((++spins & 1023) == 0) platform::yield_thread();
  }
  t_inside = false;
}

void Pool::resize(int threads) {
  if (threads < 1) threads = 1;
  if (threads > kMaxThreads) threads = kMaxThreads;
  if (threads == threads_) return;
  quit_.store(true, std::memory_order_seq_cst);
  wake_.wake_all();
  for (int i = 1; i < threads_; i++) platform::join_thread(helpers_[i].thread);
  quit_.store(false, std::memory_order_seq_cst);
  threads_ = 1;
  while (threads_ < threads) {
    Helper& helper = helpers_[threads_];
    helper.pool = this;
    helper.index = threads_;
    if (!platform::start_thread(&helper.thread, helper_main, &helper)) break;
    threads_++;
  }
}

}  // namespace gimbal
