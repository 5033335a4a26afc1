#include "bindings/python/websocket_object.h"

#include <structmember.h>

#include <array>
#include <cstddef>
#include <new>
#include <vector>

#include "bindings/python/asgi_call.h"
#include "bindings/python/awaitable.h"
#include "bindings/python/driver.h"
#include "bindings/python/engine.h"

namespace duet::python {
namespace {

// Messages that wait for the handler before the client is not read any more.
constexpr std::size_t kHighWater = 16;

struct SocketObject {
  PyObject_HEAD std::vector<PyObject*> messages;  // owned, from `first` on
  std::size_t first;
  std::uint64_t id;
  PyObject* waiter;      // what the receive() that waits is suspended on; owned
  PyObject* close_code;  // None: open. Owned, as the next
  PyObject* close_reason;
  bool woken;   // the waiter has been told
  bool paused;  // the client is not read
};

// What receive() and __anext__() give: awaiting it takes one message. A driver is suspended on the
// object itself, a task on a future.
struct ReceiveObject {
  PyObject_HEAD SocketObject* socket;  // owned; null: it has been awaited
  PyObject* future;                    // iterator of the future that a task is suspended on; owned
  Driver* driver;                      // that is suspended on this; owned
  bool parked;                         // on this, by a driver
  bool iterating;                      // of __anext__(): the end is StopAsyncIteration
};

PyTypeObject* socket_type = nullptr;
PyTypeObject* receive_type = nullptr;
PyObject* closed_error = nullptr;  // duet.WebSocketClosed, looked up when it is first raised
PyObject* wait_for_room_name = nullptr;
PyObject* raise_closed_name = nullptr;

constexpr std::size_t kFree = 64;
std::array<ReceiveObject*, kFree> free_receives;
std::size_t free_count = 0;

SocketObject* as_socket(PyObject* object) { return reinterpret_cast<SocketObject*>(object); }
ReceiveObject* as_receive(PyObject* object) { return reinterpret_cast<ReceiveObject*>(object); }

bool wake_parked(ReceiveObject* self) {
  Ref driver = Ref::steal(reinterpret_cast<PyObject*>(std::exchange(self->driver, nullptr)));
  return !driver || wake_later(as_driver(driver.get()));
}

bool wake(SocketObject* socket) {
  if (socket->waiter == nullptr || socket->woken) return true;
  Ref waiter = Ref::borrow(socket->waiter);
  if (Py_TYPE(waiter.get()) == receive_type) {
    socket->woken = true;
    return wake_parked(as_receive(waiter.get()));
  }
  Ref done = Ref::steal(PyObject_CallMethodNoArgs(waiter.get(), names.done));
  if (!done) return false;
  socket->woken = true;
  if (done.get() == Py_True) return true;  // cancelled
  Ref set = Ref::steal(PyObject_CallMethodOneArg(waiter.get(), names.set_result, Py_None));
  return static_cast<bool>(set);
}

// --- receiving ---

// The oldest message, a new reference; there is one.
PyObject* take_message(SocketObject* socket) {
  PyObject* message = socket->messages[socket->first++];
  if (socket->first < socket->messages.size()) return message;
  socket->messages.clear();
  socket->first = 0;
  if (socket->paused) {
    socket->paused = false;
    if (WebSocketSession* session = find_websocket(socket->id)) session->resume();
    if (PyErr_Occurred()) Py_CLEAR(message);
  }
  return message;
}

void set_end(const ReceiveObject* self) {
  if (self->iterating) {
    PyErr_SetNone(PyExc_StopAsyncIteration);
    return;
  }
  if (closed_error == nullptr) {
    Ref module = Ref::steal(PyImport_ImportModule("duet"));
    if (module) closed_error = PyObject_GetAttrString(module.get(), "WebSocketClosed");
    if (closed_error == nullptr) return;
  }
  PyObject* arguments[] = {self->socket->close_code, self->socket->close_reason};
  Ref error = Ref::steal(PyObject_Vectorcall(closed_error, arguments, 2, nullptr));
  if (error) PyErr_SetObject(closed_error, error.get());
}

// Lets go of the socket; whoever awaits again is told.
void finish(ReceiveObject* self) {
  if ((self->future != nullptr || self->parked) && self->socket != nullptr) {
    Py_CLEAR(self->socket->waiter);
  }
  self->parked = false;
  Py_CLEAR(self->driver);
  Py_CLEAR(self->future);
  Py_CLEAR(self->socket);
}

// PYGEN_RETURN: it need not, look again.
PySendResult suspend(ReceiveObject* self, PyObject** yielded) {
  SocketObject* socket = self->socket;
  if (socket->waiter != nullptr) {
    PyErr_SetString(PyExc_RuntimeError, "another task is receiving from this WebSocket already");
    return PYGEN_ERROR;
  }
  // A close frame of the client waits for this.
  if (WebSocketSession* session = find_websocket(socket->id)) session->release();
  if (PyErr_Occurred()) return PYGEN_ERROR;
  if (!socket->messages.empty() || socket->close_code != Py_None) return PYGEN_RETURN;
  if (!engine->start_asyncio()) return PYGEN_ERROR;
  socket->woken = false;
  if (driver_suspends()) {
    self->parked = true;
    socket->waiter = Py_NewRef(reinterpret_cast<PyObject*>(self));
    *yielded = Py_NewRef(reinterpret_cast<PyObject*>(self));
    return PYGEN_NEXT;
  }
  socket->waiter = engine->new_future();
  if (socket->waiter == nullptr) return PYGEN_ERROR;
  self->future = PyObject_GetIter(socket->waiter);
  if (self->future == nullptr) {
    Py_CLEAR(socket->waiter);
    return PYGEN_ERROR;
  }
  return PyIter_Send(self->future, Py_None, yielded);
}

PySendResult advance(ReceiveObject* self, PyObject* sent, PyObject** result) {
  if (self->socket == nullptr) {
    PyErr_SetString(PyExc_RuntimeError, "this has been awaited already");
    return PYGEN_ERROR;
  }
  if (self->parked) {
    self->parked = false;
    Py_CLEAR(self->driver);
    Py_CLEAR(self->socket->waiter);
  } else if (self->future != nullptr) {
    const PySendResult step = PyIter_Send(self->future, sent, result);
    if (step == PYGEN_NEXT) return step;
    if (step == PYGEN_RETURN) Py_CLEAR(*result);
    Py_CLEAR(self->future);
    Py_CLEAR(self->socket->waiter);
    if (step == PYGEN_ERROR) return step;
  }
  while (self->socket->messages.empty()) {
    if (self->socket->close_code != Py_None) {
      set_end(self);
      return PYGEN_ERROR;
    }
    const PySendResult step = suspend(self, result);
    if (step != PYGEN_RETURN) return step;
  }
  *result = take_message(self->socket);
  return *result != nullptr ? PYGEN_RETURN : PYGEN_ERROR;
}

PySendResult receive_send(PyObject* object, PyObject* sent, PyObject** result) {
  *result = nullptr;
  Ref held = Ref::borrow(object);
  const PySendResult step = advance(as_receive(object), sent, result);
  if (step == PYGEN_ERROR) {
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    finish(as_receive(object));
    PyErr_Restore(type, value, trace);
  } else if (step == PYGEN_RETURN) {
    finish(as_receive(object));
  }
  return step;
}

PyObject* receive_next(PyObject* self) {
  PyObject* value = nullptr;
  const PySendResult step = receive_send(self, Py_None, &value);
  return as_iteration(step, value);
}

PyObject* receive_send_method(PyObject* self, PyObject* sent) {
  PyObject* value = nullptr;
  const PySendResult step = receive_send(self, sent, &value);
  return as_iteration(step, value);
}

PyObject* receive_throw(PyObject* self, PyObject* const* args, Py_ssize_t count) {
  Ref held = Ref::borrow(self);
  finish(as_receive(self));
  return raise_given(args, count);
}

PyObject* receive_close(PyObject* self, PyObject*) {
  finish(as_receive(self));
  Py_RETURN_NONE;
}

// As of a future: the driver that is suspended on this goes on, and knows that it is cancelled.
PyObject* receive_cancel(PyObject* self, PyObject*) {
  if (!wake_parked(as_receive(self))) return nullptr;
  Py_RETURN_TRUE;
}

int receive_traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(as_receive(self)->socket);
  Py_VISIT(as_receive(self)->future);
  Py_VISIT(as_receive(self)->driver);
  return 0;
}

int receive_clear(PyObject* self) {
  finish(as_receive(self));
  return 0;
}

void receive_dealloc(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  finish(as_receive(self));
  if (free_count < kFree) {
    free_receives[free_count++] = as_receive(self);
  } else {
    PyObject_GC_Del(self);
  }
  Py_DECREF(type);
}

PyObject* new_receive(PyObject* socket, bool iterating) {
  ReceiveObject* self = nullptr;
  if (free_count > 0) {
    self = free_receives[--free_count];
    PyObject_Init(reinterpret_cast<PyObject*>(self), receive_type);
  } else {
    self = PyObject_GC_New(ReceiveObject, receive_type);
    if (self == nullptr) return nullptr;
  }
  self->socket = as_socket(Py_NewRef(socket));
  self->future = nullptr;
  self->driver = nullptr;
  self->parked = false;
  self->iterating = iterating;
  PyObject_GC_Track(self);
  return reinterpret_cast<PyObject*>(self);
}

PyObject* socket_receive(PyObject* self, PyObject*) { return new_receive(self, false); }
PyObject* socket_anext(PyObject* self) { return new_receive(self, true); }

// --- sending ---

PyObject* socket_send(PyObject* self, PyObject* data) {
  WebSocketSession* session = find_websocket(as_socket(self)->id);
  if (PyErr_Occurred()) return nullptr;
  WriteResult result = WriteResult::kGone;
  if (PyUnicode_Check(data)) {
    const std::string_view text = utf8(data);
    if (text.data() == nullptr) return nullptr;
    if (session != nullptr) result = session->send(true, text);
  } else if (PyObject_CheckBuffer(data)) {
    Py_buffer buffer;
    if (PyObject_GetBuffer(data, &buffer, PyBUF_SIMPLE) < 0) return nullptr;
    if (session != nullptr) {
      result = session->send(
          false, {static_cast<const char*>(buffer.buf), static_cast<std::size_t>(buffer.len)});
    }
    PyBuffer_Release(&buffer);
  } else {
    return PyErr_Format(PyExc_TypeError, "a message must be str or bytes, not %.100s",
                        Py_TYPE(data)->tp_name);
  }
  switch (result) {
    case WriteResult::kOk:
      return ended_awaitable(Py_NewRef(Py_None));
    case WriteResult::kFull:
      return PyObject_CallMethodNoArgs(self, wait_for_room_name);
    case WriteResult::kGone:
      break;
  }
  return PyObject_CallMethodNoArgs(self, raise_closed_name);
}

// --- the type ---

PyObject* socket_new(PyTypeObject* type, PyObject*, PyObject*) {
  PyObject* object = type->tp_alloc(type, 0);
  if (object == nullptr) return nullptr;
  SocketObject* socket = as_socket(object);
  new (&socket->messages) std::vector<PyObject*>();
  socket->close_code = Py_NewRef(Py_None);
  socket->close_reason = Py_NewRef(names.empty_string);
  return object;
}

int socket_traverse(PyObject* self, visitproc visit, void* arg) {
  SocketObject* socket = as_socket(self);
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(socket->waiter);
  Py_VISIT(socket->close_code);
  Py_VISIT(socket->close_reason);
  return 0;  // messages are str and bytes
}

int socket_clear(PyObject* self) {
  Py_CLEAR(as_socket(self)->waiter);
  return 0;
}

void socket_dealloc(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  SocketObject* socket = as_socket(self);
  PyObject_GC_UnTrack(self);
  socket_clear(self);
  Py_CLEAR(socket->close_code);
  Py_CLEAR(socket->close_reason);
  for (std::size_t i = socket->first; i < socket->messages.size(); ++i) {
    Py_DECREF(socket->messages[i]);
  }
  socket->messages.~vector();
  type->tp_free(self);
  Py_DECREF(type);
}

PyMethodDef socket_methods[] = {
    {"receive", socket_receive, METH_NOARGS,
     "The next message: str or bytes. Raises WebSocketClosed when there will be none."},
    {"send", socket_send, METH_O,
     "Sends str as text, bytes as binary; waits while the client does not read.\n\n"
     "Raises WebSocketClosed when nobody reads it any more."},
    {nullptr, nullptr, 0, nullptr},
};
PyMemberDef socket_members[] = {
    {"close_code", T_OBJECT_EX, offsetof(SocketObject, close_code), 0, nullptr},
    {"close_reason", T_OBJECT_EX, offsetof(SocketObject, close_reason), 0, nullptr},
    {"_id", T_ULONGLONG, offsetof(SocketObject, id), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};
PyType_Slot socket_slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(socket_new)},
    {Py_tp_dealloc, reinterpret_cast<void*>(socket_dealloc)},
    {Py_tp_traverse, reinterpret_cast<void*>(socket_traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(socket_clear)},
    {Py_am_aiter, reinterpret_cast<void*>(itself)},
    {Py_am_anext, reinterpret_cast<void*>(socket_anext)},
    {Py_tp_methods, socket_methods},
    {Py_tp_members, socket_members},
    {0, nullptr},
};
PyType_Spec socket_spec = {"_duet.WebSocketBase", sizeof(SocketObject), 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE,
                           socket_slots};

PyMethodDef receive_methods[] = {
    {"send", receive_send_method, METH_O, nullptr},
    {"throw", fast(receive_throw), METH_FASTCALL, nullptr},
    {"close", receive_close, METH_NOARGS, nullptr},
    {"cancel", receive_cancel, METH_NOARGS, nullptr},
    {"__await__", itself_method, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};
PyType_Slot receive_slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(receive_dealloc)},
    {Py_tp_traverse, reinterpret_cast<void*>(receive_traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(receive_clear)},
    {Py_am_await, reinterpret_cast<void*>(itself)},
    {Py_am_send, reinterpret_cast<void*>(receive_send)},
    {Py_tp_iter, reinterpret_cast<void*>(itself)},
    {Py_tp_iternext, reinterpret_cast<void*>(receive_next)},
    {Py_tp_methods, receive_methods},
    {0, nullptr},
};
PyType_Spec receive_spec = {
    "_duet.WebSocketReceive", sizeof(ReceiveObject), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION, receive_slots};

}  // namespace

