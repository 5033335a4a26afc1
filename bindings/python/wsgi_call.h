// One call of a WSGI application, in a thread of the pool.
#pragma once

#include "bindings/python/pool.h"

namespace duet::python {

// Runs `job`'s application: fills job.answer, or streams it. False with an error set. A thread of
// the pool, GIL held, the context entered.
bool run_wsgi(PoolJob& job);

// Methods of duet.Request for duet/_wsgi.py, in the job's thread: the head, a piece, the end of a
// streamed answer; the next piece of the request's body (b"" at its end).
PyObject* wsgi_start(PyObject* request, PyObject* const* args, Py_ssize_t count);
PyObject* wsgi_write(PyObject* request, PyObject* bytes);
PyObject* wsgi_end(PyObject* request, PyObject*);
PyObject* wsgi_read(PyObject* request, PyObject*);

}  // namespace duet::python
