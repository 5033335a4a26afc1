// The methods of duet.Request that read its body and stream its answer.
#pragma once

#include "bindings/python/python.h"

namespace duet::python {

extern PyMethodDef request_body_methods[];

// Creates the awaitable that is ready at once; false with a Python error set.
bool create_ready_type(PyObject* module);

}  // namespace duet::python
