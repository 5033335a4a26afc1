#include "bindings/python/websocket.h"

#include <string>

#include "bindings/python/asgi_route.h"
#include "bindings/python/awaitable.h"
#include "bindings/python/engine.h"
#include "bindings/python/websocket_object.h"
#include "host/base/log.h"
#include "host/websocket_session.h"

namespace duet::python {
namespace {

PyObject* writable_name = nullptr;
PyObject* closed_name = nullptr;

class Listener final : public WebSocketListener {
 public:
  void on_message(WebSocketSession& socket, bool text, std::string_view payload) noexcept override {
    engine->gil.take();
    socket.hold();
    Ref data = Ref::steal(text ? from_utf8(payload) : to_bytes(payload));
    tell(data && websocket_message(receiver(socket), socket, data.release()));
  }
  void on_writable(WebSocketSession& socket) noexcept override {
    engine->gil.take();
    Ref told = Ref::steal(PyObject_CallMethodNoArgs(receiver(socket), writable_name));
    tell(static_cast<bool>(told));
  }
  void on_close(WebSocketSession& socket, std::uint16_t code, std::string_view reason,
                bool clean) noexcept override {
    engine->gil.take();
    Ref held = Ref::steal(receiver(socket));
    socket.engine_data = 0;
    Ref number = Ref::steal(PyLong_FromLong(code));
    Ref text = Ref::steal(from_utf8(reason));
    PyObject* arguments[] = {held.get(), number.get(), text.get(), clean ? Py_True : Py_False};
    Ref told = Ref::steal(PyObject_VectorcallMethod(closed_name, arguments, 4, nullptr));
    tell(told && wake_websocket(held.get()));
  }

