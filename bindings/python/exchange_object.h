// duet.Request: what a handler sees of an exchange.
//
// It holds the exchange's id, never the exchange: what is asked for after the request has ended
// raises duet.RequestEnded. If the handler keeps the request beyond its answer (wait_until), its
// head and the body it has read are copied first, so that they stay readable.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bindings/python/python.h"
#include "host/exchange.h"

namespace duet::python {

struct AsgiCall;
struct Driver;
struct Handler;
struct PoolJob;

// How the accessors of the body answer.
enum class BodyMode : std::uint8_t {
  kValues,      // plain `def`: the body is complete, values are returned
  kAwaitables,  // `async def`
};

// A copy of a request: for what outlives the exchange, and for threads of the pool.
struct Snapshot {
  http::RequestHead head;
  std::vector<http::Param> params;
  std::string url, remote_address, local_address;
  std::string body;
  bool has_body = false;  // `body` is all of it: it had been read, or was there before the call
  std::uint16_t remote_port = 0, local_port = 0;
  Nanos deadline = 0;
  std::string variant, key;  // of an experiment
};

struct RequestObject {
  PyObject_HEAD PyObject* dict;  // the handler's own attributes
  PyObject* weak_references;
  PyObject* params;        // cached dict
  PyObject* query;         // cached Query
  PyObject* body_waiter;   // future: the demand for body bytes is met
  PyObject* write_waiter;  // future: the answer's buffer has room
  PyObject* signal;        // duet.Signal, once asked for
  PyObject* websocket;     // what the request has become, if it has
  Driver* driver;          // borrowed; of the suspended handler
  PoolJob* job;            // borrowed; of a blocking handler. Its `exchange` is 0
  AsgiCall* asgi;          // owned; of an ASGI application
  const Handler* handler;
  Snapshot* snapshot;   // owned
  ExchangeId exchange;  // 0 once it has ended
  BodyMode mode;
  bool attached;  // the exchange's engine_data holds a reference to this
  bool streamed;  // the body has been taken piece by piece
  bool read;      // the body has been had as a whole
  bool failed;    // the handler raised
  AbortReason abort_reason;
};

// Creates duet.Request; false with a Python error set.
bool create_request_type(PyObject* module);

// GIL held. `exchange`: 0 when a snapshot is all that it will see.
RequestObject* new_request(const Handler& handler, ExchangeId exchange);

// A copy, with the body if it is there. Loop's thread, no GIL needed.
std::unique_ptr<Snapshot> snapshot_of(const Exchange& exchange, bool with_body);

inline RequestObject* as_request(PyObject* object) {
  return reinterpret_cast<RequestObject*>(object);
}

// The head of a request, wherever it is now. Null with duet.RequestEnded set.
const http::RequestHead* request_head(PyObject* request);

// The open exchange, or null with duet.RequestEnded set.
Exchange* live_exchange(RequestObject* request);

void set_request_ended();  // sets duet.RequestEnded

// From now on the exchange's events come to this object (it holds a reference until detach()).
void attach_request(RequestObject* request, Exchange& exchange);
void detach_request(RequestObject* request, Exchange& exchange);

// Copies what can be copied, if anybody but us (who hold `ours` references, and the exchange's)
// still refers to the request.
void keep_if_shared(RequestObject* request, const Exchange& exchange, int ours);
void take_snapshot(RequestObject* request, const Exchange& exchange);

// The events of ExchangeListener, forwarded.
void request_body_arrived(RequestObject* request);
void request_writable(RequestObject* request);
void request_aborted(RequestObject* request, AbortReason reason);
void request_ended(RequestObject* request, Exchange& exchange);

}  // namespace duet::python
