// What the table cannot say: clients that leave, streams that take their time, and a handler that
// misbehaves beside another one under load. Each in both languages, by twins in handlers/.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/duet_host.h"

namespace duet {
namespace {

using testing_support::DuetHost;
using testing_support::eventually;
using testing_support::HostOptions;
using testing_support::HttpClient;
using testing_support::HttpResponse;
using testing_support::TemporaryDirectory;

// A host with two handlers of each language: one to misbehave, and one beside it.
class Pair {
 public:
  explicit Pair(const std::string& deadline = "10s") {
    const std::string folder = testing_support::source_directory() + "/tests/conformance/handlers/";
    std::string toml;
    for (const std::string language : {"js", "py"}) {
      const std::string source = folder + (language == "js" ? "behaviour.mjs" : "behaviour.py");
      for (const std::string name : {"first", "second"}) {
        toml += "[handlers." + language + "-" + name + "]\nsource = \"" + source +
                "\"\ndeadline = \"" + (name == "first" ? deadline : "20s") +
                "\"\nbody_limit = \"1 GiB\"\n[[routes]]\npath = \"/" + language + "/" + name +
                "/{rest...}\"\nhandler = \"" + language + "-" + name + "\"\n";
      }
    }
    host_ = std::make_unique<DuetHost>(
        HostOptions{.arguments = {"--admin", "off", directory_.write("duet.toml", toml)},
                    .environment = {},
                    .directory = "",
                    .listeners = 1});
  }
  DuetHost& host() { return *host_; }

