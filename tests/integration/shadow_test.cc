// Shadow traffic on a host that serves: what is found by it, and what it must not touch.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/integration/shadow_config.h"
#include "tests/support/duet_host.h"
#include "tests/support/service_port.h"

namespace duet {
namespace {

using nlohmann::json;
using testing_support::DuetHost;
using testing_support::eventually;
using testing_support::field_of;
using testing_support::HttpClient;
using testing_support::HttpResponse;
using testing_support::read_request_head;
using testing_support::ServicePort;
using testing_support::TemporaryDirectory;

// All requests go to the control 'js'; the other variant gets copies only.
class Shadow : public ::testing::Test {
 protected:
  Shadow() {
    // A time, a random id and a random field are different in each answer, whoever gives it.
    directory_.write("js.mjs", R"(
export default async (r) => Response.json(
    { code: r.params.code, price: 12, at: performance.now(), id: Math.random(),
      lines: [{ sku: "a", n: Math.random() }], body: await r.text() },
    { headers: { "x-request-id": String(Math.random()) } });
)");
    directory_.write("py.py", R"(
import random, time
from duet import Response

async def fetch(request):
    return Response.json({"code": request.params["code"], "price": 13, "at": time.monotonic(),
                          "id": random.random(), "lines": [{"sku": "a", "n": random.random()}],
                          "body": await request.text()},
                         headers={"x-request-id": str(random.random())})
)");
    directory_.write("failing.py", "def fetch():\n    raise ValueError('always')\n");
    directory_.write("spinning.py", "def fetch():\n    while True:\n        pass\n");
  }

  // `variant`: a file or a URL.
  std::string config(const std::string& variant, const std::string& shadow = "") {
    return directory_.write("duet.toml", shadow_config("other", variant, R"(["GET", "POST"])",
                                                       "safe = true\n" + shadow));
  }
  static json experiment(const DuetHost& host) { return host.api("/api/experiments/price"); }
  static json shadow(const DuetHost& host) { return experiment(host)["shadow"]; }
  static bool compared(const DuetHost& host, int least) {
    return eventually([&] { return shadow(host)["variants"][0]["compared"] >= least; });
  }
  // The fields that differ for real, and those that were seen to differ at all.
  static std::string fields(const DuetHost& host, bool real) {
    std::string names;
    const json all = shadow(host)["variants"][0]["fields"];
    for (const json& field : all) {
      if (!real || field["differs"].get<bool>()) names += field["name"].get<std::string>() + " ";
    }
    return names;
  }
  static json handler(const DuetHost& host, const std::string& name) {
    const json all = host.api("/api/handlers")["handlers"];
    for (const json& one : all) {
      if (one["name"] == name) return one;
    }
    return {};
  }
  std::string duet(const DuetHost& host, std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--admin", host.admin().substr(7)});
    return testing_support::run(testing_support::duet_program(),
                                {.arguments = arguments, .environment = {}, .directory = ""})
        .out;
  }

