// The threads that run blocking handlers.
//
// A call in a thread sees a copy of its request and never the exchange, which belongs to the
// loop's thread; its answer goes back by Loop::post. All that needs the GIL is done by the thread:
// a model that calculates keeps it for 5 ms at a time, and whoever else is on the loop would wait.
// Threads are started when work waits and none is idle, up to the limit, and stay: Python's thread
// states are dear.
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
  std::unique_ptr<Snapshot> snapshot;  // of the request, until the call begins
  RequestObject* request = nullptr;    // owned, while the call runs; touched with the GIL held
  ExchangeId exchange = 0;             // loop's thread

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
  // Why it was aborted; guarded by mutex.
  AbortReason abort_reason = AbortReason::kNone;

  // Nobody will have an answer, and nobody is to work for it any more.
  bool is_to_stop() const {
    return abort_reason == AbortReason::kDeadline || abort_reason == AbortReason::kShutdown;
  }
};

class Pool {
 public:
  // At most `limit` threads. `politeness` is added to their nice value, and so to that of threads
  // which they start (OpenMP): the kernel then prefers the loop's thread when both want a
  // processor.
  Pool(unsigned limit, int politeness) : limit_(limit), politeness_(politeness) {}

  // Runs `handler` for `exchange`. Answers 503 when too many wait already. Loop's thread.
  void submit(const Handler& handler, Exchange& exchange);

  // The job of an exchange, null when it has none. Its engine_data is the job's address, marked
  // by the lowest bit; otherwise it is a Request's. Loop's thread.
  static PoolJob* job_of(const Exchange& exchange);

  // The job's exchange has room again. Loop's thread.
  static void writable(PoolJob& job);
  // A part of the body that the job waits for is there. Loop's thread.
  static void body_arrived(PoolJob& job, Exchange& exchange);
  // The job's request is over: whatever it still streams goes nowhere. Loop's thread.
  static void gone(PoolJob& job);

  // On the loop's thread: passes a piece (or the head, or the end) of a streamed answer on.
  using Step = std::function<WriteResult(Exchange&)>;
  // From the job's thread, GIL not held: has the loop's thread do `step`, and waits until more may
  // follow. False: nobody reads it.
  static bool on_loop(PoolJob& job, Step step);

  // Jobs that wait or run. Any thread.
  std::size_t busy() const { return busy_.load(std::memory_order_relaxed); }

 private:
  // Whether there is a thread at all; starts one more if that is called for.
  bool has_thread();
  void work();
  std::shared_ptr<PoolJob> next();
  void run(PoolJob& job);
  void call(PoolJob& job);
  void convert(PoolJob& job, PyObject* value);
  void stream(PoolJob& job, PyObject* body);
  void finish(PoolJob& job);

  const unsigned limit_;
  const int politeness_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::shared_ptr<PoolJob>> queue_;  // guarded by mutex_, as the next two
  unsigned threads_ = 0;
  unsigned idle_ = 0;
  std::atomic<std::size_t> busy_{0};
};

}  // namespace duet::python
