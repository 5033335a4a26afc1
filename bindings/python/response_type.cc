#include "bindings/python/response_type.h"

#include <array>
#include <string>
#include <string_view>

#include "bindings/python/headers_type.h"
#include "bindings/python/json.h"
#include "host/http/message.h"

namespace duet::python {
namespace {

PyTypeObject* response_type = nullptr;

constexpr const char* kJsonMedia = "application/json";

constexpr std::size_t kFree = 32;
std::array<ResponseObject*, kFree> free_responses;
std::size_t free_count = 0;

ResponseObject* cast(PyObject* object) { return reinterpret_cast<ResponseObject*>(object); }

bool parse_status(PyObject* object, int& status) {
  if (!PyLong_Check(object)) {
    PyErr_Format(PyExc_TypeError, "status must be int, not %.100s", Py_TYPE(object)->tp_name);
    return false;
  }
  const long value = PyLong_AsLong(object);
  if (value == -1 && PyErr_Occurred()) return false;
  if (value < 200 || value > 599) {
    PyErr_Format(PyExc_ValueError, "status must be from 200 to 599, not %ld", value);
    return false;
  }
  status = static_cast<int>(value);
  return true;
}

// Null references mean "not given". Headers are checked here, so that the error names this line.
int fill(ResponseObject* self, PyObject* body, PyObject* status, PyObject* headers) {
  int code = 200;
  if (status != nullptr && !parse_status(status, code)) return -1;
  Ref checked;
  if (headers != nullptr && headers != Py_None) {
    checked = Ref::steal(new_headers(headers));
    if (!checked) return -1;
  }
  if (body == nullptr) body = Py_None;
  if (code == 204 || code == 205 || code == 304) {
    const bool empty = body == Py_None || (PyBytes_Check(body) && PyBytes_GET_SIZE(body) == 0) ||
                       (PyUnicode_Check(body) && PyUnicode_GET_LENGTH(body) == 0);
    if (!empty) {
      PyErr_Format(PyExc_ValueError, "an answer of status %d has no body", code);
      return -1;
    }
  }
  self->status = code;
  Py_XSETREF(self->body, Py_NewRef(body));
  Py_XSETREF(self->headers, checked.release());
  return 0;
}

ResponseObject* allocate(PyTypeObject* type) {
  ResponseObject* self = nullptr;
  if (type == response_type && free_count > 0) {
    self = free_responses[--free_count];
    PyObject_Init(reinterpret_cast<PyObject*>(self), type);
    self->headers = nullptr;
    self->media = nullptr;
    PyObject_GC_Track(self);
  } else {
    self = cast(type->tp_alloc(type, 0));  // zeroed
    if (self == nullptr) return nullptr;
  }
  self->status = 200;
  self->body = Py_NewRef(Py_None);
  return self;
}

PyObject* response_new(PyTypeObject* type, PyObject*, PyObject*) {
  return reinterpret_cast<PyObject*>(allocate(type));
}

int response_init(PyObject* self, PyObject* args, PyObject* kwargs) {
  static const char* keywords[] = {"body", "status", "headers", nullptr};
  PyObject *body = nullptr, *status = nullptr, *headers = nullptr;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|OOO:Response", const_cast<char**>(keywords),
                                   &body, &status, &headers)) {
    return -1;
  }
  return fill(cast(self), body, status, headers);
}

int traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(cast(self)->body);
  Py_VISIT(cast(self)->headers);
  return 0;
}
int clear(PyObject* self) {
  Py_CLEAR(cast(self)->body);
  Py_CLEAR(cast(self)->headers);
  return 0;
}
void dealloc(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  clear(self);
  if (type == response_type && free_count < kFree) {
    free_responses[free_count++] = cast(self);
  } else {
    type->tp_free(self);
  }
  Py_DECREF(type);
}

PyObject* represent(PyObject* self) {
  return PyUnicode_FromFormat("<Response %d>", cast(self)->status);
}

