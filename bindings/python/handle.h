// A callback that the event loop will run: asyncio's Handle and TimerHandle, as C types.
#pragma once

#include "bindings/python/python.h"
#include "host/base/clock.h"

namespace duet::python {

class EventLoop;

struct HandleObject {
  PyObject_HEAD PyObject* callback;  // null once cancelled
  PyObject* context;
  PyObject* loop;      // the Python loop object, for the exception handler and repr
  PyObject* more;      // all arguments as a tuple, when they do not fit `slots`
  PyObject* slots[5];  // a scratch slot for vectorcall, then up to four arguments
  EventLoop* timers;   // whose heap it is in; null when it is in none
  PyObject* weak_references;
  PyObject* source_traceback;  // where it was asked for; null unless the loop is in debug mode
  double when_seconds;         // as given, on time()'s clock
  Nanos ready_at;              // since when it could run; for a timer in the heap: when it is due
  std::int32_t heap_index;
  std::uint32_t count;     // of arguments
  std::uint64_t sequence;  // orders timers that are due at the same instant
  bool cancelled;
  bool is_timer;
};

// Creates the types; false with a Python error set.
bool create_handle_types(PyObject* module);

// A new handle. `context` may be null: a copy of the current one is taken. Null with an error set.
HandleObject* new_handle(PyObject* loop, PyObject* callback, PyObject* const* arguments,
                         std::size_t count, PyObject* context);
HandleObject* new_timer_handle(PyObject* loop, double when, PyObject* callback,
                               PyObject* const* arguments, std::size_t count, PyObject* context);
bool is_handle(PyObject* object);

// Calls the callback, in the context that is entered already. New reference or null with an error.
PyObject* call_handle(HandleObject* handle);

// Leaves a context that a call was made in. What the call raised stays set: it is reported
// afterwards, because exception handlers are run in that context again and none can be entered
// twice.
void leave_context(PyObject* context);

// Drops callback and arguments; a timer leaves its heap.
void cancel_handle(HandleObject* handle);

}  // namespace duet::python
