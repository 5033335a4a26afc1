#include "host/admin/admin_service.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/fake_exchange.h"
#include "tests/unit/measure/sample_snapshot.h"

namespace duet::admin {
namespace {

using Json = nlohmann::json;

class AdminTest : public ::testing::Test {
 protected:
  AdminTest() {
    AdminService::Sources sources;
    sources.metrics = &sample_.metrics;
    sources.snapshot = [this] {
      measure::EngineSnapshot python;
      python.name = "python";
      python.gc_count = 3;
      return measure::take_snapshot(sample_.metrics, {python});
    };
    sources.not_ready = [this] { return not_ready_; };
    service_.emplace(std::move(sources));
  }

  // Serves a request for `target`; the answer is complete when this returns.
  testing_support::FakeTransport* ask(const std::string& target, const std::string& method = "GET",
                                      const std::string& fields = "") {
    const auto opened = exchanges_.open(
        method + " " + target + " HTTP/1.1\r\nHost: localhost\r\n" + fields + "\r\n",
        measure::kNoHandler);
    service_->serve(opened.exchange);
    EXPECT_TRUE(opened.transport.complete);
    return &opened.transport;
  }

  ExchangeTable table_;
  testing_support::FakeExchanges exchanges_{table_};
  measure::Sample sample_;
  std::string not_ready_;
  std::optional<AdminService> service_;
};

TEST_F(AdminTest, ListsHandlersAsJson) {
  sample_.run();
  sample_.metrics.started(1);
  const auto answer = ask("/api/handlers");
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->field("content-type"), "application/json; charset=utf-8");
  EXPECT_EQ(answer->field("cache-control"), "no-store");
  const Json document = Json::parse(answer->body);
  ASSERT_EQ(document["handlers"].size(), 2u);
  const Json& js = document["handlers"][0];
  EXPECT_EQ(js["name"], "country_js");
  EXPECT_EQ(js["language"], "javascript");
  EXPECT_EQ(js["routes"], Json::array({"/js/{code}"}));
  EXPECT_EQ(js["requests"], 110);
  EXPECT_EQ(js["statuses"]["2xx"], 110);
  EXPECT_EQ(js["errors"], 0);
  EXPECT_EQ(js["in_flight"], 0);
  EXPECT_NEAR(js["total_us"]["p50"], 15, 0.2);
  EXPECT_NEAR(js["phases_us"]["run"]["p50"], 2, 0.02);
  EXPECT_NEAR(js["phases_us"]["queue"]["max"], 10'045, 100);
  EXPECT_EQ(js["phases_us"]["pool"]["p99"], 0);
  EXPECT_EQ(js["unaccounted_us"]["p99"], 0);
  EXPECT_NEAR(js["waited_for_us"]["country_py"], 100'000, 1'000);
  const Json& py = document["handlers"][1];
  EXPECT_EQ(py["in_flight"], 1);
  EXPECT_EQ(py["errors"], 1);
  EXPECT_FALSE(py["waited_for_us"].contains("country_py"));
  EXPECT_EQ(document["engines"][0]["gc_count"], 3);
  EXPECT_TRUE(document["engines"][0]["heap_used_bytes"].is_null());
  const Json& cpu = document["cpu_seconds"];
  const double rest = double(cpu["unattributed"]["loop"]) + double(cpu["unattributed"]["start"]) +
                      double(cpu["unattributed"]["other"]);
  EXPECT_NEAR(double(cpu["handlers"]) + double(cpu["engines"]) + rest, cpu["process"], 1e-6);
}

TEST_F(AdminTest, PhasesComeInTheOrderOfARequest) {
  const std::string body = ask("/api/handlers")->body;
  std::size_t before = 0;
  for (const char* phase : {"queue", "parse", "gil", "run", "await", "ready", "pool", "write"}) {
    const std::size_t at = body.find('"' + std::string(phase) + '"');
    EXPECT_GT(at, before) << phase;
    before = at;
  }
}

TEST_F(AdminTest, ANameThatIsNoUtf8StaysReadable) {
  sample_.ledger.add_handler(2);
  sample_.metrics.add_handler(2, {"bad\xff", "native", "", ""});
  const Json document = Json::parse(ask("/api/handlers")->body);
  EXPECT_EQ(document["handlers"][2]["name"], "bad\xef\xbf\xbd");
}

TEST_F(AdminTest, MetricsFollowTheAcceptHeader) {
  sample_.run();
  const auto plain = ask("/metrics");
  EXPECT_EQ(plain->status, 200);
  EXPECT_EQ(plain->field("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(plain->field("vary"), "Accept");
  EXPECT_TRUE(plain->body.starts_with("# HELP http_server_request_duration_seconds "));
  const auto open = ask("/metrics", "GET", "Accept: application/openmetrics-text\r\n");
  EXPECT_EQ(open->field("content-type"),
            "application/openmetrics-text; version=1.0.0; charset=utf-8");
  EXPECT_TRUE(open->body.ends_with("# EOF\n"));
}

TEST_F(AdminTest, HealthIsIndependentOfReadiness) {
  EXPECT_EQ(ask("/readyz")->status, 200);
  not_ready_ = "1 of 2 handlers is still loading";
  EXPECT_EQ(ask("/healthz")->status, 200);
  const auto answer = ask("/readyz");
  EXPECT_EQ(answer->status, 503);
  EXPECT_EQ(answer->body, "not ready: 1 of 2 handlers is still loading\n");
  EXPECT_EQ(answer->field("retry-after"), "1");
  not_ready_.clear();
  EXPECT_EQ(ask("/readyz")->body, "ready\n");
}

TEST_F(AdminTest, ThePageNeedsNothingFromElsewhere) {
  const auto answer = ask("/");
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->field("content-type"), "text/html; charset=utf-8");
  EXPECT_NE(answer->field("content-security-policy").find("default-src 'none'"), std::string::npos);
  EXPECT_NE(answer->body.find("/api/handlers"), std::string::npos);
  EXPECT_NE(answer->body.find("prefers-color-scheme: dark"), std::string::npos);
  EXPECT_EQ(answer->body.find("http://"), std::string::npos);
  EXPECT_EQ(answer->body.find("https://"), std::string::npos);
}

TEST_F(AdminTest, QueriesDoNotMatterToPaths) {
  EXPECT_EQ(ask("/healthz?verbose=1")->status, 200);
  EXPECT_EQ(ask("/api/handlers?")->status, 200);
}

TEST_F(AdminTest, UnknownPathsAre404WithWhatThereIs) {
  for (const char* path : {"/nothing", "/api", "/api/handlers/", "/metrics/x"}) {
    const auto answer = ask(path);
    EXPECT_EQ(answer->status, 404) << path;
    const Json document = Json::parse(answer->body);
    EXPECT_NE(document["error"].get<std::string>().find("/api/handlers"), std::string::npos);
  }
}

TEST_F(AdminTest, OtherMethodsAre405WithAllow) {
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "PROPFIND"}) {
    const auto answer = ask("/metrics", method);
    EXPECT_EQ(answer->status, 405) << method;
    EXPECT_EQ(answer->field("allow"), "GET, HEAD");
    EXPECT_TRUE(Json::accept(answer->body));
  }
  EXPECT_EQ(ask("/metrics", "HEAD")->status, 200);
}

}  // namespace
}  // namespace duet::admin
