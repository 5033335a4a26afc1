#include "bindings/python/request_body.h"

#include "bindings/python/asgi_call.h"
#include "bindings/python/engine.h"
#include "bindings/python/exchange_object.h"
#include "bindings/python/json.h"
#include "bindings/python/wsgi_call.h"

namespace duet::python {
namespace {

enum class Kind : int { kText, kJson, kBytes };

// --- an awaitable that has its value already: `await request.json()` without a suspension ---

struct ReadyObject {
  PyObject_HEAD PyObject* value;
};

PyTypeObject* ready_type = nullptr;

ReadyObject* as_ready(PyObject* object) { return reinterpret_cast<ReadyObject*>(object); }

PyObject* ready_await(PyObject* self) { return Py_NewRef(self); }

PySendResult ready_send(PyObject* self, PyObject*, PyObject** result) {
  *result = std::exchange(as_ready(self)->value, nullptr);
  if (*result != nullptr) return PYGEN_RETURN;
  PyErr_SetString(PyExc_RuntimeError, "this has been awaited already");
  return PYGEN_ERROR;
}

PyObject* ready_next(PyObject* self) {
  PyObject* value = nullptr;
  if (ready_send(self, Py_None, &value) == PYGEN_RETURN) {
    // As an instance: a tuple as bare value would become the exception's arguments.
    Ref stop = Ref::steal(PyObject_CallOneArg(PyExc_StopIteration, value));
    if (stop) PyErr_SetObject(PyExc_StopIteration, stop.get());
    Py_DECREF(value);
  }
  return nullptr;
}

void ready_dealloc(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  Py_CLEAR(as_ready(self)->value);
  type->tp_free(self);
  Py_DECREF(type);
}

PyType_Slot ready_slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(ready_dealloc)},
    {Py_am_await, reinterpret_cast<void*>(ready_await)},
    {Py_am_send, reinterpret_cast<void*>(ready_send)},
    {Py_tp_iter, reinterpret_cast<void*>(ready_await)},
    {Py_tp_iternext, reinterpret_cast<void*>(ready_next)},
    {0, nullptr},
};
PyType_Spec ready_spec = {"_duet.Ready", sizeof(ReadyObject), 0,
                          Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, ready_slots};

PyObject* ready(PyObject* value) {
  if (value == nullptr) return nullptr;
  ReadyObject* self = PyObject_New(ReadyObject, ready_type);
  if (self == nullptr) {
    Py_DECREF(value);
    return nullptr;
  }
  self->value = value;
  return reinterpret_cast<PyObject*>(self);
}

// --- the whole body ---

PyObject* decode(std::string_view body) {
  if (body.starts_with("\xef\xbb\xbf")) body.remove_prefix(3);  // as fetch's text()
  return from_utf8(body);
}

PyObject* convert(Kind kind, std::string_view body) {
  if (kind == Kind::kBytes) return to_bytes(body);
  Ref text = Ref::steal(decode(body));
  if (!text || kind == Kind::kText) return text.release();
  return read_json(text.get());
}

bool failed_error() {
  PyErr_SetString(engine->request_ended,
                  "the request's body is not complete: it was cut off or exceeds the limit");
  return false;
}

// The body, which has arrived; false with an error set when it cannot be had.
bool whole_body(RequestObject* request, std::string_view& body) {
  if (request->streamed) {
    PyErr_SetString(PyExc_RuntimeError, "the body has been read piece by piece already");
    return false;
  }
  if (request->snapshot != nullptr) {
    if (!request->snapshot->has_body) {
      set_request_ended();
      return false;
    }
    body = request->snapshot->body;
    return true;
  }
  const Exchange* exchange = live_exchange(request);
  if (exchange == nullptr) return false;
  if (exchange->body_failed()) return failed_error();
  request->read = true;
  body = exchange->peek_body();
  return true;
}

PyObject* value_of(RequestObject* request, Kind kind) {
  std::string_view body;
  return whole_body(request, body) ? convert(kind, body) : nullptr;
}

