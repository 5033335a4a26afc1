#include "bindings/python/convert.h"

#include "bindings/python/engine.h"
#include "bindings/python/headers_type.h"
#include "bindings/python/json.h"
#include "bindings/python/response_type.h"
#include "host/base/log.h"

namespace duet::python {
namespace {

constexpr std::string_view kText = "text/plain; charset=utf-8";
constexpr std::string_view kJson = "application/json";
constexpr std::string_view kBytes = "application/octet-stream";

void default_type(Answer& answer, std::string_view type) {
  if (answer.head.has_content_type()) return;
  [[maybe_unused]] const char* why = answer.head.add("content-type", type);
}

bool is_stream(PyObject* body) {
  PyTypeObject* type = Py_TYPE(body);
  return (type->tp_as_async != nullptr && type->tp_as_async->am_aiter != nullptr) ||
         type->tp_iter != nullptr;
}

Converted bad_type(PyObject* value, const Handler& handler) {
  const char* hint = "";
  if (value == Py_None) {
    hint = " (is a `return` missing?)";
  } else if (PyCoro_CheckExact(value)) {
    hint = " (is an `await` missing?)";
  } else if (PyTuple_Check(value)) {
    hint = " (a status goes into duet.Response(body, status))";
  }
  PyErr_Format(PyExc_TypeError,
               "handler '%s' returned %.200s, expected duet.Response, str, bytes, dict or list%s",
               handler.name.c_str(), value == Py_None ? "None" : Py_TYPE(value)->tp_name, hint);
  return Converted::kError;
}

bool json_body(PyObject* value, Answer& answer) {
  answer.text.clear();
  if (!write_json(value, answer.text)) return false;
  answer.body = answer.text;
  default_type(answer, kJson);
  return true;
}

Converted convert_body(PyObject* body, const Handler& handler, Answer& answer, Ref& stream) {
  if (PyUnicode_Check(body)) {
    answer.body = utf8(body);
    if (answer.body.data() == nullptr) return Converted::kError;
    answer.owner = Ref::borrow(body);
    default_type(answer, kText);
    return Converted::kWhole;
  }
  if (PyBytes_Check(body)) {
    answer.body = {PyBytes_AS_STRING(body), static_cast<std::size_t>(PyBytes_GET_SIZE(body))};
    answer.owner = Ref::borrow(body);
    default_type(answer, kBytes);
    return Converted::kWhole;
  }
  if (body == Py_None) {
    answer.body = {};
    return Converted::kWhole;
  }
  if (PyDict_Check(body) || PyList_Check(body)) {
    return json_body(body, answer) ? Converted::kWhole : Converted::kError;
  }
  if (PyObject_CheckBuffer(body)) {  // bytearray, memoryview, array, numpy
    Ref bytes = Ref::steal(PyBytes_FromObject(body));
    if (!bytes) return Converted::kError;
    return convert_body(bytes.get(), handler, answer, stream);
  }
  if (is_stream(body)) {
    stream = Ref::borrow(body);
    return Converted::kStream;
  }
  PyErr_Format(PyExc_TypeError,
               "handler '%s': a body cannot be %.200s, expected str, bytes, dict, list, None, or "
               "an iterator of bytes or str",
               handler.name.c_str(), Py_TYPE(body)->tp_name);
  return Converted::kError;
}

}  // namespace

Answer& Outbox::add(ExchangeId exchange) {
  if (count_ == answers_.size()) answers_.push_back(std::make_unique<Answer>());
  Answer& answer = *answers_[count_++];
  answer.exchange = exchange;
  answer.failed = false;
  return answer;
}

void Outbox::send(ExchangeTable& exchanges) {
  // An answer may end its exchange at once, and that may bring about further answers.
  for (std::size_t i = 0; i < count_; ++i) {
    Answer& answer = *answers_[i];
    if (Exchange* exchange = exchanges.find(answer.exchange)) {
      if (answer.failed) {
        exchange->fail(answer.error);
      } else {
        exchange->respond(answer.head, answer.body);
      }
    }
    answer.owner.reset();
    if (answer.text.capacity() > 64 * 1024) answer.text = {};  // one large answer, not for ever
  }
  count_ = 0;
}

Converted convert_result(PyObject* value, const Handler& handler, Answer& answer, Ref& stream) {
  if (is_response(value)) {
    const auto* response = reinterpret_cast<ResponseObject*>(value);
    answer.head.reset(response->status);
    if (response->headers != nullptr && !add_fields(response->headers, answer.head)) {
      return Converted::kError;
    }
    if (response->media != nullptr) default_type(answer, response->media);
    return convert_body(response->body, handler, answer, stream);
  }
  answer.head.reset(200);
  const bool pieces = PyAsyncGen_CheckExact(value) || PyGen_CheckExact(value);
  if (pieces) default_type(answer, kBytes);
  if (PyUnicode_Check(value) || PyBytes_Check(value) || PyDict_Check(value) ||
      PyList_Check(value) || PyByteArray_Check(value) || PyMemoryView_Check(value) || pieces) {
    return convert_body(value, handler, answer, stream);
  }
  return bad_type(value, handler);
}

Ref take_exception() {
  PyObject *type, *value, *trace;
  PyErr_Fetch(&type, &value, &trace);
  if (type == nullptr) return {};
  PyErr_NormalizeException(&type, &value, &trace);
  if (trace != nullptr) PyException_SetTraceback(value, trace);
  Py_XDECREF(type);
  Py_XDECREF(trace);
  return Ref::steal(value);
}

Error describe_exception(PyObject* exception, const Handler* handler) {
  Error error;
  error.message = Py_TYPE(exception)->tp_name;
  Ref file = Ref::steal(from_utf8(handler ? handler->file : std::string_view()));
  PyObject* arguments[] = {exception, file.get()};
  Ref parts = Ref::steal(file ? engine->call_bootstrap("describe", arguments, 2) : nullptr);
  if (!parts) {
    PyErr_Clear();  // an exception whose description fails is still reported, by its type
    return error;
  }
  error.message = utf8(PyTuple_GET_ITEM(parts.get(), 0));
  error.where = utf8(PyTuple_GET_ITEM(parts.get(), 1));
  error.hint = utf8(PyTuple_GET_ITEM(parts.get(), 2));
  error.detail = utf8(PyTuple_GET_ITEM(parts.get(), 3));
  return error;
}

Error take_error(const Handler* handler) {
  Ref exception = take_exception();
  if (!exception) return Error{"no answer was made", "", "", ""};
  return describe_exception(exception.get(), handler);
}

void log_error(const char* what, const Handler* handler) {
  const Error error = take_error(handler);
  log::error(what, {{"handler", handler ? handler->name : std::string_view()},
                    {"language", "python"},
                    {"error", error.message},
                    {"at", error.where},
                    {"stack", error.detail}});
}

}  // namespace duet::python
