// CPython for the files of this folder: the headers, owning references, and the interned names.
//
// Hot paths use the C API with vectorcall: pybind11's dispatch costs about 150 ns a call, a
// request's whole budget is 500. pybind11 does the rest, in interpreter.cc: embedding, the `_duet`
// module, what happens at start-up; its headers would triple the time the other files take.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace duet::python {

// An owned reference. Moves are free; every operation needs the GIL.
class Ref {
 public:
  Ref() = default;
  static Ref steal(PyObject* object) { return Ref(object); }
  static Ref borrow(PyObject* object) { return Ref(Py_XNewRef(object)); }
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Ref& operator=(Ref&& other) noexcept {
    if (this != &other) {
      PyObject* old = std::exchange(object_, std::exchange(other.object_, nullptr));
      Py_XDECREF(old);
    }
    return *this;
  }
  Ref(const Ref&) = delete;
  Ref& operator=(const Ref&) = delete;
  ~Ref() { Py_XDECREF(object_); }

  PyObject* get() const { return object_; }
  PyObject* release() { return std::exchange(object_, nullptr); }
  void reset() { Py_CLEAR(object_); }
  explicit operator bool() const { return object_ != nullptr; }

 private:
  explicit Ref(PyObject* object) : object_(object) {}
  PyObject* object_ = nullptr;
};

// Strings that name attributes and arguments, interned once.
struct Names {
  PyObject* add_done_callback;
  PyObject* asyncio_future_blocking;
  PyObject* asyncio_loop;
  PyObject* call_exception_handler;
  PyObject* cancel;
  PyObject* close;
  PyObject* context;
  PyObject* done;
  PyObject* fileno;
  PyObject* loop;
  PyObject* result;
  PyObject* set_result;
  PyObject* throw_;
  PyObject* value;
  PyObject* empty_string;
  PyObject* empty_bytes;
  PyObject* methods[9];  // by http::Method, without kOther
  // Names of the keyword arguments of a vectorcall.
  PyObject* context_keyword;        // ("context",)
  PyObject* loop_keyword;           // ("loop",)
  PyObject* loop_context_keywords;  // ("loop", "context")
  // Creates them; false with a Python error set.
  bool create();
};
extern Names names;

// The text of a str; null data() with a Python error set when it has lone surrogates.
inline std::string_view utf8(PyObject* text) {
  Py_ssize_t size = 0;
  const char* data = PyUnicode_AsUTF8AndSize(text, &size);
  return {data, data ? static_cast<std::size_t>(size) : 0};
}

inline PyObject* from_utf8(std::string_view text) {
  return PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace");
}
inline PyObject* from_latin1(std::string_view text) {
  return PyUnicode_DecodeLatin1(text.data(), static_cast<Py_ssize_t>(text.size()), nullptr);
}
inline PyObject* to_bytes(std::string_view bytes) {
  return PyBytes_FromStringAndSize(bytes.data(), static_cast<Py_ssize_t>(bytes.size()));
}

}  // namespace duet::python
