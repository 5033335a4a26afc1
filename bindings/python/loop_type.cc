#include "bindings/python/loop_type.h"

#include <unistd.h>

#include <climits>

#include "bindings/python/engine.h"
#include "bindings/python/standalone_loop.h"

namespace duet::python {
namespace {

struct LoopObject {
  PyObject_HEAD EventLoop* core;  // the host's, or `standalone`'s
  StandaloneLoop* standalone;     // owned; null for the host's
  bool debug;                     // as asyncio has it
};

LoopObject* cast(PyObject* object) { return reinterpret_cast<LoopObject*>(object); }

// In a forked child: its loops are those that it made itself.
bool is_parents(PyObject* self) {
  if (engine == nullptr || !engine->forked) return false;
  const StandaloneLoop* own = cast(self)->standalone;
  return own == nullptr || own->process() != getpid();
}

EventLoop* open_core(PyObject* self) {
  EventLoop* core = cast(self)->core;
  if (core == nullptr) PyErr_SetString(PyExc_RuntimeError, "Event loop is closed");
  if (core != nullptr && is_parents(self)) {
    PyErr_SetString(PyExc_RuntimeError,
                    "this process was forked from a duet host: its event loop stays with the "
                    "parent (use subprocess, or multiprocessing with \"spawn\")");
    return nullptr;
  }
  return core;
}

// What a request schedules belongs to it: its scope is set before contexts are copied.
bool bind_scope() { return engine == nullptr || engine->slices.bind(); }

// (callback, *args, context=None) of the public methods; `skip` arguments come before them.
struct Call {
  PyObject* const* arguments = nullptr;
  std::size_t count = 0;
  PyObject* callback = nullptr;
  PyObject* context = nullptr;
};

bool parse_call(const char* name, PyObject* const* args, Py_ssize_t count, PyObject* keywords,
                Py_ssize_t skip, Call& call) {
  if (count < skip + 1) {
    PyErr_Format(PyExc_TypeError, "%s() misses its callback", name);
    return false;
  }
  const Py_ssize_t named = keywords ? PyTuple_GET_SIZE(keywords) : 0;
  for (Py_ssize_t i = 0; i < named; ++i) {
    PyObject* keyword = PyTuple_GET_ITEM(keywords, i);
    if (PyUnicode_CompareWithASCIIString(keyword, "context") != 0) {
      PyErr_Format(PyExc_TypeError, "%s() got an unexpected keyword argument '%U'", name, keyword);
      return false;
    }
    call.context = args[count + i];
  }
  call.callback = args[skip];
  call.arguments = args + skip + 1;
  call.count = static_cast<std::size_t>(count - skip - 1);
  if (!PyCallable_Check(call.callback) || PyCoro_CheckExact(call.callback)) {
    PyErr_Format(PyExc_TypeError, "a callable object was expected by %s(), got %R", name,
                 call.callback);
    return false;
  }
  return true;
}

PyObject* give(PyObject* self, HandleObject* handle) {
  PyObject* object = reinterpret_cast<PyObject*>(handle);
  if (cast(self)->debug) {
    Ref noted = Ref::steal(PyObject_CallMethod(self, "_note_source", "O", object));
    if (!noted) PyErr_WriteUnraisable(self);
  }
  return Py_NewRef(object);
}

PyObject* call_soon(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
  EventLoop* core = open_core(self);
  Call call;
  if (core == nullptr || !parse_call("call_soon", args, count, keywords, 0, call)) return nullptr;
  if (call.context == nullptr && !bind_scope()) return nullptr;
  HandleObject* handle = new_handle(self, call.callback, call.arguments, call.count, call.context);
  if (handle == nullptr) return nullptr;
  PyObject* result = give(self, handle);
  if (core->on_own_thread()) {
    core->push(handle);
  } else {
    core->push_from_thread(handle);
  }
  return result;
}

PyObject* call_soon_threadsafe(PyObject* self, PyObject* const* args, Py_ssize_t count,
                               PyObject* keywords) {
  EventLoop* core = open_core(self);
  Call call;
  if (core == nullptr || !parse_call("call_soon_threadsafe", args, count, keywords, 0, call)) {
    return nullptr;
  }
  if (call.context == nullptr && core->on_own_thread() && !bind_scope()) return nullptr;
  HandleObject* handle = new_handle(self, call.callback, call.arguments, call.count, call.context);
  if (handle == nullptr) return nullptr;
  Ref result = Ref::steal(give(self, handle));
  if (core->on_own_thread()) {
    core->push(handle);
  } else if (!core->push_from_thread(handle)) {
    PyErr_SetString(PyExc_RuntimeError, "Event loop is closed");
    return nullptr;
  }
  return result.release();
}

PyObject* at(PyObject* self, EventLoop* core, double when, const Call& call) {
  if (call.context == nullptr && !bind_scope()) return nullptr;
  HandleObject* handle =
      new_timer_handle(self, when, call.callback, call.arguments, call.count, call.context);
  if (handle == nullptr) return nullptr;
  PyObject* result = give(self, handle);
  core->push_timer(handle);
  return result;
}

PyObject* call_at(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
  EventLoop* core = open_core(self);
  Call call;
  if (core == nullptr || !parse_call("call_at", args, count, keywords, 1, call)) return nullptr;
  if (args[0] == Py_None) {
    PyErr_SetString(PyExc_TypeError, "when cannot be None");
    return nullptr;
  }
  const double when = PyFloat_AsDouble(args[0]);
  if (when == -1.0 && PyErr_Occurred()) return nullptr;
  return at(self, core, when, call);
}

PyObject* call_later(PyObject* self, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
  EventLoop* core = open_core(self);
  Call call;
  if (core == nullptr || !parse_call("call_later", args, count, keywords, 1, call)) {
    return nullptr;
  }
  if (args[0] == Py_None) {
    PyErr_SetString(PyExc_TypeError, "delay must not be None");
    return nullptr;
  }
  const double delay = PyFloat_AsDouble(args[0]);
  if (delay == -1.0 && PyErr_Occurred()) return nullptr;
  return at(self, core, EventLoop::time() + delay, call);
}

PyObject* loop_time(PyObject*, PyObject*) { return PyFloat_FromDouble(EventLoop::time()); }

PyObject* create_future(PyObject* self, PyObject*) {
  if (!engine->start_asyncio()) return nullptr;
  // A future is for waiting, or for callbacks, which copy the context as they are added.
  const EventLoop* core = cast(self)->core;
  if (core != nullptr && core->on_own_thread() && !bind_scope()) return nullptr;
  PyObject* arguments[] = {self};
  return PyObject_Vectorcall(engine->future_type, arguments, 0, names.loop_keyword);
}

// As selectors' _fileobj_to_fd: a number, or anything whose fileno() is like one. -1: error set.
int descriptor_of(PyObject* object) {
  Ref number;
  if (PyLong_Check(object)) {
    number = Ref::borrow(object);
  } else if (Ref given = Ref::steal(PyObject_CallMethodNoArgs(object, names.fileno))) {
    number = Ref::steal(PyNumber_Long(given.get()));
  }
  const long value = number ? PyLong_AsLong(number.get()) : -1;
  if (value >= 0 && value <= INT_MAX) return static_cast<int>(value);
  if (!PyErr_Occurred() || PyErr_ExceptionMatches(PyExc_AttributeError) ||
      PyErr_ExceptionMatches(PyExc_TypeError)) {
    PyErr_Format(PyExc_ValueError, "Invalid file object: %R", object);
  }
  return -1;
}

PyObject* add_watch(PyObject* self, PyObject* const* args, Py_ssize_t count, bool writable) {
  EventLoop* core = open_core(self);
  Call call;
  if (core == nullptr ||
      !parse_call(writable ? "add_writer" : "add_reader", args, count, nullptr, 1, call)) {
    return nullptr;
  }
  const int fd = descriptor_of(args[0]);
  if (fd < 0 || !bind_scope()) return nullptr;
  HandleObject* handle = new_handle(self, call.callback, call.arguments, call.count, nullptr);
  if (handle == nullptr) return nullptr;
  Ref result = Ref::steal(give(self, handle));
  const int error = core->watch(fd, writable, handle, args[0]);
  if (error < 0) {
    errno = -error;  // uv's codes are negated errno values on Unix
    return PyErr_SetFromErrno(PyExc_OSError);
  }
  return result.release();
}

PyObject* remove_watch(PyObject* self, PyObject* descriptor, bool writable) {
  EventLoop* core = cast(self)->core;
  if (core == nullptr || is_parents(self)) Py_RETURN_FALSE;
  int fd = descriptor_of(descriptor);
  if (fd < 0) {
    fd = PyErr_ExceptionMatches(PyExc_ValueError) ? core->watched_as(descriptor) : -1;
    if (fd < 0) return nullptr;
    PyErr_Clear();
  }
  return PyBool_FromLong(core->unwatch(fd, writable));
}

PyObject* add_reader(PyObject* self, PyObject* const* args, Py_ssize_t count) {
  return add_watch(self, args, count, false);
}
PyObject* add_writer(PyObject* self, PyObject* const* args, Py_ssize_t count) {
  return add_watch(self, args, count, true);
}
PyObject* remove_reader(PyObject* self, PyObject* fd) { return remove_watch(self, fd, false); }
PyObject* remove_writer(PyObject* self, PyObject* fd) { return remove_watch(self, fd, true); }

// _open(own): binds the object to the host's loop, or to one of its own.
PyObject* open_loop(PyObject* self, PyObject* own) {
  LoopObject* loop = cast(self);
  if (own == Py_True) {
    loop->standalone = new StandaloneLoop;
    loop->core = &loop->standalone->events();
  } else {
    loop->core = engine->events.get();
  }
  Py_RETURN_NONE;
}

PyObject* close_loop(PyObject* self, PyObject*) {
  LoopObject* loop = cast(self);
  loop->core = nullptr;
  if (StandaloneLoop* own = std::exchange(loop->standalone, nullptr)) {
    own->close();
    delete own;
  }
  Py_RETURN_NONE;
}

// _run(): runs a loop of its own until _stop(). Raises what a callback must not swallow.
PyObject* run_loop(PyObject* self, PyObject*) {
  if (cast(self)->standalone == nullptr) {
    PyErr_SetString(PyExc_RuntimeError, "This event loop is already running");
    return nullptr;
  }
  return cast(self)->standalone->run() ? Py_NewRef(Py_None) : nullptr;
}

PyObject* stop_loop(PyObject* self, PyObject*) {
  if (cast(self)->standalone != nullptr) cast(self)->standalone->stop();
  Py_RETURN_NONE;
}

PyObject* set_core_debug(PyObject* self, PyObject* wanted) {
  const int yes = PyObject_IsTrue(wanted);
  if (yes < 0) return nullptr;
  cast(self)->debug = yes == 1;
  if (EventLoop* core = cast(self)->core) core->report_durations(yes == 1);
  Py_RETURN_NONE;
}

void dealloc(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  Ref closed = Ref::steal(close_loop(self, nullptr));
  type->tp_free(self);
  Py_DECREF(type);
}
int traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  return 0;
}

template <class Function>
PyCFunction method(Function* function) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}

