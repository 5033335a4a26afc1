// Variants that are services elsewhere: another host as the service, or a broken one that the test
// plays; and what becomes of their requests.
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/duet_host.h"
#include "tests/support/service_port.h"

namespace duet {
namespace {

using nlohmann::json;
using testing_support::DuetHost;
using testing_support::eventually;
using testing_support::HttpClient;
using testing_support::HttpResponse;
using testing_support::read_request_head;
using testing_support::ServicePort;
using testing_support::TemporaryDirectory;

// An experiment between a handler of this host ('js') and a service elsewhere ('go').
class Elsewhere : public ::testing::Test {
 protected:
  // `handler`: a URL, or the NAME of the handler in `more`.
  std::string config(const std::string& handler, const std::string& weights = "1, 1",
                     const std::string& more = "") {
    directory_.write("js.mjs", "export default () => 'js';\n");
    const std::size_t comma = weights.find(',');
    return directory_.write(
        "duet.toml", "[handlers.js]\nsource = \"js.mjs\"\n" + more +
                         "[[routes]]\npath = \"/*\"\nhandler = \"js\"\n"
                         "[[experiment]]\nname = \"language\"\nroute = \"/*\"\nkey = \"random\"\n"
                         "[[experiment.variants]]\nhandler = \"js\"\nweight = " +
                         weights.substr(0, comma) +
                         "\n[[experiment.variants]]\nname = \"go\"\nhandler = \"" + handler +
                         "\"\nweight = " + weights.substr(comma + 1) + "\n");
  }
  static json shown(const DuetHost& host) { return host.api("/api/experiments/language"); }

  TemporaryDirectory directory_;
};

TEST_F(Elsewhere, AnswersItsShareAndLearnsWhoAsks) {
  const std::string service_file =
      directory_.write("service.mjs",
                       "export default (r) => Response.json({ url: new URL(r.url).pathname, "
                       "fields: Object.fromEntries(r.headers) }, { status: 201, headers: { "
                       "'x-own': '1' } });\n");
  DuetHost service({service_file});
  DuetHost host({config(service.address() + "/v1")});
  HttpClient client = host.client();
  int of_service = 0;
  for (int i = 0; i < 40; ++i) {
    const HttpResponse answer = client.get("/tea", "X-Asked: yes\r\n");
    if (answer.value("Duet-Variant") == "js") {
      EXPECT_EQ(answer.body, "js");
      continue;
    }
    ++of_service;
    EXPECT_EQ(answer.status, 201);
    EXPECT_EQ(answer.value("X-Own"), "1");
    EXPECT_EQ(answer.value("Duet-Variant"), "go");
    const json told = json::parse(answer.body);
    EXPECT_EQ(told["url"], "/v1/tea");
    EXPECT_EQ(told["fields"]["x-asked"], "yes");
    EXPECT_EQ(told["fields"]["x-forwarded-for"], "127.0.0.1");
    EXPECT_EQ(told["fields"]["duet-variant"], "go");
  }
  EXPECT_GT(of_service, 5);
  EXPECT_LT(of_service, 35);
  ASSERT_TRUE(eventually([&] { return shown(host)["variants"][1]["requests"] == of_service; }));
  EXPECT_EQ(shown(host)["variants"][1]["errors"], 0);
  EXPECT_EQ(host.stop(), 0);
  EXPECT_EQ(service.stop(), 0);
}

TEST_F(Elsewhere, BodiesStreamBothWaysThroughBothHosts) {
  const std::string echo =
      directory_.write("echo.mjs", "export default (r) => new Response(r.body);\n");
  DuetHost service({echo, "--body-limit", "8MiB"});
  DuetHost host({config(service.address(), "0, 1")});
  HttpClient client = host.client();
  client.send("POST /up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n");
  EXPECT_EQ(client.read_head().value("Duet-Variant"), "go");
  EXPECT_EQ(client.read_chunk(), "one") << "before the request is complete";
  client.send("3\r\ntwo\r\n");
  EXPECT_EQ(client.read_chunk(), "two");
  client.send("0\r\n\r\n");
  EXPECT_EQ(client.read_chunk(), "");
  // More than all buffers on the way hold, so that each side has to wait for the other.
  const std::string much(4'000'000, 'm');
  HttpClient large = host.client();
  const std::jthread sender([&] {
    large.send("POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 4000000\r\n\r\n" + much);
  });
  EXPECT_EQ(large.read().body, much);
}

// A service that does the same with each request: the test plays it on a thread of its own.
class Broken {
 public:
  explicit Broken(std::string answer) : answer_(std::move(answer)), thread_([this] { serve(); }) {}
  ~Broken() {
    stopped_ = true;
    thread_.join();
  }
  std::string url() const { return port_.url(); }