 private:
  static PyObject* receiver(const WebSocketSession& socket) {
    return reinterpret_cast<PyObject*>(socket.engine_data);
  }
  static void tell(bool done) {
    if (!done) log_error("a WebSocket's receiver failed", nullptr);
    engine->after_python();
  }
};
Listener listener;

bool check_arguments(Py_ssize_t count, Py_ssize_t wanted) {
  if (count == wanted) return true;
  PyErr_Format(PyExc_TypeError, "takes %zd arguments, got %zd", wanted, count);
  return false;
}

WebSocketSession* find(PyObject* number) {
  const unsigned long long id = PyLong_AsUnsignedLongLong(number);
  return PyErr_Occurred() ? nullptr : find_websocket(id);
}

// websocket_accept(request, receiver, protocol, [(name, value), ...]) → whether it is open; if not,
// the handshake was refused and answered. The receiver gets the session's number as _id. Names and
// values are str or bytes.
PyObject* accept(PyObject*, PyObject* const* arguments, Py_ssize_t count) {
  if (!check_arguments(count, 4)) return nullptr;
  if (!is_websocket(arguments[1])) {
    PyErr_SetString(PyExc_TypeError, "the receiver must be a WebSocket");
    return nullptr;
  }
  find_websocket(0);  // whether this is the loop's thread
  if (PyErr_Occurred()) return nullptr;
  RequestObject* request = as_request(arguments[0]);
  if (request->mode == BodyMode::kValues && request->asgi == nullptr) {
    PyErr_SetString(PyExc_RuntimeError,
                    "a plain `def` cannot wait for messages: write the handler as `async def`");
    return nullptr;
  }
  Exchange* exchange = live_exchange(request);
  if (exchange == nullptr) return nullptr;
  if (exchange->aborted()) {
    set_request_ended();
    return nullptr;
  }
  if (request->asgi != nullptr) note_asgi_route(request, *exchange);
  const std::string_view protocol = utf8(arguments[2]);
  if (protocol.data() == nullptr) return nullptr;
  std::string fields;
  Ref list = Ref::steal(PySequence_Fast(arguments[3], "headers must be a sequence of pairs"));
  if (!list) return nullptr;
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(list.get()); ++i) {
    const char *name_bytes, *value_bytes;
    Py_ssize_t name_size, value_size;
    if (!PyArg_ParseTuple(PySequence_Fast_GET_ITEM(list.get(), i), "s#s#", &name_bytes, &name_size,
                          &value_bytes, &value_size)) {
      return nullptr;
    }
    const std::string_view name(name_bytes, static_cast<std::size_t>(name_size));
    const std::string_view value(value_bytes, static_cast<std::size_t>(value_size));
    if (const char* wrong = http::check_field(name, value)) {
      PyErr_Format(PyExc_ValueError, "header %.200s: %s", name_bytes, wrong);
      return nullptr;
    }
    fields.append(name).append(": ").append(value).append("\r\n");
  }
  const auto accepted = engine->host.websockets->accept(*exchange, listener, {protocol, fields});
  if (!accepted) {
    PyErr_SetString(PyExc_ValueError, accepted.error().to_string().c_str());
    return nullptr;
  }
  if (WebSocketSession* socket = engine->host.websockets->find(*accepted)) {
    set_websocket_id(arguments[1], *accepted);
    socket->engine_data = reinterpret_cast<std::uint64_t>(Py_NewRef(arguments[1]));
    Py_XSETREF(request->websocket, Py_NewRef(arguments[1]));
  }
  return PyBool_FromLong(*accepted != 0);
}

// websocket_close(number, code, reason); code 0: without one.
PyObject* close(PyObject*, PyObject* const* arguments, Py_ssize_t count) {
  if (!check_arguments(count, 3)) return nullptr;
  const long code = PyLong_AsLong(arguments[1]);
  if (code == -1 && PyErr_Occurred()) return nullptr;
  const std::string_view reason = utf8(arguments[2]);
  if (reason.data() == nullptr) return nullptr;
  const bool right = code >= 0 && code <= 4999 &&
                     (code == 0 || websocket::may_be_sent(static_cast<std::uint16_t>(code)));
  if (!right || reason.size() > websocket::kMaxControlPayload - 2) {
    return PyErr_Format(
        PyExc_ValueError,
        "close(%ld, ...): the code is 1000 to 1014, or 3000 to 4999, and the reason "
        "has at most 123 bytes",
        code);
  }
  WebSocketSession* socket = find(arguments[0]);
  if (PyErr_Occurred()) return nullptr;
  if (socket != nullptr) socket->close(static_cast<std::uint16_t>(code), reason);
  Py_RETURN_NONE;
}

PyObject* terminate(PyObject*, PyObject* number) {
  WebSocketSession* socket = find(number);
  if (PyErr_Occurred()) return nullptr;
  if (socket != nullptr) socket->terminate();
  Py_RETURN_NONE;
}

// websocket_buffered(number) → bytes that wait for the client.
PyObject* buffered(PyObject*, PyObject* number) {
  const WebSocketSession* socket = find(number);
  if (PyErr_Occurred()) return nullptr;
  return PyLong_FromSize_t(socket != nullptr ? socket->buffered() : 0);
}

// websocket_protocols(request) → the subprotocols that the client offers, in its order.
PyObject* protocols(PyObject*, PyObject* self) {
  const http::RequestHead* head = request_head(self);
  if (head == nullptr) return nullptr;
  const websocket::Handshake handshake = websocket::Handshake::from(*head);
  Ref list = Ref::steal(PyList_New(0));
  for (const std::string& protocol : handshake.protocols) {
    Ref text = Ref::steal(from_utf8(protocol));
    if (!list || !text || PyList_Append(list.get(), text.get()) < 0) return nullptr;
  }
  return list.release();
}

}  // namespace

bool add_websocket_functions(PyObject* module) {
  static PyMethodDef functions[] = {
      {"websocket_accept", fast(accept), METH_FASTCALL, nullptr},
      {"websocket_close", fast(close), METH_FASTCALL, nullptr},
      {"websocket_terminate", terminate, METH_O, nullptr},
      {"websocket_buffered", buffered, METH_O, nullptr},
      {"websocket_protocols", protocols, METH_O, nullptr},
      {nullptr, nullptr, 0, nullptr},
  };
  writable_name = PyUnicode_InternFromString("_writable");
  closed_name = PyUnicode_InternFromString("_closed");
  return writable_name && closed_name && create_websocket_type(module) &&
         PyModule_AddFunctions(module, functions) == 0;
}

}  // namespace duet::python