PyObject* read(PyObject* self, Kind kind) {
  RequestObject* request = as_request(self);
  if (request->mode == BodyMode::kValues) return value_of(request, kind);
  if (request->snapshot == nullptr) {
    Exchange* exchange = live_exchange(request);
    if (exchange == nullptr) return nullptr;
    if (!exchange->body_ended() && !exchange->body_failed()) {
      Ref number = Ref::steal(PyLong_FromLong(static_cast<long>(kind)));
      PyObject* arguments[] = {self, number.get()};
      return number ? engine->call_bootstrap("read_body", arguments, 2) : nullptr;
    }
  }
  return ready(value_of(request, kind));
}

PyObject* text(PyObject* self, PyObject*) { return read(self, Kind::kText); }
PyObject* json(PyObject* self, PyObject*) { return read(self, Kind::kJson); }
PyObject* bytes(PyObject* self, PyObject*) { return read(self, Kind::kBytes); }

// _value(kind): what read_body() returns once the body is there.
PyObject* private_value(PyObject* self, PyObject* kind) {
  const long number = PyLong_AsLong(kind);
  if (number == -1 && PyErr_Occurred()) return nullptr;
  return value_of(as_request(self), static_cast<Kind>(number));
}

// _wait_body(whole) → None when there is nothing to wait for, else a future.
PyObject* wait_body(PyObject* self, PyObject* whole) {
  RequestObject* request = as_request(self);
  if (request->snapshot != nullptr) Py_RETURN_NONE;
  Exchange* exchange = live_exchange(request);
  if (exchange == nullptr) return nullptr;
  if (exchange->body_failed()) {
    failed_error();
    return nullptr;
  }
  if (request->body_waiter != nullptr) {
    PyErr_SetString(PyExc_RuntimeError, "the body is being read by another task already");
    return nullptr;
  }
  if (exchange->want_body(whole == Py_True ? BodyDemand::kWhole : BodyDemand::kSome)) {
    Py_RETURN_NONE;
  }
  request->body_waiter = engine->new_future();
  if (request->body_waiter == nullptr) return nullptr;
  attach_request(request, *exchange);
  return Py_NewRef(request->body_waiter);
}

// _take() → (piece, whether more may follow)
PyObject* take_piece(PyObject* self, PyObject*) {
  RequestObject* request = as_request(self);
  std::string piece;
  bool more = false;
  if (request->snapshot != nullptr) {
    if (!request->snapshot->has_body) {
      set_request_ended();
      return nullptr;
    }
    if (!request->streamed) piece = request->snapshot->body;
  } else {
    Exchange* exchange = live_exchange(request);
    if (exchange == nullptr) return nullptr;
    if (exchange->body_failed()) {
      failed_error();
      return nullptr;
    }
    piece = exchange->take_body();
    more = !exchange->body_ended();
  }
  request->streamed = true;
  Ref value = Ref::steal(to_bytes(piece));
  return value ? PyTuple_Pack(2, value.get(), more ? Py_True : Py_False) : nullptr;
}

// --- the answer, piece by piece: for bootstrap.py's stream() ---

// Another's turn while the host writes: what the kernel does is not the handler's run.
template <class Action>
auto outside_slice(Action action) {
  const Owner owner = engine->slices.owner();
  const bool open = engine->slices.open();
  if (open) engine->slices.end();
  auto result = action();
  if (open) engine->slices.resume(owner, 0, now());
  return result;
}

