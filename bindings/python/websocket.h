// WebSockets for Python: the functions that duet/_websocket.py is made of, and what happens on a
// socket told to its object.
//
// A client's close frame waits until the messages before it have been taken: whoever takes them
// later than they come calls websocket_release() when it has none left.
//
// An application holds the number of a session, never a pointer; of one that is over, functions say
// so by what they return. The receiver is any object with _message(data), _writable() and
// _closed(code, reason, clean); the session holds a reference to it until _closed was called. All
// of it on the loop's thread.
#pragma once

#include "bindings/python/python.h"

namespace duet::python {

// Adds websocket_accept, _send, _close, _terminate, _pause, _release, _buffered and _protocols to
// `module`; false with a Python error set.
bool add_websocket_functions(PyObject* module);

}  // namespace duet::python
