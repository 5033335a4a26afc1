#include "bindings/python/headers_type.h"

#include <algorithm>

#include "bindings/python/exchange_object.h"

namespace duet::python {
namespace {

PyTypeObject* headers_type = nullptr;
PyTypeObject* query_type = nullptr;

HeadersObject* cast(PyObject* object) { return reinterpret_cast<HeadersObject*>(object); }
bool is_query(PyObject* self) { return Py_TYPE(self) == query_type; }

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return result;
}

PyObject* to_python(PyObject* self, std::string_view text) {
  return is_query(self) ? from_utf8(text) : from_latin1(text);
}

// A name or a value from Python, as it goes over the wire.
bool to_wire(PyObject* object, const char* what, std::string& out) {
  if (PyBytes_Check(object)) {
    out.assign(PyBytes_AS_STRING(object), static_cast<std::size_t>(PyBytes_GET_SIZE(object)));
    return true;
  }
  Ref text;
  if (PyUnicode_Check(object)) {
    text = Ref::borrow(object);
  } else if (PyLong_Check(object) && !PyBool_Check(object)) {
    text = Ref::steal(PyObject_Str(object));  // {"content-length": 12}
    if (!text) return false;
  } else {
    PyErr_Format(PyExc_TypeError, "a header's %s must be str, not %.100s", what,
                 Py_TYPE(object)->tp_name);
    return false;
  }
  if (PyUnicode_KIND(text.get()) != PyUnicode_1BYTE_KIND) {
    PyErr_Format(PyExc_ValueError, "a header's %s must be Latin-1 text: %R", what, text.get());
    return false;
  }
  out.assign(reinterpret_cast<const char*>(PyUnicode_1BYTE_DATA(text.get())),
             static_cast<std::size_t>(PyUnicode_GET_LENGTH(text.get())));
  return true;
}

bool refuse(const char* why, std::string_view name) {
  PyErr_Format(PyExc_ValueError, "header %s: %s", std::string(name).c_str(), why);
  return false;
}

bool check_field(std::string_view name, std::string_view value) {
  static http::ResponseHead scratch;
  scratch.reset(200);
  const char* why = scratch.add(name, value);
  return why == nullptr || refuse(why, name);
}

// Calls `take(name, value)` for each pair of a mapping or an iterable of pairs.
template <class Take>
bool for_each_pair(PyObject* source, Take take) {
  if (is_headers(source)) {
    if (const Fields* fields = cast(source)->fields) {
      for (const auto& [name, value] : *fields) {
        if (!take(name, value)) return false;
      }
      return true;
    }
    const http::RequestHead* head = request_head(cast(source)->request);
    if (head == nullptr) return false;
    for (std::size_t i = 0; i < head->field_count(); ++i) {
      const http::Field field = head->field(i);
      if (!take(std::string(field.name), std::string(field.value))) return false;
    }
    return true;
  }
  std::string name, value;
  if (PyDict_CheckExact(source)) {
    PyObject *key, *item;
    Py_ssize_t position = 0;
    while (PyDict_Next(source, &position, &key, &item)) {
      if (PyList_Check(item) || PyTuple_Check(item)) {  // {"set-cookie": ["a=1", "b=2"]}
        for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(item); ++i) {
          if (!to_wire(key, "name", name) ||
              !to_wire(PySequence_Fast_GET_ITEM(item, i), "value", value) || !take(name, value)) {
            return false;
          }
        }
        continue;
      }
      if (!to_wire(key, "name", name) || !to_wire(item, "value", value) || !take(name, value)) {
        return false;
      }
    }
    return true;
  }
  Ref pairs;
  if (PyMapping_Check(source) && PyObject_HasAttrString(source, "items")) {
    pairs = Ref::steal(PyMapping_Items(source));
  } else {
    pairs = Ref::borrow(source);
  }
  if (!pairs) return false;
  Ref iterator = Ref::steal(PyObject_GetIter(pairs.get()));
  if (!iterator) return false;
  while (Ref pair = Ref::steal(PyIter_Next(iterator.get()))) {
    Ref fast = Ref::steal(PySequence_Fast(pair.get(), "headers: expected (name, value) pairs"));
    if (!fast) return false;
    if (PySequence_Fast_GET_SIZE(fast.get()) != 2) {
      PyErr_SetString(PyExc_ValueError, "headers: expected (name, value) pairs");
      return false;
    }
    if (!to_wire(PySequence_Fast_GET_ITEM(fast.get(), 0), "name", name) ||
        !to_wire(PySequence_Fast_GET_ITEM(fast.get(), 1), "value", value) || !take(name, value)) {
      return false;
    }
  }
  return !PyErr_Occurred();
}

