#include "bindings/python/driver.h"

#include "bindings/python/asgi_call.h"
#include "bindings/python/websocket_object.h"
#include "host/base/log.h"

namespace duet::python {
namespace {

PyTypeObject* driver_type = nullptr;

// A step that is running. Until a Driver is needed everything is here, on the stack.
struct Step {
  PyObject* coroutine;  // borrowed from the caller or the driver
  PyObject* context;
  RequestObject* request;
  const Handler* handler;
  Owner owner;
  Driver* driver = nullptr;
  HandleObject* first = nullptr;  // the first step of a task that was made in this one
};
Step* running = nullptr;

Driver* make_driver(Step& step) {
  if (step.driver != nullptr) return step.driver;
  Driver* driver = PyObject_GC_New(Driver, driver_type);
  if (driver == nullptr) return nullptr;
  driver->coroutine = Py_NewRef(step.coroutine);
  driver->context = Py_NewRef(step.context);
  driver->request = Py_NewRef(reinterpret_cast<PyObject*>(step.request));
  driver->waiting = driver->task = driver->stream = driver->pending = nullptr;
  driver->handler = step.handler;
  driver->owner = step.owner;
  driver->finished = driver->cancelled = false;
  PyObject_GC_Track(driver);
  step.driver = driver;
  return driver;
}

Exchange* find(const Owner& owner) { return engine->host.exchanges->find(owner.exchange); }

}  // namespace

void release_request(RequestObject* request, const Owner& owner, int ours) {
  if (request->websocket != nullptr) {
    Ref socket = Ref::steal(std::exchange(request->websocket, nullptr));
    Ref done = Ref::steal(PyObject_CallMethod(socket.get(), "_handler_done", "O",
                                              request->failed ? Py_True : Py_False));
    if (!done) PyErr_WriteUnraisable(socket.get());
  }
  request->driver = nullptr;
  asgi_finished(request);
  if (Exchange* exchange = find(owner)) {
    keep_if_shared(request, *exchange, ours);
    detach_request(request, *exchange);
  }
}

void fail_handler(const Handler* handler, const Owner& owner, bool cancelled) {
  Exchange* exchange = find(owner);
  if (PyErr_ExceptionMatches(engine->handler_interrupted)) {
    // Its deadline is long past: the host answers 504 as soon as it has the loop.
    log_error("a handler was interrupted", handler);
  } else if (exchange != nullptr && !exchange->complete() && !exchange->aborted()) {
    Error error = take_error(handler);
    Answer& answer = engine->outbox.add(owner.exchange);
    answer.failed = true;
    answer.error = std::move(error);
  } else if (cancelled || PyErr_ExceptionMatches(engine->request_ended)) {
    // We cancelled it, or it read on in a request that was refused (413) or whose client has gone:
    // nothing is wrong with the handler, and what ended the request has been said.
    PyErr_Clear();
  } else {
    log_error("a handler raised after its request had ended", handler);
  }
}

PyObject* begin_stream(const Answer& answer, RequestObject* request, PyObject* body,
                       const Owner& owner) {
  if (Exchange* exchange = find(owner)) exchange->start(answer.head);
  PyObject* arguments[] = {reinterpret_cast<PyObject*>(request), body};
  return engine->call_bootstrap("stream", arguments, 2);
}

namespace {

// The exception that is set ends the step's handler.
void fail_step(Step& step, bool cancelled) {
  if (step.request->asgi != nullptr) {
    asgi_raised(step.request, *step.handler, step.owner, cancelled);
  } else {
    fail_handler(step.handler, step.owner, cancelled);
  }
}

// What the handler returned: an answer, or the coroutine that streams one (a new reference).
PyObject* finish_value(PyObject* value, Step& step) {
  if (step.request->websocket != nullptr) return nullptr;  // answered by the upgrade
  if (step.request->asgi != nullptr) {
    asgi_returned(step.request, *step.handler, step.owner);
    return nullptr;
  }
  Answer& answer = engine->outbox.add(step.owner.exchange);
  Ref stream;
  switch (convert_result(value, *step.handler, answer, stream)) {
    case Converted::kWhole:
      return nullptr;
    case Converted::kError:
      engine->outbox.drop_last();
      fail_handler(step.handler, step.owner, false);
      return nullptr;
    case Converted::kStream:
      break;
  }
  engine->outbox.drop_last();
  PyObject* pump = begin_stream(answer, step.request, stream.get(), step.owner);
  if (pump == nullptr) fail_handler(step.handler, step.owner, false);
  return pump;
}

PySendResult throw_into(PyObject* coroutine, PyObject* exception, PyObject** value) {
  *value = PyObject_CallMethodOneArg(coroutine, names.throw_, exception);
  if (*value != nullptr) return PYGEN_NEXT;
  if (!PyErr_ExceptionMatches(PyExc_StopIteration)) return PYGEN_ERROR;
  Ref stop = take_exception();
  *value = PyObject_GetAttr(stop.get(), names.value);
  return *value ? PYGEN_RETURN : PYGEN_ERROR;
}

// Advances the coroutine, and the streaming of what it returned, to where it suspends (true:
// `*yielded` is what it yielded) or ends (false: everything is said). A task's step needs to know
// of a cancellation: then false with CancelledError set when `keep_cancelled`.
bool advance(Step& step, PyObject* send, PyObject* exception, PyObject** yielded,
             bool keep_cancelled) {
  Ref coroutine = Ref::borrow(step.coroutine);
  for (;;) {
    PyObject* value = nullptr;
    const PySendResult result = exception ? throw_into(coroutine.get(), exception, &value)
                                          : PyIter_Send(coroutine.get(), send, &value);
    if (result == PYGEN_NEXT) {
      *yielded = value;
      return true;
    }
    *yielded = nullptr;
    if (result == PYGEN_RETURN) {
      Ref returned = Ref::steal(value);
      const bool streaming = step.driver != nullptr && step.driver->stream != nullptr;
      PyObject* pump = nullptr;
      if (!streaming && step.coroutine == coroutine.get()) {
        pump = finish_value(returned.get(), step);
      }
      if (pump == nullptr) break;
      coroutine = Ref::steal(pump);
      exception = nullptr;
      send = Py_None;
      if (make_driver(step) == nullptr) {
        fail_handler(step.handler, step.owner, false);
        break;
      }
      Py_XSETREF(step.driver->stream, Py_NewRef(pump));
      Py_SETREF(step.driver->coroutine, Py_NewRef(pump));
      continue;
    }
    const bool cancelled = step.driver != nullptr && step.driver->cancelled;
    step.request->failed = !PyErr_ExceptionMatches(engine->request_ended);
    if (keep_cancelled && step.driver != nullptr) {
      PyObject *type, *error, *trace;
      PyErr_Fetch(&type, &error, &trace);
      Py_XINCREF(type);
      Py_XINCREF(error);
      Py_XINCREF(trace);
      PyErr_Restore(type, error, trace);
      fail_step(step, cancelled);
      const bool is_cancel = PyErr_GivenExceptionMatches(type, engine->cancelled_error);
      if (is_cancel) {
        PyErr_Restore(type, error, trace);
      } else {
        Py_XDECREF(type);
        Py_XDECREF(error);
        Py_XDECREF(trace);
      }
    } else {
      fail_step(step, cancelled);
    }
    break;
  }
  if (step.driver != nullptr) step.driver->finished = true;
  return false;
}

// Makes `driver` a task's coroutine in the middle of `step`. New reference.
PyObject* make_task(Step& step) {
  Driver* driver = make_driver(step);
  if (driver == nullptr) return nullptr;
  if (!engine->slices.bind()) return nullptr;
  engine->events->capture_next();
#if PY_VERSION_HEX >= 0x030B0000
  PyObject* arguments[] = {reinterpret_cast<PyObject*>(driver), engine->loop, step.context};
  Ref task =
      Ref::steal(PyObject_Vectorcall(engine->task_type, arguments, 1, names.loop_context_keywords));
#else
  PyObject* arguments[] = {reinterpret_cast<PyObject*>(driver), engine->loop};
  Ref task = Ref::steal(PyObject_Vectorcall(engine->task_type, arguments, 1, names.loop_keyword));
#endif
  step.first = engine->events->take_captured();
  if (!task) return nullptr;
#if PY_VERSION_HEX < 0x030B0000
  // 3.10 gives every task a copy of the context. Tokens of variables set before the task was made
  // could not be reset after: its handles run in the driver's context instead.
  engine->replace_context(step.first->context, step.context);
#endif
  PyObject* enter[] = {engine->loop, task.get()};
  Ref entered = Ref::steal(PyObject_Vectorcall(engine->enter_task, enter, 2, nullptr));
  if (!entered) return nullptr;
  driver->task = Py_NewRef(task.get());
  return task.release();
}

bool is_future(PyObject* object) {
  return PyObject_TypeCheck(object, reinterpret_cast<PyTypeObject*>(engine->future_type)) ||
         PyObject_TypeCheck(object, reinterpret_cast<PyTypeObject*>(engine->task_type));
}

// What the driver is suspended on is `object` from now on.
void wait_on(Driver* driver, PyObject* object) {
  Py_XSETREF(driver->waiting, Py_NewRef(object));
  if (driver->cancelled) {
    Ref cancelled = Ref::steal(PyObject_CallMethodNoArgs(object, names.cancel));
    if (!cancelled) PyErr_Clear();
  }
}

// Suspends on `future`, which the coroutine yielded. False (no error set) when it is nothing a
// driver understands: a task then says what is wrong with it.
bool wait_for(Driver* driver, PyObject* future) {
  if (!is_future(future)) return false;
  Ref loop = Ref::steal(PyObject_GetAttr(future, names.asyncio_loop));
  Ref blocking = Ref::steal(PyObject_GetAttr(future, names.asyncio_future_blocking));
  if (loop.get() != engine->loop || blocking.get() != Py_True) {
    PyErr_Clear();
    return false;
  }
  if (PyObject_SetAttr(future, names.asyncio_future_blocking, Py_False) < 0) return false;
  PyObject* arguments[] = {future, reinterpret_cast<PyObject*>(driver), driver->context};
  Ref added = Ref::steal(
      PyObject_VectorcallMethod(names.add_done_callback, arguments, 2, names.context_keyword));
  if (!added) return false;
  wait_on(driver, future);
  return true;
}

// The step has yielded: arranges for the next one.
bool suspend(Step& step, PyObject* yielded) {
  Driver* driver = make_driver(step);
  if (driver == nullptr || !engine->slices.bind()) return false;
  step.request->driver = driver;
  if (Exchange* exchange = find(step.owner)) attach_request(step.request, *exchange);
  if (yielded == Py_None) {  // asyncio.sleep(0)
    return wake_later(driver);
  }
  if (park_driver(yielded, driver)) {
    wait_on(driver, yielded);
    return true;
  }
  if (wait_for(driver, yielded)) return true;
  if (PyErr_Occurred()) return false;
  // A task reports what it cannot await, to the coroutine, where the mistake is.
  running = &step;
  Ref task = Ref::steal(make_task(step));
  running = nullptr;
  return static_cast<bool>(task);
}

// After a step in which a task was made: the task takes over.
void hand_over(Step& step, PyObject* yielded) {
  Driver* driver = step.driver;
  PyObject* leave[] = {engine->loop, driver->task};
  Ref left = Ref::steal(PyObject_Vectorcall(engine->leave_task, leave, 2, nullptr));
  if (!left) PyErr_WriteUnraisable(driver->task);
  driver->pending = Py_XNewRef(yielded);
  HandleObject* first = std::exchange(step.first, nullptr);
  // The task's own first step fetches what was yielded; the context cannot be entered twice.
  if (PyContext_Exit(step.context) < 0) PyErr_WriteUnraisable(step.context);
  engine->run_in_context(first);
  Py_DECREF(first);
  if (PyContext_Enter(step.context) < 0) PyErr_WriteUnraisable(step.context);
}

// One step by ourselves.
void run_step(Step& step, PyObject* exception) {
  PyObject* yielded = nullptr;
  Step* outer = std::exchange(running, &step);
  const bool suspended = advance(step, Py_None, exception, &yielded, false);
  running = outer;
  Ref held = Ref::steal(yielded);
  if (suspended && step.first == nullptr && !suspend(step, yielded)) {
    // Nothing will wake it: the coroutine ends with what went wrong.
    Ref error = take_exception();
    PyObject* current = step.driver ? step.driver->coroutine : step.coroutine;
    Ref closed = Ref::steal(PyObject_CallMethodNoArgs(current, names.close));
    if (!closed) PyErr_Clear();
    if (error) PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(error.get())), error.get());
    fail_step(step, false);
    if (step.driver != nullptr) step.driver->finished = true;
  }
  if (step.first != nullptr) hand_over(step, yielded);
}

}  // namespace