// _write(piece) → True: go on; False: await _writable() first; None: nobody reads it.
PyObject* write(PyObject* self, PyObject* piece) {
  Exchange* exchange = engine->host.exchanges->find(as_request(self)->exchange);
  if (exchange == nullptr) Py_RETURN_NONE;
  Py_buffer buffer{};
  std::string_view bytes;
  if (PyUnicode_Check(piece)) {
    bytes = utf8(piece);
    if (bytes.data() == nullptr) return nullptr;
  } else if (PyObject_CheckBuffer(piece)) {
    if (PyObject_GetBuffer(piece, &buffer, PyBUF_SIMPLE) < 0) return nullptr;
    bytes = {static_cast<const char*>(buffer.buf), static_cast<std::size_t>(buffer.len)};
  } else {
    PyErr_Format(PyExc_TypeError, "a body's pieces must be bytes or str, not %.100s",
                 Py_TYPE(piece)->tp_name);
    return nullptr;
  }
  const WriteResult result =
      bytes.empty() ? WriteResult::kOk : outside_slice([&] { return exchange->write(bytes); });
  if (buffer.obj != nullptr) PyBuffer_Release(&buffer);
  switch (result) {
    case WriteResult::kOk:
      Py_RETURN_TRUE;
    case WriteResult::kFull:
      Py_RETURN_FALSE;
    case WriteResult::kGone:
      break;
  }
  Py_RETURN_NONE;
}

// _writable() → a future that ends when there is room, or nobody reads any more.
PyObject* writable(PyObject* self, PyObject*) {
  RequestObject* request = as_request(self);
  Ref waiter = Ref::steal(engine->new_future());
  if (!waiter) return nullptr;
  Exchange* exchange = engine->host.exchanges->find(request->exchange);
  if (exchange == nullptr || exchange->aborted()) {
    Ref done = Ref::steal(PyObject_CallMethodOneArg(waiter.get(), names.set_result, Py_None));
    return done ? waiter.release() : nullptr;
  }
  attach_request(request, *exchange);
  Py_XSETREF(request->write_waiter, Py_NewRef(waiter.get()));
  return waiter.release();
}

PyObject* handler_name(PyObject* self, PyObject*) {
  return from_utf8(as_request(self)->handler->name);
}

PyObject* finish(PyObject* self, PyObject*) {
  if (Exchange* exchange = engine->host.exchanges->find(as_request(self)->exchange)) {
    outside_slice([&] {
      exchange->end();
      return 0;
    });
  }
  Py_RETURN_NONE;
}

// websocket(protocol=None, headers=()) → duet.WebSocket
PyObject* make_websocket(PyObject* self, PyObject* positional, PyObject* keywords) {
  static const char* names_of[] = {"protocol", "headers", nullptr};
  PyObject *protocol = Py_None, *headers = nullptr;
  if (!PyArg_ParseTupleAndKeywords(positional, keywords, "|OO:websocket",
                                   const_cast<char**>(names_of), &protocol, &headers)) {
    return nullptr;
  }
  PyObject* arguments[] = {self, protocol, headers};
  return engine->call_bootstrap("make_websocket", arguments, headers != nullptr ? 3 : 2);
}

}  // namespace

PyMethodDef request_body_methods[] = {
    {"text", text, METH_NOARGS, "The body as text (UTF-8)."},
    {"json", json, METH_NOARGS, "The body, parsed as JSON."},
    {"bytes", bytes, METH_NOARGS, "The body as bytes."},
    {"websocket", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(make_websocket)),
     METH_VARARGS | METH_KEYWORDS, "Answers the WebSocket handshake; gives the socket."},
    {"_value", private_value, METH_O, nullptr},
    {"_wait_body", wait_body, METH_O, nullptr},
    {"_take", take_piece, METH_NOARGS, nullptr},
    {"_write", write, METH_O, nullptr},
    {"_writable", writable, METH_NOARGS, nullptr},
    {"_end", finish, METH_NOARGS, nullptr},
    {"_handler_name", handler_name, METH_NOARGS, nullptr},
    {"_wsgi_start", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(wsgi_start)),
     METH_FASTCALL, nullptr},
    {"_wsgi_write", wsgi_write, METH_O, nullptr},
    {"_wsgi_end", wsgi_end, METH_NOARGS, nullptr},
    {"_wsgi_read", wsgi_read, METH_NOARGS, nullptr},
    {"_asgi_message", asgi_message, METH_NOARGS, nullptr},
    {"_asgi_wait", asgi_wait, METH_NOARGS, nullptr},
    {"_asgi_room", asgi_room, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

bool create_ready_type(PyObject*) {
  ready_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&ready_spec));
  return ready_type != nullptr;
}

}  // namespace duet::python