// Calls `take(name, value)` for each field; false with an error set (the request has ended).
template <class Take>
bool for_each_field(PyObject* self, Take take) {
  const HeadersObject* headers = cast(self);
  if (headers->fields != nullptr) {
    for (const auto& [name, value] : *headers->fields) take(name, value);
    return true;
  }
  const http::RequestHead* head = request_head(headers->request);
  if (head == nullptr) return false;
  for (std::size_t i = 0, count = head->field_count(); i < count; ++i) {
    const http::Field field = head->field(i);
    take(field.name, field.value);
  }
  return true;
}

bool same_name(PyObject* self, std::string_view a, std::string_view b) {
  return is_query(self) ? a == b : http::equals_ignoring_case(a, b);
}

// The key as it may match; false without an error when it cannot match anything.
bool key_text(PyObject* key, std::string_view& out) {
  if (!PyUnicode_Check(key)) return false;
  out = utf8(key);
  if (out.data() == nullptr) PyErr_Clear();
  return out.data() != nullptr;
}

// The value of `key`: of headers, all of that name joined as RFC 9110 (cookies: RFC 6265) has it;
// of a query, the first. Null without an error when absent, with one when the request has ended.
PyObject* look_up(PyObject* self, PyObject* key) {
  std::string_view wanted;
  if (!key_text(key, wanted)) return nullptr;
  std::string_view first;
  std::string joined;
  int found = 0;
  const bool query = is_query(self);
  if (!for_each_field(self, [&](std::string_view name, std::string_view value) {
        if (name.size() != wanted.size() || !same_name(self, name, wanted)) return;
        if (++found == 1) {
          first = value;
        } else if (!query) {
          if (found == 2) joined = first;
          joined += http::equals_ignoring_case(wanted, "cookie") ? "; " : ", ";
          joined += value;
        }
      })) {
    return nullptr;
  }
  if (found == 0) return nullptr;
  return to_python(self, joined.empty() ? first : std::string_view(joined));
}

PyObject* subscript(PyObject* self, PyObject* key) {
  PyObject* value = look_up(self, key);
  if (value == nullptr && !PyErr_Occurred()) PyErr_SetObject(PyExc_KeyError, key);
  return value;
}

PyObject* get(PyObject* self, PyObject* const* args, Py_ssize_t count) {
  if (count < 1 || count > 2) {
    PyErr_SetString(PyExc_TypeError, "get(name, default=None)");
    return nullptr;
  }
  PyObject* value = look_up(self, args[0]);
  if (value != nullptr || PyErr_Occurred()) return value;
  return Py_NewRef(count == 2 ? args[1] : Py_None);
}

int contains(PyObject* self, PyObject* key) {
  Ref value = Ref::steal(look_up(self, key));
  if (!value && PyErr_Occurred()) return -1;
  return value ? 1 : 0;
}

PyObject* get_all(PyObject* self, PyObject* key) {
  Ref list = Ref::steal(PyList_New(0));
  std::string_view wanted;
  if (!list || !key_text(key, wanted)) return list.release();
  bool good = true;
  if (!for_each_field(self, [&](std::string_view name, std::string_view value) {
        if (!good || !same_name(self, name, wanted)) return;
        Ref text = Ref::steal(to_python(self, value));
        good = text && PyList_Append(list.get(), text.get()) == 0;
      })) {
    return nullptr;
  }
  return good ? list.release() : nullptr;
}

// Every pair, names in lower case, in order.
PyObject* multi_items(PyObject* self, PyObject*) {
  Ref list = Ref::steal(PyList_New(0));
  if (!list) return nullptr;
  bool good = true;
  if (!for_each_field(self, [&](std::string_view name, std::string_view value) {
        if (!good) return;
        const std::string folded = is_query(self) ? std::string(name) : lower(name);
        Ref key = Ref::steal(to_python(self, folded));
        Ref text = Ref::steal(to_python(self, value));
        Ref pair = Ref::steal(key && text ? PyTuple_Pack(2, key.get(), text.get()) : nullptr);
        good = pair && PyList_Append(list.get(), pair.get()) == 0;
      })) {
    return nullptr;
  }
  return good ? list.release() : nullptr;
}

// Each name once: {name: what look_up() gives}. What iteration, len() and equality go by.
Ref as_dict(PyObject* self) {
  Ref dict = Ref::steal(PyDict_New());
  Ref pairs = Ref::steal(multi_items(self, nullptr));
  if (!dict || !pairs) return {};
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(pairs.get()); ++i) {
    PyObject* name = PyTuple_GET_ITEM(PyList_GET_ITEM(pairs.get(), i), 0);
    const int known = PyDict_Contains(dict.get(), name);
    if (known < 0) return {};
    if (known) continue;
    Ref value = Ref::steal(look_up(self, name));
    if (!value || PyDict_SetItem(dict.get(), name, value.get()) < 0) return {};
  }
  return dict;
}

