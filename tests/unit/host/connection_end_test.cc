// How connections end: clients that leave, a host that stops.
#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/test_server.h"
#include "tests/unit/host/heads.h"

namespace duet {
namespace {

using testing_support::answer;
using testing_support::eventually;
using testing_support::HttpClient;
using testing_support::HttpResponse;
using testing_support::TestServer;

using Events = std::vector<std::string>;

// A server whose handler answers /now at once, begins to stream at /stream, and answers nothing
// else.
class ConnectionEnd : public ::testing::Test {
 protected:
  ConnectionEnd() {
    server_.service.on_request = [](Exchange& exchange) {
      const std::string_view target = exchange.head().target();
      if (target == "/now") answer(exchange, "now");
      if (target == "/stream") {
        exchange.start(ok_head());
        exchange.write("begun");
      }
    };
  }
  bool open(const std::string& target) {
    return eventually([&] { return server_.run([&] { return server_.open(target) != nullptr; }); });
  }
  bool gone() {
    return eventually([&] { return server_.connections() == 0; });
  }

  TestServer server_;
};

TEST_F(ConnectionEnd, TellsTheHandlerOnceThatItsClientHasLeft) {
  HttpClient client = server_.client();
  client.send(get("/a"));
  ASSERT_TRUE(open("/a"));
  client.close();
  EXPECT_TRUE(server_.eventually_events("/a", {"abort client gone", "end"}));
  EXPECT_TRUE(gone());
  EXPECT_EQ(server_.run([&] { return server_.exchanges().open_count(); }), 0u);
}

TEST_F(ConnectionEnd, TellsTheHandlerOfAClientThatCrashed) {
  HttpClient client = server_.client();
  client.send(get("/a"));
  ASSERT_TRUE(open("/a"));
  client.reset();
  EXPECT_TRUE(server_.eventually_events("/a", {"abort client gone", "end"}));
}

TEST_F(ConnectionEnd, TellsEveryHandlerOfAPipeline) {
  HttpClient client = server_.client();
  client.send(get("/a") + get("/b") + get("/stream"));
  ASSERT_TRUE(open("/a") && open("/b") && open("/stream"));
  client.reset();
  for (const char* target : {"/a", "/b", "/stream"}) {
    EXPECT_TRUE(server_.eventually_events(target, {"abort client gone", "end"})) << target;
  }
}

TEST_F(ConnectionEnd, TellsTheHandlerOfAClientThatLeavesWhileItsBodyIsNotRead) {
  HttpClient client = server_.client_with_small_buffers(16 * 1024);
  client.send("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n");
  ASSERT_TRUE(open("/a"));
  int idle = 0;
  eventually([&] {
    idle = client.send_some(std::string(8192, 'x')) == 0 ? idle + 1 : 0;
    return idle > 20;
  });
  client.close();
  EXPECT_TRUE(server_.eventually_events("/a", {"abort client gone", "end"}));
}

TEST_F(ConnectionEnd, TellsTheHandlerOfAClientThatLeavesWhileItStreams) {
  HttpClient client = server_.client();
  client.send(get("/stream"));
  EXPECT_EQ(client.read_head().status, 200);
  client.reset();
  EXPECT_TRUE(server_.eventually_events("/stream", {"abort client gone", "end"}));
  EXPECT_TRUE(gone());
}

TEST_F(ConnectionEnd, TakesWritesOfAHandlerThatDoesNotCareForTheAbort) {
  HttpClient client = server_.client();
  client.send(get("/stream"));
  EXPECT_EQ(client.read_head().status, 200);
  // In one go: the client has left, and the loop has not noticed.
  server_.run([&] {
    client.reset();
    Exchange& exchange = *server_.open("/stream");
    for (int i = 0; i < 100; ++i) exchange.write("more");
    exchange.end();
  });
  EXPECT_TRUE(gone());
  const Events events = server_.events("/stream");
  EXPECT_EQ(events.back(), "end");
}

TEST_F(ConnectionEnd, AnswersAClientThatHasFinishedSending) {
  HttpClient client = server_.client();
  client.send(get("/now"));
  client.half_close();
  EXPECT_EQ(client.read().body, "now");
  EXPECT_TRUE(client.closed());
}

TEST_F(ConnectionEnd, ClosesWhenTheClientLeavesInsideAHead) {
  HttpClient client = server_.client();
  client.send("GET /now HT");
  client.half_close();
  EXPECT_TRUE(client.closed());
  EXPECT_TRUE(gone());
}

// --- the host stops ----------------------------------------------------------------------------

TEST_F(ConnectionEnd, ClosesIdleConnectionsWhenDraining) {
  HttpClient idle = server_.client();
  EXPECT_EQ(idle.get("/now").body, "now");
  HttpClient fresh = server_.client();
  ASSERT_TRUE(eventually([&] { return server_.connections() == 2; }));
  server_.run([&] { server_.server().drain(); });
  EXPECT_TRUE(idle.closed());
  EXPECT_TRUE(fresh.closed());
  EXPECT_TRUE(gone());
}

TEST_F(ConnectionEnd, AnswersABusyClientOnceMoreWhenDraining) {
  HttpClient busy = server_.client();
  EXPECT_EQ(busy.get("/now").body, "now");
  server_.run([&] {
    server_.server().drain();
    busy.send(get("/now"));  // it was on its way
  });
  const HttpResponse response = busy.read();
  EXPECT_EQ(response.body, "now");
  EXPECT_EQ(response.value("connection"), "close");
  EXPECT_TRUE(busy.closed());
  EXPECT_TRUE(gone());
}

TEST_F(ConnectionEnd, FinishesWhatItOwesWhenDraining) {
  HttpClient waiting = server_.client();
  waiting.send(get("/a") + get("/b"));
  HttpClient streaming = server_.client();
  streaming.send(get("/stream"));
  EXPECT_EQ(streaming.read_head().status, 200);
  ASSERT_TRUE(open("/a") && open("/b"));
  server_.run([&] { server_.server().drain(); });
  server_.run([&] { answer(*server_.open("/a"), "A"); });
  server_.run([&] { answer(*server_.open("/b"), "B"); });
  EXPECT_EQ(waiting.read().body, "A");
  const HttpResponse last = waiting.read();
  EXPECT_EQ(last.body, "B");
  EXPECT_EQ(last.value("connection"), "close");
  EXPECT_TRUE(waiting.closed());
  server_.run([&] {
    server_.open("/stream")->write("more");
    server_.open("/stream")->end();
  });
  EXPECT_EQ(streaming.read_chunk(), "begun");
  EXPECT_EQ(streaming.read_chunk(), "more");
  EXPECT_EQ(streaming.read_chunk(), "");
  EXPECT_TRUE(streaming.closed());
  EXPECT_TRUE(gone());
}

TEST_F(ConnectionEnd, ServesARequestWhoseHeadHadBegunWhenDraining) {
  HttpClient client = server_.client();
  EXPECT_EQ(client.get("/now").body, "now");
  client.send("GET /now HTTP/1.1\r\nHo");
  ASSERT_TRUE(eventually(
      [&] { return server_.run([&] { return server_.exchanges().open_count(); }) == 1; }));
  server_.run([&] { server_.server().drain(); });
  client.send("st: a\r\n\r\n");
  const HttpResponse response = client.read();
  EXPECT_EQ(response.body, "now");
  EXPECT_EQ(response.value("connection"), "close");
  EXPECT_TRUE(gone());
}

TEST_F(ConnectionEnd, TurnsNewConnectionsAwayWhenDraining) {
  HttpClient waiting = server_.client();
  waiting.send(get("/a"));
  ASSERT_TRUE(open("/a"));
  server_.run([&] { server_.server().drain(); });
  HttpClient late = server_.client();  // the listener is not the server's: it may still accept
  EXPECT_TRUE(late.closed());
}

TEST_F(ConnectionEnd, AnswersWhatIsOpenWith503WhenItsTimeIsUp) {
  HttpClient waiting = server_.client();
  waiting.send(get("/a") + get("/b"));
  HttpClient streaming = server_.client();
  streaming.send(get("/stream"));
  EXPECT_EQ(streaming.read_head().status, 200);
  ASSERT_TRUE(open("/a") && open("/b"));
  server_.run([&] { server_.server().abort_all(); });
  for (int i = 0; i < 2; ++i) {
    const HttpResponse response = waiting.read();
    EXPECT_EQ(response.status, 503);
    EXPECT_NE(response.body.find("stopping"), std::string::npos) << response.body;
  }
  EXPECT_EQ(streaming.read_chunk(), "begun");
  EXPECT_THROW(streaming.read_chunk(), std::runtime_error) << "a cut answer must not look whole";
  for (const char* target : {"/a", "/b", "/stream"}) {
    EXPECT_TRUE(server_.eventually_events(target, {"abort shutdown", "end"})) << target;
  }
  EXPECT_TRUE(gone());
}

TEST_F(ConnectionEnd, TellsWhoeverWaitsForTheLastConnection) {
  std::atomic<int> told = 0;
  server_.run([&] { server_.server().on_empty = [&] { ++told; }; });
  {
    HttpClient one = server_.client();
    HttpClient two = server_.client();
    ASSERT_TRUE(eventually([&] { return server_.connections() == 2; }));
  }
  EXPECT_TRUE(eventually([&] { return told == 1; }));
  server_.run([&] { server_.server().on_empty = nullptr; });
}

// --- many --------------------------------------------------------------------------------------

TEST_F(ConnectionEnd, SurvivesAThousandClientsThatLeaveAtAnyPoint) {
  const std::string whole =
      get("/now") + get("/stream") +
      "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" +
      get("/b");
  HttpClient steady = server_.client();
  for (std::size_t i = 0; i < 1000; ++i) {
    HttpClient client = server_.client();
    client.send(std::string_view(whole).substr(0, i * 7919 % (whole.size() + 1)));
    if (i % 3 == 0) client.reset();
    if (i % 3 == 1) client.half_close();
    if (i % 100 == 0) {
      EXPECT_EQ(steady.get("/now").body, "now");
    }
  }
  EXPECT_EQ(steady.get("/now").body, "now");
  EXPECT_TRUE(eventually([&] { return server_.connections() == 1; }));
  EXPECT_EQ(server_.run([&] { return server_.exchanges().open_count(); }), 0u);
  EXPECT_EQ(server_.run([&] { return server_.service.finished; }),
            server_.run([&] { return static_cast<int>(server_.service.served.size()); }));
}

}  // namespace
}  // namespace duet
