#include "bindings/python/asgi_scope.h"

#include <array>
#include <cstring>

#include "bindings/python/engine.h"
#include "host/http/percent.h"
#include "host/websocket/handshake.h"

namespace duet::python {
namespace {

// The strings of scopes, made once.
struct Words {
  PyObject *type, *asgi, *http_version, *server, *client, *scheme, *method, *root_path, *path,
      *raw_path, *query_string, *headers, *state, *extensions;
  PyObject *http, *https, *http10, *http11, *websocket, *ws, *wss, *subprotocols;
};
Words words;

bool create_words() {
  if (words.type != nullptr) return true;
  const std::pair<PyObject**, const char*> entries[] = {{&words.asgi, "asgi"},
                                                        {&words.http_version, "http_version"},
                                                        {&words.server, "server"},
                                                        {&words.client, "client"},
                                                        {&words.scheme, "scheme"},
                                                        {&words.method, "method"},
                                                        {&words.root_path, "root_path"},
                                                        {&words.path, "path"},
                                                        {&words.raw_path, "raw_path"},
                                                        {&words.query_string, "query_string"},
                                                        {&words.headers, "headers"},
                                                        {&words.state, "state"},
                                                        {&words.http, "http"},
                                                        {&words.https, "https"},
                                                        {&words.http10, "1.0"},
                                                        {&words.http11, "1.1"},
                                                        {&words.type, "type"},
                                                        {&words.extensions, "extensions"},
                                                        {&words.websocket, "websocket"},
                                                        {&words.subprotocols, "subprotocols"},
                                                        {&words.ws, "ws"},
                                                        {&words.wss, "wss"}};
  for (const auto& [slot, text] : entries) {
    *slot = PyUnicode_InternFromString(text);
    if (*slot == nullptr) return false;
  }
  return true;
}

// --- names of fields: clients send the same few, so they are made once ---

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool is_lower_of(const char* kept, std::string_view name) {
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (kept[i] != lower(name[i])) return false;
  }
  return true;
}

// Direct-mapped: what clients make up replaces other entries, never adds to them.
constexpr std::size_t kNameSlots = 256;
constexpr std::size_t kLongestKept = 40;
std::array<PyObject*, kNameSlots> known_names{};

PyObject* lower_bytes(std::string_view name) {
  PyObject* bytes = PyBytes_FromStringAndSize(nullptr, static_cast<Py_ssize_t>(name.size()));
  if (bytes == nullptr) return nullptr;
  char* out = PyBytes_AS_STRING(bytes);
  for (std::size_t i = 0; i < name.size(); ++i) out[i] = lower(name[i]);
  return bytes;
}

PyObject* field_name(std::string_view name) {
  if (name.empty() || name.size() > kLongestKept) return lower_bytes(name);
  const auto at = [&name](std::size_t i) {
    return static_cast<std::size_t>(static_cast<unsigned char>(lower(name[i])));
  };
  const std::size_t slot =
      (name.size() * 31 + at(0) * 7 + at(name.size() / 2) * 17 + at(name.size() - 1) * 3) %
      kNameSlots;
  PyObject*& known = known_names[slot];
  if (known != nullptr && static_cast<std::size_t>(PyBytes_GET_SIZE(known)) == name.size() &&
      is_lower_of(PyBytes_AS_STRING(known), name)) {
    return Py_NewRef(known);
  }
  PyObject* made = lower_bytes(name);
  if (made != nullptr) Py_XSETREF(known, Py_NewRef(made));
  return made;
}

PyObject* header_list(const http::RequestHead& head) {
  const auto count = static_cast<Py_ssize_t>(head.field_count());
  Ref list = Ref::steal(PyList_New(count));
  if (!list) return nullptr;
  for (Py_ssize_t i = 0; i < count; ++i) {
    const http::Field field = head.field(static_cast<std::size_t>(i));
    PyObject* pair = PyTuple_New(2);
    if (pair == nullptr) return nullptr;
    PyList_SET_ITEM(list.get(), i, pair);
    PyObject* name = field_name(field.name);
    PyTuple_SET_ITEM(pair, 0, name);
    if (name == nullptr) return nullptr;
    PyObject* value = to_bytes(field.value);
    PyTuple_SET_ITEM(pair, 1, value);
    if (value == nullptr) return nullptr;
  }
  return list.release();
}

// --- addresses ---

constexpr std::string_view kUnix = "unix:";

PyObject* address(std::string_view host, std::uint16_t port) {
  if (host == "unix") return Py_NewRef(Py_None);  // a client's socket has no name
  const bool is_unix = host.starts_with(kUnix);   // the host's: (path, None)
  PyObject* pair = PyTuple_New(2);
  if (pair == nullptr) return nullptr;
  PyObject* text =
      is_unix ? PyUnicode_DecodeFSDefaultAndSize(
                    host.data() + kUnix.size(), static_cast<Py_ssize_t>(host.size() - kUnix.size()))
              : from_latin1(host);
  PyTuple_SET_ITEM(pair, 0, text);
  PyObject* number = is_unix ? Py_NewRef(Py_None) : PyLong_FromLong(port);
  PyTuple_SET_ITEM(pair, 1, number);
  if (text != nullptr && number != nullptr) return pair;
  Py_DECREF(pair);
  return nullptr;
}

// The last ones asked for: a host has few addresses, a client sends many requests.
struct KnownAddress {
  std::string host;
  std::uint16_t port = 0;
  PyObject* pair = nullptr;

