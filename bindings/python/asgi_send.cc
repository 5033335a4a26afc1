// `send` of an ASGI application: its messages become the exchange's answer.
#include "bindings/python/asgi_call.h"
#include "bindings/python/asgi_channel.h"
#include "bindings/python/asgi_route.h"
#include "bindings/python/engine.h"

namespace duet::python {
namespace {

using Sent = AsgiCall::Sent;

struct Words {
  PyObject *type, *status, *headers, *body, *more_body, *trailers, *more_trailers, *links;
  PyObject *start, *piece, *trailers_message, *early_hint, *path_send, *path;
};
Words words;

bool create_words() {
  const std::pair<PyObject**, const char*> entries[] = {
      {&words.type, "type"},
      {&words.status, "status"},
      {&words.headers, "headers"},
      {&words.body, "body"},
      {&words.more_body, "more_body"},
      {&words.trailers, "trailers"},
      {&words.more_trailers, "more_trailers"},
      {&words.links, "links"},
      {&words.start, "http.response.start"},
      {&words.piece, "http.response.body"},
      {&words.trailers_message, "http.response.trailers"},
      {&words.early_hint, "http.response.early_hint"},
      {&words.path_send, "http.response.pathsend"},
      {&words.path, "path"}};
  for (const auto& [slot, text] : entries) {
    *slot = PyUnicode_InternFromString(text);
    if (*slot == nullptr) return false;
  }
  return true;
}

// What send() works on: all of one request.
struct Target {
  RequestObject* request;
  AsgiCall& call;
  Exchange& exchange;
  const char* handler;
};

// A message that the application may not send: the error goes to where it is sent.
template <class... Arguments>
PyObject* refuse(PyObject* exception, const Target& target, const char* format,
                 Arguments... arguments) {
  Ref why = Ref::steal(PyUnicode_FromFormat(format, arguments...));
  if (why && target.call.websocket) {  // an answer instead of the socket; as the extension has it
    why = Ref::steal(PyObject_CallMethod(why.get(), "replace", "ss", "'http.", "'websocket.http."));
  }
  if (why) PyErr_Format(exception, "handler '%s': %U", target.handler, why.get());
  return nullptr;
}

bool is(PyObject* text, PyObject* word) {
  return text == word || (PyUnicode_Check(text) && PyUnicode_Compare(text, word) == 0);
}

// A flag of a message that may be absent. -1 with an error set.
int flag(PyObject* message, PyObject* key) {
  PyObject* value = PyDict_GetItemWithError(message, key);
  if (value == nullptr) return PyErr_Occurred() ? -1 : 0;
  if (value == Py_False) return 0;
  return value == Py_True ? 1 : PyObject_IsTrue(value);
}

// Calls `use(name, value)` for the pairs of `fields`; false with an error set.
template <class Use>
bool each_field(const Target& target, PyObject* fields, const char* message, Use use) {
  Ref items = Ref::steal(PySequence_Fast(fields, ""));
  if (!items) {
    PyErr_Clear();
    refuse(PyExc_TypeError, target, "'headers' of '%s' must be an iterable of pairs, not %.100s",
           message, Py_TYPE(fields)->tp_name);
    return false;
  }
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(items.get()); ++i) {
    PyObject* item = PySequence_Fast_GET_ITEM(items.get(), i);
    Ref pair = Ref::steal(PySequence_Fast(item, ""));
    if (!pair || PySequence_Fast_GET_SIZE(pair.get()) != 2) {
      PyErr_Clear();
      refuse(PyExc_TypeError, target, "a header of '%s' must be a pair (name, value), not %.200R",
             message, item);
      return false;
    }
    PyObject* name = PySequence_Fast_GET_ITEM(pair.get(), 0);
    PyObject* value = PySequence_Fast_GET_ITEM(pair.get(), 1);
    if (!PyBytes_Check(name) || !PyBytes_Check(value)) {
      refuse(PyExc_TypeError, target, "the header %.200R of '%s' must be two bytes objects", item,
             message);
      return false;
    }
    const auto view = [](PyObject* bytes) {
      return std::string_view(PyBytes_AS_STRING(bytes),
                              static_cast<std::size_t>(PyBytes_GET_SIZE(bytes)));
    };
    if (const char* why = use(view(name), view(value))) {
      refuse(PyExc_ValueError, target, "the header %.200R of '%s' cannot be sent: %s", item,
             message, why);
      return false;
    }
  }
  return true;
}

PyObject* done() { return ended_awaitable(Py_NewRef(Py_None)); }

// --- http.response.start ---

PyObject* start(const Target& target, PyObject* message) {
  PyObject* status = PyDict_GetItemWithError(message, words.status);
  if (status == nullptr) {
    if (PyErr_Occurred()) return nullptr;
    return refuse(PyExc_ValueError, target, "'http.response.start' has no 'status'");
  }
  const long number = PyLong_Check(status) ? PyLong_AsLong(status) : -1;
  if (PyErr_Occurred()) PyErr_Clear();
  if (!http::ResponseHead::valid_status(static_cast<int>(number)) || number > 599) {
    return refuse(PyExc_ValueError, target,
                  "'status' of 'http.response.start' must be an int from 200 to 599, not %.100R",
                  status);
  }
  AsgiCall& call = target.call;
  call.head.reset(static_cast<int>(number));
  PyObject* headers = PyDict_GetItemWithError(message, words.headers);
  if (headers == nullptr && PyErr_Occurred()) return nullptr;
  if (headers != nullptr && !each_field(target, headers, "http.response.start",
                                        [&call](std::string_view name, std::string_view value) {
                                          return call.head.add(name, value);
                                        })) {
    return nullptr;
  }
  const int trailers = flag(message, words.trailers);
  if (trailers < 0) return nullptr;
  call.trailers = trailers == 1;
  call.sent = Sent::kHead;
  note_asgi_route(target.request, target.exchange);
  return done();
}

// --- http.response.body ---

// The bytes of a piece; `held` keeps them. False with an error set.
bool piece_bytes(const Target& target, PyObject* message, Ref& held, std::string_view& bytes) {
  PyObject* body = PyDict_GetItemWithError(message, words.body);
  if (body == nullptr) return !PyErr_Occurred();
  if (PyBytes_Check(body)) {
    held = Ref::borrow(body);
  } else if (PyObject_CheckBuffer(body)) {
    held = Ref::steal(PyBytes_FromObject(body));
    if (!held) return false;
  } else {
    refuse(PyExc_TypeError, target, "'body' of 'http.response.body' must be bytes, not %.100s",
           Py_TYPE(body)->tp_name);
    return false;
  }
  bytes = {PyBytes_AS_STRING(held.get()), static_cast<std::size_t>(PyBytes_GET_SIZE(held.get()))};
  return true;
}

bool fits_length(const Target& target, std::size_t size, bool more) {
  AsgiCall& call = target.call;
  const auto declared = call.head.content_length();
  call.body_bytes += size;
  if (!declared) return true;
  const bool no_body = target.exchange.head().method() == http::Method::kHead ||
                       call.head.status() == 204 || call.head.status() == 304;
  if (no_body) return true;
  const bool longer = call.body_bytes > *declared;
  if (!longer && (more || call.body_bytes == *declared)) return true;
  refuse(PyExc_RuntimeError, target,
         "the body is %s than its Content-Length: %llu bytes declared, %llu sent",
         longer ? "longer" : "shorter", static_cast<unsigned long long>(*declared),
         static_cast<unsigned long long>(call.body_bytes));
  return false;
}

void complete(const Target& target) {
  target.call.sent = Sent::kComplete;
  wake_receivers(target.request);
}

// Waits until the client has taken some of what was sent.
PyObject* wait_for_room(const Target& target) {
  target.call.full = true;
  PyObject* argument = reinterpret_cast<PyObject*>(target.request);
  return engine->call_bootstrap("wait_for_room", &argument, 1);
}

PyObject* piece(const Target& target, PyObject* message) {
  AsgiCall& call = target.call;
  Ref held;
  std::string_view bytes;
  const int more = flag(message, words.more_body);
  if (more < 0 || !piece_bytes(target, message, held, bytes)) return nullptr;
  if (!fits_length(target, bytes.size(), more == 1)) return nullptr;
  if (call.sent == Sent::kHead) {
    if (more == 0 && !call.trailers) {
      Answer& answer = engine->outbox.add(target.request->exchange);
      std::swap(answer.head, call.head);
      answer.body = bytes;
      answer.owner = std::move(held);
      complete(target);
      return done();
    }
    target.exchange.start(call.head);
    call.sent = Sent::kBody;
  }
  const WriteResult result = target.exchange.write(bytes);
  if (more == 0) {
    if (call.trailers) {
      call.sent = Sent::kTrailers;
    } else {
      target.exchange.end();
      complete(target);
    }
    return done();
  }
  return result == WriteResult::kFull ? wait_for_room(target) : done();
}

// --- the rest ---

PyObject* trailers(const Target& target, PyObject* message) {
  AsgiCall& call = target.call;
  const int more = flag(message, words.more_trailers);
  PyObject* headers = PyDict_GetItemWithError(message, words.headers);
  if (more < 0 || PyErr_Occurred()) return nullptr;
  const auto add = [&call](std::string_view name, std::string_view value) {
    const char* why = http::check_field(name, value);
    if (why == nullptr) {
      call.trailer_lines.append(name).append(": ").append(value).append("\r\n");
    }
    return why;
  };
  if (headers != nullptr && !each_field(target, headers, "http.response.trailers", add)) {
    return nullptr;
  }
  if (more == 0) {
    target.exchange.end(call.trailer_lines);
    complete(target);
  }
  return done();
}

PyObject* early_hint(const Target& target, PyObject* message) {
  PyObject* links = PyDict_GetItemWithError(message, words.links);
  if (PyErr_Occurred()) return nullptr;
  Ref items = Ref::steal(links ? PySequence_Fast(links, "") : nullptr);
  if (!items) {
    PyErr_Clear();
    return refuse(PyExc_TypeError, target,
                  "'links' of 'http.response.early_hint' must be an iterable of bytes");
  }
  std::string fields;
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(items.get()); ++i) {
    PyObject* link = PySequence_Fast_GET_ITEM(items.get(), i);
    const std::string_view value =
        PyBytes_Check(link) ? std::string_view(PyBytes_AS_STRING(link),
                                               static_cast<std::size_t>(PyBytes_GET_SIZE(link)))
                            : std::string_view();
    if (value.empty() || http::check_field("link", value) != nullptr) {
      return refuse(PyExc_ValueError, target, "%.200R is no link that can be sent", link);
    }
    fields.append("link: ").append(value).append("\r\n");
  }
  if (!fields.empty()) target.exchange.send_interim(103, fields);
  return done();
}

