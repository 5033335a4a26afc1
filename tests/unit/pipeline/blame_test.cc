// Blame over real sockets: requests of A that arrive while B holds the loop wait because of B.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "host/measure/snapshot.h"
#include "host/net/listener.h"
#include "host/pipeline.h"
#include "host/request_recorder.h"
#include "host/server.h"

namespace duet {
namespace {

constexpr measure::HandlerIndex kA = 0, kB = 1;
constexpr Nanos kHeld = 20 * kMillisecond;

struct Span {
  Nanos from, to;
};

// Answers at once; B holds the loop before. Notes what happened by itself.
class HoldingRuntime final : public Runtime {
 public:
  explicit HoldingRuntime(measure::Ledger& ledger) : ledger_(ledger) {}

  std::vector<Span> waits_of_a, slices_of_b;

  std::string_view name() const override { return "native"; }
  std::vector<std::pair<std::string, std::string>> versions() const override { return {}; }
  Result<void> start(const RuntimeContext&) override { return {}; }
  void load(const HandlerSpec&, std::function<void(Result<LoadedHandler>)>) override {}
  void enter() noexcept override {}
  void leave() noexcept override {}
  void dispatch(std::uint32_t, Exchange& exchange) noexcept override {
    const measure::HandlerIndex handler = exchange.handler();
    const Nanos began = ledger_.begin(handler, &exchange.timeline());
    if (handler == kB) {
      while (now() < began + kHeld) {
      }
    }
    http::ResponseHead head;
    head.reset(200);
    const Nanos arrival = exchange.timeline().arrival();
    exchange.respond(head, "ok");
    const Nanos ended = ledger_.end(measure::Phase::kAwait);
    if (handler == kA) waits_of_a.push_back({arrival, began});
    if (handler == kB) slices_of_b.push_back({began, ended});
  }
  void interrupt() noexcept override {}
  RuntimeUsage usage() const override { return {}; }
  void stop(Nanos, std::function<void()> done) override { done(); }
  void on_body(Exchange&) noexcept override {}
  void on_writable(Exchange&) noexcept override {}
  void on_abort(Exchange&, AbortReason) noexcept override {}
  void on_end(Exchange&) noexcept override {}

 private:
  measure::Ledger& ledger_;
};

class Client {
 public:
  explicit Client(std::uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval patience{20, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    EXPECT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() { close(fd_); }
  void ask(const std::string& path) {
    const std::string request = "GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n";
    EXPECT_EQ(write(fd_, request.data(), request.size()), static_cast<ssize_t>(request.size()));
  }
  void read_answer() {
    std::string got;
    char bytes[1024];
    while (!got.ends_with("\r\n\r\nok")) {
      const ssize_t count = read(fd_, bytes, sizeof bytes);
      ASSERT_GT(count, 0) << "no answer";
      got.append(bytes, static_cast<std::size_t>(count));
    }
  }

 private:
  int fd_;
};

TEST(Blame, OfRequestsThatArriveWhileAnotherHandlerHoldsTheLoopIsRightWithinFivePercent) {
  auto loop = Loop::create();
  ASSERT_TRUE(loop.ok());
  measure::Ledger ledger;
  measure::Metrics metrics(ledger);
  RequestRecorder recorder(metrics);
  ExchangeTable exchanges;
  Pipeline pipeline(**loop, ledger);
  HttpServer server(**loop, exchanges, ledger, pipeline, {});
  HoldingRuntime runtime(ledger);
  for (const measure::HandlerIndex handler : {kA, kB}) {
    HandlerSpec spec;
    spec.name = handler == kA ? "a" : "b";
    spec.index = handler;
    spec.body_limit = 1000;
    pipeline.add_handler(spec, "native", false);
    metrics.add_handler(handler, {spec.name, "native", "", ""});
    pipeline.ready(handler, runtime, {});
    const std::string route = "/" + spec.name;
    ASSERT_TRUE(pipeline.add_route({}, route, handler).ok());
    metrics.add_route(handler, route);
  }
  pipeline.add_observer(recorder);
  (*loop)->add_observer(&metrics.loop_meter());
  auto address = net::Address::parse("127.0.0.1:0");
  ASSERT_TRUE(address.ok());
  auto listener = net::Listener::open(**loop, *address, {}, [&](int fd) { server.adopt(fd); });
  ASSERT_TRUE(listener.ok());
  const std::uint16_t port = (*listener)->address().port();

  std::thread client([&] {
    {
      Client b(port);
      std::vector<std::unique_ptr<Client>> as;
      for (int i = 0; i < 8; ++i) as.push_back(std::make_unique<Client>(port));
      for (int round = 0; round < 15; ++round) {
        b.ask("/b");
        for (const auto& a : as) a->ask("/a");
        for (const auto& a : as) a->read_answer();
        b.read_answer();
      }
    }
    (*loop)->post([&] {
      listener->reset();
      server.on_empty = [&] { (*loop)->stop(); };
      server.drain();
      if (server.connections() == 0) (*loop)->stop();
    });
  });
  (*loop)->run();
  client.join();
  (*loop)->remove_observer(&metrics.loop_meter());

  ASSERT_EQ(runtime.waits_of_a.size(), 8u * 15);
  ASSERT_EQ(runtime.slices_of_b.size(), 15u);
  Nanos because_of_b = 0;
  for (const Span& wait : runtime.waits_of_a) {
    for (const Span& slice : runtime.slices_of_b) {
      because_of_b +=
          std::max<Nanos>(0, std::min(wait.to, slice.to) - std::max(wait.from, slice.from));
    }
  }
  const measure::Snapshot shot = measure::take_snapshot(metrics, {});
  const measure::HandlerSnapshot& a = shot.handlers[kA];
  EXPECT_GT(because_of_b, kHeld) << "they hardly met: the test says nothing";
  EXPECT_NEAR(static_cast<double>(a.waited_for[kB]), static_cast<double>(because_of_b),
              0.05 * static_cast<double>(because_of_b));
  EXPECT_LE(a.waited_for[kB], a.phase(measure::Phase::kQueue).sum);
  EXPECT_LE(a.unaccounted.p99, a.total.p99 / 100);
  EXPECT_LE(shot.handlers[kB].unaccounted.p99, shot.handlers[kB].total.p99 / 100);

  // All CPU time is somebody's, and B's spinning is B's.
  EXPECT_EQ(shot.cpu.handlers + shot.cpu.unattributed(), shot.cpu.process());
  EXPECT_GT(shot.handlers[kB].run_cpu, shot.handlers[kA].run_cpu);
}

}  // namespace
}  // namespace duet