void start_coroutine(PyObject* coroutine, PyObject* context, RequestObject* request,
                     const Handler& handler) {
  Ref held = Ref::steal(coroutine);
  Step step{coroutine, context, request, &handler, engine->slices.owner()};
  run_step(step, nullptr);
  Ref driver = Ref::steal(reinterpret_cast<PyObject*>(step.driver));
  held.reset();  // the frame refers to the request
  if (step.driver == nullptr || step.driver->finished) {
    release_request(request, step.owner, step.driver ? 2 : 1);
  }
}

void start_stream(PyObject* pump, PyObject* context, RequestObject* request,
                  const Handler& handler) {
  Step step{pump, context, request, &handler, engine->slices.owner()};
  Ref held = Ref::steal(pump);
  if (make_driver(step) == nullptr) {
    fail_handler(&handler, step.owner, false);
    return;
  }
  step.driver->stream = Py_NewRef(pump);
  run_step(step, nullptr);
  Ref driver = Ref::steal(reinterpret_cast<PyObject*>(step.driver));
  if (step.driver->finished) release_request(request, step.owner, 2);
}

void wake_driver(Driver* driver, PyObject* argument) {
  if (driver->finished) return;
  Ref alive = Ref::borrow(reinterpret_cast<PyObject*>(driver));
  Py_CLEAR(driver->waiting);
  Ref exception;
  if (argument != nullptr) {
    Ref result = Ref::steal(PyObject_CallMethodNoArgs(argument, names.result));
    if (!result) exception = take_exception();
  } else if (driver->cancelled) {
    exception = Ref::steal(PyObject_CallNoArgs(engine->cancelled_error));
  }
  Step step{driver->coroutine, driver->context, as_request(driver->request),
            driver->handler,   driver->owner,   driver};
  run_step(step, exception.get());
  if (driver->finished) {
    Py_CLEAR(driver->coroutine);
    release_request(as_request(driver->request), driver->owner, 1);
  }
}

