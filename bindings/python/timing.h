// Slices of the loop's thread that belong to Python, and whom they belong to.
//
// A continuation finds its request by a context variable: asyncio gives every callback the context
// of whoever asked for it, so what a request started, however indirectly, carries its Scope. The
// variable is set when something of the request first leaves its call (it suspends, it starts a
// task): a handler that just answers never pays for it.
#pragma once

#include <atomic>

#include "bindings/python/python.h"
#include "bindings/python/scope.h"
#include "host/exchange.h"
#include "host/measure/ledger.h"

namespace duet::python {

// Whose work something is. `exchange` may be over: the work is then the handler's alone.
struct Owner {
  measure::HandlerIndex handler = measure::kNoHandler;
  ExchangeId exchange = 0;
};

class ExecutorCalls;

class Slices {
 public:
  void configure(measure::Ledger* ledger, ExchangeTable* exchanges, Gil* gil,
                 ExecutorCalls* executor_calls);

  // Opens a slice at `at`, for a request that is dispatched now.
  void begin(Owner owner, Exchange& exchange, Nanos at);
  // Opens a slice at `at` for a continuation that could have run at `ready_at`.
  void resume(Owner owner, Nanos ready_at, Nanos at);
  // Closes it; the request, if it is still open, goes on in `then`: it waits for something outside,
  // or its answer for the socket. Returns the instant.
  Nanos end(measure::Phase then = measure::Phase::kAwait);

  bool open() const { return owner_.handler != measure::kNoHandler; }
  Owner owner() const { return owner_; }

  // Changes with every slice; 0 when none is open. Any thread: interrupts are tagged with it.
  std::uint64_t serial() const { return serial_.load(std::memory_order_relaxed); }

  // Sets the context variable in the current context, if a slice is open and it is not set yet.
  // False with a Python error set.
  bool bind();
  // The owner that the current context names; none: kNoHandler.
  Owner bound() const;

  // Creates the Scope type and the context variable; false with a Python error set.
  bool create_types();
  // A Scope for work of `handler` outside of requests (its module's import).
  bool enter_handler(measure::HandlerIndex handler);

 private:
  void account_gil(measure::Timeline& timeline, Nanos ready_at, Nanos at);

  measure::Ledger* ledger_ = nullptr;
  ExchangeTable* exchanges_ = nullptr;
  Gil* gil_ = nullptr;
  ExecutorCalls* executor_calls_ = nullptr;
  Owner owner_;
  bool bound_ = false;
  std::atomic<std::uint64_t> serial_{0};
  std::uint64_t last_serial_ = 0;
  PyTypeObject* scope_type_ = nullptr;
  PyObject* variable_ = nullptr;
};

}  // namespace duet::python
