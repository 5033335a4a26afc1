// A connection given up by HTTP: plain bytes both ways, for applications that answer an Upgrade by
// themselves (Node's 'upgrade' event hands them the socket).
//
// Engines keep the SessionId; a Tunnel& is valid until control returns to the loop. Loop's thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "host/exchange.h"
#include "host/session_table.h"
#include "host/upgrade.h"

namespace duet {

class Tunnel;
class Tunnels;

// What an engine is told; from the loop, never from inside a call of the engine.
class TunnelListener {
 public:
  virtual void on_data(Tunnel& tunnel, std::string_view bytes) noexcept = 0;
  virtual void on_peer_end(Tunnel& tunnel) noexcept = 0;  // no more data; writing is possible
  // What was written has left, after write() returned kFull, or end() true.
  virtual void on_writable(Tunnel& tunnel) noexcept = 0;
  // The host stops. What is then to be said is the application's to know; what is still open at the
  // end of the grace is cut.
  virtual void on_drain(Tunnel& tunnel) noexcept = 0;
  // It is over; called once, and nothing after it. `error`: the errno that ended it (a client that
  // reset the connection, or did not take what was sent in time), or 0.
  virtual void on_close(Tunnel& tunnel, int error) noexcept = 0;

 protected:
  ~TunnelListener() = default;
};

class Tunnel final : Upgraded {
 public:
  Tunnel(Tunnels& owner, SessionId id, TunnelListener& listener, measure::HandlerIndex handler)
      : owner_(owner), listener_(listener), id_(id), handler_(handler) {}
  ~Tunnel() = default;

  SessionId id() const { return id_; }
  // The peer's bytes that came with its request, taken: on_data() does not get them.
  std::string take_head() { return transport_->take_input(); }
  WriteResult write(std::string_view bytes);
  // No more is written; closes when the peer has ended, too. True: something has yet to leave, and
  // on_writable() follows when it has.
  bool end();
  // Closes at once: what the kernel does not take now is lost. on_close() follows.
  void destroy();
  // As destroy(), and the peer sees a reset.
  void reset();
  void pause();
  void resume();
  measure::HandlerIndex handler() const override { return handler_; }

  // A word of the engine's own. Starts as 0.
  std::uint64_t engine_data = 0;

 private:
  friend class Tunnels;
  std::size_t on_bytes(char* bytes, std::size_t size, Nanos at) override;
  void on_peer_end() override;
  void on_sent() override;
  void on_drain() override { listener_.on_drain(*this); }
  void on_gone(int error) override;

  Tunnels& owner_;
  UpgradeTransport* transport_ = nullptr;
  TunnelListener& listener_;
  SessionId id_;
  measure::HandlerIndex handler_;
  bool full_ = false, ended_ = false, peer_ended_ = false, paused_ = false;
};

// All tunnels of a loop. Outlives the server and the engines.
class Tunnels {
 public:
  // Takes the connection of a request that asks for an Upgrade (Exchange::can_upgrade); nothing is
  // sent: the application writes its own answer. 0: it cannot be had (answered, or not asked for).
  SessionId open(Exchange& exchange, TunnelListener& listener);
  Tunnel* find(SessionId id) const { return table_.find(id); }
  std::size_t count() const { return table_.count(); }

 private:
  friend class Tunnel;
  SessionTable<Tunnel> table_;
};

}  // namespace duet
