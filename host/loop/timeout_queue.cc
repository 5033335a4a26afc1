#include "host/loop/timeout_queue.h"

#include <algorithm>

#include "host/base/check.h"

namespace duet {

namespace {

// Later than a loop's ordinary turn: something has held it.
constexpr Nanos kLate = 10 * kMillisecond;

}  // namespace

TimeoutQueue::TimeoutQueue(Loop& loop, Nanos duration)
    : duration_(duration), timer_(new uv_timer_t) {
  DUET_CHECK(uv_timer_init(loop.uv(), timer_) == 0);
  timer_->data = this;
  uv_unref(reinterpret_cast<uv_handle_t*>(timer_));
}

TimeoutQueue::~TimeoutQueue() {
  while (oldest_ != nullptr) oldest_->disarm();
  uv_close(reinterpret_cast<uv_handle_t*>(timer_),
           [](uv_handle_t* handle) { delete reinterpret_cast<uv_timer_t*>(handle); });
}

void TimeoutQueue::schedule(Nanos at) {
  uv_update_time(timer_->loop);
  start(std::max<Nanos>(oldest_->expires_ - at, 0));
}

void TimeoutQueue::start(Nanos wait) {
  running_ = true;
  uv_timer_start(
      timer_, [](uv_timer_t* timer) { static_cast<TimeoutQueue*>(timer->data)->fire(); },
      static_cast<std::uint64_t>((wait + kMillisecond - 1) / kMillisecond), 0);
}

void TimeoutQueue::suspend() {
  duration_ = 0;
  while (oldest_ != nullptr) oldest_->disarm();
}

void TimeoutQueue::fire() {
  const Nanos at = now();
  running_ = false;
  // What came while the loop was held (by a long call, at a breakpoint) lies in the sockets'
  // buffers still, and this timer is asked before them. It is read first: who sent in time is not
  // late.
  if (!looked_ && oldest_ != nullptr && at - oldest_->expires_ > kLate) {
    looked_ = true;
    return start(0);
  }
  looked_ = false;
  while (oldest_ != nullptr && oldest_->expires_ <= at) {
    Timeout* due = oldest_;
    due->disarm();
    due->expired_(due->owner_);
  }
  if (oldest_ != nullptr && !running_) schedule(at);
}

void Timeout::arm(TimeoutQueue& queue, Nanos at) {
  disarm();
  if (queue.duration_ <= 0) return;
  queue_ = &queue;
  expires_ = at + queue.duration_;
  previous_ = queue.newest_;
  (previous_ != nullptr ? previous_->next_ : queue.oldest_) = this;
  queue.newest_ = this;
  // `at` may lie in the past (a deadline counts from the arrival), and uv counts from now.
  if (!queue.running_) queue.schedule(now());
}

void Timeout::disarm() {
  if (queue_ == nullptr) return;
  (previous_ != nullptr ? previous_->next_ : queue_->oldest_) = next_;
  (next_ != nullptr ? next_->previous_ : queue_->newest_) = previous_;
  previous_ = next_ = nullptr;
  queue_ = nullptr;
}

}  // namespace duet
