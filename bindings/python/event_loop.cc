#include "bindings/python/event_loop.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/stat.h>

#include <algorithm>
#include <cmath>

#include "host/base/check.h"

namespace duet::python {
namespace {

constexpr std::size_t kInitialRing = 256;

// Saturated: asyncio users write call_later(1e10, …) for "never".
Nanos to_nanos(double seconds) {
  const double nanos = std::ceil(seconds * 1e9);
  if (!(nanos > 0)) return 1;
  return nanos > 9e18 ? static_cast<Nanos>(9e18) : static_cast<Nanos>(nanos);
}

}  // namespace

EventLoop::EventLoop(uv_loop_t* loop, Gil& gil)
    : loop_(loop), gil_(gil), handles_(new Handles), thread_(pthread_self()) {
  ring_.resize(kInitialRing);
  handles_->open = 4;
  DUET_CHECK(uv_timer_init(loop_, &handles_->timer) == 0);
  DUET_CHECK(uv_idle_init(loop_, &handles_->idle) == 0);
  DUET_CHECK(uv_async_init(loop_, &handles_->wake, on_wake) == 0);
  DUET_CHECK(uv_prepare_init(loop_, &handles_->inspection) == 0);
  handles_->timer.data = handles_->idle.data = handles_->wake.data = this;
  handles_->inspection.data = this;
  // What keeps the loop going is the host's sockets, not ours.
  uv_unref(reinterpret_cast<uv_handle_t*>(&handles_->wake));
}

EventLoop::~EventLoop() { close(); }

void EventLoop::close() {
  std::vector<HandleObject*> posted;
  {
    std::lock_guard lock(mutex_);
    if (closed_) return;
    closed_ = true;
    posted.swap(posted_);
  }
  for (HandleObject* handle : posted) Py_DECREF(handle);
  while (!polls_.empty()) close_poll(polls_.begin()->second);
  while (!heap_.empty()) cancel_handle(heap_.front());
  while (has_ready()) {
    HandleObject* handle = ring_[head_++ & (ring_.size() - 1)];
    Py_DECREF(handle);
  }
  const auto closed = [](uv_handle_t* handle) {
    auto* handles = static_cast<Handles*>(handle->data);
    if (--handles->open == 0) delete handles;
  };
  for (uv_handle_t* handle : {reinterpret_cast<uv_handle_t*>(&handles_->timer),
                              reinterpret_cast<uv_handle_t*>(&handles_->idle),
                              reinterpret_cast<uv_handle_t*>(&handles_->wake),
                              reinterpret_cast<uv_handle_t*>(&handles_->inspection)}) {
    handle->data = handles_;
    uv_close(handle, closed);
  }
  handles_ = nullptr;
}

// --- the ready queue ---

void EventLoop::grow() {
  std::vector<HandleObject*> larger(ring_.size() * 2);
  const std::size_t count = tail_ - head_;
  for (std::size_t i = 0; i < count; ++i) larger[i] = ring_[(head_ + i) & (ring_.size() - 1)];
  ring_ = std::move(larger);
  head_ = 0;
  tail_ = count;
}

void EventLoop::push_ready(HandleObject* handle) {
  if (tail_ - head_ == ring_.size()) [[unlikely]]
    grow();
  ring_[tail_++ & (ring_.size() - 1)] = handle;
  if (!running_ && !held_ && !idle_active_) arm();
}

void EventLoop::push(HandleObject* handle) {
  if (capturing_) [[unlikely]] {
    capturing_ = false;
    captured_ = handle;
    return;
  }
  if (posted_any_.load(std::memory_order_relaxed)) [[unlikely]]
    take_posted();  // first come
  handle->ready_at = now();
  push_ready(handle);
}

void EventLoop::arm() {
  const bool wanted = has_ready();
  if (wanted == idle_active_ || handles_ == nullptr) return;
  idle_active_ = wanted;
  // An active idle handle makes uv poll without waiting; the ready queue runs after that poll.
  if (wanted) {
    uv_idle_start(&handles_->idle, [](uv_idle_t*) {});
  } else {
    uv_idle_stop(&handles_->idle);
  }
}

void EventLoop::run_ready() {
  if (running_) return;
  running_ = true;
  for (std::size_t left = tail_ - head_; left > 0 && has_ready(); --left) {
    HandleObject* handle = ring_[head_++ & (ring_.size() - 1)];
    run(handle);
    Py_DECREF(handle);
  }
  running_ = false;
  arm();
}

void EventLoop::run(HandleObject* handle) {
  if (handle->cancelled) return;
  if (!report_durations_) [[likely]]
    return runner_(handle);
  const Nanos begun = now();
  runner_(handle);
  if (handle->loop == nullptr) return;
  const double seconds = static_cast<double>(now() - begun) * 1e-9;
  Ref told = Ref::steal(PyObject_CallMethod(handle->loop, "_ran", "Od", handle, seconds));
  if (!told) PyErr_WriteUnraisable(handle->loop);
}

bool EventLoop::push_from_thread(HandleObject* handle) {
  handle->ready_at = now();
  std::lock_guard lock(mutex_);
  if (closed_) {
    Py_DECREF(handle);
    return false;
  }
  posted_.push_back(handle);
  posted_any_.store(true, std::memory_order_relaxed);
  if (posted_.size() == 1) uv_async_send(&handles_->wake);
  return true;
}

void EventLoop::on_wake(uv_async_t* wake) {
  auto* loop = static_cast<EventLoop*>(wake->data);
  loop->take_posted();
  if (!loop->signalled_.exchange(false) || loop->on_signal_ == nullptr) return;
  loop->gil_.take();
  loop->on_signal_();
}

void EventLoop::take_posted() {
  // The GIL is not needed: handles only change hands.
  std::lock_guard lock(mutex_);
  for (HandleObject* handle : posted_) push_ready(handle);
  posted_.clear();
  posted_any_.store(false, std::memory_order_relaxed);
}

// --- timers: a binary heap whose entries know their place, so that cancelling removes them ---

bool EventLoop::earlier(const HandleObject* a, const HandleObject* b) {
  return a->ready_at != b->ready_at ? a->ready_at < b->ready_at : a->sequence < b->sequence;
}

void EventLoop::place(HandleObject* handle, std::size_t index) {
  heap_[index] = handle;
  handle->heap_index = static_cast<std::int32_t>(index);
}

void EventLoop::sift_up(std::size_t index) {
  HandleObject* handle = heap_[index];
  while (index > 0) {
    const std::size_t parent = (index - 1) / 2;
    if (!earlier(handle, heap_[parent])) break;
    place(heap_[parent], index);
    index = parent;
  }
  place(handle, index);
}

void EventLoop::sift_down(std::size_t index) {
  HandleObject* handle = heap_[index];
  for (;;) {
    std::size_t child = 2 * index + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && earlier(heap_[child + 1], heap_[child])) ++child;
    if (!earlier(heap_[child], handle)) break;
    place(heap_[child], index);
    index = child;
  }
  place(handle, index);
}

