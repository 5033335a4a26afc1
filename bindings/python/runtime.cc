#include "bindings/python/runtime.h"

#include <pthread.h>

#include <algorithm>
#include <thread>

#include "bindings/python/asgi_call.h"
#include "bindings/python/asgi_lifespan.h"
#include "bindings/python/driver.h"
#include "bindings/python/interpreter.h"
#include "bindings/python/interrupt.h"
#include "bindings/python/signals.h"
#include "host/base/log.h"
#include "host/websocket_session.h"

namespace duet::python {
namespace {

pthread_t loop_thread;

// As many as Python's own executors have: enough to wait for I/O, few enough to share a GIL.
unsigned pool_limit() { return std::min(32u, std::thread::hardware_concurrency() + 4); }

// Of `blocking` handlers, which calculate: what answers on the loop comes before them. With 5 the
// loop's thread weighs three times as much as one of theirs, with 10 nine times.
constexpr int kPoliteness = 10;

PyObject* call_fetch(const Handler& handler, RequestObject* request) {
  PyObject* arguments[] = {nullptr, reinterpret_cast<PyObject*>(request), handler.env,
                           handler.context};
  return PyObject_Vectorcall(
      handler.callable, arguments + 1,
      static_cast<std::size_t>(handler.arguments) | PY_VECTORCALL_ARGUMENTS_OFFSET, nullptr);
}

PyObject* call_asgi(const Handler& handler, RequestObject* request, Exchange& exchange) {
  PyObject* arguments[3];
  if (!begin_asgi(handler, request, exchange, arguments)) return nullptr;
  PyObject* result = PyObject_Vectorcall(handler.callable, arguments, 3, nullptr);
  for (PyObject* argument : arguments) Py_DECREF(argument);
  return result;
}

// The error that is set, of a call that has not become a coroutine.
void fail_call(const Handler& handler, RequestObject* request) {
  const Owner owner = engine->slices.owner();
  if (request->asgi == nullptr) return fail_handler(&handler, owner, false);
  asgi_raised(request, handler, owner, false);
  release_request(request, owner, 1);
}

}  // namespace

PythonRuntime::PythonRuntime() = default;
PythonRuntime::~PythonRuntime() = default;

std::vector<std::pair<std::string, std::string>> PythonRuntime::versions() const {
  std::string version = Py_GetVersion();  // "3.11.7 (main, …) [GCC …]"; works before start()
  version.resize(version.find(' '));
  return {{"CPython", version}, {"pybind11", pybind11_version()}};
}

Result<void> PythonRuntime::start(const RuntimeContext& context) {
  if (auto up = start_engine(context); !up) return up;
  engine->gil.adopt();
  loop_thread = pthread_self();
  engine->slices.configure(context.ledger, context.exchanges, &engine->gil,
                           &engine->executor_calls);
  engine->events = std::make_unique<EventLoop>(context.loop->uv(), engine->gil);
  engine->events->set_runner([](HandleObject* handle) { engine->run_handle(handle); });
  prepare_signals(*engine->events);
  blocking_ = std::make_unique<Pool>(pool_limit(), kPoliteness);
  applications_ = std::make_unique<Pool>(pool_limit(), 0);
  aborts_ = std::make_unique<PoolAborts>();
  if (auto ready = prepare_engine(); !ready) return ready;
  context.loop->add_observer(this);
  return {};
}

void PythonRuntime::load(const HandlerSpec& spec, std::function<void(Result<LoadedHandler>)> done) {
  engine->gil.take();
  engine->handlers.emplace_back();
  Handler& handler = engine->handlers.back();
  handler.name = spec.name;
  handler.index = spec.index;
  engine->slices.resume({spec.index, 0}, 0, now());  // what runs in a slice can be interrupted
  auto loaded_module = load_handler(spec, handler);
  engine->slices.end();
  if (!loaded_module) {
    engine->handlers.pop_back();
    done(std::move(loaded_module).error());
    return;
  }
  const std::size_t slot = engine->handlers.size() - 1;
  if (handler.interface != Interface::kAsgi) return loaded(slot, done);
  start_lifespan(handler, [this, slot, done = std::move(done)](Result<void> started) {
    if (!started) return done(std::move(started).error());
    loaded(slot, done);
  });
}

void PythonRuntime::loaded(std::size_t slot,
                           const std::function<void(Result<LoadedHandler>)>& done) {
  const Handler& handler = engine->handlers[slot];
  LoadedHandler result;
  result.slot = static_cast<std::uint32_t>(slot);
  result.wants_whole_body =
      handler.interface == Interface::kFetch && handler.mode == BodyMode::kValues;
  constexpr const char* kShapes[] = {"fetch", "asgi", "wsgi"};
  result.shape = kShapes[static_cast<int>(handler.interface)];
  result.takes_any_body = handler.interface != Interface::kFetch;
  // A thread is dear, and waits no better for a slow client than the loop does.
  if (handler.interface == Interface::kWsgi) result.whole_body_up_to = 64 * 1024;
  done(result);
}

// The GIL is taken by the first call that runs here: those of the pool do without.
void PythonRuntime::enter() noexcept {
  engine->events->hold();
  entered_ = true;
}

void PythonRuntime::leave() noexcept {
  entered_ = false;
  engine->events->unhold();
  after_poll();
}

void PythonRuntime::before_poll() noexcept { engine->gil.give(); }

void PythonRuntime::after_poll() noexcept {
  if (!engine->events->has_ready()) return;
  engine->gil.take();
  engine->events->run_ready();
}

void PythonRuntime::dispatch(std::uint32_t slot, Exchange& exchange) noexcept {
  const Handler& handler = engine->handlers[slot];
  if (handler.interface == Interface::kAsgi && WebSockets::refuse(exchange)) return;
  if (handler.blocking) return pool_of(handler).submit(handler, exchange);
  engine->gil.take();
  RequestObject* request = new_request(handler, exchange.id());
  PyObject* context = request ? engine->take_context() : nullptr;
  if (context == nullptr) {
    exchange.fail(take_error(&handler));
    return;
  }
  engine->slices.begin({handler.index, exchange.id()}, exchange, now());
  if (PyContext_Enter(context) < 0) PyErr_WriteUnraisable(context);
  PyObject* result = handler.interface == Interface::kAsgi ? call_asgi(handler, request, exchange)
                                                           : call_fetch(handler, request);
  finish_call(result, context, request, handler);
  if (PyContext_Exit(context) < 0) PyErr_WriteUnraisable(context);
  Py_DECREF(request);
  engine->give_context(context);
  engine->end_slice();
  engine->after_python();
}

// What became of a call that has returned `result` (null: raised). Its context is entered.
void PythonRuntime::finish_call(PyObject* result, PyObject* context, RequestObject* request,
                                const Handler& handler) {
  if (result == nullptr) return fail_call(handler, request);
  const auto* async = Py_TYPE(result)->tp_as_async;
  if (async != nullptr && async->am_await != nullptr) {
    if (!PyCoro_CheckExact(result)) {  // a future, or a coroutine of Cython's
      PyObject* awaitable = result;
      result = engine->call_bootstrap("as_coroutine", &awaitable, 1);
      Py_DECREF(awaitable);
    }
    if (result == nullptr || !engine->start_asyncio()) {
      Py_XDECREF(result);
      return fail_call(handler, request);
    }
    return start_coroutine(result, context, request, handler);
  }
  if (request->asgi != nullptr) {
    PyErr_Format(PyExc_TypeError,
                 "handler '%s' is called as an ASGI application, and returned %.100s instead of a "
                 "coroutine (is it a WSGI application, or a plain function?)",
                 handler.name.c_str(), Py_TYPE(result)->tp_name);
    Py_DECREF(result);
    return fail_call(handler, request);
  }
  Ref value = Ref::steal(result);
  const Owner owner = engine->slices.owner();
  Answer& answer = engine->outbox.add(owner.exchange);
  Ref body;
  const Converted converted = convert_result(result, handler, answer, body);
  if (converted == Converted::kWhole) {
    if (Py_REFCNT(request) > 1 || request->attached) release_request(request, owner, 1);
    return;
  }
  engine->outbox.drop_last();
  if (converted == Converted::kError) return fail_handler(&handler, owner, false);
  if (!engine->start_asyncio()) return fail_handler(&handler, owner, false);
  PyObject* pump = begin_stream(answer, request, body.get(), owner);
  if (pump == nullptr) return fail_handler(&handler, owner, false);
  start_stream(pump, context, request, handler);
}

void PythonRuntime::interrupt() noexcept { request_interrupt(loop_thread); }

void PythonRuntime::on_body(Exchange& exchange) noexcept {
  if (exchange.engine_data == 0) return;
  if (PoolJob* job = Pool::job_of(exchange)) return Pool::body_arrived(*job, exchange);
  engine->gil.take();
  request_body_arrived(reinterpret_cast<RequestObject*>(exchange.engine_data));
  engine->after_python();
}

void PythonRuntime::on_writable(Exchange& exchange) noexcept {
  if (exchange.engine_data == 0) return;
  if (PoolJob* job = Pool::job_of(exchange)) return Pool::writable(*job);
  engine->gil.take();
  request_writable(reinterpret_cast<RequestObject*>(exchange.engine_data));
  engine->after_python();
}

void PythonRuntime::on_abort(Exchange& exchange, AbortReason reason) noexcept {
  if (exchange.engine_data == 0) return;
  if (PoolJob* job = Pool::job_of(exchange)) return aborts_->tell(*job, reason);
  auto* request = reinterpret_cast<RequestObject*>(exchange.engine_data);
  engine->gil.take();
  Ref held = Ref::borrow(reinterpret_cast<PyObject*>(request));
  request_aborted(request, reason);
  engine->after_python();
}

void PythonRuntime::on_end(Exchange& exchange) noexcept {
  if (exchange.engine_data == 0) return;
  if (PoolJob* job = Pool::job_of(exchange)) {
    exchange.engine_data = 0;
    return Pool::gone(*job);
  }
  auto* request = reinterpret_cast<RequestObject*>(exchange.engine_data);
  engine->gil.take();
  Ref held = Ref::borrow(reinterpret_cast<PyObject*>(request));
  request_ended(request, exchange);
  engine->after_python();
}

RuntimeUsage PythonRuntime::usage() const { return interpreter_usage(); }

Result<void> PythonRuntime::inspect(const DebuggerOptions& options) {
  engine->gil.take();
  return open_debugger(options);
}

// --- the end ---

void PythonRuntime::stop(Nanos deadline, std::function<void()> done) {
  engine->gil.take();
  Ref ran = Ref::steal(engine->call_bootstrap("run_exit_handlers", nullptr, 0));
  if (!ran) log_error("an exit handler failed", nullptr);
  wait_until_drained(deadline, std::move(done));
}

void PythonRuntime::wait_until_drained(Nanos deadline, std::function<void()> done) {
  engine->gil.take();
  Ref drained = Ref::steal(engine->call_bootstrap("drained", nullptr, 0));
  if (!drained) PyErr_Clear();
  const bool through = drained.get() != Py_False &&
                       blocking_->busy() + applications_->busy() == 0 && engine->asgi_running == 0;
  if (through || now() >= deadline) {
    if (!through) log::warn("stopping with work pending", {{"language", "python"}});
    return stop_lifespans(deadline, std::move(done));
  }
  // Looked at now and then: a stopping host is allowed wake-ups.
  engine->host.loop->after(10 * kMillisecond, [this, deadline, done = std::move(done)]() mutable {
    wait_until_drained(deadline, std::move(done));
  });
}

void PythonRuntime::stop_lifespans(Nanos deadline, std::function<void()> done) {
  auto once = std::make_shared<std::function<void()>>(
      [this, deadline, done = std::move(done)]() mutable { finish(deadline, std::move(done)); });
  const auto go_on = [once] {
    if (auto next = std::exchange(*once, nullptr)) next();
  };
  python::stop_lifespans([go_on] { engine->host.loop->post(go_on); });
  engine->host.loop->after(std::max<Nanos>(deadline - now(), kMillisecond), [once, go_on] {
    if (*once) log::warn("an application's lifespan did not end in time", {{"language", "python"}});
    go_on();
  });
}

void PythonRuntime::finish(Nanos deadline, std::function<void()> done) {
  engine->gil.take();
  struct End {
    bool over = false;
    std::function<void()> done;
  };
  auto end = std::make_shared<End>();
  end->done = std::move(done);
  const auto conclude = [this, end] {
    if (std::exchange(end->over, true)) return;
    engine->gil.take();
    for (const char* step : {"run_atexit", "flush"}) {
      Ref result = Ref::steal(engine->call_bootstrap(step, nullptr, 0));
      if (!result) log_error("stopping Python failed", nullptr);
    }
    exchange_woken(nullptr);
    engine->events->close();
    engine->gil.give();
    engine->host.loop->remove_observer(this);
    engine->host.loop->post([end] { end->done(); });
  };
  // Asynchronous generators may take their time in `finally`, but not for ever.
  const Nanos left = std::clamp<Nanos>(deadline - now(), 0, 2 * kSecond);
  engine->host.loop->after(left, conclude);
  // From the loop, not from within a callback of the loop that conclude() closes.
  Ref callback = make_callback([conclude] { engine->host.loop->post(conclude); });
  PyObject* argument = callback.get();
  Ref started = Ref::steal(engine->call_bootstrap("finish_asyncio", &argument, 1));
  if (!started) log_error("stopping Python failed", nullptr);
}

}  // namespace duet::python