PyObject* get_status(PyObject* self, void*) { return PyLong_FromLong(cast(self)->status); }
int set_status(PyObject* self, PyObject* value, void*) {
  if (value == nullptr) {
    PyErr_SetString(PyExc_TypeError, "a response has a status");
    return -1;
  }
  return parse_status(value, cast(self)->status) ? 0 : -1;
}
PyObject* get_headers(PyObject* self, void*) {
  ResponseObject* response = cast(self);
  if (response->headers == nullptr) {
    Ref initial;
    if (response->media != nullptr) {
      initial = Ref::steal(Py_BuildValue("{ss}", "content-type", response->media));
      if (!initial) return nullptr;
    }
    response->headers = new_headers(initial.get());
    response->media = nullptr;
  }
  return Py_XNewRef(response->headers);
}
int set_headers(PyObject* self, PyObject* value, void*) {
  PyObject* headers = new_headers(value);
  if (headers == nullptr) return -1;
  Py_XSETREF(cast(self)->headers, headers);
  return 0;
}
PyObject* get_body(PyObject* self, void*) { return Py_NewRef(cast(self)->body); }
int set_body(PyObject* self, PyObject* value, void*) {
  Py_SETREF(cast(self)->body, Py_NewRef(value ? value : Py_None));
  return 0;
}

// Positional and keyword arguments of a vectorcall into `values`, by the names in `known`.
bool collect(const char* function, const char* const* known, int most, PyObject* const* args,
             Py_ssize_t positional, PyObject* keywords, PyObject** values) {
  if (positional > most) {
    PyErr_Format(PyExc_TypeError, "%s takes at most %d positional arguments, not %zd", function,
                 most, positional);
    return false;
  }
  for (Py_ssize_t i = 0; i < positional; ++i) values[i] = args[i];
  const Py_ssize_t named = keywords ? PyTuple_GET_SIZE(keywords) : 0;
  for (Py_ssize_t i = 0; i < named; ++i) {
    PyObject* keyword = PyTuple_GET_ITEM(keywords, i);
    int index = 0;
    while (index < most && PyUnicode_CompareWithASCIIString(keyword, known[index]) != 0) ++index;
    if (index == most || values[index] != nullptr) {
      PyErr_Format(PyExc_TypeError,
                   index == most ? "%s has no argument '%U'" : "%s got two values for '%U'",
                   function, keyword);
      return false;
    }
    values[index] = args[positional + i];
  }
  return true;
}

// Response(body, status, headers): the constructor's fast form, which makes no tuple or dict.
PyObject* response_vectorcall(PyObject* type, PyObject* const* args, std::size_t nargsf,
                              PyObject* keywords) {
  static const char* const known[] = {"body", "status", "headers"};
  PyObject* values[3] = {nullptr, nullptr, nullptr};
  if (!collect("Response()", known, 3, args, PyVectorcall_NARGS(nargsf), keywords, values)) {
    return nullptr;
  }
  ResponseObject* self = allocate(reinterpret_cast<PyTypeObject*>(type));
  if (self == nullptr) return nullptr;
  if (fill(self, values[0], values[1], values[2]) < 0) {
    Py_DECREF(self);
    return nullptr;
  }
  return reinterpret_cast<PyObject*>(self);
}

// Response.json(value, status=200, headers=None): JSON whatever the value, also a str or None.
PyObject* json_method(PyObject* type, PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
  static const char* const known[] = {"value", "status", "headers"};
  static std::string text;  // keeps its memory; guarded by the GIL, which write_json() never drops
  PyObject* values[3] = {nullptr, nullptr, nullptr};
  if (!collect("Response.json()", known, 3, args, count, keywords, values)) return nullptr;
  if (values[0] == nullptr) {
    PyErr_SetString(PyExc_TypeError, "Response.json() misses its value");
    return nullptr;
  }
  text.clear();
  if (!write_json(values[0], text)) return nullptr;
  Ref body = Ref::steal(to_bytes(text));
  Ref response = Ref::steal(type == reinterpret_cast<PyObject*>(response_type)
                                ? reinterpret_cast<PyObject*>(allocate(response_type))
                                : PyObject_CallNoArgs(type));
  if (!body || !response || fill(cast(response.get()), body.get(), values[1], values[2]) < 0) {
    return nullptr;
  }
  cast(response.get())->media = kJsonMedia;
  return response.release();
}

