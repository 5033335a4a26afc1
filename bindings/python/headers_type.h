// duet.Headers and duet.Query: ordered multi-maps of strings, case-insensitive and case-sensitive.
//
// A request's Headers read the parsed head in place: three look-ups cost three strings, whatever
// the number of fields. A response's own theirs.
#pragma once

#include <string>
#include <vector>

#include "bindings/python/python.h"
#include "host/http/message.h"

namespace duet::python {

using Fields = std::vector<std::pair<std::string, std::string>>;

struct HeadersObject {
  PyObject_HEAD PyObject* request;  // whose head is read; null when `fields` are its own
  Fields* fields;                   // owned; null when `request` is set
};

// Creates duet.Headers and duet.Query; false with a Python error set.
bool create_headers_types(PyObject* module);
bool is_headers(PyObject* object);

// Read-only, over `request`'s head.
PyObject* new_request_headers(PyObject* request);
// A mutable one from None, a mapping, an iterable of pairs, or Headers. Null with an error set.
PyObject* new_headers(PyObject* initial);
// Read-only, from a query string.
PyObject* new_query(std::string_view query);

// Adds every field to `head`; false with ValueError set.
bool add_fields(const HeadersObject& headers, http::ResponseHead& head);

// Adds the fields of a mapping, an iterable of pairs or Headers to `head` without making Headers.
bool add_fields(PyObject* initial, http::ResponseHead& head);

}  // namespace duet::python
