// The part of duet.WebSocket that every message goes through: its messages, and who waits for one.
//
// duet/_websocket.py derives from it and does the rest, which happens once a socket. A message
// stays with the socket until the coroutine that waits for it runs: one that is cancelled in
// between has taken nothing. The loop's thread only.
#pragma once

#include <cstdint>
#include <string_view>

#include "bindings/python/python.h"
#include "host/websocket_session.h"

namespace duet::python {

struct Driver;

// Creates the type `_duet.WebSocketBase` and adds it to `module`; false with a Python error set.
bool create_websocket_type(PyObject* module);

// Whether `object` is one, of the type or of one derived from it.
bool is_websocket(PyObject* object);

// `object` is the receiver of session `id`.
void set_websocket_id(PyObject* object, std::uint64_t id);

// A message of the client, new reference; pauses `session` when too many wait. False with a Python
// error set.
bool websocket_message(PyObject* object, WebSocketSession& session, PyObject* message);

// Something else than a message happened that a waiting coroutine must see.
bool wake_websocket(PyObject* object);

// Whether a driver's coroutine yielded the receive() that waits: `driver` then goes on when there
// is something to receive, or when the object is cancelled.
bool park_driver(PyObject* yielded, Driver* driver);

// The session of that number; null when it is over, or with an error set.
WebSocketSession* find_websocket(std::uint64_t id);

}  // namespace duet::python
