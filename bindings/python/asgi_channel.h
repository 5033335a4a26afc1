// What `send` and `receive` have in common: C callables that belong to a request, used again.
#pragma once

#include "bindings/python/python.h"

#include <structmember.h>

#include <array>
#include <cstddef>

#include "bindings/python/exchange_object.h"

namespace duet::python {

struct ChannelObject {
  PyObject_HEAD vectorcallfunc call;
  RequestObject* request;  // owned
};

// One of the two types. `kCall` is the vectorcall function.
template <vectorcallfunc kCall>
class Channel {
 public:
  static bool create(const char* name) {
    PyMemberDef members[] = {
        {"__vectorcalloffset__", T_PYSSIZET, offsetof(ChannelObject, call), READONLY, nullptr},
        {nullptr, 0, 0, 0, nullptr}};
    PyType_Slot slots[] = {{Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
                           {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
                           {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
                           {Py_tp_members, members},
                           {0, nullptr}};
    PyType_Spec spec = {name, sizeof(ChannelObject), 0,
                        Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL |
                            Py_TPFLAGS_DISALLOW_INSTANTIATION,
                        slots};
    type_ = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
    return type_ != nullptr;
  }

  static PyObject* make(RequestObject* request) {
    ChannelObject* self = nullptr;
    if (free_count_ > 0) {
      self = free_[--free_count_];
      PyObject_Init(reinterpret_cast<PyObject*>(self), type_);
    } else {
      self = PyObject_GC_New(ChannelObject, type_);
      if (self == nullptr) return nullptr;
    }
    self->call = kCall;
    Py_INCREF(request);
    self->request = request;
    PyObject_GC_Track(self);
    return reinterpret_cast<PyObject*>(self);
  }

 private:
  static int traverse(PyObject* self, visitproc visit, void* arg) {
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(reinterpret_cast<ChannelObject*>(self)->request);
    return 0;
  }

  static void dealloc(PyObject* self) {
    PyTypeObject* type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    auto* channel = reinterpret_cast<ChannelObject*>(self);
    Py_CLEAR(channel->request);
    if (free_count_ < kFree) {
      free_[free_count_++] = channel;
    } else {
      PyObject_GC_Del(self);
    }
    Py_DECREF(type);
  }

  static constexpr std::size_t kFree = 64;
  static inline PyTypeObject* type_ = nullptr;
  static inline std::array<ChannelObject*, kFree> free_{};
  static inline std::size_t free_count_ = 0;
};

inline RequestObject* channel_request(PyObject* self) {
  return reinterpret_cast<ChannelObject*>(self)->request;
}

}  // namespace duet::python
