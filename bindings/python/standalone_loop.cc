#include "bindings/python/standalone_loop.h"

#include <unistd.h>

#include "bindings/python/convert.h"
#include "bindings/python/engine.h"
#include "bindings/python/loop_type.h"
#include "bindings/python/signals.h"
#include "host/base/check.h"

namespace duet::python {

StandaloneLoop::StandaloneLoop() : process_(getpid()) {
  DUET_CHECK(uv_loop_init(&loop_) == 0);
  gil_.adopt();
  uv_prepare_init(&loop_, &prepare_);
  uv_check_init(&loop_, &check_);
  prepare_.data = check_.data = this;
  events_ = std::make_unique<EventLoop>(&loop_, gil_);
  events_->set_runner([this](HandleObject* handle) { run_handle(handle); });
}

StandaloneLoop::~StandaloneLoop() { close(); }

void StandaloneLoop::close() {
  if (std::exchange(closed_, true)) return;
  events_->close();
  uv_close(reinterpret_cast<uv_handle_t*>(&prepare_), nullptr);
  uv_close(reinterpret_cast<uv_handle_t*>(&check_), nullptr);
  uv_run(&loop_, UV_RUN_DEFAULT);  // the close callbacks
  DUET_CHECK(uv_loop_close(&loop_) == 0);
}

void StandaloneLoop::run_handle(HandleObject* handle) {
  if (error_) return;
  Ref context = Ref::borrow(handle->context);
  if (PyContext_Enter(context.get()) < 0) {
    report_handle_error(handle);
    return;
  }
  Ref result = Ref::steal(call_handle(handle));
  leave_context(context.get());
  if (!result) {
    if (PyErr_ExceptionMatches(PyExc_SystemExit) ||
        PyErr_ExceptionMatches(PyExc_KeyboardInterrupt)) {
      error_ = take_exception();
      stopping_ = true;
    } else {
      report_handle_error(handle);
    }
  }
}

bool StandaloneLoop::run() {
  gil_.adopt();
  events_->adopt();
  const bool main = engine->forked || engine->events->on_own_thread();
  EventLoop* const outer = main ? exchange_woken(events_.get()) : nullptr;
  uv_prepare_start(&prepare_, [](uv_prepare_t* prepare) {
    static_cast<StandaloneLoop*>(prepare->data)->gil_.give();
  });
  uv_check_start(&check_, [](uv_check_t* check) {
    auto* self = static_cast<StandaloneLoop*>(check->data);
    self->gil_.take();
    self->events_->run_ready();
  });
  events_->arm();
  do {
    // A stop that was asked for before run() still gives what is ready one tick, as asyncio does.
    uv_run(&loop_, stopping_ ? UV_RUN_NOWAIT : UV_RUN_ONCE);
    gil_.take();
    if (PyErr_CheckSignals() < 0) {
      error_ = take_exception();
      break;
    }
  } while (!stopping_);
  stopping_ = false;
  uv_prepare_stop(&prepare_);
  uv_check_stop(&check_);
  if (main) exchange_woken(outer);
  if (!error_) return true;
  Ref error = std::move(error_);
  PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(error.get())), error.get());
  return false;
}

}  // namespace duet::python