PyMethodDef methods[] = {
    {"call_soon", method(call_soon), METH_FASTCALL | METH_KEYWORDS, nullptr},
    {"call_soon_threadsafe", method(call_soon_threadsafe), METH_FASTCALL | METH_KEYWORDS, nullptr},
    {"call_at", method(call_at), METH_FASTCALL | METH_KEYWORDS, nullptr},
    {"call_later", method(call_later), METH_FASTCALL | METH_KEYWORDS, nullptr},
    {"time", loop_time, METH_NOARGS, nullptr},
    {"create_future", create_future, METH_NOARGS, nullptr},
    {"_add_reader", method(add_reader), METH_FASTCALL, nullptr},
    {"_add_writer", method(add_writer), METH_FASTCALL, nullptr},
    {"_remove_reader", remove_reader, METH_O, nullptr},
    {"_remove_writer", remove_writer, METH_O, nullptr},
    {"_open", open_loop, METH_O, nullptr},
    {"_close", close_loop, METH_NOARGS, nullptr},
    {"_run", run_loop, METH_NOARGS, nullptr},
    {"_stop", stop_loop, METH_NOARGS, nullptr},
    {"_set_core_debug", set_core_debug, METH_O, nullptr},
    {nullptr, nullptr, 0, nullptr},
};
PyType_Slot slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
    {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
    {Py_tp_methods, methods},
    {0, nullptr},
};
PyType_Spec spec = {"_duet.LoopCore", sizeof(LoopObject), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE, slots};

}  // namespace

bool create_loop_type(PyObject* module) {
  Ref type = Ref::steal(PyType_FromSpec(&spec));
  return type && PyModule_AddObjectRef(module, "LoopCore", type.get()) == 0;
}

EventLoop* core_of(PyObject* loop) { return cast(loop)->core; }

void report_handle_error(HandleObject* handle) {
  Ref exception = take_exception();
  if (!exception || handle->loop == nullptr) return;
  Ref message = Ref::steal(
      PyUnicode_FromFormat("Exception in callback %R", reinterpret_cast<PyObject*>(handle)));
  if (!message) PyErr_Clear();
  Ref context = Ref::steal(Py_BuildValue("{sOsOsO}", "message", message ? message.get() : Py_None,
                                         "exception", exception.get(), "handle", handle));
  if (context && handle->source_traceback != nullptr &&
      PyDict_SetItemString(context.get(), "source_traceback", handle->source_traceback) < 0) {
    PyErr_Clear();
  }
  Ref told = Ref::steal(
      context ? PyObject_CallMethodOneArg(handle->loop, names.call_exception_handler, context.get())
              : nullptr);
  if (!told) PyErr_WriteUnraisable(handle->loop);
}

}  // namespace duet::python