bool driver_suspends() {
  if (running == nullptr || engine->current_tasks == nullptr) return false;
  if (running->driver != nullptr && running->driver->task != nullptr) return false;
  // An eager task runs within the step that makes it.
  return PyDict_GetItemWithError(engine->current_tasks, engine->loop) == nullptr;
}

bool wake_later(Driver* driver) {
  HandleObject* handle =
      new_handle(engine->loop, reinterpret_cast<PyObject*>(driver), nullptr, 0, driver->context);
  if (handle == nullptr) return false;
  engine->events->push(handle);
  return true;
}

void cancel_driver(Driver* driver) {
  if (driver->finished) return;
  driver->cancelled = true;
  PyObject* target = driver->task ? driver->task : driver->waiting;
  if (target == nullptr) return;  // it is about to run: wake_driver() sees the flag
  Ref held = Ref::borrow(target);
  Ref done = Ref::steal(PyObject_CallMethodNoArgs(target, names.cancel));
  if (!done) PyErr_WriteUnraisable(target);
}

PyObject* current_task() {
  if (running == nullptr || !engine->events->on_own_thread()) return nullptr;
  if (running->driver != nullptr && running->driver->task != nullptr) {
    return Py_NewRef(running->driver->task);
  }
  return make_task(*running);
}