void EventLoop::push_timer(HandleObject* handle) {
  handle->ready_at = to_nanos(handle->when_seconds);
  handle->sequence = ++sequence_;
  handle->timers = this;
  heap_.push_back(handle);
  sift_up(heap_.size() - 1);
  if (handle->heap_index == 0) schedule_timer();
}

void EventLoop::forget_timer(HandleObject* handle) {
  const auto index = static_cast<std::size_t>(handle->heap_index);
  DUET_CHECK(index < heap_.size() && heap_[index] == handle);
  HandleObject* last = heap_.back();
  heap_.pop_back();
  if (last != handle) {
    place(last, index);
    sift_up(index);
    sift_down(static_cast<std::size_t>(last->heap_index));
  }
  handle->heap_index = -1;
  handle->timers = nullptr;
  // The uv timer is left as it is: it fires once for nothing at most, and most timers that are
  // cancelled are timeouts far ahead. An empty heap must not wake anybody.
  if (heap_.empty() && armed_for_ != 0) {
    armed_for_ = 0;
    uv_timer_stop(&handles_->timer);
  }
  Py_DECREF(handle);
}

void EventLoop::schedule_timer() {
  if (heap_.empty()) return;
  // uv counts whole milliseconds of the same clock: rounding the instant up never fires early.
  const auto due =
      static_cast<std::uint64_t>((heap_.front()->ready_at + kMillisecond - 1) / kMillisecond);
  if (armed_for_ == due) return;
  armed_for_ = due;
  const std::uint64_t at = uv_now(loop_);
  uv_timer_start(&handles_->timer, on_timer, due > at ? due - at : 0, 0);
}

void EventLoop::on_timer(uv_timer_t* timer) {
  auto* loop = static_cast<EventLoop*>(timer->data);
  loop->armed_for_ = 0;
  loop->gil_.take();
  const Nanos at = now();
  while (!loop->heap_.empty() && loop->heap_.front()->ready_at <= at) {
    HandleObject* handle = loop->heap_.front();
    Py_INCREF(handle);
    loop->forget_timer(handle);  // ready_at stays: it was due then
    loop->held_ = true;          // run_ready() follows
    loop->push_ready(handle);
  }
  loop->held_ = false;
  loop->schedule_timer();
  loop->run_ready();
}

// --- descriptors ---