Py_ssize_t length(PyObject* self) {
  Ref dict = as_dict(self);
  return dict ? PyDict_GET_SIZE(dict.get()) : -1;
}
PyObject* iterate(PyObject* self) {
  Ref dict = as_dict(self);
  Ref keys = Ref::steal(dict ? PyDict_Keys(dict.get()) : nullptr);
  return keys ? PyObject_GetIter(keys.get()) : nullptr;
}
PyObject* keys(PyObject* self, PyObject*) {
  Ref dict = as_dict(self);
  return dict ? PyDict_Keys(dict.get()) : nullptr;
}
PyObject* values(PyObject* self, PyObject*) {
  Ref dict = as_dict(self);
  return dict ? PyDict_Values(dict.get()) : nullptr;
}
PyObject* items(PyObject* self, PyObject*) {
  Ref dict = as_dict(self);
  return dict ? PyDict_Items(dict.get()) : nullptr;
}

PyObject* compare(PyObject* self, PyObject* other, int operation) {
  if (operation != Py_EQ && operation != Py_NE) Py_RETURN_NOTIMPLEMENTED;
  Ref left = as_dict(self);
  if (!left) return nullptr;
  if (Py_TYPE(other) == Py_TYPE(self)) {
    Ref right = as_dict(other);
    return right ? PyObject_RichCompare(left.get(), right.get(), operation) : nullptr;
  }
  return PyObject_RichCompare(left.get(), other, operation);
}

PyObject* represent(PyObject* self) {
  Ref pairs = Ref::steal(multi_items(self, nullptr));
  if (!pairs) return nullptr;
  return PyUnicode_FromFormat("%s(%R)", is_query(self) ? "Query" : "Headers", pairs.get());
}

Fields* own_fields(PyObject* self) {
  Fields* fields = is_query(self) ? nullptr : cast(self)->fields;
  if (fields == nullptr) {
    PyErr_SetString(PyExc_TypeError, "a request's headers and query are read-only");
  }
  return fields;
}

void remove_field(Fields& fields, std::string_view name) {
  std::erase_if(fields,
                [&](const auto& field) { return http::equals_ignoring_case(field.first, name); });
}

int assign(PyObject* self, PyObject* key, PyObject* value) {
  Fields* fields = own_fields(self);
  if (fields == nullptr) return -1;
  std::string name, text;
  if (!to_wire(key, "name", name)) return -1;
  if (value == nullptr) {
    const std::size_t before = fields->size();
    remove_field(*fields, name);
    if (fields->size() == before) {
      PyErr_SetObject(PyExc_KeyError, key);
      return -1;
    }
    return 0;
  }
  if (!to_wire(value, "value", text) || !check_field(name, text)) return -1;
  remove_field(*fields, name);
  fields->emplace_back(std::move(name), std::move(text));
  return 0;
}

PyObject* append(PyObject* self, PyObject* const* args, Py_ssize_t count) {
  Fields* fields = own_fields(self);
  if (fields == nullptr) return nullptr;
  if (count != 2) {
    PyErr_SetString(PyExc_TypeError, "append(name, value)");
    return nullptr;
  }
  std::string name, text;
  if (!to_wire(args[0], "name", name) || !to_wire(args[1], "value", text) ||
      !check_field(name, text)) {
    return nullptr;
  }
  fields->emplace_back(std::move(name), std::move(text));
  Py_RETURN_NONE;
}

int traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(cast(self)->request);
  return 0;
}
void dealloc(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  Py_CLEAR(cast(self)->request);
  delete cast(self)->fields;
  type->tp_free(self);
  Py_DECREF(type);
}

HeadersObject* allocate(PyTypeObject* type) {
  return cast(type->tp_alloc(type, 0));  // zeroed
}

PyObject* headers_new(PyTypeObject*, PyObject* args, PyObject* kwargs) {
  static const char* keywords[] = {"initial", nullptr};
  PyObject* initial = Py_None;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O:Headers", const_cast<char**>(keywords),
                                   &initial)) {
    return nullptr;
  }
  return new_headers(initial);
}

PyObject* query_new(PyTypeObject*, PyObject* args, PyObject*) {
  PyObject* text = names.empty_string;
  if (!PyArg_ParseTuple(args, "|U:Query", &text)) return nullptr;
  const std::string_view view = utf8(text);
  return view.data() ? new_query(view) : nullptr;
}

