#include "bindings/python/wsgi_call.h"

#include "bindings/python/wsgi_environ.h"

namespace duet::python {
namespace {

PoolJob* job_of(PyObject* self) {
  PoolJob* job = as_request(self)->job;
  if (job == nullptr) {
    PyErr_SetString(engine->request_ended, "the request has ended");
  }
  return job;
}

// Has the loop's thread do `step`; the GIL is free meanwhile. False with an error set when nobody
// reads the answer any more.
bool hand_over(PoolJob& job, Pool::Step step) {
  PyThreadState* state = PyEval_SaveThread();
  const bool going = Pool::on_loop(job, std::move(step));
  PyEval_RestoreThread(state);
  if (!going) {
    PyErr_SetString(engine->client_disconnected, "nobody waits for the answer any more");
  }
  return going;
}

std::string_view bytes_of(PyObject* bytes) {
  return {PyBytes_AS_STRING(bytes), static_cast<std::size_t>(PyBytes_GET_SIZE(bytes))};
}

bool latin1(const Handler& handler, PyObject* text, std::string& out) {
  if (!PyUnicode_Check(text)) {
    PyErr_Format(PyExc_TypeError,
                 "handler '%s': header names and values must be str, not %.100s (%.100R)",
                 handler.name.c_str(), Py_TYPE(text)->tp_name, text);
    return false;
  }
  Ref bytes = Ref::steal(PyUnicode_AsLatin1String(text));
  if (!bytes) {
    PyErr_Clear();
    PyErr_Format(PyExc_ValueError, "handler '%s': the header text %.200R is not Latin-1",
                 handler.name.c_str(), text);
    return false;
  }
  out = bytes_of(bytes.get());
  return true;
}

// (status, headers) as start_response() took them.
bool fill_head(const Handler& handler, PyObject* status, PyObject* headers,
               http::ResponseHead& head) {
  const long number = PyLong_AsLong(status);
  if (number == -1 && PyErr_Occurred()) return false;
  head.reset(static_cast<int>(number));
  std::string name, value;
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(headers); ++i) {
    PyObject* pair = PyList_GET_ITEM(headers, i);
    if (!PyTuple_Check(pair) || PyTuple_GET_SIZE(pair) != 2) {
      PyErr_Format(PyExc_TypeError,
                   "handler '%s': a header must be a tuple (name, value), not %.200R",
                   handler.name.c_str(), pair);
      return false;
    }
    if (!latin1(handler, PyTuple_GET_ITEM(pair, 0), name) ||
        !latin1(handler, PyTuple_GET_ITEM(pair, 1), value)) {
      return false;
    }
    if (const char* why = head.add(name, value)) {
      PyErr_Format(PyExc_ValueError, "handler '%s': the header %.200R cannot be sent: %s",
                   handler.name.c_str(), pair, why);
      return false;
    }
  }
  return true;
}

}  // namespace

bool run_wsgi(PoolJob& job) {
  const Handler& handler = *job.handler;
  PyObject* request = reinterpret_cast<PyObject*>(job.request);
  Ref environ = Ref::steal(new_environ(handler, *job.request->snapshot));
  Ref body = Ref::steal(environ ? to_bytes(job.request->snapshot->body) : nullptr);
  if (!body) return false;
  PyObject* arguments[] = {handler.callable, environ.get(), request, body.get(),
                           PyBool_FromLong(job.streams_body)};
  Ref result = Ref::steal(engine->call_bootstrap("run_wsgi", arguments, 5));
  Py_DECREF(arguments[4]);
  if (!result) return false;
  // (route or None, status, headers, body), or (route or None,) when it was streamed.
  PyObject* route = PyTuple_GET_ITEM(result.get(), 0);
  if (PyUnicode_Check(route)) job.route = utf8(route);
  if (PyTuple_GET_SIZE(result.get()) == 1) return true;
  if (!fill_head(handler, PyTuple_GET_ITEM(result.get(), 1), PyTuple_GET_ITEM(result.get(), 2),
                 job.answer.head)) {
    return false;
  }
  job.answer.text.assign(bytes_of(PyTuple_GET_ITEM(result.get(), 3)));
  job.answer.body = job.answer.text;
  job.answered = true;
  return true;
}

PyObject* wsgi_start(PyObject* self, PyObject* const* args, Py_ssize_t count) {
  PoolJob* job = job_of(self);
  if (job == nullptr) return nullptr;
  if (count != 2 || !fill_head(*job->handler, args[0], args[1], job->answer.head)) return nullptr;
  const bool going = hand_over(*job, [job](Exchange& exchange) {
    return exchange.start(job->answer.head) ? WriteResult::kOk : WriteResult::kGone;
  });
  if (!going) return nullptr;
  Py_RETURN_NONE;
}

PyObject* wsgi_write(PyObject* self, PyObject* bytes) {
  PoolJob* job = job_of(self);
  if (job == nullptr) return nullptr;
  // The thread waits until the loop has copied it: the view stays valid.
  const std::string_view view = bytes_of(bytes);
  if (!hand_over(*job, [view](Exchange& exchange) { return exchange.write(view); })) return nullptr;
  Py_RETURN_NONE;
}

PyObject* wsgi_end(PyObject* self, PyObject*) {
  PoolJob* job = job_of(self);
  if (job == nullptr) return nullptr;
  const bool going = hand_over(*job, [](Exchange& exchange) {
    exchange.end();
    return WriteResult::kOk;
  });
  if (!going) return nullptr;
  Py_RETURN_NONE;
}

PyObject* wsgi_read(PyObject* self, PyObject*) {
  PoolJob* job = job_of(self);
  if (job == nullptr) return nullptr;
  const bool going = hand_over(*job, [job](Exchange& exchange) {
    // kFull: Pool::body_arrived() goes on when there is something.
    if (!exchange.want_body(BodyDemand::kSome)) return WriteResult::kFull;
    job->piece = exchange.take_body();
    job->body_failed = exchange.body_failed();
    return WriteResult::kOk;
  });
  if (!going) return nullptr;
  if (job->body_failed) {
    PyErr_SetString(engine->client_disconnected, "the request's body was cut off or is too long");
    return nullptr;
  }
  return to_bytes(job->piece);
}

}  // namespace duet::python