// A file is the body; what is returned reads it in a thread and sends it in pieces. The extension
// wants absolute paths, but Starlette's FileResponse passes on what it was given.
PyObject* send_path(const Target& target, PyObject* message) {
  PyObject* path = PyDict_GetItemWithError(message, words.path);
  if (path == nullptr && PyErr_Occurred()) return nullptr;
  if (path == nullptr || !PyUnicode_Check(path) || PyUnicode_GET_LENGTH(path) == 0) {
    return refuse(
        PyExc_ValueError, target,
        "'path' of 'http.response.pathsend' must be a str, the path of a file, not %.200R",
        path != nullptr ? path : Py_None);
  }
  // What the file has grown by since its length was declared is not sent.
  const bool head = target.exchange.head().method() == http::Method::kHead;
  const auto most = head ? 0 : target.call.head.content_length().value_or(INT64_MAX);
  Ref send = Ref::steal(new_asgi_send(target.request));
  Ref limit = Ref::steal(PyLong_FromUnsignedLongLong(most));
  PyObject* arguments[] = {send.get(), path, limit.get()};
  return send && limit ? engine->call_bootstrap("send_path", arguments, 3) : nullptr;
}

const char* expected(Sent sent) {
  switch (sent) {
    case Sent::kNothing:
      return "'http.response.start'";
    case Sent::kHead:
    case Sent::kBody:
      return "'http.response.body'";
    case Sent::kTrailers:
      return "'http.response.trailers'";
    case Sent::kComplete:
      break;
  }
  return "no further message: the answer is complete";
}

