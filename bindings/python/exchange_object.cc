#include "bindings/python/exchange_object.h"

#include <structmember.h>

#include <array>
#include <cstring>

#include "bindings/python/asgi_call.h"
#include "bindings/python/driver.h"
#include "bindings/python/engine.h"
#include "bindings/python/headers_type.h"
#include "bindings/python/request_body.h"

namespace duet::python {
namespace {

PyTypeObject* request_type = nullptr;

constexpr std::size_t kFree = 64;
std::array<RequestObject*, kFree> free_requests;
std::size_t free_count = 0;

Exchange* find(const RequestObject* request) {
  return request->exchange ? engine->host.exchanges->find(request->exchange) : nullptr;
}

int traverse(PyObject* self, visitproc visit, void* arg) {
  RequestObject* request = as_request(self);
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(request->dict);
  Py_VISIT(request->params);
  Py_VISIT(request->query);
  Py_VISIT(request->body_waiter);
  Py_VISIT(request->write_waiter);
  Py_VISIT(request->signal);
  Py_VISIT(request->websocket);
  if (request->asgi != nullptr) {
    Py_VISIT(request->asgi->scope);
    Py_VISIT(request->asgi->waiters);
  }
  return 0;
}

int clear(PyObject* self) {
  RequestObject* request = as_request(self);
  Py_CLEAR(request->dict);
  Py_CLEAR(request->params);
  Py_CLEAR(request->query);
  Py_CLEAR(request->body_waiter);
  Py_CLEAR(request->write_waiter);
  Py_CLEAR(request->signal);
  Py_CLEAR(request->websocket);
  if (request->asgi != nullptr) {
    Py_CLEAR(request->asgi->scope);
    Py_CLEAR(request->asgi->waiters);
  }
  return 0;
}

void dealloc(PyObject* self) {
  RequestObject* request = as_request(self);
  PyTypeObject* type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  if (request->weak_references != nullptr) PyObject_ClearWeakRefs(self);
  clear(self);
  release_asgi(request);
  delete std::exchange(request->snapshot, nullptr);
  if (free_count < kFree) {
    free_requests[free_count++] = request;
  } else {
    PyObject_GC_Del(self);
  }
  Py_DECREF(type);
}

PyObject* represent(PyObject* self) {
  const http::RequestHead* head = request_head(self);
  if (head == nullptr) {
    PyErr_Clear();
    return PyUnicode_FromString("<Request (ended)>");
  }
  Ref method = Ref::steal(from_utf8(head->method_text()));
  Ref target = Ref::steal(from_utf8(head->target()));
  if (!method || !target) return nullptr;
  return PyUnicode_FromFormat("<Request %U %U>", method.get(), target.get());
}

PyObject* get_method(PyObject* self, void*) {
  const http::RequestHead* head = request_head(self);
  if (head == nullptr) return nullptr;
  const auto index = static_cast<std::size_t>(head->method());
  if (index < std::size(names.methods)) return Py_NewRef(names.methods[index]);
  return from_latin1(head->method_text());
}

PyObject* get_url(PyObject* self, void*) {
  RequestObject* request = as_request(self);
  if (request->snapshot != nullptr) return from_utf8(request->snapshot->url);
  const Exchange* exchange = live_exchange(request);
  return exchange ? from_utf8(exchange->url()) : nullptr;
}

PyObject* get_path(PyObject* self, void*) {
  const http::RequestHead* head = request_head(self);
  return head ? from_utf8(head->path()) : nullptr;
}

PyObject* get_query_string(PyObject* self, void*) {
  const http::RequestHead* head = request_head(self);
  return head ? from_utf8(head->query()) : nullptr;
}

PyObject* get_headers(PyObject* self, void*) { return new_request_headers(self); }

PyObject* get_params(PyObject* self, void*) {
  RequestObject* request = as_request(self);
  if (request->params == nullptr) {
    const std::vector<http::Param>* params = nullptr;
    if (request->snapshot != nullptr) {
      params = &request->snapshot->params;
    } else {
      const Exchange* exchange = live_exchange(request);
      if (exchange == nullptr) return nullptr;
      params = &exchange->params();
    }
    Ref dict = Ref::steal(PyDict_New());
    if (!dict) return nullptr;
    for (const http::Param& param : *params) {
      Ref name = Ref::steal(from_utf8(param.name));
      Ref value = Ref::steal(from_utf8(param.value));
      if (!name || !value || PyDict_SetItem(dict.get(), name.get(), value.get()) < 0) {
        return nullptr;
      }
    }
    request->params = dict.release();
  }
  return Py_NewRef(request->params);
}

PyObject* get_query(PyObject* self, void*) {
  RequestObject* request = as_request(self);
  if (request->query == nullptr) {
    const http::RequestHead* head = request_head(self);
    if (head == nullptr) return nullptr;
    request->query = new_query(head->query());
  }
  return Py_XNewRef(request->query);
}

PyObject* get_client(PyObject* self, void*) {
  RequestObject* request = as_request(self);
  if (request->snapshot != nullptr) {
    return Py_BuildValue("(si)", request->snapshot->remote_address.c_str(),
                         static_cast<int>(request->snapshot->remote_port));
  }
  Exchange* exchange = live_exchange(request);
  if (exchange == nullptr) return nullptr;
  const std::string_view address = exchange->transport().remote_address();
  return Py_BuildValue("(s#i)", address.data(), static_cast<Py_ssize_t>(address.size()),
                       static_cast<int>(exchange->transport().remote_port()));
}

AbortReason abort_reason(const RequestObject* request) {
  if (request->abort_reason != AbortReason::kNone) return request->abort_reason;
  const Exchange* exchange = find(request);
  return exchange != nullptr ? exchange->abort_reason() : AbortReason::kNone;
}

PyObject* get_aborted(PyObject* self, void*) {
  return PyBool_FromLong(abort_reason(as_request(self)) != AbortReason::kNone);
}

const char* reason_name(AbortReason reason) {
  switch (reason) {
    case AbortReason::kClientGone:
      return "client gone";
    case AbortReason::kDeadline:
      return "deadline";
    case AbortReason::kRefused:
      return "refused";
    case AbortReason::kShutdown:
      return "shutdown";
    case AbortReason::kNone:
      break;
  }
  return "unknown";
}

PyObject* fire(RequestObject* request, AbortReason reason) {
  return PyObject_CallMethod(request->signal, "_fire", "s", reason_name(reason));
}

PyObject* get_signal(PyObject* self, void*) {
  RequestObject* request = as_request(self);
  if (request->signal == nullptr) {
    request->signal = engine->call_bootstrap("make_signal", nullptr, 0);
    if (request->signal == nullptr) return nullptr;
    const AbortReason reason = abort_reason(request);
    if (reason != AbortReason::kNone) {
      Ref fired = Ref::steal(fire(request, reason));
      if (!fired) return nullptr;
    }
    Exchange* exchange = request->mode == BodyMode::kAwaitables ? find(request) : nullptr;
    if (exchange != nullptr) attach_request(request, *exchange);
  }
  return Py_NewRef(request->signal);
}

PyObject* get_duet(PyObject* self, void*) {
  RequestObject* request = as_request(self);
  Nanos deadline = 0;
  std::string_view variant, key;
  if (request->snapshot != nullptr) {
    deadline = request->snapshot->deadline;
    variant = request->snapshot->variant;
    key = request->snapshot->key;
  } else {
    const Exchange* exchange = live_exchange(request);
    if (exchange == nullptr) return nullptr;
    deadline = exchange->deadline();
    variant = exchange->assignment().name();
    key = exchange->assignment().key;
  }
  const auto text = [](std::string_view value) {
    return value.empty() ? Ref::borrow(Py_None) : Ref::steal(from_utf8(value));
  };
  Ref name = text(variant);
  Ref assigned_by = text(key);
  Ref at = deadline > 0 ? Ref::steal(PyFloat_FromDouble(static_cast<double>(deadline) * 1e-9))
                        : Ref::borrow(Py_None);
  PyObject* arguments[] = {name.get(), assigned_by.get(), at.get()};
  if (!at || !name || !assigned_by) return nullptr;
  return engine->call_bootstrap("make_info", arguments, 3);
}

PyObject* get_body(PyObject* self, void*) { return engine->call_bootstrap("make_body", &self, 1); }

PyGetSetDef properties[] = {
    {"method", get_method, nullptr, "GET, POST, ...", nullptr},
    {"url", get_url, nullptr, "The absolute URL.", nullptr},
    {"path", get_path, nullptr, "The URL's path, as sent (percent-encoded).", nullptr},
    {"query_string", get_query_string, nullptr, "What follows '?', as sent.", nullptr},
    {"headers", get_headers, nullptr, "The header fields.", nullptr},
    {"params", get_params, nullptr, "The route's parameters, decoded.", nullptr},
    {"query", get_query, nullptr, "The query's parameters, decoded.", nullptr},
    {"client", get_client, nullptr, "(address, port) of the client.", nullptr},
    {"aborted", get_aborted, nullptr, "True when nobody waits for the answer any more.", nullptr},
    {"signal", get_signal, nullptr, "Tells when the request is aborted.", nullptr},
    {"duet", get_duet, nullptr, "What the host knows: variant, key, deadline.", nullptr},
    {"body", get_body, nullptr, "The body, to be iterated.", nullptr},
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};
PyMemberDef members[] = {
    {"__dictoffset__", T_PYSSIZET, offsetof(RequestObject, dict), READONLY, nullptr},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(RequestObject, weak_references), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};
PyType_Slot slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
    {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(clear)},
    {Py_tp_repr, reinterpret_cast<void*>(represent)},
    {Py_tp_methods, request_body_methods},
    {Py_tp_getset, properties},
    {Py_tp_members, members},
    {0, nullptr},
};
PyType_Spec spec = {"duet.Request", sizeof(RequestObject), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                    slots};

// Ends a future that somebody awaits: with None, or with an exception.
void settle(PyObject*& slot, PyObject* exception) {
  Ref waiter = Ref::steal(std::exchange(slot, nullptr));
  if (!waiter) return;
  Ref done = Ref::steal(PyObject_CallMethodNoArgs(waiter.get(), names.done));
  if (done && done.get() == Py_False) {
    Ref result =
        Ref::steal(exception ? PyObject_CallMethod(waiter.get(), "set_exception", "O", exception)
                             : PyObject_CallMethodOneArg(waiter.get(), names.set_result, Py_None));
  }
  if (PyErr_Occurred()) PyErr_WriteUnraisable(waiter.get());
}

void settle_all(RequestObject* request) {
  wake_receivers(request);
  if (request->body_waiter == nullptr && request->write_waiter == nullptr) return;
  Ref error = Ref::steal(PyObject_CallFunction(
      engine->request_ended, "s", "the request has ended: the client is gone or was answered"));
  settle(request->body_waiter, error.get());
  settle(request->write_waiter, nullptr);
}

}  // namespace

