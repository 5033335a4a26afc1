// The event loop: one uv_loop_t, owned here and run by one thread.
#pragma once

#include <uv.h>

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "host/base/clock.h"
#include "host/base/result.h"

namespace duet {

// Told when the loop is about to wait and when it has waited. Both run on the loop's thread.
// uv runs I/O callbacks inside its poll, so `before_poll` precedes them and `after_poll` follows
// them: what must be given up while the loop sleeps (the GIL) is released in `before_poll` and
// taken again by whoever first needs it, not in `after_poll`.
class LoopObserver {
 public:
  virtual void before_poll() noexcept {}
  virtual void after_poll() noexcept {}

 protected:
  ~LoopObserver() = default;
};

class Loop {
 public:
  static Result<std::unique_ptr<Loop>> create();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // The loop that everything shares. Engines add handles of their own to it.
  uv_loop_t* uv() { return &loop_; }

  // Runs until stop(). Call on the thread that created the loop.
  void run();

  // Makes run() return after the current iteration. Loop's thread only.
  void stop();

  // Runs `task` on the loop's thread, in order of posting. Any thread, and also safe after run()
  // returned (the task is then destroyed with the loop, unrun).
  void post(std::function<void()> task);

  // Runs `task` once, `delay` from now, rounded up to whole milliseconds (uv's resolution).
  // The loop keeps the timer. Loop's thread only.
  void after(Nanos delay, std::function<void()> task);

  // Observers are called in order of registration and must outlive their registration.
  void add_observer(LoopObserver* observer);
  void remove_observer(LoopObserver* observer);

 private:
  struct OneShot;
  Loop() = default;
  void run_posted();
  static void after_poll(uv_check_t* check);

  uv_loop_t loop_;
  uv_async_t wake_;
  uv_prepare_t prepare_;
  uv_check_t check_;
  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;  // guarded by mutex_
  std::vector<LoopObserver*> observers_;
  std::vector<OneShot*> one_shots_;  // of after(), not yet fired
};

}  // namespace duet