PyObject* send_message(const Target& target, PyObject* message, PyObject* type) {
  const Sent sent = target.call.sent;
  if (sent == Sent::kNothing && is(type, words.start)) return start(target, message);
  if ((sent == Sent::kHead || sent == Sent::kBody) && is(type, words.piece)) {
    return piece(target, message);
  }
  if (sent == Sent::kHead && is(type, words.path_send)) return send_path(target, message);
  if (sent == Sent::kTrailers && is(type, words.trailers_message)) return trailers(target, message);
  if (sent == Sent::kNothing && is(type, words.early_hint)) return early_hint(target, message);
  return refuse(PyExc_RuntimeError, target, "ASGI message %.100R came where duet expects %s", type,
                expected(sent));
}

// Whether the message only says that a body of declared length, which has been sent, is through.
// Clients leave as soon as they have the last byte, often before this message.
bool ends_whole_body(const AsgiCall& call, PyObject* message, PyObject* type) {
  if (call.sent != Sent::kBody || call.trailers || !is(type, words.piece)) return false;
  if (call.head.content_length() != call.body_bytes || flag(message, words.more_body) != 0) {
    return false;
  }
  PyObject* body = PyDict_GetItemWithError(message, words.body);
  return body == nullptr ? !PyErr_Occurred() : PyObject_Size(body) == 0;
}