bool create_request_type(PyObject* module) {
  request_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  return request_type &&
         PyModule_AddObjectRef(module, "Request", reinterpret_cast<PyObject*>(request_type)) == 0;
}

RequestObject* new_request(const Handler& handler, ExchangeId exchange) {
  RequestObject* request;
  if (free_count > 0) {
    request = free_requests[--free_count];
    PyObject_Init(reinterpret_cast<PyObject*>(request), request_type);
  } else {
    request = PyObject_GC_New(RequestObject, request_type);
    if (request == nullptr) return nullptr;
  }
  constexpr std::size_t base = offsetof(RequestObject, dict);
  std::memset(reinterpret_cast<char*>(request) + base, 0, sizeof(RequestObject) - base);
  request->handler = &handler;
  request->exchange = exchange;
  request->mode = handler.mode;
  request->abort_reason = AbortReason::kNone;
  PyObject_GC_Track(request);
  return request;
}

const http::RequestHead* request_head(PyObject* self) {
  RequestObject* request = as_request(self);
  if (request->snapshot != nullptr) return &request->snapshot->head;
  const Exchange* exchange = live_exchange(request);
  return exchange ? &exchange->head() : nullptr;
}

void set_request_ended() {
  PyErr_SetString(engine->request_ended,
                  "the request has ended: read what is needed before answering, or keep values");
}