// Whether epoll takes it. Tried on an epoll set of our own where its kind does not tell.
static bool can_be_waited_for(int fd) {
  struct stat status;
  if (fstat(fd, &status) != 0) return false;
  if (S_ISSOCK(status.st_mode) || S_ISFIFO(status.st_mode)) return true;
  static const int trial = epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{};
  if (epoll_ctl(trial, EPOLL_CTL_ADD, fd, &event) != 0) return errno == EEXIST;
  epoll_ctl(trial, EPOLL_CTL_DEL, fd, &event);
  return true;
}

int EventLoop::watch(int fd, bool writable, HandleObject* handle, PyObject* file) {
  const auto found = polls_.find(fd);
  Poll* poll = found == polls_.end() ? nullptr : found->second;
  if (poll == nullptr) {
    const int flags = fcntl(fd, F_GETFL);
    poll = new Poll{};
    const int error = uv_poll_init(loop_, &poll->handle, fd);
    if (error != 0) {
      delete poll;
      Py_DECREF(handle);
      return error;
    }
    // uv makes the descriptor non-blocking, asyncio's add_reader does not.
    if (flags != -1 && (flags & O_NONBLOCK) == 0) fcntl(fd, F_SETFL, flags);
    poll->handle.data = poll;
    poll->loop = this;
    poll->fd = fd;
    poll->file = Ref::borrow(file);
    polls_.emplace(fd, poll);
  }
  HandleObject*& slot = writable ? poll->writer : poll->reader;
  if (HandleObject* old = std::exchange(slot, handle)) {
    cancel_handle(old);
    Py_DECREF(old);
  }
  return restart(*poll);
}

int EventLoop::watched_as(PyObject* file) const {
  for (const auto& [fd, poll] : polls_) {
    if (poll->file.get() == file) return fd;
  }
  return -1;
}

bool EventLoop::unwatch(int fd, bool writable) {
  const auto found = polls_.find(fd);
  if (found == polls_.end()) return false;
  Poll* poll = found->second;
  HandleObject* old = std::exchange(writable ? poll->writer : poll->reader, nullptr);
  if (old == nullptr) return false;
  if (poll->reader == nullptr && poll->writer == nullptr) {
    close_poll(poll);
  } else {
    restart(*poll);
  }
  cancel_handle(old);
  Py_DECREF(old);
  return true;
}

int EventLoop::restart(Poll& poll) {
  const int events = (poll.reader ? UV_READABLE : 0) | (poll.writer ? UV_WRITABLE : 0);
  const int error = uv_poll_start(&poll.handle, events, on_poll);
  if (error != 0) return error;
  if (fresh_polls_.empty()) {
    uv_prepare_start(&handles_->inspection, [](uv_prepare_t* inspection) {
      static_cast<EventLoop*>(inspection->data)->inspect_fresh_polls();
    });
  }
  fresh_polls_.push_back(poll.fd);
  return 0;
}

// uv hands descriptors to the kernel when it waits next, and ends the process if the kernel refuses
// one: because user code has closed it by then, or its number is another file's. asyncio's own loop
// lets such a reader be silent, so it is here.
void EventLoop::inspect_fresh_polls() {
  uv_prepare_stop(&handles_->inspection);
  for (const int fd : std::exchange(fresh_polls_, {})) {
    const auto found = polls_.find(fd);
    if (found != polls_.end() && !can_be_waited_for(fd)) uv_poll_stop(&found->second->handle);
  }
}

void EventLoop::close_poll(Poll* poll) {
  polls_.erase(poll->fd);
  for (HandleObject* handle :
       {std::exchange(poll->reader, nullptr), std::exchange(poll->writer, nullptr)}) {
    if (handle == nullptr) continue;
    cancel_handle(handle);
    Py_DECREF(handle);
  }
  poll->file.reset();  // here, with the GIL, which uv's closing does not have
  uv_close(reinterpret_cast<uv_handle_t*>(&poll->handle),
           [](uv_handle_t* handle) { delete static_cast<Poll*>(handle->data); });
}

void EventLoop::on_poll(uv_poll_t* handle, int status, int events) {
  auto* poll = static_cast<Poll*>(handle->data);
  EventLoop* loop = poll->loop;
  loop->gil_.take();
  if (status < 0) {
    // uv has stopped watching (an error is pending on the socket): both sides must see it, and
    // until one of them lets go it is reported again, as by epoll.
    events = UV_READABLE | UV_WRITABLE;
    loop->restart(*poll);
  }
  const Nanos at = now();
  for (HandleObject* ready : {(events & UV_READABLE) ? poll->reader : nullptr,
                              (events & UV_WRITABLE) ? poll->writer : nullptr}) {
    if (ready == nullptr || ready->cancelled) continue;
    Py_INCREF(ready);
    ready->ready_at = at;
    loop->push_ready(ready);
  }
}

}  // namespace duet::python
