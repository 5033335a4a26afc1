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
  EXPECT_NE(answer->body.find("/api/experiments"), std::string::npos);
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

// With an experiment 'country' of js and py.
class AdminExperimentTest : public AdminTest {
 protected:
  AdminExperimentTest() {
    experiment::LiveSpec spec;
    spec.spec.name = "country";
    spec.spec.variants = {"js", "py"};
    spec.spec.weights = {1, 1};
    spec.spec.guardrails = {{}};
    spec.variants = {{"country_js", 0, false}, {"country_py", 1, false}};
    spec.key = experiment::KeySource::kAddress;
    live_ = std::move(experiment::Live::create(std::move(spec))).value();
    AdminService::Sources sources;
    sources.metrics = &sample_.metrics;
    sources.experiments = [this] {
      std::vector<experiment::LiveSnapshot> all;
      all.push_back(live_->snapshot());
      return all;
    };
    sources.find_experiment = [this](std::string_view name) {
      return name == "country" ? live_.get() : nullptr;
    };
    sources.commanded = [this](experiment::Live&, const experiment::Decision& decision) {
      commanded_.push_back(decision.sentence);
    };
    service_.emplace(std::move(sources));
  }
  testing_support::FakeTransport* tell(const std::string& what) {
    return ask("/api/experiments/country/" + what, "POST", "Duet-By: ann\r\n");
  }

  std::unique_ptr<experiment::Live> live_;
  std::vector<std::string> commanded_;
};

TEST_F(AdminExperimentTest, ListsExperiments) {
  const Json all = Json::parse(ask("/api/experiments")->body)["experiments"];
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0]["state"], "running");
  EXPECT_EQ(all[0]["variants"][1]["name"], "py");
  EXPECT_EQ(all[0]["variants"][1]["share"], 0.5);
  EXPECT_EQ(all[0]["variants"][1]["guardrails"][0]["name"], "errors");
  EXPECT_TRUE(all[0]["variants"][1]["guardrails"][0]["ratio"]["high"].is_null()) << "no bound yet";
  EXPECT_EQ(Json::parse(ask("/api/experiments/country")->body), all[0]);
  EXPECT_EQ(ask("/api/experiments/city")->status, 404);
}

TEST_F(AdminExperimentTest, CarriesOutAnOperatorsWord) {
  EXPECT_EQ(Json::parse(tell("ramp?share=20%25")->body)["done"],
            "experiment 'country': weights are now js 80%, py 20%");
  EXPECT_EQ(tell("pin?key=a%20b&variant=py")->status, 200);
  EXPECT_EQ(tell("pin?key=a%20b")->status, 200);
  EXPECT_EQ(tell("promote?variant=py")->status, 200);
  EXPECT_EQ(tell("start")->status, 200);
  EXPECT_EQ(tell("stop")->status, 200);
  const Json one = Json::parse(ask("/api/experiments/country")->body);
  EXPECT_EQ(one["state"], "stopped");
  ASSERT_EQ(one["audit"].size(), 6u);
  EXPECT_EQ(one["audit"][1]["who"], "ann");
  EXPECT_EQ(one["audit"][1]["what"], "experiment 'country': key 'a b' always gets 'py'");
  EXPECT_EQ(commanded_.size(), 6u);
}

TEST_F(AdminExperimentTest, SaysWhyNot) {
  const struct {
    const char *what, *error;
  } kCases[] = {{"promote", "promote needs 'variant'"},
                {"promote?variant=go", "experiment 'country' has no variant 'go'"},
                {"ramp?share=20", "'20' is no share"},
                {"ramp?share=nan%25", "'nan%' is no share"},
                {"ramp?share=120%25", "120% is not between 0% and 100%"},
                {"ramp", "experiment 'country' has no ramp"},
                {"pin?variant=py", "pin needs 'key'"},
                {"start", "experiment 'country' is running"},
                {"halt", "there is no 'halt'"}};
  for (const auto& [what, error] : kCases) {
    const auto answer = tell(what);
    EXPECT_EQ(answer->status, 400) << what;
    EXPECT_EQ(Json::parse(answer->body)["error"], error);
  }
  EXPECT_TRUE(live_->snapshot().audit.empty());
  EXPECT_EQ(ask("/api/experiments/city/stop", "POST", "Duet-By: ann\r\n")->status, 404);
  EXPECT_EQ(ask("/api/experiments/country/stop")->status, 405);
}

// What a page of another site can make a browser send.
TEST_F(AdminExperimentTest, RefusesWhatAPageElsewhereCouldSend) {
  EXPECT_EQ(ask("/api/experiments/country/stop", "POST")->status, 403);
  const auto opened = exchanges_.open(
      "POST /api/experiments/country/stop HTTP/1.1\r\nHost: rebound.example:9000\r\n"
      "Duet-By: page\r\n\r\n",
      measure::kNoHandler);
  service_->serve(opened.exchange);
  EXPECT_EQ(opened.transport.status, 403);
  EXPECT_EQ(live_->snapshot().state, "running");
}

}  // namespace
}  // namespace duet::admin
