// A host that passes requests on, and the service behind it, played by the test: real sockets on
// both sides.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "host/pipeline.h"
#include "host/upstream/upstream_runtime.h"
#include "tests/support/service_port.h"
#include "tests/support/test_server.h"

namespace duet::testing_support {

class GatewayTest : public ::testing::Test {
 protected:
  ~GatewayTest() override {
    if (server_ == nullptr) return;
    server_->run([this] { server_->server().abort_all(); });
    EXPECT_TRUE(eventually([this] { return server_->connections() == 0; }));
    server_->run([this] { runtime_->stop(0, [] {}); });
  }

  // The host, with `change` applied to what it knows of the service.
  TestServer& host(const std::function<void(HandlerSpec&)>& change = {}) {
    static auto* const kept = new std::vector<Runtime*>;  // engines outlive their loops
    runtime_ = kept->emplace_back(make_upstream_runtime());
    const auto make = [&](Loop& loop, measure::Ledger& ledger) {
      auto pipeline = std::make_shared<Pipeline>(loop, ledger);
      HandlerSpec spec;
      spec.name = "elsewhere";
      spec.source = "http://127.0.0.1:" + std::to_string(port_.port()) + "/prefix/";
      spec.index = 0;
      spec.body_limit = 1024;
      spec.default_body_limit = true;
      if (change) change(spec);
      pipeline->add_handler(spec, "http", true);
      EXPECT_TRUE(pipeline->add_route({}, "/*", 0).ok());
      RuntimeContext context;
      context.loop = &loop;
      context.ledger = &ledger;
      EXPECT_TRUE(runtime_->start(context).ok());
      runtime_->load(spec, [&](Result<LoadedHandler> loaded) {
        ASSERT_TRUE(loaded.ok()) << loaded.error().to_string();
        pipeline->ready(0, *runtime_, *loaded);
      });
      pipeline->add_observer(observer_);
      return pipeline;
    };
    server_ = std::make_unique<TestServer>(ServerOptions{}, make);
    return *server_;
  }

  struct Observer final : PipelineObserver {
    std::vector<int> statuses;
    Nanos run = 0, await = 0, unaccounted = 0;
    bool broken_off = false;
    void over(const Exchange& exchange) noexcept override {
      statuses.push_back(exchange.status());
      run = exchange.timeline().spent(measure::Phase::kRun);
      await = exchange.timeline().spent(measure::Phase::kAwait);
      unaccounted = exchange.timeline().unaccounted();
      broken_off = exchange.broken_off();
    }
  };

  ServicePort port_;
  Observer observer_;  // in server_->run() only
  Runtime* runtime_ = nullptr;
  std::unique_ptr<TestServer> server_;
};

}  // namespace duet::testing_support
