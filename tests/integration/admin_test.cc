// The admin listener, and what a client may ask about its own request.
#include <gtest/gtest.h>

#include <regex>
#include <string>

#include "tests/support/duet_host.h"

namespace duet {
namespace {

using testing_support::DuetHost;
using testing_support::eventually;
using testing_support::fetch;
using testing_support::HttpClient;
using testing_support::HttpResponse;
using testing_support::TemporaryDirectory;

class Admin : public ::testing::Test {
 protected:
  Admin()
      : host_({directory_.write("js.mjs",
                                "export default (r) => { if (r.url.endsWith('bad')) throw new "
                                "Error('bad'); return 'js'; };\n"),
               directory_.write("py.py", "def fetch():\n    return 'py'\n")}) {}

  nlohmann::json handler(const std::string& language) {
    const auto all = host_.api("/api/handlers");
    for (const auto& one : all["handlers"]) {
      if (one["language"] == language) return one;
    }
    return nullptr;
  }

  TemporaryDirectory directory_;
  DuetHost host_;
};

TEST_F(Admin, IsHealthyAndReady) {
  EXPECT_EQ(fetch(host_.admin(), "/healthz").status, 200);
  EXPECT_EQ(fetch(host_.admin(), "/readyz").status, 200);
  EXPECT_EQ(fetch(host_.address(), "/healthz").status, 404) << "not for the public";
}

TEST_F(Admin, CountsRequestsOfEachHandler) {
  for (int i = 0; i < 7; ++i) fetch(host_.address(), "/js.mjs");
  fetch(host_.address(), "/js.mjs/bad");
  for (int i = 0; i < 3; ++i) fetch(host_.address(), "/py.py");
  fetch(host_.address(), "/nowhere");
  ASSERT_TRUE(eventually([&] { return handler("javascript")["requests"] == 8; }))
      << host_.api("/api/handlers").dump(2);
  const auto js = handler("javascript"), py = handler("python");
  EXPECT_EQ(js["statuses"]["2xx"], 7);
  EXPECT_EQ(js["statuses"]["5xx"], 1);
  EXPECT_EQ(py["requests"], 3);
  EXPECT_EQ(py["in_flight"], 0);
  EXPECT_GT(py["total_us"]["p50"], 0);
  EXPECT_GT(py["phases_us"]["run"]["max"], 0);
  EXPECT_EQ(host_.api("/api/handlers")["unrouted"]["requests"], 1);
}

TEST_F(Admin, SpeaksPrometheusAndOpenMetrics) {
  for (int i = 0; i < 7; ++i) fetch(host_.address(), "/js.mjs");
  HttpClient client(host_.admin());
  const HttpResponse text = client.get("/metrics");
  EXPECT_EQ(text.status, 200);
  EXPECT_TRUE(text.value("content-type").starts_with("text/plain")) << text.value("content-type");
  EXPECT_NE(text.body.find("http_server_request_duration_seconds_bucket"), std::string::npos);
  const HttpResponse open =
      client.get("/metrics", "Accept: application/openmetrics-text;version=1.0.0\r\n");
  EXPECT_TRUE(open.value("content-type").starts_with("application/openmetrics-text"));
  EXPECT_TRUE(open.body.ends_with("# EOF\n")) << open.body.substr(open.body.size() - 80);
  // Every line is one that a scraper understands.
  const std::regex sample(R"(^[a-zA-Z_:][a-zA-Z0-9_:]*(\{[^{}]*\})? [0-9eE+.\-InfNa]+( # .*)?$)");
  std::istringstream lines(text.body);
  int samples = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line.starts_with('#')) continue;
    ++samples;
    EXPECT_TRUE(std::regex_match(line, sample)) << line;
  }
  EXPECT_GT(samples, 20);
}

TEST_F(Admin, ShowsAPageToPeople) {
  const HttpResponse page = fetch(host_.admin(), "/");
  EXPECT_EQ(page.status, 200);
  EXPECT_TRUE(page.value("content-type").starts_with("text/html"));
}

TEST_F(Admin, RefusesWhatItDoesNotHave) {
  EXPECT_EQ(fetch(host_.admin(), "/nothing").status, 404);
  EXPECT_EQ(fetch(host_.admin(), "/metrics", "body").status, 405);
}

TEST_F(Admin, TellsAClientItsServerTimingWhenAsked) {
  for (const char* target : {"/js.mjs", "/py.py"}) {
    HttpClient client = host_.client();
    EXPECT_FALSE(client.get(target).get("server-timing")) << "not unless asked";
    const std::string timing = client.get(target, "Duet-Timing: 1\r\n").value("server-timing");
    EXPECT_NE(timing.find("dur="), std::string::npos) << target << ": '" << timing << "'";
    EXPECT_NE(timing.find("run"), std::string::npos) << timing;
  }
}

TEST_F(Admin, CarriesTheTraceOn) {
  HttpClient client = host_.client();
  const std::string trace = "4bf92f3577b34da6a3ce929d0e0e4736";
  const std::string answer =
      client.get("/js.mjs", "traceparent: 00-" + trace + "-00f067aa0ba902b7-01\r\n")
          .value("traceparent");
  EXPECT_TRUE(std::regex_match(answer, std::regex("00-" + trace + "-[0-9a-f]{16}-01"))) << answer;
  EXPECT_EQ(answer.find("00f067aa0ba902b7"), std::string::npos) << "a span of its own";
  EXPECT_FALSE(client.get("/js.mjs").get("traceparent"));
  EXPECT_FALSE(client.get("/js.mjs", "traceparent: nonsense\r\n").get("traceparent"));
}

}  // namespace
}  // namespace duet