 private:
  void serve() {
    std::vector<HttpClient> silent;
    while (!stopped_) {
      if (!port_.asked(std::chrono::milliseconds(5))) continue;
      HttpClient connection = port_.accept();
      if (answer_.empty()) {
        silent.push_back(std::move(connection));
        continue;
      }
      read_request_head(connection);
      connection.send(answer_);
    }
  }

  ServicePort port_;
  const std::string answer_;
  std::atomic<bool> stopped_ = false;
  std::thread thread_;
};

// Asks until the guardrail has acted; its requests must have failed by `status` and no others.
void expect_rolled_back(DuetHost& host, int status) {
  HttpClient client = host.client();
  int failed = 0;
  const auto state = [&] { return host.api("/api/experiments/language")["variants"][1]; };
  for (int i = 0; i < 400 && !state()["rolled_back"].get<bool>(); ++i) {
    const HttpResponse answer = client.get("/x");
    if (answer.value("Duet-Variant") == "go") {
      EXPECT_EQ(answer.status, status) << answer.body;
      ++failed;
    } else {
      EXPECT_EQ(answer.body, "js");
    }
  }
  EXPECT_TRUE(state()["rolled_back"]);
  EXPECT_GT(failed, 0);
  EXPECT_LE(failed, 40);
  EXPECT_EQ(state()["errors"], failed);
  EXPECT_EQ(state()["requests"], failed);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(client.get("/x").body, "js");
}

TEST_F(Elsewhere, AServiceThatIsDownIsRolledBackAndTheLogSaysWhatToDo) {
  std::string url;
  {
    const ServicePort was_there;
    url = was_there.url();
  }
  DuetHost host({config(url)});
  expect_rolled_back(host, 502);
  const json line = host.log_line(url + ": no connection: ");
  ASSERT_FALSE(line.is_null());
  EXPECT_NE(line["msg"].get<std::string>().find("Connection refused"), std::string::npos);
  EXPECT_EQ(line["hint"], "is it running, and is the address right?");
  EXPECT_EQ(line["handler"], url);
}

TEST_F(Elsewhere, AServiceThatSpeaksNoHttpIsRolledBack) {
  const Broken service("SSH-2.0-OpenSSH_9.2\r\n");
  DuetHost host({config(service.url())});
  expect_rolled_back(host, 502);
  EXPECT_FALSE(host.log_line("its answer is malformed").is_null());
}

TEST_F(Elsewhere, AServiceThatIsTooSlowIs504AndRolledBack) {
  const Broken service("");
  DuetHost host(
      {config("slow", "1, 1",
              "[handlers.slow]\nsource = \"" + service.url() + "\"\ndeadline = \"20ms\"\n")});
  expect_rolled_back(host, 504);
  const json line = host.log_line("no answer before the deadline");
  ASSERT_FALSE(line.is_null());
  EXPECT_EQ(line["waited_for"], "an answer of " + service.url());
}

TEST_F(Elsewhere, AClientThatLeavesEndsTheServicesWorkAndIsNoError) {
  ServicePort port;
  DuetHost host({config(port.url(), "0, 1")});
  HttpClient client = host.client();
  client.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
  HttpClient service = port.accept();
  read_request_head(service);
  client.close();
  EXPECT_TRUE(service.closed());
  ASSERT_TRUE(eventually([&] { return shown(host)["variants"][1]["requests"] == 1; }));
  EXPECT_EQ(shown(host)["variants"][1]["errors"], 0);
}

TEST_F(Elsewhere, StoppingTheHostDoesNotWaitForAServiceBeyondItsGrace) {
  ServicePort port;
  DuetHost host({config(port.url(), "0, 1", "[server.timeouts]\nshutdown = \"50ms\"\n")});
  HttpClient client = host.client();
  client.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
  HttpClient service = port.accept();
  read_request_head(service);
  EXPECT_EQ(host.stop(), 0);
  EXPECT_EQ(client.read().status, 503);
}

}  // namespace
}  // namespace duet
