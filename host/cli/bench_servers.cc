#include "host/cli/bench_servers.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <random>
#include <utility>

#include "host/base/escape.h"
#include "host/bench/random.h"
#include "host/cli/engines.h"
#include "host/net/address.h"

namespace duet::cli {

namespace {

constexpr Nanos kStartPatience = 60 * kSecond;
constexpr Nanos kAskEvery = 5 * kMillisecond;
constexpr std::string_view kPort = "{port}";
// Which ports the kernel chooses by itself: "32768 60999".
constexpr const char* kKernelsPorts = "/proc/sys/net/ipv4/ip_local_port_range";
constexpr std::uint32_t kLeastPort = 10'000;  // below, well-known servers live
constexpr int kPortsTried = 100;
// Where a server listens that was told nothing but a port.
constexpr const char* kLoopbacks[] = {"127.0.0.1", "[::1]"};

bool takes_connections(const net::Address& address) {
  const int fd = socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const bool taken = connect(fd, address.get(), address.length()) == 0;
  close(fd);
  return taken;
}

// On which a socket can be bound now; 0: any.
std::uint16_t bound_port(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return 0;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  socklen_t length = sizeof address;
  const bool known = bind(fd, reinterpret_cast<const sockaddr*>(&address), length) == 0 &&
                     getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) == 0;
  close(fd);
  return known ? ntohs(address.sin_port) : std::uint16_t{0};
}

}  // namespace

std::uint16_t free_port() {
  std::uint32_t first = 0, last = 0;
  std::ifstream(kKernelsPorts) >> first >> last;
  std::vector<std::uint16_t> others;
  for (std::uint32_t port = kLeastPort; port <= 65535; ++port) {
    if (port < first || port > last) others.push_back(static_cast<std::uint16_t>(port));
  }
  bench::Random random(std::random_device{}());
  for (int i = 0; i < kPortsTried && !others.empty(); ++i) {
    const std::uint16_t port = others[random.below(others.size())];
    if (bound_port(port) != 0) return port;
  }
  return bound_port(0);
}

std::string with_port(std::string command, std::uint16_t port) {
  const std::string number = std::to_string(port);
  for (std::size_t at = 0; (at = command.find(kPort, at)) != std::string::npos;
       at += number.size()) {
    command.replace(at, kPort.size(), number);
  }
  return command;
}

Result<std::unique_ptr<bench::ServerProcess>> launch(const bench::ArmPlan& arm, std::uint16_t port,
                                                     const bench::Processors& processors) {
  const std::string number = std::to_string(port);
  if (arm.is_command()) {
    return bench::ServerProcess::start({"/bin/sh", "-c", with_port(arm.target, port)},
                                       {"PORT=" + number}, processors);
  }
  return bench::ServerProcess::start(
      {executable_path(), "serve", "--listen", "127.0.0.1:" + number, "--admin", "127.0.0.1:0",
       "--log-level", "warn", "--", arm.target},
      {}, processors);
}

Result<std::string> BenchServers::start(const bench::ArmPlan& arm) {
  auto address = arm.is_command() ? start_command(arm) : start_host(arm);
  if (address) return address;
  Error error = std::move(address).error();
  error.where = printable(arm.name);
  return error;
}

bench::ServerProcess* BenchServers::of(const bench::ArmPlan& arm) const {
  for (const Server& server : servers_) {
    if (server.arm == arm.name) return server.process.get();
  }
  return nullptr;
}

std::string BenchServers::admin_of(const bench::ArmPlan& arm) const {
  for (const Server& server : servers_) {
    if (server.arm == arm.name) return server.admin;
  }
  return "";
}

Result<std::string> BenchServers::start_host(const bench::ArmPlan& arm) {
  auto started = launch(arm, 0, processors_);
  if (!started) return std::move(started).error();
  bench::ServerProcess& process = **started;
  servers_.push_back({arm.name, std::move(*started), {}});
  const auto line = [&](std::string_view prefix) {
    return process.wait_for_line(prefix, kStartPatience, [this] { return interrupt_.count() > 0; });
  };
  auto address = line("listening on ");
  if (!address) return address;
  auto admin = line("admin on http://");
  if (!admin) return admin;
  servers_.back().admin = std::move(*admin);
  return address;
}

Result<std::string> BenchServers::start_command(const bench::ArmPlan& arm) {
  const std::uint16_t port = free_port();
  if (port == 0) return Error{"there is no free port on 127.0.0.1", {}, {}, {}};
  auto started = launch(arm, port, processors_);
  if (!started) return std::move(started).error();
  bench::ServerProcess& process = **started;
  servers_.push_back({arm.name, std::move(*started), {}});
  for (const Nanos deadline = now() + kStartPatience; now() < deadline;) {
    const bool over = !process.running();
    for (const char* host : kLoopbacks) {
      const auto address = net::Address::parse(host + (":" + std::to_string(port)));
      if (!over && address && takes_connections(*address))
        return address->url(arm.tls ? "https" : "http");
    }
    if (over) {
      return Error{
          "it ended before it listened (" + process.ending() + ")", {}, {}, process.output()};
    }
    if (interrupt_.wait(kAskEvery) > 0) return Error{"interrupted", {}, {}, {}};
  }
  return Error{"nothing listens on port " + std::to_string(port) + " after " +
                   std::to_string(kStartPatience / kSecond) + " s",
               {},
               "it is to listen on the port that {port}, or $PORT, stands for",
               process.output()};
}

}  // namespace duet::cli
