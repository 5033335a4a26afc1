// Many timeouts of one duration on one timer: arming and disarming are a few pointer writes.
#pragma once

#include <uv.h>

#include "host/base/clock.h"
#include "host/loop/loop.h"

namespace duet {

class TimeoutQueue;

// A member of the thing that may time out. Disarms itself when destroyed.
class Timeout {
 public:
  // `expired` is called on the loop's thread, disarmed already; it may destroy the owner.
  using Expired = void (*)(void* owner);
  Timeout(Expired expired, void* owner) : expired_(expired), owner_(owner) {}
  ~Timeout() { disarm(); }
  Timeout(const Timeout&) = delete;
  Timeout& operator=(const Timeout&) = delete;

  // Expires one duration of `queue` after `at` (now, roughly). Re-arms when armed.
  void arm(TimeoutQueue& queue, Nanos at);
  void disarm();
  bool armed() const { return queue_ != nullptr; }

 private:
  friend class TimeoutQueue;
  Expired expired_;
  void* owner_;
  TimeoutQueue* queue_ = nullptr;
  Timeout* previous_ = nullptr;
  Timeout* next_ = nullptr;
  Nanos expires_ = 0;
};

// First in, first out: all entries wait equally long, so the oldest expires first. The uv timer
// runs for the oldest entry only and is left running when that one is disarmed (it then looks
// again): no system call and no heap operation a request. Empty queues stop it, lazily.
class TimeoutQueue {
 public:
  TimeoutQueue(Loop& loop, Nanos duration);  // duration 0: entries never expire
  ~TimeoutQueue();
  TimeoutQueue(const TimeoutQueue&) = delete;
  TimeoutQueue& operator=(const TimeoutQueue&) = delete;
  Nanos duration() const { return duration_; }
  // For good: what is armed is disarmed, and nothing expires any more.
  void suspend();

 private:
  friend class Timeout;
  void schedule(Nanos at);
  void start(Nanos wait);
  void fire();

  Nanos duration_;
  uv_timer_t* timer_;  // closed asynchronously, so it outlives the queue
  Timeout* oldest_ = nullptr;
  Timeout* newest_ = nullptr;
  bool running_ = false;
  bool looked_ = false;  // the poll has been given a chance since the timer was late
};

}  // namespace duet
