#include "bindings/python/json.h"

#include <charconv>
#include <cmath>

namespace duet::python {
namespace {

PyObject* scan_once = nullptr;  // json.scanner.c_make_scanner's: a C function of (text, index)
PyObject* json_loads = nullptr;

// Deeper values than this are taken for cycles; json.dumps gives up at the recursion limit, 1000.
constexpr int kDepth = 900;

class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}

  bool value(PyObject* object) {
    if (PyUnicode_CheckExact(object)) return text(object);
    if (object == Py_None) return literal("null");
    if (object == Py_True) return literal("true");
    if (object == Py_False) return literal("false");
    if (PyLong_CheckExact(object)) return integer(object);
    if (PyFloat_CheckExact(object)) return number(PyFloat_AS_DOUBLE(object));
    if (PyDict_Check(object)) return dict(object);
    if (PyList_Check(object) || PyTuple_Check(object)) return list(object);
    if (PyUnicode_Check(object)) return text(object);
    if (PyLong_Check(object)) return integer(object);  // IntEnum, as json.dumps: its value
    if (PyFloat_Check(object)) return number(PyFloat_AS_DOUBLE(object));
    PyErr_Format(PyExc_TypeError, "%.200s is not JSON serializable", Py_TYPE(object)->tp_name);
    return false;
  }

 private:
  bool literal(std::string_view word) {
    out_ += word;
    return true;
  }

  bool integer(PyObject* object) {
    int overflow = 0;
    const long long small = PyLong_AsLongLongAndOverflow(object, &overflow);
    if (overflow == 0) {
      char digits[24];
      const auto end = std::to_chars(digits, digits + sizeof digits, small).ptr;
      out_.append(digits, end);
      return true;
    }
    Ref digits = Ref::steal(PyLong_Type.tp_repr(object));
    if (!digits) return false;
    out_ += utf8(digits.get());
    return true;
  }

  bool number(double value) {
    if (!std::isfinite(value)) {
      PyErr_Format(PyExc_ValueError, "JSON has no %s", std::isnan(value) ? "NaN" : "infinity");
      return false;
    }
    char* digits = PyOS_double_to_string(value, 'r', 0, Py_DTSF_ADD_DOT_0, nullptr);
    if (digits == nullptr) return false;
    out_ += digits;
    PyMem_Free(digits);
    return true;
  }

  bool text(PyObject* object) {
    std::string_view view = utf8(object);
    if (view.data() == nullptr) {
      // Lone surrogates have no UTF-8: JSON writes them as escapes.
      PyErr_Clear();
      return surrogates(object);
    }
    out_ += '"';
    std::size_t start = 0;
    for (std::size_t i = 0; i < view.size(); ++i) {
      const auto c = static_cast<unsigned char>(view[i]);
      if (c >= 0x20 && c != '"' && c != '\\') continue;
      out_.append(view, start, i - start);
      escape(c);
      start = i + 1;
    }
    out_.append(view, start, view.size() - start);
    out_ += '"';
    return true;
  }

  bool surrogates(PyObject* object) {
    out_ += '"';
    const Py_ssize_t length = PyUnicode_GET_LENGTH(object);
    for (Py_ssize_t i = 0; i < length; ++i) {
      const Py_UCS4 c = PyUnicode_READ_CHAR(object, i);
      if (c < 0x20 || c == '"' || c == '\\') {
        escape(static_cast<unsigned char>(c));
      } else if (c >= 0xd800 && c <= 0xdfff) {
        unicode_escape(c);
      } else {
        Ref one = Ref::steal(PyUnicode_FromOrdinal(static_cast<int>(c)));
        if (!one) return false;
        out_ += utf8(one.get());
      }
    }
    out_ += '"';
    return true;
  }

  void escape(unsigned char c) {
    switch (c) {
      case '"':
        out_ += "\\\"";
        break;
      case '\\':
        out_ += "\\\\";
        break;
      case '\n':
        out_ += "\\n";
        break;
      case '\r':
        out_ += "\\r";
        break;
      case '\t':
        out_ += "\\t";
        break;
      case '\b':
        out_ += "\\b";
        break;
      case '\f':
        out_ += "\\f";
        break;
      default:
        unicode_escape(c);
    }
  }

