// `receive` of an ASGI application: the body's pieces, then that the client has gone.
#include "bindings/python/asgi_call.h"
#include "bindings/python/asgi_channel.h"
#include "bindings/python/engine.h"

namespace duet::python {
namespace {

using Sent = AsgiCall::Sent;

struct Words {
  PyObject *body, *more_body;
  PyObject *request_message, *disconnect_message;  // to be copied
};
Words words;

bool create_words() {
  words.body = PyUnicode_InternFromString("body");
  words.more_body = PyUnicode_InternFromString("more_body");
  words.request_message =
      Py_BuildValue("{s:s,s:y,s:O}", "type", "http.request", "body", "", "more_body", Py_False);
  words.disconnect_message = Py_BuildValue("{s:s}", "type", "http.disconnect");
  return words.body && words.more_body && words.request_message && words.disconnect_message;
}

Exchange* find(const RequestObject* request) {
  return request->exchange ? engine->host.exchanges->find(request->exchange) : nullptr;
}

// The next message, or null without an error when it has yet to come.
PyObject* next_message(RequestObject* request) {
  AsgiCall& call = *request->asgi;
  Exchange* exchange = find(request);
  if (exchange == nullptr || exchange->aborted() || call.sent == Sent::kComplete) {
    return PyDict_Copy(words.disconnect_message);
  }
  if (call.body_received) return nullptr;
  if (exchange->body_failed()) return PyDict_Copy(words.disconnect_message);
  if (!exchange->body_ended() && exchange->peek_body().empty()) return nullptr;
  Ref message = Ref::steal(PyDict_Copy(words.request_message));
  if (!message) return nullptr;
  if (!exchange->peek_body().empty()) {
    Ref body = Ref::steal(to_bytes(exchange->peek_body()));
    if (!body || PyDict_SetItem(message.get(), words.body, body.get()) < 0) return nullptr;
    exchange->take_body();
  }
  call.body_received = exchange->body_ended();
  if (!call.body_received && PyDict_SetItem(message.get(), words.more_body, Py_True) < 0) {
    return nullptr;
  }
  return message.release();
}

bool on_loop_thread() {
  if (engine->events->on_own_thread()) return true;
  PyErr_SetString(PyExc_RuntimeError,
                  "receive() belongs to the event loop's thread: from another one use "
                  "asyncio.run_coroutine_threadsafe()");
  return false;
}

PyObject* receive(PyObject* self, PyObject* const*, std::size_t flags, PyObject* keywords) {
  if (PyVectorcall_NARGS(flags) != 0 || keywords != nullptr) {
    PyErr_SetString(PyExc_TypeError, "receive() takes no arguments");
    return nullptr;
  }
  if (!on_loop_thread()) return nullptr;
  RequestObject* request = channel_request(self);
  if (PyObject* message = next_message(request)) return ended_awaitable(message);
  if (PyErr_Occurred()) return nullptr;
  PyObject* argument = reinterpret_cast<PyObject*>(request);
  return engine->call_bootstrap("receive_later", &argument, 1);
}

using Receive = Channel<receive>;

}  // namespace

PyObject* new_asgi_receive(RequestObject* request) { return Receive::make(request); }

bool create_asgi_receive_type() { return create_words() && Receive::create("_duet.Receive"); }

PyObject* asgi_message(PyObject* self, PyObject*) {
  RequestObject* request = as_request(self);
  if (request->asgi == nullptr) return PyDict_Copy(words.disconnect_message);
  PyObject* message = next_message(request);
  if (message != nullptr || PyErr_Occurred()) return message;
  Py_RETURN_NONE;
}

PyObject* asgi_wait(PyObject* self, PyObject*) {
  RequestObject* request = as_request(self);
  Exchange* exchange = find(request);
  AsgiCall* call = request->asgi;
  const bool ready = exchange == nullptr || call == nullptr || exchange->aborted() ||
                     call->sent == Sent::kComplete ||
                     (!call->body_received && exchange->want_body(BodyDemand::kSome));
  if (!ready) return new_waiter(request, *exchange);
  Ref waiter = Ref::steal(engine->new_future());
  if (!waiter) return nullptr;
  Ref done = Ref::steal(PyObject_CallMethodOneArg(waiter.get(), names.set_result, Py_None));
  return done ? waiter.release() : nullptr;
}

}  // namespace duet::python
