// duet.Response: a status, header fields and a body, as the handler made it.
#pragma once

#include "bindings/python/python.h"

namespace duet::python {

struct ResponseObject {
  PyObject_HEAD PyObject* body;  // as given; never null
  PyObject* headers;             // Headers, or null
  const char* media;  // static: the content-type to send unless `headers` has one; or null
  int status;
};

// Creates duet.Response; false with a Python error set.
bool create_response_type(PyObject* module);
// Also true for instances of subclasses.
bool is_response(PyObject* object);

}  // namespace duet::python