// --- the driver as the coroutine of its task, and as the callback of a future ---

namespace {

PySendResult finish_task_step(Driver* driver, bool suspended, PyObject** result) {
  if (suspended) return PYGEN_NEXT;
  driver->finished = true;
  release_request(as_request(driver->request), driver->owner, 1);
  if (PyErr_Occurred()) return PYGEN_ERROR;
  *result = Py_NewRef(Py_None);
  return PYGEN_RETURN;
}

PySendResult driver_send(PyObject* self, PyObject* value, PyObject** result) {
  Driver* driver = as_driver(self);
  *result = nullptr;
  if (driver->pending != nullptr) {
    *result = std::exchange(driver->pending, nullptr);
    return PYGEN_NEXT;
  }
  if (driver->finished) {
    *result = Py_NewRef(Py_None);
    return PYGEN_RETURN;
  }
  Step step{driver->coroutine, driver->context, as_request(driver->request),
            driver->handler,   driver->owner,   driver};
  return finish_task_step(driver, advance(step, value, nullptr, result, true), result);
}

// As PySendResult, in the form of a method: NEXT is a value, RETURN StopIteration.
PyObject* as_method(PySendResult sent, PyObject* result) {
  if (sent == PYGEN_RETURN) {
    PyErr_SetObject(PyExc_StopIteration, result == Py_None ? nullptr : result);
    Py_DECREF(result);
    return nullptr;
  }
  return sent == PYGEN_NEXT ? result : nullptr;
}

PyObject* send_method(PyObject* self, PyObject* value) {
  PyObject* result = nullptr;
  const PySendResult sent = driver_send(self, value, &result);
  return as_method(sent, result);
}

PyObject* next_method(PyObject* self) { return send_method(self, Py_None); }

PyObject* throw_method(PyObject* self, PyObject* const* args, Py_ssize_t count) {
  Driver* driver = as_driver(self);
  if (count < 1) {
    PyErr_SetString(PyExc_TypeError, "throw(exception)");
    return nullptr;
  }
  PyObject* given = count > 1 && args[1] != Py_None ? args[1] : args[0];
  Ref exception =
      PyExceptionClass_Check(given) ? Ref::steal(PyObject_CallNoArgs(given)) : Ref::borrow(given);
  if (!exception) return nullptr;
  if (driver->pending != nullptr) {
    // The task was cancelled in the very step it was made in. A task that has taken its first
    // yield would have cancelled that future and waited for it: so do we.
    Ref pending = Ref::steal(std::exchange(driver->pending, nullptr));
    if (is_future(pending.get()) &&
        PyErr_GivenExceptionMatches(exception.get(), engine->cancelled_error)) {
      Ref cancelled = Ref::steal(PyObject_CallMethodNoArgs(pending.get(), names.cancel));
      if (!cancelled) return nullptr;
      if (cancelled.get() == Py_True) return pending.release();
    }
  }
  if (driver->finished) {
    PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(exception.get())), exception.get());
    return nullptr;
  }
  Step step{driver->coroutine, driver->context, as_request(driver->request),
            driver->handler,   driver->owner,   driver};
  PyObject* result = nullptr;
  const bool suspended = advance(step, nullptr, exception.get(), &result, true);
  const PySendResult sent = finish_task_step(driver, suspended, &result);
  return as_method(sent, result);
}

