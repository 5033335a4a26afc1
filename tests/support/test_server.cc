#include "tests/support/test_server.h"

#include <algorithm>

#include "host/base/check.h"

namespace duet::testing_support {

namespace {

const char* abort_event(AbortReason reason) {
  switch (reason) {
    case AbortReason::kNone:
      return "abort for no reason";
    case AbortReason::kClientGone:
      return "abort client gone";
    case AbortReason::kDeadline:
      return "abort deadline";
    case AbortReason::kRefused:
      return "abort refused";
    case AbortReason::kShutdown:
      return "abort shutdown";
  }
  return "abort";
}

}  // namespace

void ScriptedService::serve(Exchange& exchange) {
  static const HandlerInfo kInfo{"scripted", "/", "c++", false};
  const std::string target(exchange.head().target());
  served.push_back(target);
  ids[target] = exchange.id();
  exchange.hand_to(*this, &kInfo);
  if (on_head) on_head(exchange);
  ready_.push_back(&exchange);
}

bool ScriptedService::run_ready() {
  if (ready_.empty()) return false;
  ++turns;
  for (std::size_t i = 0; i < ready_.size(); ++i) {
    Exchange* exchange = ready_[i];  // null: it ended before
    if (exchange != nullptr && !exchange->answered() && on_request) on_request(*exchange);
  }
  ready_.clear();
  return true;
}

void ScriptedService::on_body(Exchange& exchange) noexcept {
  note(exchange, "body");
  if (on_body_ready) on_body_ready(exchange);
}

void ScriptedService::on_writable(Exchange& exchange) noexcept {
  note(exchange, "writable");
  if (on_room) on_room(exchange);
}

void ScriptedService::on_abort(Exchange& exchange, AbortReason reason) noexcept {
  note(exchange, abort_event(reason));
}

void ScriptedService::on_end(Exchange& exchange) noexcept {
  std::replace(ready_.begin(), ready_.end(), &exchange, static_cast<Exchange*>(nullptr));
  note(exchange, "end");
}

TestServer::TestServer(const ServerOptions& options, const MakeService& make) {
  run([&] {
    if (make) own_service_ = make(thread_.loop(), ledger_);
    Service* served_by = make ? own_service_.get() : &service;
    server_ =
        std::make_unique<HttpServer>(thread_.loop(), exchanges_, ledger_, *served_by, options);
    auto listener = net::Listener::open(thread_.loop(), *net::Address::parse("127.0.0.1:0"), {},
                                        [this](int fd) { server_->adopt(fd); });
    DUET_CHECK(listener.ok());
    listener_ = std::move(*listener);
    address_ = listener_->address().to_string();
  });
}

TestServer::~TestServer() {
  std::promise<void> empty;
  run([&] {
    listener_.reset();
    server_->on_empty = [&] { empty.set_value(); };
    if (server_->connections() == 0) {
      server_->on_empty = nullptr;
      empty.set_value();
    } else {
      server_->abort_all();
    }
  });
  empty.get_future().wait();
  run([this] {
    server_.reset();
    own_service_.reset();
  });
}

HttpClient TestServer::client_with_small_buffers(int bytes) {
  int ends[2];
  DUET_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
  for (const int end : ends) {
    setsockopt(end, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    setsockopt(end, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  }
  run([this, fd = ends[0]] { server_->adopt(fd); });
  return HttpClient(ends[1]);
}

Exchange* TestServer::open(const std::string& target) {
  const auto found = service.ids.find(target);
  return found == service.ids.end() ? nullptr : exchanges_.find(found->second);
}

std::vector<std::string> TestServer::events(const std::string& target) {
  return run([&] { return service.events[target]; });
}

bool TestServer::eventually_events(const std::string& target,
                                   const std::vector<std::string>& expected) {
  return eventually([&] { return events(target) == expected; });
}

void answer(Exchange& exchange, std::string_view body, int status) {
  http::ResponseHead head;
  head.reset(status);
  exchange.respond(head, body);
}

}  // namespace duet::testing_support
