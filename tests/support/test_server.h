// The host's HTTP server with a handler that the test writes in C++: no engine, no pipeline unless
// the test brings one. It runs on a loop of its own; the test talks to it through sockets.
#pragma once

#include <sys/socket.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/exchange.h"
#include "host/measure/ledger.h"
#include "host/net/listener.h"
#include "host/server.h"
#include "host/service.h"
#include "tests/support/http_client.h"
#include "tests/support/loop_thread.h"

namespace duet::testing_support {

// Answers exchanges by functions, in their turn, and notes what it is told. Loop's thread only,
// save where a test sets it up before the first request.
class ScriptedService final : public Service, public ExchangeListener {
 public:
  // Called for each request, when what came with its head has been parsed. Without one, requests
  // stay unanswered.
  std::function<void(Exchange&)> on_request;
  std::function<void(Exchange&)> on_head;  // as soon as its head is complete
  std::function<void(Exchange&)> on_body_ready;
  std::function<void(Exchange&)> on_room;

  // What happened to each exchange, in order: "body", "writable", "abort client gone",
  // "abort deadline", "abort refused", "abort shutdown", "end". By target.
  std::map<std::string, std::vector<std::string>> events;
  std::vector<std::string> served;  // targets, in order of arrival
  std::map<std::string, ExchangeId> ids;
  int finished = 0;  // calls of Service::over
  int turns = 0;     // in which requests ran

  void serve(Exchange& exchange) override;
  bool run_ready() override;
  void over(Exchange&) override { ++finished; }
  void on_body(Exchange& exchange) noexcept override;
  void on_writable(Exchange& exchange) noexcept override;
  void on_abort(Exchange& exchange, AbortReason reason) noexcept override;
  void on_end(Exchange& exchange) noexcept override;

 private:
  std::vector<Exchange*> ready_;
  void note(Exchange& exchange, const char* event) {
    events[std::string(exchange.head().target())].emplace_back(event);
  }
};

class TestServer {
 public:
  explicit TestServer(const ServerOptions& options = {}) : TestServer(options, nullptr) {}
  // With a service of the test's own, made and destroyed on the loop's thread.
  using MakeService = std::function<std::shared_ptr<Service>(Loop&, measure::Ledger&)>;
  TestServer(const ServerOptions& options, const MakeService& make);
  ~TestServer();
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;

  ScriptedService service;
  const std::string& address() const { return address_; }
  HttpClient client() const { return HttpClient(address_); }
  // A connected pair of unix sockets whose buffers hold about this many bytes a direction.
  HttpClient client_with_small_buffers(int bytes);

  // Runs on the loop's thread, between two of its callbacks.
  template <class Task>
  auto run(Task task) {
    return thread_.run(std::move(task));
  }
  // The open exchange of that target, or null. In run() only.
  Exchange* open(const std::string& target);
  // What was noted for that target; a copy.
  std::vector<std::string> events(const std::string& target);
  bool eventually_events(const std::string& target, const std::vector<std::string>& expected);

  LoopThread& thread() { return thread_; }
  HttpServer& server() { return *server_; }          // in run() only
  ExchangeTable& exchanges() { return exchanges_; }  // likewise
  std::size_t connections() {
    return run([this] { return server_->connections(); });
  }

 private:
  LoopThread thread_;
  ExchangeTable exchanges_;
  measure::Ledger ledger_;
  std::shared_ptr<Service> own_service_;
  std::unique_ptr<HttpServer> server_;
  std::unique_ptr<net::Listener> listener_;
  std::string address_;
};

// Answers at once, whole, with status 200 unless said otherwise.
void answer(Exchange& exchange, std::string_view body, int status = 200);

}  // namespace duet::testing_support