PyObject* close_method(PyObject* self, PyObject*) {
  Driver* driver = as_driver(self);
  Py_CLEAR(driver->pending);
  if (driver->coroutine == nullptr) Py_RETURN_NONE;
  return PyObject_CallMethodNoArgs(driver->coroutine, names.close);
}

PyObject* await_method(PyObject* self, PyObject*) { return Py_NewRef(self); }
PyObject* await_slot(PyObject* self) { return Py_NewRef(self); }

// cr_frame, cr_await, __qualname__, …: for debuggers and repr() of the task.
PyObject* get_attribute(PyObject* self, PyObject* name) {
  PyObject* value = PyObject_GenericGetAttr(self, name);
  if (value != nullptr || !PyErr_ExceptionMatches(PyExc_AttributeError)) return value;
  if (as_driver(self)->coroutine == nullptr) return nullptr;
  PyErr_Clear();
  return PyObject_GetAttr(as_driver(self)->coroutine, name);
}

// Called by somebody else than our loop's runner: as a plain callback.
PyObject* call(PyObject* self, PyObject* args, PyObject*) {
  wake_driver(as_driver(self), PyTuple_GET_SIZE(args) > 0 ? PyTuple_GET_ITEM(args, 0) : nullptr);
  Py_RETURN_NONE;
}

