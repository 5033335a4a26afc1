// Runs a handler's coroutine without an asyncio.Task, as long as nobody asks for one.
//
// asyncio needs a Task for what cancels or names it (timeouts, task groups, anyio), not for
// awaiting. So a coroutine is driven directly: if it never suspends, it costs a send(); if it
// suspends on a future, a done-callback. Whenever its code asks for asyncio.current_task(), the
// driver becomes the coroutine of a real Task in the middle of the step, which is "current" from
// that moment and runs the steps from the next one on. asyncio.timeout() and TaskGroup, which
// remember the task they were entered in, see the same one to the end.
#pragma once

#include "bindings/python/engine.h"

namespace duet::python {

struct Driver {
  PyObject_HEAD PyObject* coroutine;
  PyObject* context;
  PyObject* request;  // RequestObject
  PyObject* waiting;  // the future, or object of ours, it is suspended on, if that is known
  PyObject* task;     // once there is one
  PyObject* stream;   // bootstrap.py's stream(), once that is what runs
  PyObject* pending;  // what the step in which the task was made yielded: the task's first
  const Handler* handler;
  Owner owner;
  bool finished;
  bool cancelled;  // cancel as soon as possible: it was not suspended on a future
};

// Creates the type; false with a Python error set.
bool create_driver_type(PyObject* module);

bool is_driver(PyObject* object);
inline Driver* as_driver(PyObject* object) { return reinterpret_cast<Driver*>(object); }

// Runs `coroutine`'s first step; `context` is entered and a slice is open. Its answer, now or
// later, goes to the outbox. Takes over the reference to the coroutine.
void start_coroutine(PyObject* coroutine, PyObject* context, RequestObject* request,
                     const Handler& handler);

// Goes on with a suspended driver; its context is entered and a slice is open. `argument` is the
// future that ended, or null.
void wake_driver(Driver* driver, PyObject* argument);

// The exception that is set ends the handler: it fails its request if that is open still, and is
// logged otherwise, unless `cancelled` (by us) explains it.
void fail_handler(const Handler* handler, const Owner& owner, bool cancelled);

// The handler is done with the request, whatever became of it. `ours`: references that we hold.
void release_request(RequestObject* request, const Owner& owner, int ours);

// Sends the head of `answer`; gives the coroutine that sends `body`. Null with an error set.
PyObject* begin_stream(const Answer& answer, RequestObject* request, PyObject* body,
                       const Owner& owner);

// Streams the answer of a plain `def` handler, whose head is out: `pump` is the coroutine of
// bootstrap.py's stream(). Takes over the reference.
void start_stream(PyObject* pump, PyObject* context, RequestObject* request,
                  const Handler& handler);

// Whether what the running code yields comes straight to a driver, with no task in between: it may
// then suspend on an object of ours instead of a future (park_driver() in websocket_object.h).
bool driver_suspends();

// The suspended driver goes on in the loop's next turn. False with a Python error set.
bool wake_later(Driver* driver);

// Throws asyncio.CancelledError into the coroutine where it is suspended.
void cancel_driver(Driver* driver);

// asyncio.current_task() for what runs now: makes the task if there is none. Null without an error
// when no driver's step is running on this thread.
PyObject* current_task();

}  // namespace duet::python