Exchange* live_exchange(RequestObject* request) {
  Exchange* exchange = find(request);
  if (exchange == nullptr) set_request_ended();
  return exchange;
}

void attach_request(RequestObject* request, Exchange& exchange) {
  if (request->attached) return;
  request->attached = true;
  exchange.engine_data = reinterpret_cast<std::uint64_t>(request);
  Py_INCREF(request);
}

void detach_request(RequestObject* request, Exchange& exchange) {
  if (!request->attached) return;
  request->attached = false;
  exchange.engine_data = 0;
  Py_DECREF(request);
}

std::unique_ptr<Snapshot> snapshot_of(const Exchange& exchange, bool with_body) {
  auto copy = std::make_unique<Snapshot>();
  copy->head = exchange.head();
  copy->params = exchange.params();
  copy->url = exchange.url();
  copy->has_body = with_body && exchange.body_ended() && !exchange.body_failed();
  if (copy->has_body) copy->body = exchange.peek_body();
  ExchangeTransport& transport = const_cast<Exchange&>(exchange).transport();
  copy->remote_address = transport.remote_address();
  copy->remote_port = transport.remote_port();
  copy->local_address = transport.local_address();
  copy->local_port = transport.local_port();
  copy->deadline = exchange.deadline();
  copy->variant = exchange.assignment().name();
  copy->key = exchange.assignment().key;
  return copy;
}

