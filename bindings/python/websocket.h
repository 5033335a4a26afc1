// WebSockets for Python: the functions that duet/_websocket.py is made of, and what happens on a
// socket told to its object.
//
// An application holds the number of a session, never a pointer; of one that is over, functions say
// so by what they return. The receiver is a WebSocketBase (websocket_object.h) with _writable() and
// _closed(code, reason, clean); the session holds a reference to it until _closed was called. All
// of it on the loop's thread.
#pragma once

#include "bindings/python/python.h"

namespace duet::python {

// Adds WebSocketBase and websocket_accept, _close, _terminate, _buffered and _protocols to
// `module`; false with a Python error set.
bool add_websocket_functions(PyObject* module);

}  // namespace duet::python