bool create_websocket_type(PyObject* module) {
  wait_for_room_name = PyUnicode_InternFromString("_wait_for_room");
  raise_closed_name = PyUnicode_InternFromString("_raise_closed");
  socket_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&socket_spec));
  receive_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&receive_spec));
  return wait_for_room_name && raise_closed_name && socket_type && receive_type &&
         PyModule_AddObjectRef(module, "WebSocketBase", reinterpret_cast<PyObject*>(socket_type)) ==
             0;
}

bool is_websocket(PyObject* object) { return PyObject_TypeCheck(object, socket_type); }

void set_websocket_id(PyObject* object, std::uint64_t id) { as_socket(object)->id = id; }

bool websocket_message(PyObject* object, WebSocketSession& session, PyObject* message) {
  SocketObject* socket = as_socket(object);
  socket->messages.push_back(message);
  if (socket->messages.size() - socket->first >= kHighWater && !socket->paused) {
    socket->paused = true;
    session.pause();
  }
  return wake(socket);
}

bool wake_websocket(PyObject* object) { return wake(as_socket(object)); }

bool park_driver(PyObject* yielded, Driver* driver) {
  if (Py_TYPE(yielded) != receive_type || !as_receive(yielded)->parked) return false;
  as_receive(yielded)->driver = as_driver(Py_NewRef(reinterpret_cast<PyObject*>(driver)));
  return true;
}

WebSocketSession* find_websocket(std::uint64_t id) {
  if (engine->events->on_own_thread()) return engine->host.websockets->find(id);
  PyErr_SetString(PyExc_RuntimeError,
                  "a WebSocket belongs to the event loop's thread: from another one use "
                  "asyncio.run_coroutine_threadsafe()");
  return nullptr;
}

}  // namespace duet::python
