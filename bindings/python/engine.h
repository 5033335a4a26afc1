// What the files of this module share: the one engine of the process and its handlers.
//
// CPython has one interpreter per process that extension modules support, so there is one Engine;
// the types of the `_duet` module reach it here. It is made by PythonRuntime::start() and never
// goes away: the process ends with _exit once the host has stopped.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "bindings/python/convert.h"
#include "bindings/python/event_loop.h"
#include "bindings/python/exchange_object.h"
#include "bindings/python/python.h"
#include "bindings/python/scope.h"
#include "bindings/python/threads.h"
#include "bindings/python/timing.h"
#include "host/runtime.h"

namespace duet::python {

// What a handler is called with.
enum class Interface : std::uint8_t {
  kFetch,  // (request, env, ctx)
  kAsgi,   // (scope, receive, send)
  kWsgi,   // (environ, start_response), in a thread of the pool
};

// A handler as loaded. Lives as long as the engine.
struct Handler {
  std::string name;
  std::string file;  // of the source; what tracebacks are cut to
  measure::HandlerIndex index = measure::kNoHandler;
  PyObject* callable = nullptr;
  PyObject* env = nullptr;
  PyObject* context = nullptr;  // the `ctx` argument: one for all requests, it has no state of one
  int arguments = 3;            // how many of (request, env, ctx) it takes
  bool blocking = false;
  BodyMode mode = BodyMode::kValues;
  Interface interface = Interface::kFetch;

  // Of applications.
  std::string root_path;                 // what they are mounted at; "" at the root
  PyObject* environ = nullptr;           // what all environs have in common (WSGI)
  PyObject* state = nullptr;             // the lifespan's: a dict, copied for each scope
  PyObject* scope = nullptr;             // what all scopes have in common
  PyObject* scope_asgi = nullptr;        // scope["asgi"], to be copied
  PyObject* scope_extensions = nullptr;  // scope["extensions"], to be copied
};

struct Engine {
  RuntimeContext host;
  Gil gil;
  Slices slices;
  std::unique_ptr<EventLoop> events;
  ExecutorCalls executor_calls;
  Outbox outbox;
  std::deque<Handler> handlers;

  PyObject* bootstrap = nullptr;    // the module bootstrap.py
  PyObject* loop = nullptr;         // asyncio's loop; null until start_asyncio()
  PyObject* future_type = nullptr;  // asyncio.Future
  PyObject* task_type = nullptr;    // asyncio.Task
  PyObject* enter_task = nullptr;   // asyncio.tasks._enter_task(loop, task)
  PyObject* leave_task = nullptr;
  PyObject* current_tasks = nullptr;    // {loop: task}, as asyncio keeps it; null where it does not
  PyObject* cancelled_error = nullptr;  // asyncio.CancelledError
  PyObject* request_ended = nullptr;    // duet.RequestEnded
  PyObject* handler_interrupted = nullptr;  // duet.HandlerInterrupted
  PyObject* client_disconnected = nullptr;  // duet.ClientDisconnected
  std::size_t asgi_running = 0;             // calls of ASGI applications that have not returned
  bool debugged = false;                    // a debugger has been loaded; guarded by the GIL
  bool forked = false;                      // this is a child made by os.fork

  // Imports asyncio, makes the loop and enters it, unless that has been done. 25 ms, so only for
  // handlers that need it. False with a Python error set.
  bool start_asyncio();
  // asyncio.Future(loop=loop)
  PyObject* new_future();
  // Runs a handle that was ready, as a slice of whoever it belongs to.
  void run_handle(HandleObject* handle);
  // What becomes of a callback of `owner` that raised; the exception is set.
  void fail_callback(HandleObject* handle, const Owner& owner);
  // The handler with this number; null: none of Python's.
  const Handler* handler_at(measure::HandlerIndex index) const;
  // Closes the slice: its request waits for something outside, or to be sent.
  void end_slice();
  // After each entry into Python, once its slice is closed: sends answers.
  void after_python();
  // Ends a child made by os.fork whose code came back to us: our sockets are not for it to serve.
  // The thread that lives there, GIL held.
  void leave_if_forked();

  // An empty context for a call, and back. It is used again if nobody kept it and nothing was set
  // in it: most handlers set no context variable, and making one costs as much as the call.
  PyObject* take_context();
  void give_context(PyObject* context);
  PyObject* spare_context = nullptr;

  PyObject* context_of(const HandleObject* handle) const;
  // Calls `handle` in its context; an exception goes to the loop's exception handler.
  void run_in_context(HandleObject* handle);
#if PY_VERSION_HEX < 0x030B0000
  // Handles of context `copy` run in `real` (see driver.cc).
  void replace_context(PyObject* copy, PyObject* real);
  void forget_context(PyObject* real);
  std::vector<std::pair<PyObject*, PyObject*>> contexts;
#endif
  // A function of bootstrap.py, called with these arguments. Null with an error set.
  PyObject* call_bootstrap(const char* name, PyObject* const* arguments, std::size_t count);
};

extern Engine* engine;

}  // namespace duet::python