 private:
  TemporaryDirectory directory_;
  std::unique_ptr<DuetHost> host_;
};

class Behaviour : public ::testing::TestWithParam<const char*> {
 protected:
  std::string first(const std::string& what) const {
    return "/" + std::string(GetParam()) + "/first/" + what;
  }
  static nlohmann::json state_of(DuetHost& host, const std::string& path) {
    return nlohmann::json::parse(testing_support::fetch(host.address(), path).body);
  }
  nlohmann::json state(DuetHost& host) const { return state_of(host, first("state")); }
};

INSTANTIATE_TEST_SUITE_P(In, Behaviour, ::testing::Values("js", "py"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(Behaviour, TheAbortSignalTellsThatTheClientHasLeft) {
  Pair pair;
  DuetHost& host = pair.host();
  for (int i = 1; i <= 3; ++i) {
    HttpClient client = host.client();
    client.send("GET " + first("waits") + " HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_FALSE(client.anything(std::chrono::milliseconds(30)));
    if (i % 2 == 0) {
      client.reset();
    } else {
      client.close();
    }
    EXPECT_TRUE(eventually([&] { return state(host)["aborted"] == i; })) << state(host).dump();
  }
  EXPECT_EQ(host.stop(), 0);
}

TEST_P(Behaviour, TheAbortSignalTellsThatTheDeadlineHasPassed) {
  Pair pair("150ms");
  DuetHost& host = pair.host();
  EXPECT_EQ(testing_support::fetch(host.address(), first("waits")).status, 504);
  EXPECT_TRUE(eventually([&] { return state(host)["aborted"] == 1; }));
  const std::string reason = state(host)["reason"];
  EXPECT_TRUE(reason == "TimeoutError" || reason == "deadline") << reason;
}

TEST_P(Behaviour, PiecesArriveAsTheyAreMade) {
  Pair pair;
  HttpClient client = pair.host().client();
  client.send("GET " + first("stepwise") + " HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(client.read_head().status, 200);
  EXPECT_EQ(client.read_chunk(), "one");
  EXPECT_FALSE(client.anything(std::chrono::milliseconds(20)));
  EXPECT_EQ(testing_support::fetch(pair.host().address(), first("release")).body, "released");
  EXPECT_EQ(client.read_chunk(), "two");
  EXPECT_EQ(client.read_chunk(), "");
}

TEST_P(Behaviour, AStreamIsCancelledWhenItsClientLeaves) {
  Pair pair;
  DuetHost& host = pair.host();
  HttpClient client = host.client();
  client.send("GET " + first("ticks") + " HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(client.read_head().status, 200);
  EXPECT_EQ(client.read_chunk(), "tick\n");
  client.close();
  EXPECT_TRUE(eventually([&] { return state(host)["cancelled"] == 1; })) << state(host).dump();
}

TEST_P(Behaviour, AStreamWaitsForASlowClient) {
  Pair pair;
  DuetHost& host = pair.host();
  HttpClient client = host.client();
  client.send("GET " + first("flood") + " HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(client.read_head().status, 200);
  // Nobody reads: what is made ends at what the buffers between here and there hold.
  std::int64_t produced = -1;
  int same = 0;
  EXPECT_TRUE(eventually([&] {
    const std::int64_t now_produced = state(host)["produced"];
    same = now_produced == produced ? same + 1 : 0;
    produced = now_produced;
    return same == 20;
  }));
  EXPECT_LT(produced, 16 << 20) << "the handler is not held back";
  for (int i = 0; i < 1000; ++i) client.read_chunk();
  EXPECT_TRUE(eventually([&] { return state(host)["produced"] > produced; }));
  client.reset();
  EXPECT_TRUE(eventually([&] { return state(host)["cancelled"] == 1; })) << state(host).dump();
}

TEST_P(Behaviour, ABodyIsReadAsItComes) {
  Pair pair;
  HttpClient client = pair.host().client();
  client.send("POST " + first("mirror") +
              " HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n");
  EXPECT_EQ(client.read_head().status, 200);
  EXPECT_EQ(client.read_chunk(), "one");
  client.send("5\r\nthree\r\n");
  EXPECT_EQ(client.read_chunk(), "three");
  client.send("0\r\n\r\n");
  EXPECT_EQ(client.read_chunk(), "");
}

TEST_P(Behaviour, PipelinedRequestsRunTogetherAndAreAnsweredInOrder) {
  Pair pair;
  HttpClient client = pair.host().client();
  std::string requests;
  for (int i = 0; i < 16; ++i) {
    requests += "GET " + first("ordered") + "?n=" + std::to_string(i) +
                "&ms=" + std::to_string(160 - i * 10) + " HTTP/1.1\r\nHost: a\r\n\r\n";
  }
  const auto start = testing_support::Clock::now();
  client.send(requests);
  for (int i = 0; i < 16; ++i) EXPECT_EQ(client.read().body, std::to_string(i));
  const auto took = testing_support::Clock::now() - start;
  EXPECT_LT(took, std::chrono::milliseconds(1000)) << "they waited for each other";
}

// --- misbehaviour beside load ------------------------------------------------------------------

// Asks again and again on connections of its own, and counts what is not as it should be.
class Load {
 public:
  Load(const std::string& address, const std::string& target) {
    for (int i = 0; i < 4; ++i) {
      threads_.emplace_back([this, address, target] {
        try {
          HttpClient client(address);
          while (!stop_) {
            const HttpResponse response = client.get(target);
            ++asked_;
            if (response.status != 200 || response.body != "hello") {
              ++lost_;
              status_ = response.status;
            }
          }
        } catch (const std::exception&) {
          ++lost_;  // the connection ended, or no answer came
        }
      });
    }
  }
  ~Load() { finish(); }
  void finish() {
    stop_ = true;
    for (std::thread& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
  }
  int asked() const { return asked_; }
  int lost() const { return lost_; }
  int status() const { return status_; }

 private:
  std::atomic<bool> stop_ = false;
  std::atomic<int> asked_ = 0, lost_ = 0, status_ = 0;
  std::vector<std::thread> threads_;
};

struct Misdeed {
  const char* what;
  int status;  // of its own answer; 0: any
};

constexpr Misdeed kMisdeeds[] = {
    {"throws", 500},  {"rejects", 500}, {"exits", 500}, {"wrong", 500},
    {"nothing", 500}, {"never", 504},   {"lost", 0},    {"torn", 200},
};

TEST_P(Behaviour, AMisbehavingHandlerCostsOthersNoRequest) {
  Pair pair("300ms");
  DuetHost& host = pair.host();
  Load same(host.address(), "/" + std::string(GetParam()) + "/second/hello");
  Load other(host.address(),
             std::string(GetParam()) == "js" ? "/py/second/hello" : "/js/second/hello");
  for (const Misdeed& misdeed : kMisdeeds) {
    for (int i = 0; i < 3; ++i) {
      const HttpResponse response = testing_support::fetch(host.address(), first(misdeed.what));
      if (misdeed.status != 0) {
        EXPECT_EQ(response.status, misdeed.status) << misdeed.what << ": " << response.body;
      }
    }
    EXPECT_TRUE(host.process().running()) << "after " << misdeed.what;
    const int before = same.asked();
    EXPECT_TRUE(eventually([&] { return same.asked() > before + 10 || same.lost() > 0; }));
    EXPECT_EQ(same.lost(), 0) << "after " << misdeed.what << ", status " << same.status();
    EXPECT_EQ(other.lost(), 0) << "after " << misdeed.what << ", status " << other.status();
  }
  same.finish();
  other.finish();
  EXPECT_EQ(same.lost() + other.lost(), 0);
  EXPECT_EQ(host.stop(), 0);
}

// Which waits for no one: the loop stands still until the watchdog acts, and then goes on.
void loop_beside_load(const std::string& language, const std::string& what, bool same_language) {
  Pair pair("300ms");
  DuetHost& host = pair.host();
  const std::string other = language == "js" ? "py" : "js";
  Load load(host.address(), "/" + (same_language ? language : other) + "/second/hello");
  EXPECT_TRUE(eventually([&] { return load.asked() > 10; }));
  const HttpResponse response =
      testing_support::fetch(host.address(), "/" + language + "/first/" + what);
  EXPECT_EQ(response.status, 504) << response.body;
  const int before = load.asked();
  EXPECT_TRUE(eventually([&] { return load.asked() > before + 10 || load.lost() > 3; }))
      << "the loop stands still";
  load.finish();
  EXPECT_EQ(load.lost(), 0) << "status " << load.status();
  EXPECT_TRUE(host.process().running());
  EXPECT_FALSE(host.log_line("holds the loop").is_null());
}

TEST_P(Behaviour, AnEndlessLoopCostsTheOtherLanguageNoRequest) {
  loop_beside_load(GetParam(), "loops", false);
}

TEST_P(Behaviour, AnEndlessLoopAfterAnAwaitCostsTheOtherLanguageNoRequest) {
  loop_beside_load(GetParam(), "loopsLater", false);
}

TEST_P(Behaviour, AnEndlessLoopCostsTheSameLanguageNoRequest) {
  loop_beside_load(GetParam(), "loops", true);
}

TEST_P(Behaviour, ASliceWithinItsDeadlineIsNotInterrupted) {
  Pair pair("2s");
  EXPECT_EQ(testing_support::fetch(pair.host().address(), first("blocks")).body, "blocked");
}

}  // namespace
}  // namespace duet
