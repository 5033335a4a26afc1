// The awaitable that send() and receive() return when there is nothing to wait for: awaiting it
// does not suspend. It has a coroutine's methods, so that create_task() takes it, too.
#include <array>

#include "bindings/python/asgi_call.h"
#include "bindings/python/awaitable.h"
#include "bindings/python/convert.h"

namespace duet::python {
namespace {

struct EndedObject {
  PyObject_HEAD PyObject* value;  // null: it has been awaited
};

PyTypeObject* ended_type = nullptr;
PyObject* ended_with_none = nullptr;  // any number of times, by anybody

constexpr std::size_t kFree = 32;
std::array<EndedObject*, kFree> free_objects;
std::size_t free_count = 0;

EndedObject* cast(PyObject* object) { return reinterpret_cast<EndedObject*>(object); }

PySendResult send(PyObject* self, PyObject*, PyObject** result) {
  if (self == ended_with_none) {
    *result = Py_NewRef(Py_None);
    return PYGEN_RETURN;
  }
  *result = std::exchange(cast(self)->value, nullptr);
  if (*result != nullptr) return PYGEN_RETURN;
  PyErr_SetString(PyExc_RuntimeError, "this has been awaited already");
  return PYGEN_ERROR;
}

PyObject* next(PyObject* self) {
  PyObject* value = nullptr;
  const PySendResult step = send(self, Py_None, &value);
  return as_iteration(step, value);
}

PyObject* send_method(PyObject* self, PyObject*) { return next(self); }

PyObject* throw_method(PyObject*, PyObject* const* args, Py_ssize_t count) {
  return raise_given(args, count);
}

PyObject* close_method(PyObject*, PyObject*) { Py_RETURN_NONE; }

void dealloc(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  Py_CLEAR(cast(self)->value);
  if (free_count < kFree) {
    free_objects[free_count++] = cast(self);
  } else {
    PyObject_Free(self);
  }
  Py_DECREF(type);
}

PyMethodDef methods[] = {
    {"send", send_method, METH_O, nullptr},
    {"throw", fast(throw_method), METH_FASTCALL, nullptr},
    {"close", close_method, METH_NOARGS, nullptr},
    {"__await__", itself_method, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};
PyType_Slot slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
    {Py_am_await, reinterpret_cast<void*>(itself)},
    {Py_am_send, reinterpret_cast<void*>(send)},
    {Py_tp_iter, reinterpret_cast<void*>(itself)},
    {Py_tp_iternext, reinterpret_cast<void*>(next)},
    {Py_tp_methods, methods},
    {0, nullptr},
};
PyType_Spec spec = {"_duet.Ended", sizeof(EndedObject), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};

}  // namespace

PyObject* ended_awaitable(PyObject* value) {
  if (value == nullptr) return nullptr;
  if (value == Py_None && ended_with_none != nullptr) {
    Py_DECREF(value);
    return Py_NewRef(ended_with_none);
  }
  EndedObject* self = nullptr;
  if (free_count > 0) {
    self = free_objects[--free_count];
    PyObject_Init(reinterpret_cast<PyObject*>(self), ended_type);
  } else {
    self = PyObject_New(EndedObject, ended_type);
  }
  if (self == nullptr) {
    Py_DECREF(value);
    return nullptr;
  }
  self->value = value;
  return reinterpret_cast<PyObject*>(self);
}

bool create_ended_type() {
  ended_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  if (ended_type == nullptr) return false;
  ended_with_none = ended_awaitable(Py_NewRef(Py_None));
  return ended_with_none != nullptr;
}

}  // namespace duet::python