void take_snapshot(RequestObject* request, const Exchange& exchange) {
  if (request->snapshot != nullptr) return;
  // What an `async def` has not read is gone with the request, whether or not it had arrived.
  const bool had = request->mode == BodyMode::kValues || request->read;
  request->snapshot = snapshot_of(exchange, had && !request->streamed).release();
}

void keep_if_shared(RequestObject* request, const Exchange& exchange, int ours) {
  if (request->asgi != nullptr) return;  // nobody sees the Request itself
  if (Py_REFCNT(request) > ours + (request->attached ? 1 : 0)) take_snapshot(request, exchange);
}

void request_body_arrived(RequestObject* request) {
  wake_receivers(request);
  settle(request->body_waiter, nullptr);
}

void request_writable(RequestObject* request) {
  if (request->asgi != nullptr) request->asgi->full = false;
  wake_receivers(request);
  settle(request->write_waiter, nullptr);
}

void request_aborted(RequestObject* request, AbortReason reason) {
  request->abort_reason = reason;
  if (request->signal != nullptr) {
    Ref fired = Ref::steal(fire(request, reason));
    if (!fired) PyErr_WriteUnraisable(request->signal);
  }
  settle_all(request);
  // A client that has gone away does not stop the handler: its work may matter beyond the answer,
  // and it can watch the signal. Past its deadline, or when the host stops, it is cancelled; and so
  // is the generator of a streamed answer, which would wait for ever with nobody to send to.
  const bool cancel = reason == AbortReason::kDeadline || reason == AbortReason::kShutdown;
  if (request->driver != nullptr && (cancel || request->driver->stream != nullptr)) {
    cancel_driver(request->driver);
  }
}

void request_ended(RequestObject* request, Exchange& exchange) {
  keep_if_shared(request, exchange, 1);  // the caller's
  settle_all(request);
  request->exchange = 0;
  detach_request(request, exchange);
}

}  // namespace duet::python
