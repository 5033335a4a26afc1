// JSON in and out of Python values, with the meaning of the standard library's json module.
#pragma once

#include <string>

#include "bindings/python/python.h"

namespace duet::python {

// Finds the standard library's scanner; false with a Python error set.
bool prepare_json();

// Appends `value` as JSON text: compact, UTF-8, keys converted as json.dumps does. NaN and
// infinities raise ValueError (JSON has none), cycles ValueError, other types TypeError that says
// where in the value they are. False with the error set.
bool write_json(PyObject* value, std::string& out);

// As json.loads(text). Null with json.JSONDecodeError set.
PyObject* read_json(PyObject* text);

}  // namespace duet::python
