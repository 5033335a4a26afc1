#include "bindings/python/handle.h"

#include <structmember.h>

#include <array>

#include "bindings/python/event_loop.h"

namespace duet::python {
namespace {

PyTypeObject* handle_type = nullptr;
PyTypeObject* timer_handle_type = nullptr;

// A request with one await needs two or three at a time.
constexpr std::size_t kFree = 64;
std::array<HandleObject*, kFree> free_handles;
std::size_t free_count = 0;

HandleObject* cast(PyObject* object) { return reinterpret_cast<HandleObject*>(object); }

HandleObject* allocate(PyTypeObject* type) {
  if (type == handle_type && free_count > 0) {
    HandleObject* handle = free_handles[--free_count];
    PyObject_Init(reinterpret_cast<PyObject*>(handle), type);
    return handle;
  }
  return PyObject_GC_New(HandleObject, type);
}

HandleObject* make(PyTypeObject* type, PyObject* loop, PyObject* callback,
                   PyObject* const* arguments, std::size_t count, PyObject* context) {
  Ref copied;
  if (context == nullptr || context == Py_None) {
    copied = Ref::steal(PyContext_CopyCurrent());
    if (!copied) return nullptr;
    context = copied.get();
  }
  Ref more;
  if (count > 4) {
    more = Ref::steal(PyTuple_New(static_cast<Py_ssize_t>(count)));
    if (!more) return nullptr;
    for (std::size_t i = 0; i < count; ++i) {
      PyTuple_SET_ITEM(more.get(), static_cast<Py_ssize_t>(i), Py_NewRef(arguments[i]));
    }
  }
  HandleObject* handle = allocate(type);
  if (handle == nullptr) return nullptr;
  handle->callback = Py_NewRef(callback);
  handle->context = Py_NewRef(context);
  handle->loop = Py_NewRef(loop);
  handle->count = static_cast<std::uint32_t>(count);
  if (!more) {
    for (std::size_t i = 0; i < count; ++i) handle->slots[1 + i] = Py_NewRef(arguments[i]);
  }
  handle->more = more.release();
  handle->slots[0] = nullptr;
  handle->timers = nullptr;
  handle->weak_references = nullptr;
  handle->source_traceback = nullptr;
  handle->when_seconds = 0;
  handle->ready_at = 0;
  handle->heap_index = -1;
  handle->sequence = 0;
  handle->cancelled = false;
  handle->is_timer = type == timer_handle_type;
  PyObject_GC_Track(handle);
  return handle;
}

void drop_contents(HandleObject* handle) {
  Py_CLEAR(handle->callback);
  const std::uint32_t count = std::exchange(handle->count, 0);
  if (handle->more != nullptr) {
    Py_CLEAR(handle->more);
  } else {
    for (std::uint32_t i = 0; i < count; ++i) Py_CLEAR(handle->slots[1 + i]);
  }
}

int handle_traverse(PyObject* self, visitproc visit, void* arg) {
  HandleObject* handle = cast(self);
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(handle->callback);
  Py_VISIT(handle->context);
  Py_VISIT(handle->loop);
  Py_VISIT(handle->more);
  Py_VISIT(handle->source_traceback);
  if (handle->more == nullptr) {
    for (std::uint32_t i = 0; i < handle->count; ++i) Py_VISIT(handle->slots[1 + i]);
  }
  return 0;
}

int handle_clear(PyObject* self) {
  drop_contents(cast(self));
  Py_CLEAR(cast(self)->context);
  Py_CLEAR(cast(self)->loop);
  Py_CLEAR(cast(self)->source_traceback);
  return 0;
}

void handle_dealloc(PyObject* self) {
  HandleObject* handle = cast(self);
  PyTypeObject* type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  if (handle->weak_references != nullptr) PyObject_ClearWeakRefs(self);
  handle_clear(self);
  if (type == handle_type && free_count < kFree) {
    free_handles[free_count++] = handle;
  } else {
    PyObject_GC_Del(self);
  }
  Py_DECREF(type);
}

PyObject* handle_cancel(PyObject* self, PyObject*) {
  cancel_handle(cast(self));
  Py_RETURN_NONE;
}
PyObject* handle_cancelled(PyObject* self, PyObject*) {
  return PyBool_FromLong(cast(self)->cancelled);
}
PyObject* handle_when(PyObject* self, PyObject*) {
  return PyFloat_FromDouble(cast(self)->when_seconds);
}
PyObject* handle_get_context(PyObject* self, PyObject*) {
  return Py_NewRef(cast(self)->context ? cast(self)->context : Py_None);
}
PyObject* handle_run(PyObject* self, PyObject*) {
  HandleObject* handle = cast(self);
  if (handle->cancelled) Py_RETURN_NONE;
  Ref context = Ref::borrow(handle->context);
  if (PyContext_Enter(context.get()) < 0) return nullptr;
  Ref result = Ref::steal(call_handle(handle));
  leave_context(context.get());
  if (!result) return nullptr;
  Py_RETURN_NONE;
}

PyObject* handle_arguments(HandleObject* handle) {
  if (handle->cancelled) Py_RETURN_NONE;
  if (handle->more != nullptr) return Py_NewRef(handle->more);
  PyObject* tuple = PyTuple_New(static_cast<Py_ssize_t>(handle->count));
  if (tuple == nullptr) return nullptr;
  for (std::uint32_t i = 0; i < handle->count; ++i) {
    PyTuple_SET_ITEM(tuple, static_cast<Py_ssize_t>(i), Py_NewRef(handle->slots[1 + i]));
  }
  return tuple;
}

PyObject* get_callback(PyObject* self, void*) {
  return Py_NewRef(cast(self)->callback ? cast(self)->callback : Py_None);
}
PyObject* get_args(PyObject* self, void*) { return handle_arguments(cast(self)); }
PyObject* get_loop(PyObject* self, void*) {
  return Py_NewRef(cast(self)->loop ? cast(self)->loop : Py_None);
}
PyObject* get_cancelled(PyObject* self, void*) { return PyBool_FromLong(cast(self)->cancelled); }
PyObject* get_scheduled(PyObject* self, void*) {
  return PyBool_FromLong(cast(self)->heap_index >= 0);
}

PyObject* handle_repr(PyObject* self) {
  HandleObject* handle = cast(self);
  Ref when;
  if (handle->is_timer) {
    when = Ref::steal(PyFloat_FromDouble(handle->when_seconds));
    if (!when) return nullptr;
  }
  if (handle->cancelled) {
    return when ? PyUnicode_FromFormat("<TimerHandle cancelled when=%R>", when.get())
                : PyUnicode_FromString("<Handle cancelled>");
  }
  return when ? PyUnicode_FromFormat("<TimerHandle when=%R %R>", when.get(), handle->callback)
              : PyUnicode_FromFormat("<Handle %R>", handle->callback);
}

PyObject* timer_compare(PyObject* self, PyObject* other, int operation) {
  if (!PyObject_TypeCheck(other, timer_handle_type)) Py_RETURN_NOTIMPLEMENTED;
  Py_RETURN_RICHCOMPARE(cast(self)->when_seconds, cast(other)->when_seconds, operation);
}
Py_hash_t timer_hash(PyObject* self) {
#if PY_VERSION_HEX >= 0x030D0000  // where the name without the underscore begins
  return Py_HashPointer(self);
#else
  return _Py_HashPointer(self);
#endif
}

PyMethodDef handle_methods[] = {
    {"cancel", handle_cancel, METH_NOARGS, "Cancels the call."},
    {"cancelled", handle_cancelled, METH_NOARGS, "True when it has been cancelled."},
    {"get_context", handle_get_context, METH_NOARGS, "The context it runs in."},
    {"_run", handle_run, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};
PyMethodDef timer_methods[] = {
    {"when", handle_when, METH_NOARGS, "The time it is due, on the loop's clock."},
    {nullptr, nullptr, 0, nullptr},
};
PyGetSetDef handle_properties[] = {
    {"_callback", get_callback, nullptr, nullptr, nullptr},
    {"_args", get_args, nullptr, nullptr, nullptr},
    {"_loop", get_loop, nullptr, nullptr, nullptr},
    {"_cancelled", get_cancelled, nullptr, nullptr, nullptr},
    {"_scheduled", get_scheduled, nullptr, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};
PyMemberDef handle_members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(HandleObject, weak_references), READONLY, nullptr},
    {"_context", T_OBJECT, offsetof(HandleObject, context), READONLY, nullptr},
    {"_source_traceback", T_OBJECT, offsetof(HandleObject, source_traceback), 0, nullptr},
    {"_when", T_DOUBLE, offsetof(HandleObject, when_seconds), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

PyType_Slot handle_slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(handle_dealloc)},
    {Py_tp_traverse, reinterpret_cast<void*>(handle_traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(handle_clear)},
    {Py_tp_repr, reinterpret_cast<void*>(handle_repr)},
    {Py_tp_methods, handle_methods},
    {Py_tp_getset, handle_properties},
    {Py_tp_members, handle_members},
    {0, nullptr},
};
PyType_Spec handle_spec = {"_duet.Handle", sizeof(HandleObject), 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE |
                               Py_TPFLAGS_DISALLOW_INSTANTIATION,
                           handle_slots};

PyType_Slot timer_slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(handle_dealloc)},
    {Py_tp_traverse, reinterpret_cast<void*>(handle_traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(handle_clear)},
    {Py_tp_richcompare, reinterpret_cast<void*>(timer_compare)},
    {Py_tp_hash, reinterpret_cast<void*>(timer_hash)},
    {Py_tp_methods, timer_methods},
    {0, nullptr},
};
PyType_Spec timer_spec = {
    "_duet.TimerHandle", sizeof(HandleObject), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION, timer_slots};

}  // namespace

bool create_handle_types(PyObject* module) {
  handle_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&handle_spec));
  if (handle_type == nullptr) return false;
  timer_handle_type = reinterpret_cast<PyTypeObject*>(
      PyType_FromSpecWithBases(&timer_spec, reinterpret_cast<PyObject*>(handle_type)));
  if (timer_handle_type == nullptr) return false;
  return PyModule_AddObjectRef(module, "Handle", reinterpret_cast<PyObject*>(handle_type)) == 0 &&
         PyModule_AddObjectRef(module, "TimerHandle",
                               reinterpret_cast<PyObject*>(timer_handle_type)) == 0;
}

