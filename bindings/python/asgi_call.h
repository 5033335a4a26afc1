// One call of an ASGI application: what its `receive` and `send` share, kept beside the Request.
//
// The application gets a scope (asgi_scope.h), a receive and a send (C callables whose results are
// awaitables that have their value already, unless there is something to wait for). The answer goes
// out by the host's exchange: whole, when the first piece of the body is the last, else in pieces.
// Loop's thread, GIL held.
#pragma once

#include <cstdint>
#include <string>

#include "bindings/python/exchange_object.h"
#include "bindings/python/python.h"
#include "bindings/python/timing.h"

namespace duet::python {

struct AsgiCall {
  // How far the answer is.
  enum class Sent : std::uint8_t {
    kNothing,
    kHead,      // http.response.start came; it goes out with the first piece
    kBody,      // the head is out, pieces follow
    kTrailers,  // the body is complete, http.response.trailers follows
    kComplete,
  };
  http::ResponseHead head;
  std::string trailer_lines;
  PyObject* scope = nullptr;    // owned; where frameworks leave the route they chose
  PyObject* waiters = nullptr;  // owned list of futures: receive() looks again; null: nobody waits
  std::uint64_t body_bytes = 0;
  Sent sent = Sent::kNothing;
  bool trailers = false;  // announced by http.response.start
  bool body_received = false;
  bool full = false;       // the client has to take some of it first
  bool running = false;    // the application has not returned
  bool websocket = false;  // its scope: duet/_asgi_websocket.py has send and receive of its own
};

// Creates the types of send and receive and of what they return; false with a Python error set.
bool create_asgi_types(PyObject* module);

// Prepares a call of `handler` for `request`: the three arguments, as new references. False with an
// error set. A WebSocket's handshake must be right: WebSockets::refuse().
bool begin_asgi(const Handler& handler, RequestObject* request, Exchange& exchange,
                PyObject* (&arguments)[3]);
void release_asgi(RequestObject* request);  // with the Request; also collects what GC found

// The application returned; or raised what is set as the error, unless `cancelled` by us.
void asgi_returned(RequestObject* request, const Handler& handler, const Owner& owner);
void asgi_raised(RequestObject* request, const Handler& handler, const Owner& owner,
                 bool cancelled);
// It will not run any more, whatever became of it. Idempotent.
void asgi_finished(RequestObject* request);

// Something changed (body, room, disconnect, end of the answer): whoever waits looks again.
void wake_receivers(RequestObject* request);
// Adds a future to those that wake_receivers() ends. Null with an error set.
PyObject* new_waiter(RequestObject* request, Exchange& exchange);

// The callables, as new references.
PyObject* new_asgi_send(RequestObject* request);
PyObject* new_asgi_receive(RequestObject* request);
bool create_asgi_send_type();
bool create_asgi_receive_type();

// An awaitable that has ended with `value` (taken over). Null with an error set.
PyObject* ended_awaitable(PyObject* value);
bool create_ended_type();

// Methods of duet.Request for duet/_asgi.py: the next message or None; a future that ends when
// there may be one; a future that ends when there may be room for the next piece, or None when
// there is.
PyObject* asgi_message(PyObject* request, PyObject*);
PyObject* asgi_wait(PyObject* request, PyObject*);
PyObject* asgi_room(PyObject* request, PyObject*);

}  // namespace duet::python
