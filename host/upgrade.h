// What a connection becomes when an exchange upgrades it: bytes both ways, no HTTP any more.
//
// The connection keeps the socket, the output with its backpressure and the end; whoever took it
// over (websocket_session.h, tunnel.h) gives the bytes their meaning. Loop's thread only.
#pragma once

#include <cstddef>
#include <string>

#include "host/measure/timeline.h"

namespace duet {

// Who speaks on an upgraded connection.
class Upgraded {
 public:
  // Bytes of the peer, read `at` that instant; they may be changed in place and are valid in the
  // call. Returns how many were taken: the rest is kept and comes again once input is not paused
  // any more.
  virtual std::size_t on_bytes(char* bytes, std::size_t size, Nanos at) = 0;
  // The peer has finished sending; writing is still possible.
  virtual void on_peer_end() = 0;
  // The kernel has taken everything that was written.
  virtual void on_sent() = 0;
  // The host stops: say goodbye and finish(), within the grace that is configured.
  virtual void on_drain() = 0;
  // The connection is gone, and this is the last call: destroy yourself. Not called from inside a
  // call to UpgradeTransport. `error`: the errno that ended it, or 0.
  virtual void on_gone(int error) = 0;
  // On whose account the connection's work goes.
  virtual measure::HandlerIndex handler() const = 0;

 protected:
  ~Upgraded() = default;
};

// The way to the socket, implemented by the connection. Valid until on_gone().
class UpgradeTransport {
 public:
  // The bytes of the peer that have been read already, taken: on_bytes() does not get them.
  virtual std::string take_input() = 0;
  // Append to it, then call wrote(): everything of one phase of the loop leaves in one write.
  virtual std::string& output() = 0;
  virtual void wrote(std::size_t bytes) = 0;
  // Bytes that the kernel has not taken yet.
  virtual std::size_t unsent() const = 0;
  // Paused, the socket is not read, so that TCP slows the peer down.
  virtual void pause_input(bool paused) = 0;
  // Ends this direction once all is sent; the peer may go on.
  virtual void end_output() = 0;
  // Closes once all is sent. `linger`: what the peer still sends is read and thrown away for a
  // moment, so that it reads our last bytes instead of a reset.
  virtual void finish(bool linger) = 0;
  // Closes at the end of this phase of the loop: what the kernel does not take by then is lost.
  virtual void cut() = 0;
  // As cut(), and TCP tells the peer so: a reset, not an end.
  virtual void reset() = 0;

 protected:
  ~UpgradeTransport() = default;
};

}  // namespace duet