int traverse(PyObject* self, visitproc visit, void* arg) {
  Driver* driver = as_driver(self);
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(driver->coroutine);
  Py_VISIT(driver->context);
  Py_VISIT(driver->request);
  Py_VISIT(driver->waiting);
  Py_VISIT(driver->task);
  Py_VISIT(driver->stream);
  Py_VISIT(driver->pending);
  return 0;
}

int clear(PyObject* self) {
  Driver* driver = as_driver(self);
  Py_CLEAR(driver->coroutine);
  Py_CLEAR(driver->context);
  Py_CLEAR(driver->waiting);
  Py_CLEAR(driver->task);
  Py_CLEAR(driver->stream);
  Py_CLEAR(driver->pending);
  return 0;
}

void dealloc(PyObject* self) {
  Driver* driver = as_driver(self);
  PyTypeObject* type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  auto* request = as_request(driver->request);
  if (request != nullptr && request->driver == driver) request->driver = nullptr;
  if (request != nullptr) asgi_finished(request);
  if (!driver->finished) {
    // What it waited for was thrown away, so it would never have answered.
    const ExchangeId id = driver->owner.exchange;
    engine->host.loop->post([id] {
      Exchange* exchange = engine->host.exchanges->find(id);
      if (exchange != nullptr && !exchange->complete()) exchange->drop();
    });
  }
#if PY_VERSION_HEX < 0x030B0000
  engine->forget_context(driver->context);
#endif
  clear(self);
  Py_CLEAR(driver->request);
  PyObject_GC_Del(self);
  Py_DECREF(type);
}

PyMethodDef methods[] = {
    {"send", send_method, METH_O, nullptr},
    {"throw", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(throw_method)),
     METH_FASTCALL, nullptr},
    {"close", close_method, METH_NOARGS, nullptr},
    {"__await__", await_method, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};
PyType_Slot slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
    {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(clear)},
    {Py_tp_getattro, reinterpret_cast<void*>(get_attribute)},
    {Py_tp_call, reinterpret_cast<void*>(call)},
    {Py_tp_iter, reinterpret_cast<void*>(await_slot)},
    {Py_tp_iternext, reinterpret_cast<void*>(next_method)},
    {Py_am_await, reinterpret_cast<void*>(await_slot)},
    {Py_am_send, reinterpret_cast<void*>(driver_send)},
    {Py_tp_methods, methods},
    {0, nullptr},
};
PyType_Spec spec = {"_duet.Driver", sizeof(Driver), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                    slots};

}  // namespace

bool create_driver_type(PyObject*) {
  driver_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  return driver_type != nullptr;
}

bool is_driver(PyObject* object) { return Py_TYPE(object) == driver_type; }

}  // namespace duet::python