HandleObject* new_handle(PyObject* loop, PyObject* callback, PyObject* const* arguments,
                         std::size_t count, PyObject* context) {
  return make(handle_type, loop, callback, arguments, count, context);
}

HandleObject* new_timer_handle(PyObject* loop, double when, PyObject* callback,
                               PyObject* const* arguments, std::size_t count, PyObject* context) {
  HandleObject* handle = make(timer_handle_type, loop, callback, arguments, count, context);
  if (handle != nullptr) handle->when_seconds = when;
  return handle;
}

bool is_handle(PyObject* object) { return PyObject_TypeCheck(object, handle_type); }

PyObject* call_handle(HandleObject* handle) {
  if (handle->more != nullptr) {
    return PyObject_Call(handle->callback, handle->more, nullptr);
  }
  return PyObject_Vectorcall(handle->callback, handle->slots + 1,
                             handle->count | PY_VECTORCALL_ARGUMENTS_OFFSET, nullptr);
}

void leave_context(PyObject* context) {
  PyObject *type, *value, *trace;
  PyErr_Fetch(&type, &value, &trace);
  if (PyContext_Exit(context) < 0) PyErr_WriteUnraisable(context);
  PyErr_Restore(type, value, trace);
}

void cancel_handle(HandleObject* handle) {
  if (handle->cancelled) return;
  handle->cancelled = true;
  if (handle->timers != nullptr) {
    // The heap's reference goes; the caller holds one of its own.
    handle->timers->forget_timer(handle);
  }
  drop_contents(handle);
}

}  // namespace duet::python
