#include "host/cli/bench_servers.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <random>
#include <utility>

#include "host/base/check.h"
#include "host/base/escape.h"
#include "host/base/executable.h"
#include "host/bench/random.h"
#include "host/net/address.h"

namespace duet::cli {

namespace {

constexpr Nanos kAskEvery = 5 * kMillisecond;
constexpr std::string_view kPort = "{port}";
// Which ports the kernel chooses by itself: "32768 60999".
constexpr const char* kKernelsPorts = "/proc/sys/net/ipv4/ip_local_port_range";
constexpr std::uint32_t kLeastPort = 10'000;  // below, well-known servers live
constexpr int kPortsTried = 100;

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

BenchServers::~BenchServers() {
  for (const Server& server : servers_) server.process->ask_to_end();
}

// One that none of the others is to listen on: they may not have begun to.
std::uint16_t BenchServers::another_port() const {
  for (;;) {
    const std::uint16_t port = free_port();
    const bool given = std::any_of(servers_.begin(), servers_.end(),
                                   [port](const Server& server) { return server.port == port; });
    if (port == 0 || !given) return port;
  }
}

Result<void> BenchServers::launch(const bench::ArmPlan& arm) {
  const std::uint16_t port = arm.is_command() ? another_port() : 0;
  if (arm.is_command() && port == 0) {
    return Error{"there is no free port on 127.0.0.1", printable(arm.name), {}, {}};
  }
  auto process = cli::launch(arm, port, processors_);
  if (!process) {
    Error error = std::move(process).error();
    error.where = printable(arm.name);
    return error;
  }
  servers_.push_back({arm.name, port, std::move(*process), {}});
  return {};
}

Result<std::string> BenchServers::address(const bench::ArmPlan& arm) {
  const auto server = std::find_if(servers_.begin(), servers_.end(),
                                   [&](const Server& one) { return one.arm == arm.name; });
  DUET_CHECK(server != servers_.end());
  auto address = arm.is_command() ? address_of_command(*server, arm.tls) : address_of_host(*server);
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

Result<std::string> BenchServers::address_of_host(Server& server) {
  const auto line = [&](std::string_view prefix) {
    return server.process->wait_for_line(prefix, kStartPatience,
                                         [this] { return interrupt_.count() > 0; });
  };
  auto address = line("listening on ");
  if (!address) return address;
  auto admin = line("admin on http://");
  if (!admin) return admin;
  server.admin = std::move(*admin);
  return address;
}

Result<std::string> BenchServers::address_of_command(Server& server, bool tls) {
  bench::ServerProcess& process = *server.process;
  for (const Nanos deadline = now() + kStartPatience; now() < deadline;) {
    const bool over = !process.running();
    for (const char* host : kLoopbacks) {
      const auto address = net::Address::parse(host + (":" + std::to_string(server.port)));
      if (!over && address && takes_connections(*address))
        return address->url(tls ? "https" : "http");
    }
    if (over) {
      return Error{
          "it ended before it listened (" + process.ending() + ")", {}, {}, process.output()};
    }
    if (interrupt_.wait(kAskEvery) > 0) return Error{"interrupted", {}, {}, {}};
  }
  return Error{"nothing listens on port " + std::to_string(server.port) + " after " +
                   std::to_string(kStartPatience / kSecond) + " s",
               {},
               "it is to listen on the port that {port}, or $PORT, stands for",
               process.output()};
}

}  // namespace duet::cli
