// The servers that `duet bench` starts itself: hosts of handlers, and commands.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "host/base/clock.h"
#include "host/base/result.h"
#include "host/bench/plan.h"
#include "host/bench/server_process.h"
#include "host/cli/interrupt.h"

namespace duet::cli {

// A server that takes no connection, or answers nothing, for so long does not start.
inline constexpr Nanos kStartPatience = 60 * kSecond;
// Where a server listens that was told nothing but a port.
inline constexpr const char* kLoopbacks[] = {"127.0.0.1", "[::1]"};

class BenchServers {
 public:
  // `processors`: those that each server has; empty: those of this process.
  explicit BenchServers(Interrupt& interrupt, bench::Processors processors = {})
      : interrupt_(interrupt), processors_(std::move(processors)) {}

  // All are told to end before any is waited for.
  ~BenchServers();
  BenchServers(const BenchServers&) = delete;
  BenchServers& operator=(const BenchServers&) = delete;

  // Starts what the arm names, and waits for nothing: several may load at the same time. Errors of
  // this and of address() have the arm as their place, and its output as the detail.
  Result<void> launch(const bench::ArmPlan& arm);
  // Waits until what was launched for that arm takes connections. Gives its address:
  // "http://127.0.0.1:40123", or https:// of a command with TLS.
  Result<std::string> address(const bench::ArmPlan& arm);

  // The process that was started for that arm; nullptr when none was.
  bench::ServerProcess* of(const bench::ArmPlan& arm) const;
  // The admin listener of its host, "127.0.0.1:40124"; empty for other servers.
  std::string admin_of(const bench::ArmPlan& arm) const;

 private:
  struct Server {
    std::string arm;
    std::uint16_t port;  // of a command: where it is to listen
    std::unique_ptr<bench::ServerProcess> process;
    std::string admin;
  };
  std::uint16_t another_port() const;
  Result<std::string> address_of_host(Server& server);
  Result<std::string> address_of_command(Server& server, bool tls);

  Interrupt& interrupt_;
  const bench::Processors processors_;
  std::vector<Server> servers_;
};

// Starts what the arm names, to listen on that port of the loopback, and waits for nothing.
Result<std::unique_ptr<bench::ServerProcess>> launch(const bench::ArmPlan& arm, std::uint16_t port,
                                                     const bench::Processors& processors);

// A TCP port of 127.0.0.1 on which nobody listens; 0 when there is none. It is none of those that
// the kernel gives to who asks for any, or for a connection's own end, as long as there are others:
// so nobody gets it before the server listens, which cannot be had by holding it, as a server
// without SO_REUSEADDR would be kept away, too.
std::uint16_t free_port();
// The command with its {port} replaced.
std::string with_port(std::string command, std::uint16_t port);

}  // namespace duet::cli
