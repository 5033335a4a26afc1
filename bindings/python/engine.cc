#include "bindings/python/engine.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "bindings/python/driver.h"
#include "bindings/python/loop_type.h"

namespace duet::python {

Engine* engine = nullptr;

bool Engine::start_asyncio() {
  if (loop != nullptr) return true;
  Ref parts = Ref::steal(call_bootstrap("start_asyncio", nullptr, 0));
  if (!parts) return false;
  PyObject** slots[] = {&loop,       &future_type, &task_type, &cancelled_error,
                        &enter_task, &leave_task};
  Py_ssize_t i = 0;
  for (PyObject** slot : slots) *slot = Py_NewRef(PyTuple_GET_ITEM(parts.get(), i++));
  PyObject* tasks = PyTuple_GET_ITEM(parts.get(), i);
  if (PyDict_CheckExact(tasks)) current_tasks = Py_NewRef(tasks);
  return true;
}

PyObject* Engine::new_future() {
  if (!start_asyncio()) return nullptr;
  PyObject* arguments[] = {loop};
  return PyObject_Vectorcall(future_type, arguments, 0, names.loop_keyword);
}

PyObject* Engine::call_bootstrap(const char* name, PyObject* const* arguments, std::size_t count) {
  Ref function = Ref::steal(PyObject_GetAttrString(bootstrap, name));
  return function ? PyObject_Vectorcall(function.get(), arguments, count, nullptr) : nullptr;
}

#if PY_VERSION_HEX < 0x030B0000
void Engine::replace_context(PyObject* copy, PyObject* real) {
  contexts.emplace_back(Py_NewRef(copy), real);
}

void Engine::forget_context(PyObject* real) {
  std::erase_if(contexts, [real](const auto& pair) {
    if (pair.second != real) return false;
    Py_DECREF(pair.first);
    return true;
  });
}
#endif

PyObject* Engine::context_of(const HandleObject* handle) const {
#if PY_VERSION_HEX < 0x030B0000
  for (const auto& [copy, real] : contexts) {
    if (copy == handle->context) return real;
  }
#endif
  return handle->context;
}

void Engine::run_in_context(HandleObject* handle) {
  Ref context = Ref::borrow(context_of(handle));
  if (PyContext_Enter(context.get()) < 0) return report_handle_error(handle);
  Ref result = Ref::steal(call_handle(handle));
  leave_context(context.get());
  if (!result) report_handle_error(handle);
}

void Engine::run_handle(HandleObject* handle) {
  // A callback may drop its own handle's context with the handle.
  Ref context = Ref::borrow(context_of(handle));
  if (PyContext_Enter(context.get()) < 0) return report_handle_error(handle);
  const bool drives = is_driver(handle->callback);
  const Owner owner = drives ? as_driver(handle->callback)->owner : slices.bound();
  const bool sliced = owner.handler != measure::kNoHandler;
  if (sliced) slices.resume(owner, handle->ready_at, now());
  if (drives) {
    wake_driver(as_driver(handle->callback), handle->count > 0 ? handle->slots[1] : nullptr);
    leave_context(context.get());
  } else {
    Ref result = Ref::steal(call_handle(handle));
    leave_context(context.get());
    if (!result) fail_callback(handle, owner);
  }
  if (sliced) end_slice();
  after_python();
}

// A callback has raised. An exception is the loop's to report, as everywhere with asyncio. An exit
// ends what it was called for, as in a handler itself: its request, if that is still open.
void Engine::fail_callback(HandleObject* handle, const Owner& owner) {
  const bool exits =
      PyErr_ExceptionMatches(PyExc_SystemExit) || PyErr_ExceptionMatches(PyExc_KeyboardInterrupt);
  const Exchange* exchange = exits ? host.exchanges->find(owner.exchange) : nullptr;
  if (exchange == nullptr || exchange->complete() || exchange->aborted()) {
    return report_handle_error(handle);
  }
  fail_handler(handler_at(owner.handler), owner, false);
}

const Handler* Engine::handler_at(measure::HandlerIndex index) const {
  const auto found =
      std::find_if(handlers.begin(), handlers.end(),
                   [index](const Handler& handler) { return handler.index == index; });
  return found == handlers.end() ? nullptr : &*found;
}

void Engine::end_slice() {
  using measure::Phase;
  slices.end(outbox.answers(slices.owner().exchange) ? Phase::kWrite : Phase::kAwait);
}

void Engine::leave_if_forked() {
  if (!forked) return;
  Ref flushed = Ref::steal(call_bootstrap("flush", nullptr, 0));
  std::fflush(nullptr);
  _exit(0);
}

void Engine::after_python() {
  leave_if_forked();
  if (!outbox.empty()) outbox.send(*host.exchanges);
}

PyObject* Engine::take_context() {
  return spare_context ? std::exchange(spare_context, nullptr) : PyContext_New();
}

void Engine::give_context(PyObject* context) {
  if (spare_context == nullptr && Py_REFCNT(context) == 1 && PyObject_Size(context) == 0) {
    spare_context = context;
  } else {
    Py_DECREF(context);
  }
}

}  // namespace duet::python