  void unicode_escape(Py_UCS4 c) {
    static const char* digits = "0123456789abcdef";
    out_ += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4) out_ += digits[(c >> shift) & 15];
  }

  bool enter() {
    if (++depth_ <= kDepth) return true;
    PyErr_SetString(PyExc_ValueError, "JSON: the value contains itself, or is nested too deeply");
    return false;
  }

  bool list(PyObject* object) {
    if (!enter()) return false;
    out_ += '[';
    // Indexed anew each time: nothing called in between may run Python code, but keys' str() can.
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(object); ++i) {
      if (i > 0) out_ += ',';
      Ref item = Ref::borrow(PySequence_Fast_GET_ITEM(object, i));
      if (!value(item.get())) return fail_at("[" + std::to_string(i) + "]");
    }
    out_ += ']';
    --depth_;
    return true;
  }

  bool dict(PyObject* object) {
    if (!enter()) return false;
    out_ += '{';
    PyObject *key, *item;
    Py_ssize_t position = 0;
    bool first = true;
    while (PyDict_Next(object, &position, &key, &item)) {
      if (!first) out_ += ',';
      first = false;
      Ref held_key = Ref::borrow(key), held_item = Ref::borrow(item);
      if (!this->key(key)) return false;
      out_ += ':';
      if (!value(item)) return fail_at(key_path(key));
    }
    out_ += '}';
    --depth_;
    return true;
  }

  bool key(PyObject* key) {
    if (PyUnicode_Check(key)) return text(key);
    if (key == Py_None || PyBool_Check(key) || PyLong_Check(key) || PyFloat_Check(key)) {
      out_ += '"';
      if (!value(key)) return false;
      out_ += '"';
      return true;
    }
    PyErr_Format(PyExc_TypeError, "JSON: keys must be str, int, float, bool or None, not %.200s",
                 Py_TYPE(key)->tp_name);
    return false;
  }

  static std::string key_path(PyObject* key) {
    if (!PyUnicode_Check(key)) return "[…]";
    // An error is set: what fails here must not replace it.
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    const std::string_view view = utf8(key);
    if (view.data() == nullptr) PyErr_Clear();
    PyErr_Restore(type, value, trace);
    return view.data() ? "[\"" + std::string(view) + "\"]" : "[…]";
  }

  // Adds one step of the place to the message of a TypeError or ValueError, on the way out.
  bool fail_at(const std::string& step) {
    const bool is_type_error = PyErr_ExceptionMatches(PyExc_TypeError);
    if (depth_ > kDepth || !(is_type_error || PyErr_ExceptionMatches(PyExc_ValueError)))
      return false;
    PyObject *type, *error, *trace;
    PyErr_Fetch(&type, &error, &trace);
    Ref message = Ref::steal(error ? PyObject_Str(error) : nullptr);
    std::string said = message ? std::string(utf8(message.get())) : "not JSON serializable";
    PyErr_Clear();
    const std::string mark = ": at value";
    const std::size_t at = said.find(mark);
    said = at == std::string::npos ? said + mark + step : said.insert(at + mark.size(), step);
    PyErr_SetString(is_type_error ? PyExc_TypeError : PyExc_ValueError, said.c_str());
    Py_XDECREF(type);
    Py_XDECREF(error);
    Py_XDECREF(trace);
    return false;
  }

  std::string& out_;
  int depth_ = 0;
};

bool is_space(Py_UCS4 c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

}  // namespace

bool prepare_json() {
  // Imported at the first use: 8 ms that a handler without JSON does not pay.
  if (scan_once != nullptr) return true;
  Ref json = Ref::steal(PyImport_ImportModule("json"));
  if (!json) return false;
  Ref decoder = Ref::steal(PyObject_GetAttrString(json.get(), "_default_decoder"));
  if (!decoder) return false;
  json_loads = PyObject_GetAttrString(json.get(), "loads");
  scan_once = PyObject_GetAttrString(decoder.get(), "scan_once");
  return json_loads != nullptr && scan_once != nullptr;
}

bool write_json(PyObject* value, std::string& out) { return Writer(out).value(value); }

PyObject* read_json(PyObject* text) {
  if (!prepare_json()) return nullptr;
  const Py_ssize_t length = PyUnicode_GET_LENGTH(text);
  Py_ssize_t start = 0;
  while (start < length && is_space(PyUnicode_READ_CHAR(text, start))) ++start;
  Ref index = Ref::steal(PyLong_FromSsize_t(start));
  if (!index) return nullptr;
  PyObject* arguments[2] = {text, index.get()};
  Ref pair = Ref::steal(PyObject_Vectorcall(scan_once, arguments, 2, nullptr));
  if (pair) {
    Py_ssize_t end = PyLong_AsSsize_t(PyTuple_GET_ITEM(pair.get(), 1));
    while (end < length && is_space(PyUnicode_READ_CHAR(text, end))) ++end;
    if (end == length) return Py_NewRef(PyTuple_GET_ITEM(pair.get(), 0));
  } else {
    PyErr_Clear();
  }
  // Whatever is wrong, the standard library says it best.
  return PyObject_CallOneArg(json_loads, text);
}

}  // namespace duet::python
