// What objects that are awaited have in common, besides what they wait for: the methods of a
// coroutine over one step.
#pragma once

#include "bindings/python/python.h"

namespace duet::python {

inline PyObject* itself(PyObject* self) { return Py_NewRef(self); }
inline PyObject* itself_method(PyObject* self, PyObject*) { return Py_NewRef(self); }

// What `step` gave, as __next__ and send() have it: a value that is yielded, or StopIteration with
// the one that is returned. Takes over the reference.
inline PyObject* as_iteration(PySendResult step, PyObject* value) {
  if (step != PYGEN_RETURN) return value;
  Ref held = Ref::steal(value);
  if (value == Py_None) {
    PyErr_SetNone(PyExc_StopIteration);
    return nullptr;
  }
  Ref stop = Ref::steal(PyObject_CallOneArg(PyExc_StopIteration, value));
  if (stop) PyErr_SetObject(PyExc_StopIteration, stop.get());
  return nullptr;
}

// Raises what throw() was called with: an exception, or a type and perhaps a value.
inline PyObject* raise_given(PyObject* const* args, Py_ssize_t count) {
  if (count < 1) {
    PyErr_SetString(PyExc_TypeError, "throw(exception)");
    return nullptr;
  }
  PyObject* given = count > 1 && args[1] != Py_None ? args[1] : args[0];
  if (PyExceptionClass_Check(given)) {
    PyErr_SetNone(given);
  } else {
    PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(given)), given);
  }
  return nullptr;
}

// A function with a count of arguments, as PyMethodDef has it.
inline PyCFunction fast(PyObject* (*function)(PyObject*, PyObject* const*, Py_ssize_t)) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}

}  // namespace duet::python