  TemporaryDirectory directory_;
};

TEST_F(Shadow, AMismatchInOneFieldIsFoundAndNoiseIsNotReported) {
  DuetHost host({config("py.py")});
  HttpClient client = host.client();
  for (int i = 0; i < 40; ++i) {
    const HttpResponse answer = client.get("/c/" + std::to_string(i));
    ASSERT_EQ(answer.status, 200);
    EXPECT_EQ(answer.value("Duet-Variant"), "js");
    EXPECT_TRUE(compared(host, i + 1)) << shadow(host).dump(1);
  }
  EXPECT_EQ(fields(host, true), "$.price ");
  for (const char* noisy : {"$.at ", "$.id ", "$.lines[].n ", "header:x-request-id "}) {
    EXPECT_NE(fields(host, false).find(noisy), std::string::npos) << noisy;
  }
  const json field = shadow(host)["variants"][0]["fields"][0];
  EXPECT_EQ(field["raw"], 40);
  EXPECT_EQ(field["noise"], 0);
  EXPECT_EQ(field["example"]["request"], "GET /c/0");
  EXPECT_EQ(field["example"]["control"], "12");
  EXPECT_EQ(field["example"]["variant"], "13");

  const std::string shown = duet(host, {"experiment", "show", "price"});
  EXPECT_NE(shown.find("'other' ANSWERS DIFFERENTLY from 'js' in $.price (40 copies)"),
            std::string::npos)
      << shown;
  EXPECT_NE(shown.find("12 -> 13 (GET /c/0)"), std::string::npos) << shown;
  EXPECT_NE(duet(host, {"report", "price"}).find("ANSWERS DIFFERENTLY"), std::string::npos);

  HttpClient scraper(host.admin());
  const std::string metrics = scraper.get("/metrics").body;
  const std::string labels = "{experiment=\"price\",variant=\"other\",handler=\"other\"";
  for (const std::string& line : std::vector<std::string>{
           "duet_shadow_sampled_requests_total{experiment=\"price\"} 40\n",
           "duet_shadow_comparisons_total" + labels + "} 40\n",
           "duet_shadow_differences_total" + labels + ",part=\"status\",of=\"variant\"} 0\n",
           "duet_shadow_differences_total" + labels + ",part=\"body\",of=\"control\"} 40\n",
           "duet_shadow_field_differences_total" + labels + ",field=\"$.price\"} 40\n"}) {
    EXPECT_NE(metrics.find(line), std::string::npos) << line;
  }

  // Nothing of it is the variant's: neither requests nor time on the loop.
  EXPECT_EQ(experiment(host)["variants"][0]["requests"], 40);
  EXPECT_EQ(experiment(host)["variants"][1]["requests"], 0);
  EXPECT_EQ(handler(host, "js")["requests"], 40);
  EXPECT_EQ(handler(host, "other")["requests"], 0);
  EXPECT_EQ(host.stop(), 0);
}

TEST_F(Shadow, CopiesAreOnAnAccountOfTheirOwn) {
  directory_.write("busy.py", R"(
import time

def fetch():
    end = time.thread_time() + 0.005
    while time.thread_time() < end:
        pass
)");
  DuetHost host({config("busy.py")});
  const double loading = handler(host, "other")["cpu_seconds"]["run"].get<double>();
  HttpClient client = host.client();
  for (int i = 0; i < 10; ++i) client.get("/c/x");
  ASSERT_TRUE(compared(host, 10));
  EXPECT_GT(handler(host, "other (shadow)")["cpu_seconds"]["run"].get<double>(), 0.04);
  EXPECT_LT(handler(host, "other")["cpu_seconds"]["run"].get<double>() - loading, 0.005);
}

TEST_F(Shadow, WhatIsIgnoredIsNotCompared) {
  DuetHost host({config("py.py",
                        "ignore = [\"$.price\", \"$.at\", \"$.id\", \"$.lines[*].n\", "
                        "\"header:X-Request-Id\", \"header:content-type\"]\n")});
  HttpClient client = host.client();
  for (int i = 0; i < 20; ++i) client.get("/c/x");
  ASSERT_TRUE(compared(host, 20));
  EXPECT_EQ(fields(host, false), "");
  EXPECT_NE(duet(host, {"experiment", "show", "price"})
                .find("'other' answers like 'js', as far as 20 copies show"),
            std::string::npos);
}

TEST_F(Shadow, ACopyThatFailsIsNoErrorOfTheVariantAndNobodySeesIt) {
  DuetHost host({config("failing.py")});
  HttpClient client = host.client();
  for (int i = 0; i < 20; ++i) EXPECT_EQ(client.get("/c/x").status, 200);
  ASSERT_TRUE(compared(host, 20));
  EXPECT_EQ(fields(host, true), "status ");
  EXPECT_EQ(shadow(host)["variants"][0]["fields"][0]["example"]["variant"], "500");
  EXPECT_EQ(experiment(host)["variants"][1]["errors"], 0);
  EXPECT_FALSE(experiment(host)["variants"][1]["rolled_back"]);
}

TEST_F(Shadow, ACopyThatHoldsTheLoopIsInterruptedAtItsDeadline) {
  DuetHost host({config("spinning.py", "deadline = \"100ms\"\n")});
  HttpClient client = host.client();
  EXPECT_EQ(client.get("/c/x").status, 200);
  ASSERT_TRUE(compared(host, 1));
  EXPECT_EQ(client.get("/c/x").status, 200);
  EXPECT_NE(fields(host, false).find("status"), std::string::npos);
  EXPECT_EQ(host.log_line("a handler holds the loop beyond its deadline")["handler"],
            "other (shadow)");
}

TEST_F(Shadow, AServiceThatIsSlowHoldsCopiesUpAndNobodyElseAndTheCapHolds) {
  ServicePort port;
  DuetHost host({config(port.url(), "concurrency = 2\ndeadline = \"300ms\"\n")});
  HttpClient client = host.client();
  for (int i = 0; i < 8; ++i) EXPECT_EQ(client.get("/c/x").status, 200);
  HttpClient one = port.accept();
  HttpClient two = port.accept();
  EXPECT_EQ(field_of(read_request_head(one), "Duet-Shadow"), "other");
  read_request_head(two);
  EXPECT_EQ(shadow(host)["running"], 2);
  EXPECT_FALSE(port.asked(std::chrono::milliseconds(0))) << "two copies at a time";
  EXPECT_EQ(client.get("/c/x").status, 200);
  EXPECT_TRUE(one.closed()) << "at its deadline";
  EXPECT_TRUE(two.closed());
  ASSERT_TRUE(compared(host, 1));
  EXPECT_EQ(shadow(host)["variants"][0]["fields"][0]["name"], "status");
  EXPECT_EQ(shadow(host)["variants"][0]["fields"][0]["example"]["variant"], "504");
  EXPECT_GE(shadow(host)["variants"][0]["overdue"], 1);
  EXPECT_EQ(shadow(host)["control_overdue"], 0);
  EXPECT_EQ(host.stop(), 0) << "with copies in flight";
}

TEST_F(Shadow, ACopyHasTheBodyAndTheFieldsOfItsRequest) {
  ServicePort port;
  DuetHost host({config(port.url())});
  HttpClient client = host.client();
  client.send(
      "POST /c/x?q=1 HTTP/1.1\r\nHost: shop\r\nX-Own: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n");
  EXPECT_EQ(client.read().status, 200);
  HttpClient service = port.accept();
  const std::string head = read_request_head(service);
  EXPECT_TRUE(head.starts_with("POST /c/x?q=1 HTTP/1.1\r\n")) << head;
  EXPECT_EQ(field_of(head, "X-Own"), "1");
  EXPECT_EQ(field_of(head, "X-Forwarded-Host"), "shop");
  EXPECT_EQ(field_of(head, "X-Forwarded-For"), "127.0.0.1");
  EXPECT_EQ(field_of(head, "Content-Length"), "6");
  EXPECT_EQ(service.read_exactly(6), "onetwo");
}

TEST_F(Shadow, OnlySoMuchIsCopiedAndNothingOfClientsThatLeave) {
  directory_.write("large.mjs", "export default () => 'x'.repeat(100000);\n");
  DuetHost host({config("py.py", "rate = \"0%\"\n")});
  host.client().get("/c/x");
  EXPECT_EQ(shadow(host)["sampled"], 0);
  const std::string file = config("large.mjs");
  DuetHost large({file});
  HttpClient client = large.client();
  client.post("/c/x", std::string(100000, 'b'));
  ASSERT_TRUE(eventually([&] { return shadow(large)["lost"]["too_large"] == 1; })) << "the request";
  client.get("/c/x");
  ASSERT_TRUE(eventually([&] { return shadow(large)["lost"]["too_large"] == 2; })) << "the answer";
  EXPECT_EQ(shadow(large)["variants"][0]["compared"], 0);
}

}  // namespace
}  // namespace duet