PyObject* send(PyObject* self, PyObject* const* args, std::size_t flags, PyObject* keywords) {
  RequestObject* request = channel_request(self);
  const char* handler = request->handler->name.c_str();
  if (PyVectorcall_NARGS(flags) != 1 || keywords != nullptr || !PyDict_Check(args[0])) {
    PyErr_Format(PyExc_TypeError, "handler '%s': send() takes a message, which is a dict", handler);
    return nullptr;
  }
  if (!engine->events->on_own_thread()) {
    PyErr_Format(PyExc_RuntimeError,
                 "handler '%s': send() belongs to the event loop's thread: from another one use "
                 "asyncio.run_coroutine_threadsafe()",
                 handler);
    return nullptr;
  }
  PyObject* type = PyDict_GetItemWithError(args[0], words.type);
  if (type == nullptr || !PyUnicode_Check(type)) {
    if (!PyErr_Occurred()) {
      PyErr_Format(PyExc_ValueError, "handler '%s': an ASGI message needs a 'type', which is a str",
                   handler);
    }
    return nullptr;
  }
  AsgiCall& call = *request->asgi;
  Exchange* exchange =
      request->exchange ? engine->host.exchanges->find(request->exchange) : nullptr;
  const bool gone = exchange == nullptr || exchange->aborted() || exchange->complete();
  if (gone && call.sent != Sent::kComplete) {
    if (ends_whole_body(call, args[0], type)) {
      call.sent = Sent::kComplete;
      return done();
    }
    if (PyErr_Occurred()) return nullptr;
    PyErr_SetString(engine->client_disconnected, "nobody waits for the answer any more");
    return nullptr;
  }
  if (call.sent == Sent::kComplete) {
    PyErr_Format(PyExc_RuntimeError,
                 "handler '%s': ASGI message %.100R came after the answer was complete", handler,
                 type);
    return nullptr;
  }
  return send_message({request, call, *exchange, handler}, args[0], type);
}

using Send = Channel<send>;

}  // namespace

PyObject* new_asgi_send(RequestObject* request) { return Send::make(request); }

bool create_asgi_send_type() { return create_words() && Send::create("_duet.Send"); }

}  // namespace duet::python
