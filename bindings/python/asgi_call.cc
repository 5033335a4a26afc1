#include "bindings/python/asgi_call.h"

#include <memory>
#include <vector>

#include "bindings/python/asgi_scope.h"
#include "bindings/python/driver.h"
#include "bindings/python/engine.h"
#include "host/websocket/handshake.h"

namespace duet::python {
namespace {

using Sent = AsgiCall::Sent;

// Calls are used again, because their heads' buffers are.
constexpr std::size_t kKept = 64;
std::vector<std::unique_ptr<AsgiCall>> spare;

AsgiCall* take_call() {
  if (spare.empty()) return new AsgiCall;
  AsgiCall* call = spare.back().release();
  spare.pop_back();
  return call;
}

void give_call(AsgiCall* call) {
  Py_CLEAR(call->scope);
  Py_CLEAR(call->waiters);
  if (spare.size() >= kKept) {
    delete call;
    return;
  }
  call->trailer_lines.clear();
  call->body_bytes = 0;
  call->sent = Sent::kNothing;
  call->trailers = call->body_received = call->full = call->running = false;
  call->websocket = false;
  spare.emplace_back(call);
}

Exchange* find(const Owner& owner) { return engine->host.exchanges->find(owner.exchange); }

// Whether the error that is set came about because send() said that the client is gone.
bool is_disconnect() {
  if (PyErr_ExceptionMatches(engine->client_disconnected)) return true;
  PyObject *type, *value, *trace;
  PyErr_Fetch(&type, &value, &trace);
  PyErr_NormalizeException(&type, &value, &trace);
  bool found = false;
  Ref error = Ref::borrow(value);
  // Starlette raises an exception of its own `from` or while it handles ours.
  for (int depth = 0; error && !found && depth < 16; ++depth) {
    found = PyErr_GivenExceptionMatches(error.get(), engine->client_disconnected) != 0;
    Ref cause = Ref::steal(PyException_GetCause(error.get()));
    error = cause ? std::move(cause) : Ref::steal(PyException_GetContext(error.get()));
  }
  PyErr_Restore(type, value, trace);
  return found;
}

}  // namespace

bool create_asgi_types(PyObject*) {
  return create_ended_type() && create_asgi_send_type() && create_asgi_receive_type();
}

namespace {

// Puts the channels of a WebSocket in front of those of its handshake.
bool open_websocket(const Handler& handler, RequestObject* request, Ref& receive, Ref& send) {
  Ref name = Ref::steal(from_utf8(handler.name));
  PyObject* arguments[] = {reinterpret_cast<PyObject*>(request), name.get(), receive.get(),
                           send.get()};
  Ref socket = Ref::steal(name ? engine->call_bootstrap("asgi_websocket", arguments, 4) : nullptr);
  if (!socket) return false;
  receive = Ref::steal(PyObject_GetAttrString(socket.get(), "receive"));
  send = Ref::steal(PyObject_GetAttrString(socket.get(), "send"));
  return receive && send;
}

}  // namespace

bool begin_asgi(const Handler& handler, RequestObject* request, Exchange& exchange,
                PyObject* (&arguments)[3]) {
  const bool websocket = websocket::asks_for_websocket(exchange.head());
  Ref scope = Ref::steal(websocket ? new_websocket_scope(handler, exchange)
                                   : new_http_scope(handler, exchange));
  Ref receive = Ref::steal(scope ? new_asgi_receive(request) : nullptr);
  Ref send = Ref::steal(receive ? new_asgi_send(request) : nullptr);
  if (!send) return false;
  if (websocket && !open_websocket(handler, request, receive, send)) return false;
  request->asgi = take_call();
  request->asgi->websocket = websocket;
  request->asgi->scope = Py_NewRef(scope.get());
  request->asgi->running = true;
  ++engine->asgi_running;
  arguments[0] = scope.release();
  arguments[1] = receive.release();
  arguments[2] = send.release();
  return true;
}

void release_asgi(RequestObject* request) {
  if (AsgiCall* call = std::exchange(request->asgi, nullptr)) {
    if (call->running) --engine->asgi_running;
    give_call(call);
  }
}

void asgi_returned(RequestObject* request, const Handler&, const Owner& owner) {
  const Sent sent = request->asgi->sent;
  if (sent == Sent::kComplete) return;
  const Exchange* exchange = find(owner);
  if (exchange == nullptr || exchange->aborted() || exchange->complete()) return;
  Answer& answer = engine->outbox.add(owner.exchange);
  answer.failed = true;
  answer.error =
      sent == Sent::kNothing
          ? Error{"the ASGI application returned without an answer", "",
                  request->asgi->websocket ? "send 'websocket.accept' or 'websocket.close'"
                                           : "send 'http.response.start' and 'http.response.body'",
                  ""}
          : Error{"the ASGI application returned before its answer was complete", "",
                  "send a last 'http.response.body' without more_body", ""};
}

void asgi_raised(RequestObject* request, const Handler& handler, const Owner& owner,
                 bool cancelled) {
  const Exchange* exchange = find(owner);
  const bool over = exchange == nullptr || exchange->aborted() || exchange->complete();
  if (request->asgi->sent == Sent::kComplete &&
      !PyErr_ExceptionMatches(engine->handler_interrupted)) {
    // Error pages of frameworks are such answers: they send one, then raise.
    if (cancelled) return PyErr_Clear();
    return log_error("the application raised after its answer", &handler);
  }
  if (over && is_disconnect()) return PyErr_Clear();  // it let go, as send() asked it to
  if (request->websocket != nullptr && !cancelled &&
      !PyErr_ExceptionMatches(engine->handler_interrupted)) {
    return log_error("the application of a WebSocket raised", &handler);
  }
  fail_handler(&handler, owner, cancelled);
}

void asgi_finished(RequestObject* request) {
  if (request->asgi == nullptr || !request->asgi->running) return;
  request->asgi->running = false;
  --engine->asgi_running;
}

PyObject* new_waiter(RequestObject* request, Exchange& exchange) {
  Ref waiter = Ref::steal(engine->new_future());
  if (!waiter) return nullptr;
  PyObject*& waiters = request->asgi->waiters;
  if (waiters == nullptr) waiters = PyList_New(0);
  if (waiters == nullptr) return nullptr;
  if (PyList_Append(waiters, waiter.get()) < 0) return nullptr;
  attach_request(request, exchange);
  return waiter.release();
}

PyObject* asgi_room(PyObject* self, PyObject*) {
  RequestObject* request = as_request(self);
  Exchange* exchange =
      request->exchange ? engine->host.exchanges->find(request->exchange) : nullptr;
  const bool waits = exchange != nullptr && !exchange->aborted() && !exchange->complete() &&
                     request->asgi != nullptr && request->asgi->full;
  if (waits) return new_waiter(request, *exchange);
  Py_RETURN_NONE;
}

void wake_receivers(RequestObject* request) {
  if (request->asgi == nullptr || request->asgi->waiters == nullptr) return;
  Ref waiters = Ref::steal(std::exchange(request->asgi->waiters, nullptr));
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(waiters.get()); ++i) {
    PyObject* waiter = PyList_GET_ITEM(waiters.get(), i);
    Ref done = Ref::steal(PyObject_CallMethodNoArgs(waiter, names.done));
    if (done && done.get() == Py_False) {
      Ref result = Ref::steal(PyObject_CallMethodOneArg(waiter, names.set_result, Py_None));
    }
    if (PyErr_Occurred()) PyErr_WriteUnraisable(waiter);
  }
}

}  // namespace duet::python
