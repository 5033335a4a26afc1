// asyncio's primitives on a uv loop: the ready queue, timers, readiness of descriptors, wake-ups
// from other threads.
//
// There is no second poller: descriptors are uv_poll_t's, the earliest timer is one uv_timer_t,
// other threads wake the loop by one uv_async_t. Callbacks run in ticks of as many as were ready
// when the tick began, so a callback that schedules itself cannot starve the sockets.
#pragma once

#include <uv.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "bindings/python/handle.h"
#include "bindings/python/scope.h"
#include "bindings/python/timing.h"

namespace duet::python {

// Everything needs the GIL unless said otherwise, and the loop's thread.
class EventLoop {
 public:
  // Runs one handle whose context is entered; the exception, if any, has been dealt with.
  using Runner = std::function<void(HandleObject*)>;

  EventLoop(uv_loop_t* loop, Gil& gil);
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  uv_loop_t* uv() const { return loop_; }

  // What runs a handle: the owner adds slices and treats exceptions.
  void set_runner(Runner runner) { runner_ = std::move(runner); }

  // Queues a handle; takes over the caller's reference.
  void push(HandleObject* handle);
  // As push(), from any thread that holds the GIL. False when the loop is closed.
  bool push_from_thread(HandleObject* handle);
  // The calling thread is the loop's from now on: at first it is the one that made it.
  void adopt() { thread_ = pthread_self(); }
  bool on_own_thread() const { return pthread_equal(pthread_self(), thread_) != 0; }

  // Queues a timer, due at handle->when_seconds; takes over the caller's reference.
  void push_timer(HandleObject* handle);
  void forget_timer(HandleObject* handle);

  // Watches `fd`, replacing (and cancelling) the handle there was. Takes over the reference.
  // A negative uv error code when the descriptor cannot be watched; the handle is then released.
  // `file` is what the user named it by: kept, as a selector does, see watched_as().
  int watch(int fd, bool writable, HandleObject* handle, PyObject* file);
  // False when nothing was watched.
  bool unwatch(int fd, bool writable);
  bool is_watched(int fd) const { return polls_.contains(fd); }
  // The descriptor that `file` had when it was first watched, -1 if it is not: a socket that was
  // closed meanwhile no longer tells.
  int watched_as(PyObject* file) const;

  // Runs what is ready now, and not what that makes ready. No effect inside itself.
  void run_ready();
  bool has_ready() const { return head_ != tail_; }
  // While held, nobody needs waking for what is pushed: run_ready() will be called.
  void hold() { held_ = true; }
  void unhold() { held_ = false; }
  // Makes the loop come round without waiting if anything is ready. For use after unhold().
  void arm();

  // The next pushed handle is kept for take_captured() and not queued.
  void capture_next() { capturing_ = true; }
  HandleObject* take_captured() { return std::exchange(captured_, nullptr); }

  // Tells the handle's loop after each callback how long it took (`_ran`), or no longer.
  void report_durations(bool wanted) { report_durations_ = wanted; }

  // Cancels everything; the uv handles close in the loop's next iteration. Idempotent.
  void close();

  // From a signal's handler, on any thread: the loop comes round, takes the GIL and calls what was
  // set.
  void signalled() {
    signalled_.store(true);
    uv_async_send(&handles_->wake);
  }
  void set_on_signal(void (*on_signal)()) { on_signal_ = on_signal; }

  static double time() { return static_cast<double>(now()) * 1e-9; }

 private:
  // The uv handles, which must live until uv has closed them.
  struct Handles {
    uv_timer_t timer;
    uv_idle_t idle;
    uv_async_t wake;
    uv_prepare_t inspection;
    int open;
  };
  struct Poll {
    uv_poll_t handle;
    EventLoop* loop;
    int fd;
    HandleObject* reader;
    HandleObject* writer;
    Ref file;
  };

  static void on_timer(uv_timer_t* timer);
  static void on_wake(uv_async_t* wake);
  static void on_poll(uv_poll_t* handle, int status, int events);

  void take_posted();
  void run(HandleObject* handle);
  void push_ready(HandleObject* handle);
  void grow();
  int restart(Poll& poll);
  void inspect_fresh_polls();
  void close_poll(Poll* poll);
  void schedule_timer();
  static bool earlier(const HandleObject* a, const HandleObject* b);
  void place(HandleObject* handle, std::size_t index);
  void sift_up(std::size_t index);
  void sift_down(std::size_t index);

  uv_loop_t* loop_;
  Gil& gil_;
  Runner runner_;
  Handles* handles_;
  pthread_t thread_;
  std::vector<HandleObject*> ring_;  // ready_[head_..tail_) modulo its power-of-two size
  std::size_t head_ = 0, tail_ = 0;
  std::vector<HandleObject*> heap_;  // timers by due time
  std::uint64_t sequence_ = 0;
  std::uint64_t armed_for_ = 0;  // the uv timer's due millisecond; 0: not armed
  std::unordered_map<int, Poll*> polls_;
  std::vector<int> fresh_polls_;  // started since the last wait
  std::mutex mutex_;
  std::vector<HandleObject*> posted_;  // guarded by mutex_
  std::atomic<bool> posted_any_{false};
  std::atomic<bool> signalled_{false};
  void (*on_signal_)() = nullptr;
  bool closed_ = false;  // guarded by mutex_ for writing
  bool idle_active_ = false;
  bool running_ = false;
  bool held_ = false;
  bool capturing_ = false;
  bool report_durations_ = false;
  HandleObject* captured_ = nullptr;
};

}  // namespace duet::python
