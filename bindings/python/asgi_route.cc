#include "bindings/python/asgi_route.h"

#include <array>
#include <vector>

#include "bindings/python/asgi_call.h"
#include "bindings/python/engine.h"

namespace duet::python {
namespace {

struct Words {
  PyObject *ours, *route, *endpoint, *root_path;
};
Words words;

bool create_words() {
  if (words.root_path != nullptr) return true;
  words.ours = PyUnicode_InternFromString("duet.route");
  words.route = PyUnicode_InternFromString("route");
  words.endpoint = PyUnicode_InternFromString("endpoint");
  words.root_path = PyUnicode_InternFromString("root_path");
  return words.ours && words.route && words.endpoint && words.root_path;
}

// What is known of a route: its text, and its numbers by method.
struct Known {
  PyObject* route;   // owned: what is kept alive keeps its address
  std::string text;  // empty: it has none
  std::array<std::uint32_t, 16> numbers{};
};

// Addresses of route objects (Starlette's cannot be hashed), or texts, or pairs with the path they
// are mounted at, to indices in `routes`. Applications have tens; one that makes them up as it goes
// starts anew now and then.
constexpr Py_ssize_t kMostKnown = 1024;
PyObject* index_of = nullptr;
std::vector<Known> routes;

Known* find_known(PyObject* key, PyObject* scope, PyObject* route, const Handler& handler) {
  if (index_of == nullptr) index_of = PyDict_New();
  if (index_of == nullptr) return nullptr;
  PyObject* index = PyDict_GetItemWithError(index_of, key);
  if (index != nullptr) return &routes[static_cast<std::size_t>(PyLong_AsSize_t(index))];
  if (PyErr_Occurred()) return nullptr;  // it cannot be hashed
  PyObject* arguments[] = {scope, route, handler.callable};
  Ref text = Ref::steal(engine->call_bootstrap("route_text", arguments, 3));
  if (!text) return nullptr;
  if (PyDict_GET_SIZE(index_of) >= kMostKnown) {
    PyDict_Clear(index_of);
    for (const Known& known : routes) Py_DECREF(known.route);
    routes.clear();
  }
  Ref number = Ref::steal(PyLong_FromSize_t(routes.size()));
  if (!number || PyDict_SetItem(index_of, key, number.get()) < 0) return nullptr;
  routes.push_back({Py_NewRef(route), {}, {}});
  if (PyUnicode_Check(text.get())) routes.back().text = utf8(text.get());
  return &routes.back();
}

// New reference, null without an error when the scope names no route.
PyObject* key_of(PyObject* scope, const Handler& handler, PyObject** route) {
  *route = PyDict_GetItemWithError(scope, words.ours);
  if (*route != nullptr) return Py_NewRef(*route);
  *route = PyDict_GetItemWithError(scope, words.route);
  if (*route == nullptr) *route = PyDict_GetItemWithError(scope, words.endpoint);
  if (*route == nullptr) return nullptr;
  PyObject* root = PyDict_GetItemWithError(scope, words.root_path);
  // A mount has changed it: what lies above the route counts.
  const bool mounted = root != nullptr && root != PyDict_GetItem(handler.scope, words.root_path);
  Ref identity = Ref::steal(PyLong_FromVoidPtr(*route));
  return mounted && identity ? PyTuple_Pack(2, identity.get(), root) : identity.release();
}

}  // namespace

void note_asgi_route(const RequestObject* request, Exchange& exchange) {
  PyObject* scope = request->asgi->scope;
  const Handler& handler = *request->handler;
  if (scope == nullptr || !engine->host.inner_route || !create_words()) return PyErr_Clear();
  PyObject* route = nullptr;
  Ref key = Ref::steal(key_of(scope, handler, &route));
  Known* known = key ? find_known(key.get(), scope, route, handler) : nullptr;
  if (PyErr_Occurred()) PyErr_Clear();  // how it is counted must not be what it fails by
  if (known == nullptr || known->text.empty()) return;
  const auto method = static_cast<unsigned>(exchange.head().method());
  std::uint32_t& number = known->numbers[method % known->numbers.size()];
  if (number == 0) number = engine->host.inner_route(handler.index, method, known->text);
  exchange.set_inner_route(number);
}

}  // namespace duet::python