  PyObject* get(std::string_view wanted, std::uint16_t wanted_port) {
    if (pair == nullptr || port != wanted_port || host != wanted) {
      PyObject* made = address(wanted, wanted_port);
      if (made == nullptr) return nullptr;
      Py_XSETREF(pair, made);
      host = wanted;
      port = wanted_port;
    }
    return Py_NewRef(pair);
  }
};
KnownAddress known_server;

// Takes over `value`; null (an error is set) is passed on.
bool put(PyObject* scope, PyObject* key, PyObject* value) {
  if (value == nullptr) return false;
  const int failed = PyDict_SetItem(scope, key, value);
  Py_DECREF(value);
  return failed == 0;
}

PyObject* decoded_path(const std::string& root_path, std::string_view raw_path) {
  if (root_path.empty() && raw_path.find('%') == std::string_view::npos) {
    return from_utf8(raw_path);
  }
  return from_utf8(path_with_root(root_path, raw_path));
}

}  // namespace

std::string path_with_root(std::string_view root_path, std::string_view raw_path) {
  std::string path;
  http::append_percent_decoded(path, raw_path);
  if (root_path.empty()) return path;
  const bool below = path.starts_with(root_path) &&
                     (path.size() == root_path.size() || path[root_path.size()] == '/');
  return below ? path : std::string(root_path) + path;
}

bool prepare_scopes(Handler& handler) {
  if (!create_words()) return false;
  Ref root = Ref::steal(from_utf8(handler.root_path));
  Ref asgi = Ref::steal(Py_BuildValue("{ssss}", "version", "3.0", "spec_version", "2.4"));
  Ref extensions = Ref::steal(Py_BuildValue("{s{}s{}s{}}", "http.response.trailers",
                                            "http.response.early_hint", "http.response.pathsend"));
  Ref scope = Ref::steal(PyDict_New());
  if (!root || !asgi || !extensions || !scope) return false;
  const std::pair<PyObject*, PyObject*> entries[] = {
      {words.type, words.http},      {words.asgi, asgi.get()},
      {words.http_version, Py_None}, {words.server, Py_None},
      {words.client, Py_None},       {words.scheme, words.http},
      {words.method, Py_None},       {words.root_path, root.get()},
      {words.path, Py_None},         {words.raw_path, Py_None},
      {words.query_string, Py_None}, {words.headers, Py_None},
      {words.state, Py_None},        {words.extensions, extensions.get()}};
  for (const auto& [key, value] : entries) {
    if (PyDict_SetItem(scope.get(), key, value) < 0) return false;
  }
  Py_XSETREF(handler.scope, scope.release());
  Py_XSETREF(handler.scope_asgi, asgi.release());
  Py_XSETREF(handler.scope_extensions, extensions.release());
  return true;
}

PyObject* new_http_scope(const Handler& handler, Exchange& exchange) {
  const http::RequestHead& head = exchange.head();
  ExchangeTransport& transport = exchange.transport();
  // A copy of a dict takes its hash table as it is: what varies is put where it belongs.
  Ref scope = Ref::steal(PyDict_Copy(handler.scope));
  if (!scope) return nullptr;
  PyObject* dict = scope.get();
  const auto method = static_cast<std::size_t>(head.method());
  const bool known = method < std::size(names.methods);
  const std::string_view query = head.query();
  const bool made =
      put(dict, words.asgi, PyDict_Copy(handler.scope_asgi)) &&
      put(dict, words.extensions, PyDict_Copy(handler.scope_extensions)) &&
      put(dict, words.http_version,
          Py_NewRef(head.minor_version() == 0 ? words.http10 : words.http11)) &&
      put(dict, words.server,
          known_server.get(transport.local_address(), transport.local_port())) &&
      put(dict, words.client, address(transport.remote_address(), transport.remote_port())) &&
      put(dict, words.method,
          known ? Py_NewRef(names.methods[method]) : from_latin1(head.method_text())) &&
      put(dict, words.path, decoded_path(handler.root_path, head.path())) &&
      put(dict, words.raw_path, to_bytes(head.path())) &&
      put(dict, words.query_string,
          query.empty() ? Py_NewRef(names.empty_bytes) : to_bytes(query)) &&
      put(dict, words.headers, header_list(head)) &&
      put(dict, words.state, PyDict_Copy(handler.state)) &&
      (!transport.secure() || put(dict, words.scheme, Py_NewRef(words.https)));
  return made ? scope.release() : nullptr;
}

PyObject* new_websocket_scope(const Handler& handler, Exchange& exchange) {
  Ref scope = Ref::steal(new_http_scope(handler, exchange));
  if (!scope || PyDict_DelItem(scope.get(), words.method) < 0) return nullptr;
  PyObject* dict = scope.get();
  const bool secure = exchange.transport().secure();
  Ref protocols = Ref::steal(PyList_New(0));
  for (const std::string& protocol : websocket::Handshake::from(exchange.head()).protocols) {
    Ref text = Ref::steal(from_latin1(protocol));
    if (!protocols || !text || PyList_Append(protocols.get(), text.get()) < 0) return nullptr;
  }
  const bool made = put(dict, words.type, Py_NewRef(words.websocket)) &&
                    put(dict, words.scheme, Py_NewRef(secure ? words.wss : words.ws)) &&
                    put(dict, words.subprotocols, protocols.release()) &&
                    put(dict, words.extensions, Py_BuildValue("{s{}}", "websocket.http.response"));
  return made ? scope.release() : nullptr;
}

}  // namespace duet::python
