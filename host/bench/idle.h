// Connections that do nothing beside those that are measured: opened and answered once, then left.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "host/base/result.h"
#include "host/bench/connection.h"
#include "host/bench/target.h"

namespace duet::bench {

// One thread at a time. While nothing is called, nothing is read: what a server closes meanwhile is
// found by open_now().
class IdleConnections final : ConnectionEvents {
 public:
  // `target` must outlive it.
  explicit IdleConnections(const Target& target) : target_(target) {}
  ~IdleConnections();
  IdleConnections(const IdleConnections&) = delete;
  IdleConnections& operator=(const IdleConnections&) = delete;

  // Opens them, each with one request that is answered, some at a time. Error: so many could not be
  // opened, or not within `patience` of the one before; or `give_up` said so.
  Result<void> open(std::uint32_t number, Nanos patience, const std::function<bool()>& give_up);

  // How many are still open.
  std::uint32_t open_now();

 private:
  void on_sent(std::uint32_t, Nanos) override {}
  void on_answer(Connection&, std::uint32_t, int, std::uint64_t, bool, Nanos) override;
  void on_lost(std::uint32_t, Outcome) override {}
  void on_room(Connection& connection) override;
  void on_closed(Connection& connection, int code) override;
  // Handles what has happened; waits for it at most that long.
  void look(int milliseconds);

  const Target& target_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<Connection*> ready_;  // connected, not asked yet
  std::string buffer_;
  std::uint32_t answered_ = 0, closed_ = 0;
  int code_ = 0;         // of the last that failed
  std::string trouble_;  // likewise
  int epoll_ = -1;
};

}  // namespace duet::bench
