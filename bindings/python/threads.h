// What happens to requests in threads that Python made: waiting for one (asyncio.to_thread,
// run_in_executor, AnyIO's), and the CPU time of all of them.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "bindings/python/timing.h"

namespace duet::python {

// A call that waits for a thread of an executor. Shared by the loop's thread and the pool's.
struct ExecutorCall {
  ExchangeId exchange = 0;
  std::atomic<Nanos> started{0};  // when a thread began with it; 0: not yet
  std::atomic<Nanos> ended{0};    // when it was through; 0: not yet
};

// The calls of open requests; loop's thread, GIL held.
class ExecutorCalls {
 public:
  // Wraps `function` so that it is known when a thread begins with it; the request of the open
  // slice is in `pool` until then. New reference, or null with an error set.
  PyObject* wrap(PyObject* function, Owner owner);

  bool empty() const { return calls_.empty(); }
  // Before the request goes on at `at`: its `pool` phase ended where a thread began, and it was in
  // `run` until the thread was through.
  void settle(ExchangeId exchange, measure::Timeline& timeline, Nanos at);
  // After a slice of the request: it is in `pool` again if a call still waits.
  void suspend(ExchangeId exchange, measure::Timeline& timeline);

  static bool create_type();

 private:
  std::vector<std::shared_ptr<ExecutorCall>> calls_;
};

// Counts the calling thread among Python's from now to its end. Any thread.
void count_thread();
// CPU time of the threads counted, living and ended, in nanoseconds. Any thread.
Nanos counted_threads_cpu();

}  // namespace duet::python
