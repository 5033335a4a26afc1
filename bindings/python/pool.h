// The threads that run blocking handlers.
//
// A call in a thread sees a copy of its request and never the exchange, which belongs to the
// loop's thread; its answer goes back by Loop::post. Threads are started when work waits and none
// is idle, up to the limit, and stay: Python's thread states are dear.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "bindings/python/engine.h"

namespace duet::python {

// One call in a thread. The loop's thread and the pool's share it; the comments say whose is what.
struct PoolJob : std::enable_shared_from_this<PoolJob> {
  const Handler* handler = nullptr;
  RequestObject* request = nullptr;  // owned; touched with the GIL held
  ExchangeId exchange = 0;           // loop's thread

  // Written by the pool's thread before it posts, read by the loop's after.
  Nanos started = 0, locked = 0, finished = 0, cpu = 0;
  Answer answer;
  std::string route;          // WSGI: what the application's framework chose
  bool streams_body = false;  // WSGI: the body had not arrived when the call began
  std::string piece;          // WSGI: of the body; from the loop's thread to the pool's
  bool body_failed = false;
  bool told_gone = false;  // the handler ended because its client has left
  bool answered = false;   // `answer` is to be sent: it was not streamed

  std::mutex mutex;
  std::condition_variable changed;
  enum class Flow : std::uint8_t { kWaiting, kGo, kFull, kGone };
  Flow flow = Flow::kGo;            // guarded by mutex
  unsigned long python_thread = 0;  // while its code runs; guarded by the GIL
  bool interrupted = false;         // guarded by the GIL
  bool gone = false;                // the request is over; guarded by mutex
};

class Pool {
 public:
  explicit Pool(unsigned limit) : limit_(limit) {}

  // Runs `handler` for `request` (taken over). Loop's thread, GIL held.
  // Answers 503 when too many wait already.
  void submit(const Handler& handler, RequestObject* request, Exchange& exchange);

  // The job's exchange has room again. Loop's thread.
  static void writable(PoolJob& job);
  // A part of the body that the job waits for is there. Loop's thread.
  static void body_arrived(PoolJob& job, Exchange& exchange);
  // The job's request is over: whatever it still streams goes nowhere. Loop's thread.
  static void gone(PoolJob& job);
  // Makes the job's code raise HandlerInterrupted. Loop's thread, GIL held.
  static void interrupt(PoolJob& job);

  // On the loop's thread: passes a piece (or the head, or the end) of a streamed answer on.
  using Step = std::function<WriteResult(Exchange&)>;
  // From the job's thread, GIL not held: has the loop's thread do `step`, and waits until more may
  // follow. False: nobody reads it.
  static bool on_loop(PoolJob& job, Step step);

  // Jobs that wait or run. Any thread.
  std::size_t busy() const { return busy_.load(std::memory_order_relaxed); }

 private:
  void work();
  void run(PoolJob& job);
  void convert(PoolJob& job, PyObject* value);
  void stream(PoolJob& job, PyObject* body);
  void finish(PoolJob& job);

  const unsigned limit_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::shared_ptr<PoolJob>> queue_;  // guarded by mutex_, as the next two
  unsigned threads_ = 0;
  unsigned idle_ = 0;
  std::atomic<std::size_t> busy_{0};
};

}  // namespace duet::python
