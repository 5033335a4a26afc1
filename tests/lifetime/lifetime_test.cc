// Ends in every order: clients that leave mid-await, collectors that run all the time, requests
// used after their end, a host that is stopped with work pending.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/duet_host.h"

namespace duet {
namespace {

using testing_support::DuetHost;
using testing_support::eventually;
using testing_support::fetch;
using testing_support::HostOptions;
using testing_support::HttpClient;
using testing_support::TemporaryDirectory;

class Lifetime : public ::testing::TestWithParam<const char*> {
 protected:
  std::string target(const std::string& what) const {
    return "/" + std::string(GetParam()) + "/" + what;
  }
  DuetHost& start(
      std::vector<std::pair<std::string, std::optional<std::string>>> environment = {}) {
    const std::string folder = testing_support::source_directory() + "/tests/lifetime/handlers.";
    std::string toml = "[server.timeouts]\nshutdown = \"500ms\"\n";
    for (const std::string language : {"js", "py"}) {
      toml += "[handlers." + language + "]\nsource = \"" + folder +
              (language == "js" ? "mjs" : "py") + "\"\n[[routes]]\npath = \"/" + language +
              "/{rest...}\"\nhandler = \"" + language + "\"\n";
    }
    directory_.write("duet.toml", toml);
    host_ = std::make_unique<DuetHost>(HostOptions{.arguments = {},
                                                   .environment = std::move(environment),
                                                   .directory = directory_.path(),
                                                   .listeners = 1});
    return *host_;
  }
  bool nothing_in_flight() {
    return eventually([&] {
      const auto all = host_->api("/api/handlers");
      for (const auto& handler : all["handlers"]) {
        if (handler["in_flight"] != 0) return false;
      }
      return true;
    });
  }
  // Clients that leave at any point of any request; one beside them loses nothing.
  void storm(int clients) {
    std::mt19937 random(7);
    const std::vector<std::string> requests{
        "GET " + target("await") + " HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET " + target("stream") + " HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST " + target("body") + " HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n" +
            std::string(20, 'x'),
        "GET " + target("garbage") + " HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET " + target("after") + " HTTP/1.1\r\nHost: a\r\n\r\n"};
    HttpClient steady = host_->client();
    std::vector<HttpClient> open;
    for (int i = 0; i < clients; ++i) {
      HttpClient client = host_->client();
      std::string sent;
      for (std::size_t n = 0; n < 1 + random() % 3; ++n)
        sent += requests[random() % requests.size()];
      if (random() % 2 == 0) sent.resize(random() % sent.size());
      client.send(sent);
      switch (random() % 4) {
        case 0:
          client.reset();
          break;
        case 1:
          client.half_close();
          break;
        case 2:
          break;  // closes at the end of the turn
        default:
          open.push_back(std::move(client));
      }
      if (open.size() > 50) open.erase(open.begin(), open.begin() + 25);
      if (i % 50 == 0) {
        EXPECT_EQ(steady.get(target("garbage")).body, "200");
      }
    }
    open.clear();
    EXPECT_EQ(steady.get(target("garbage")).body, "200");
    EXPECT_TRUE(nothing_in_flight()) << host_->api("/api/handlers").dump(1);
  }

  TemporaryDirectory directory_;
  std::unique_ptr<DuetHost> host_;
};

INSTANTIATE_TEST_SUITE_P(In, Lifetime, ::testing::Values("js", "py"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(Lifetime, AThousandClientsThatLeaveAtAnyPoint) {
  DuetHost& host = start();
  storm(1000);
  EXPECT_TRUE(host.process().running());
  EXPECT_EQ(host.stop(), 0) << host.process().err();
}

TEST_P(Lifetime, UnderAnEagerCollector) {
  // A small young generation collects all the time; Python's collector is asked for between.
  DuetHost& host = start({{"NODE_OPTIONS", "--max-semi-space-size=1 --expose-gc"}});
  std::atomic<bool> stop = false;
  std::thread collector([&] {
    HttpClient client = host.client();
    while (!stop) client.get(target("collect"));
  });
  storm(300);
  stop = true;
  collector.join();
  EXPECT_EQ(host.stop(), 0) << host.process().err();
}

TEST_P(Lifetime, RequestsUsedAfterTheirEndFailInTheLanguage) {
  DuetHost& host = start();
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(fetch(host.address(), target("keep") + "?a=b", "some body").body, "kept");
  }
  EXPECT_EQ(fetch(host.address(), target("use")).body, "used");
  const auto state = nlohmann::json::parse(fetch(host.address(), target("state")).body);
  EXPECT_EQ(state["kept"], 50);
  EXPECT_EQ(host.stop(), 0);
}

TEST_P(Lifetime, StopsWithWorkPending) {
  DuetHost& host = start();
  std::vector<HttpClient> clients;
  for (int i = 0; i < 40; ++i) {
    clients.push_back(host.client());
    const char* what[] = {"await", "stream", "after", "body"};
    clients.back().send("POST " + target(what[i % 4]) +
                        " HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n" +
                        (i % 3 == 0 ? "0123456789" : "01234"));
  }
  EXPECT_EQ(clients[0].read_head().status, 200);
  EXPECT_EQ(host.stop(), 0) << host.process().err();
}

TEST_P(Lifetime, EndsWhenItIsStoppedRightAway) {
  for (int i = 0; i < 3; ++i) {
    DuetHost& host = start();
    EXPECT_EQ(host.stop(), 0) << host.process().err();
  }
}

}  // namespace
}  // namespace duet
