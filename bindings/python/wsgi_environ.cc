#include "bindings/python/wsgi_environ.h"

#include "bindings/python/asgi_scope.h"
#include "bindings/python/engine.h"

namespace duet::python {
namespace {

struct Words {
  PyObject *request_method, *script_name, *path_info, *query_string, *request_uri, *raw_uri,
      *server_name, *server_port, *server_protocol, *remote_addr, *remote_host, *remote_port,
      *content_type, *content_length, *url_scheme;
  PyObject *http10, *http11;
};
Words words;

bool create_words() {
  if (words.http11 != nullptr) return true;
  const std::pair<PyObject**, const char*> entries[] = {{&words.request_method, "REQUEST_METHOD"},
                                                        {&words.script_name, "SCRIPT_NAME"},
                                                        {&words.path_info, "PATH_INFO"},
                                                        {&words.query_string, "QUERY_STRING"},
                                                        {&words.request_uri, "REQUEST_URI"},
                                                        {&words.raw_uri, "RAW_URI"},
                                                        {&words.server_name, "SERVER_NAME"},
                                                        {&words.server_port, "SERVER_PORT"},
                                                        {&words.server_protocol, "SERVER_PROTOCOL"},
                                                        {&words.remote_addr, "REMOTE_ADDR"},
                                                        {&words.remote_host, "REMOTE_HOST"},
                                                        {&words.remote_port, "REMOTE_PORT"},
                                                        {&words.content_type, "CONTENT_TYPE"},
                                                        {&words.content_length, "CONTENT_LENGTH"},
                                                        {&words.url_scheme, "wsgi.url_scheme"},
                                                        {&words.http10, "HTTP/1.0"},
                                                        {&words.http11, "HTTP/1.1"}};
  for (const auto& [slot, text] : entries) {
    *slot = PyUnicode_InternFromString(text);
    if (*slot == nullptr) return false;
  }
  return true;
}

bool put(PyObject* environ, PyObject* key, PyObject* value) {
  if (value == nullptr) return false;
  const int failed = PyDict_SetItem(environ, key, value);
  Py_DECREF(value);
  return failed == 0;
}

bool is(std::string_view name, std::string_view lower) {
  return http::equals_ignoring_case(name, lower);
}

// "HTTP_ACCEPT_ENCODING"; empty for a name with '_', which could pass for another field.
std::string variable_of(std::string_view name) {
  std::string text = "HTTP_";
  for (const char c : name) {
    if (c == '_') return {};
    const bool lower = c >= 'a' && c <= 'z';
    text += c == '-' ? '_' : lower ? static_cast<char>(c - ('a' - 'A')) : c;
  }
  return text;
}

// Fields of one name are joined, as PEP 3333 (by CGI) has it.
bool put_field(PyObject* environ, std::string_view name, std::string_view value) {
  const std::string variable = variable_of(name);
  if (variable.empty()) return true;
  Ref key = Ref::steal(from_latin1(variable));
  if (!key) return false;
  PyObject* before = PyDict_GetItemWithError(environ, key.get());
  if (before == nullptr) {
    return !PyErr_Occurred() && put(environ, key.get(), from_latin1(value));
  }
  Ref more = Ref::steal(from_latin1(value));
  const char* separator = variable == "HTTP_COOKIE" ? "; " : ",";
  return more &&
         put(environ, key.get(), PyUnicode_FromFormat("%U%s%U", before, separator, more.get()));
}

bool put_fields(PyObject* environ, const http::RequestHead& head) {
  for (std::size_t i = 0; i < head.field_count(); ++i) {
    const http::Field field = head.field(i);
    bool done = true;
    if (is(field.name, "content-type")) {
      done = put(environ, words.content_type, from_latin1(field.value));
    } else if (is(field.name, "content-length")) {
      done = put(environ, words.content_length, from_latin1(field.value));
    } else {
      done = put_field(environ, field.name, field.value);
    }
    if (!done) return false;
  }
  return true;
}

}  // namespace

bool prepare_environs(Handler& handler) {
  if (!create_words()) return false;
  Py_XSETREF(handler.environ, engine->call_bootstrap("wsgi_environ", nullptr, 0));
  return handler.environ != nullptr;
}

PyObject* new_environ(const Handler& handler, const Snapshot& request) {
  const http::RequestHead& head = request.head;
  Ref environ = Ref::steal(PyDict_Copy(handler.environ));
  if (!environ) return nullptr;
  PyObject* dict = environ.get();
  const auto method = static_cast<std::size_t>(head.method());
  // Bytes as Latin-1 text, whatever they mean: "native strings" of PEP 3333.
  const std::string path = path_with_root(handler.root_path, head.path());
  const std::string_view info = std::string_view(path).substr(handler.root_path.size());
  Ref target = Ref::steal(from_latin1(head.target()));
  const bool is_unix = request.local_address.starts_with("unix:");
  Ref remote = Ref::steal(from_latin1(is_unix ? std::string_view() : request.remote_address));
  const bool made =
      target && remote &&
      put(dict, words.request_method,
          method < std::size(names.methods) ? Py_NewRef(names.methods[method])
                                            : from_latin1(head.method_text())) &&
      put(dict, words.script_name, from_latin1(handler.root_path)) &&
      put(dict, words.path_info, from_latin1(info)) &&
      put(dict, words.query_string, from_latin1(head.query())) &&
      put(dict, words.request_uri, Py_NewRef(target.get())) &&
      put(dict, words.raw_uri, Py_NewRef(target.get())) &&
      put(dict, words.server_name, from_latin1(is_unix ? "localhost" : request.local_address)) &&
      put(dict, words.server_port, PyUnicode_FromFormat("%d", request.local_port)) &&
      put(dict, words.server_protocol,
          Py_NewRef(head.minor_version() == 0 ? words.http10 : words.http11)) &&
      put(dict, words.remote_addr, Py_NewRef(remote.get())) &&
      // Names are not looked up: RFC 3875, 4.1.9 wants the address then.
      put(dict, words.remote_host, Py_NewRef(remote.get())) &&
      put(dict, words.remote_port, PyUnicode_FromFormat("%d", request.remote_port)) &&
      (!request.url.starts_with("https:") ||
       put(dict, words.url_scheme, PyUnicode_FromString("https"))) &&
      put_fields(dict, head);
  return made ? environ.release() : nullptr;
}

}  // namespace duet::python