// A Location is ASCII (RFC 3986), what people write is not: "/straße" and spaces are encoded, as
// JavaScript's Response.redirect does it. Control characters are left for add_fields() to refuse.
PyObject* encoded_url(PyObject* url) {
  Py_ssize_t size = 0;
  const char* text = PyUnicode_AsUTF8AndSize(url, &size);
  if (text == nullptr) return nullptr;
  std::string encoded;
  for (const char c : std::string_view(text, static_cast<std::size_t>(size))) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80 && byte != ' ') {
      encoded += c;
    } else {
      constexpr char kHex[] = "0123456789ABCDEF";
      encoded.append({'%', kHex[byte >> 4], kHex[byte & 15]});
    }
  }
  return PyUnicode_FromStringAndSize(encoded.data(), static_cast<Py_ssize_t>(encoded.size()));
}

// Response.redirect(url, status=302)
PyObject* redirect_method(PyObject* type, PyObject* args, PyObject* kwargs) {
  static const char* keywords[] = {"url", "status", nullptr};
  PyObject* url = nullptr;
  int status = 302;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "U|i:redirect", const_cast<char**>(keywords), &url,
                                   &status)) {
    return nullptr;
  }
  if (status != 301 && status != 302 && status != 303 && status != 307 && status != 308) {
    PyErr_Format(PyExc_ValueError, "a redirect has status 301, 302, 303, 307 or 308, not %d",
                 status);
    return nullptr;
  }
  Ref encoded = Ref::steal(encoded_url(url));
  if (!encoded) return nullptr;
  Ref fields = Ref::steal(Py_BuildValue("{sO}", "location", encoded.get()));
  Ref code = Ref::steal(PyLong_FromLong(status));
  Ref response = Ref::steal(PyObject_CallNoArgs(type));
  if (!fields || !code || !response ||
      fill(cast(response.get()), nullptr, code.get(), fields.get()) < 0) {
    return nullptr;
  }
  return response.release();
}

PyMethodDef methods[] = {
    {"json", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(json_method)),
     METH_FASTCALL | METH_KEYWORDS | METH_CLASS, "An answer of JSON, whatever the value."},
    {"redirect", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(redirect_method)),
     METH_VARARGS | METH_KEYWORDS | METH_CLASS, "A redirection to another URL."},
    {nullptr, nullptr, 0, nullptr},
};
PyGetSetDef properties[] = {
    {"status", get_status, set_status, "The status code.", nullptr},
    {"headers", get_headers, set_headers, "The header fields.", nullptr},
    {"body", get_body, set_body, "The body as given.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};
PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>("Response(body=None, status=200, headers=None)")},
    {Py_tp_new, reinterpret_cast<void*>(response_new)},
    {Py_tp_init, reinterpret_cast<void*>(response_init)},
    {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
    {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(clear)},
    {Py_tp_repr, reinterpret_cast<void*>(represent)},
    {Py_tp_methods, methods},
    {Py_tp_getset, properties},
    {0, nullptr},
};
PyType_Spec spec = {"duet.Response", sizeof(ResponseObject), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE, slots};

}  // namespace

bool create_response_type(PyObject* module) {
  response_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  if (response_type == nullptr) return false;
  // Not inherited: subclasses construct through tp_new and tp_init.
  response_type->tp_vectorcall = response_vectorcall;
  return PyModule_AddObjectRef(module, "Response", reinterpret_cast<PyObject*>(response_type)) == 0;
}

bool is_response(PyObject* object) {
  return Py_TYPE(object) == response_type || PyType_IsSubtype(Py_TYPE(object), response_type);
}

}  // namespace duet::python
