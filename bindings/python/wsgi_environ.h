// The environ of a WSGI call (PEP 3333), from the copy of its request.
#pragma once

#include "bindings/python/python.h"

namespace duet::python {

struct Handler;
struct Snapshot;

// Prepares what all environs of `handler` have in common. False with an error set.
bool prepare_environs(Handler& handler);

// A new dict, without wsgi.input. Any thread with the GIL. Null with an error set.
PyObject* new_environ(const Handler& handler, const Snapshot& request);

}  // namespace duet::python