#define FASTCALL(function) reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function))
PyMethodDef methods[] = {
    {"get", FASTCALL(get), METH_FASTCALL, "get(name, default=None)"},
    {"get_all", get_all, METH_O, "All values of a name, in order."},
    {"append", FASTCALL(append), METH_FASTCALL, "Adds a field beside those of the same name."},
    {"keys", keys, METH_NOARGS, "The names, each once."},
    {"values", values, METH_NOARGS, "The value of each name."},
    {"items", items, METH_NOARGS, "(name, value) for each name."},
    {"multi_items", multi_items, METH_NOARGS, "(name, value) for each field, in order."},
    {nullptr, nullptr, 0, nullptr},
};
#undef FASTCALL

#define COMMON_SLOTS                                                            \
  {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},                            \
      {Py_tp_traverse, reinterpret_cast<void*>(traverse)},                      \
      {Py_tp_repr, reinterpret_cast<void*>(represent)},                         \
      {Py_tp_richcompare, reinterpret_cast<void*>(compare)},                    \
      {Py_tp_iter, reinterpret_cast<void*>(iterate)}, {Py_tp_methods, methods}, \
      {Py_mp_length, reinterpret_cast<void*>(length)},                          \
      {Py_mp_subscript, reinterpret_cast<void*>(subscript)},                    \
      {Py_mp_ass_subscript, reinterpret_cast<void*>(assign)}, {                 \
    Py_sq_contains, reinterpret_cast<void*>(contains)                           \
  }
PyType_Slot headers_slots[] = {
    COMMON_SLOTS,
    {Py_tp_new, reinterpret_cast<void*>(headers_new)},
    {0, nullptr},
};
PyType_Slot query_slots[] = {
    COMMON_SLOTS,
    {Py_tp_new, reinterpret_cast<void*>(query_new)},
    {0, nullptr},
};
#undef COMMON_SLOTS
constexpr unsigned kFlags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_MAPPING;
PyType_Spec headers_spec = {"duet.Headers", sizeof(HeadersObject), 0, kFlags, headers_slots};
PyType_Spec query_spec = {"duet.Query", sizeof(HeadersObject), 0, kFlags, query_slots};

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = static_cast<char>(c | 32);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// application/x-www-form-urlencoded: "+" is a space, bad escapes stand for themselves.
std::string form_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 &&
               hex_digit(text[i + 2]) >= 0) {
      out += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace

bool create_headers_types(PyObject* module) {
  headers_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&headers_spec));
  query_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&query_spec));
  return headers_type && query_type &&
         PyModule_AddObjectRef(module, "Headers", reinterpret_cast<PyObject*>(headers_type)) == 0 &&
         PyModule_AddObjectRef(module, "Query", reinterpret_cast<PyObject*>(query_type)) == 0;
}

bool is_headers(PyObject* object) { return Py_TYPE(object) == headers_type; }

PyObject* new_request_headers(PyObject* request) {
  HeadersObject* headers = allocate(headers_type);
  if (headers != nullptr) headers->request = Py_NewRef(request);
  return reinterpret_cast<PyObject*>(headers);
}

PyObject* new_headers(PyObject* initial) {
  Ref self = Ref::steal(reinterpret_cast<PyObject*>(allocate(headers_type)));
  if (!self) return nullptr;
  auto* fields = new Fields;
  cast(self.get())->fields = fields;
  if (initial != nullptr && initial != Py_None &&
      !for_each_pair(initial, [&](const std::string& name, const std::string& value) {
        if (!check_field(name, value)) return false;
        fields->emplace_back(name, value);
        return true;
      })) {
    return nullptr;
  }
  return self.release();
}

namespace {

// What stands before the first `separator`, and what behind it.
std::pair<std::string_view, std::string_view> cut(std::string_view text, char separator) {
  const std::size_t at = text.find(separator);
  if (at == text.npos) return {text, {}};
  return {text.substr(0, at), text.substr(at + 1)};
}

}  // namespace

PyObject* new_query(std::string_view query) {
  HeadersObject* self = allocate(query_type);
  if (self == nullptr) return nullptr;
  self->fields = new Fields;
  while (!query.empty()) {
    const auto [part, rest] = cut(query, '&');
    query = rest;
    if (part.empty()) continue;
    const auto [name, value] = cut(part, '=');
    self->fields->emplace_back(form_decode(name), form_decode(value));
  }
  return reinterpret_cast<PyObject*>(self);
}

bool add_fields(const HeadersObject& headers, http::ResponseHead& head) {
  return add_fields(reinterpret_cast<PyObject*>(const_cast<HeadersObject*>(&headers)), head);
}

bool add_fields(PyObject* initial, http::ResponseHead& head) {
  return for_each_pair(initial, [&](const std::string& name, const std::string& value) {
    const char* why = head.add(name, value);
    return why == nullptr || refuse(why, name);
  });
}

}  // namespace duet::python
