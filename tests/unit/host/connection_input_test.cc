// What a connection makes of the bytes that arrive: requests, bodies, refusals, timeouts.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/support/test_server.h"

using namespace std::string_literals;

namespace duet {
namespace {

using testing_support::answer;
using testing_support::eventually;
using testing_support::HttpClient;
using testing_support::HttpResponse;
using testing_support::TestServer;

using Events = std::vector<std::string>;

constexpr Nanos kSoon = 60 * kMillisecond;  // a timeout that the test waits for

// Answers with method, target and body, once the body is whole.
void echo(TestServer& server) {
  const auto reply = [](Exchange& exchange) {
    if (exchange.answered() || exchange.body_failed()) return;
    answer(exchange, std::string(exchange.head().method_text()) + " " +
                         std::string(exchange.head().target()) + " " + exchange.take_body());
  };
  server.service.on_request = [reply](Exchange& exchange) {
    if (exchange.want_body(BodyDemand::kWhole)) reply(exchange);
  };
  server.service.on_body_ready = reply;
}

TEST(ConnectionInput, ServesRequestsOneAfterTheOtherOnOneConnection) {
  TestServer server;
  echo(server);
  HttpClient client = server.client();
  for (int i = 0; i < 5; ++i) {
    const HttpResponse response = client.get("/" + std::to_string(i));
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, "GET /" + std::to_string(i) + " ");
    EXPECT_FALSE(response.get("connection"));
  }
  EXPECT_EQ(server.connections(), 1u);
}

TEST(ConnectionInput, TakesARequestByteByByte) {
  TestServer server;
  echo(server);
  HttpClient client = server.client();
  for (const char byte :
       std::string("POST /a HTTP/1.1\r\nHost: test\r\nContent-Length: 3\r\n\r\nxyz"
                   "POST /b HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: "
                   "chunked\r\n\r\n2\r\nuv\r\n0\r\n\r\n")) {
    client.send(std::string_view(&byte, 1));
  }
  EXPECT_EQ(client.read().body, "POST /a xyz");
  EXPECT_EQ(client.read().body, "POST /b uv");
}

TEST(ConnectionInput, ClosesWhenTheClientAsksForIt) {
  TestServer server;
  echo(server);
  HttpClient client = server.client();
  const HttpResponse response = client.get("/", "Connection: close\r\n");
  EXPECT_EQ(response.value("connection"), "close");
  EXPECT_TRUE(client.closed());
}

TEST(ConnectionInput, SpeaksHttp10) {
  TestServer server;
  echo(server);
  HttpClient once = server.client();
  const HttpResponse response = once.ask("GET / HTTP/1.0\r\n\r\n");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "GET / ");
  EXPECT_TRUE(once.closed());
  HttpClient kept = server.client();
  EXPECT_EQ(kept.ask("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").value("connection"),
            "keep-alive");
  EXPECT_EQ(kept.ask("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").status, 200);
}

TEST(ConnectionInput, IgnoresRequestsAfterTheLastOne) {
  TestServer server;
  echo(server);
  HttpClient client = server.client();
  client.send(
      "GET /last HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"
      "GET /beyond HTTP/1.1\r\nHost: test\r\n\r\n");
  EXPECT_EQ(client.read().body, "GET /last ");
  EXPECT_TRUE(client.closed());
  EXPECT_EQ(server.run([&] { return server.service.served; }), (Events{"/last"}));
}

// --- Expect: 100-continue ----------------------------------------------------------------------

TEST(ConnectionInput, AsksForTheBodyWhenTheHandlerWantsIt) {
  TestServer server;
  echo(server);
  HttpClient client = server.client();
  client.send("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.read_exactly(25), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("body");
  EXPECT_EQ(client.read().body, "POST / body");
  EXPECT_TRUE(client.interim().empty()) << "100 must be sent once";
}

TEST(ConnectionInput, AsksForNoBodyThatNobodyWants) {
  TestServer server;
  server.service.on_request = [](Exchange& exchange) { answer(exchange, "no", 403); };
  HttpClient client = server.client();
  client.send("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  const HttpResponse response = client.read();
  EXPECT_EQ(response.status, 403);
  EXPECT_TRUE(client.interim().empty());
  // Whether the client sends the body now is open: only a new connection is clear.
  EXPECT_EQ(response.value("connection"), "close");
  EXPECT_TRUE(client.closed());
}

TEST(ConnectionInput, AsksForNoBodyThatIsComing) {
  TestServer server;
  echo(server);
  HttpClient client = server.client();
  client.send(
      "POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\nbody");
  EXPECT_EQ(client.read().body, "POST / body");
}

// --- bodies that nobody reads ------------------------------------------------------------------

TEST(ConnectionInput, KeepsTheConnectionWhenASmallBodyIsLeftUnread) {
  TestServer server;
  server.service.on_request = [](Exchange& exchange) { answer(exchange, "early"); };
  HttpClient client = server.client();
  client.send("POST /1 HTTP/1.1\r\nHost: test\r\nContent-Length: 1000\r\n\r\n");
  EXPECT_EQ(client.read().body, "early");
  client.send(std::string(1000, 'x') + "GET /2 HTTP/1.1\r\nHost: test\r\n\r\n");
  EXPECT_EQ(client.read().body, "early");
}

TEST(ConnectionInput, ClosesButLetsTheAnswerBeReadWhenALargeBodyIsLeftUnread) {
  TestServer server;
  server.service.on_request = [](Exchange& exchange) { answer(exchange, "early", 403); };
  HttpClient client = server.client();
  client.send("POST /1 HTTP/1.1\r\nHost: test\r\nContent-Length: 900000\r\n\r\n");
  for (int i = 0; i < 9; ++i) client.send(std::string(100000, 'x'));  // no reset meanwhile
  const HttpResponse response = client.read();
  EXPECT_EQ(response.status, 403);
  EXPECT_EQ(response.body, "early");
  EXPECT_EQ(response.value("connection"), "close");
  EXPECT_TRUE(client.closed());
}

TEST(ConnectionInput, DoesNotReadForEverWhatAClosingClientSends) {
  TestServer server;
  server.service.on_request = [](Exchange& exchange) { answer(exchange, "early", 403); };
  HttpClient client = server.client();
  client.send("POST /1 HTTP/1.1\r\nHost: test\r\nContent-Length: 999999999\r\n\r\n");
  const std::string piece(100000, 'x');
  EXPECT_TRUE(eventually([&] { return !client.send(piece); })) << "the host reads without end";
}

// --- backpressure ------------------------------------------------------------------------------

TEST(ConnectionInput, StopsReadingWhileNobodyTakesTheBody) {
  ServerOptions options;
  options.body_bytes = std::size_t{1} << 30;
  TestServer server(options);
  server.service.on_request = [](Exchange&) {};
  HttpClient client = server.client_with_small_buffers(16 * 1024);
  constexpr std::size_t kBody = 20'000'000;
  client.send("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: " + std::to_string(kBody) +
              "\r\n\r\n");
  const std::string piece(16 * 1024, 'x');
  std::size_t sent = 0;
  int idle = 0;  // looks in a row at which nothing was taken
  EXPECT_TRUE(eventually([&] {
    const std::size_t taken = client.send_some(piece);
    sent += taken;
    idle = taken == 0 ? idle + 1 : 0;
    return idle == 50 || sent > 2'000'000;
  }));
  EXPECT_LT(sent, 400'000u) << "the host buffers a body that nobody takes";
  EXPECT_LT(server.run([&] { return server.open("/")->peek_body().size(); }), 200'000u);

  // Once the handler takes what is there, reading goes on.
  std::size_t got = 0;
  server.run([&] {
    server.service.on_body_ready = [&](Exchange& exchange) {
      do {
        got += exchange.take_body().size();
        if (exchange.body_ended()) return answer(exchange, std::to_string(got));
      } while (exchange.want_body(BodyDemand::kSome));
    };
    Exchange& exchange = *server.open("/");
    if (exchange.want_body(BodyDemand::kSome)) server.service.on_body_ready(exchange);
  });
  while (sent < kBody) {
    const std::string_view more = std::string_view(piece).substr(0, kBody - sent);
    ASSERT_TRUE(client.send(more));
    sent += more.size();
  }
  EXPECT_EQ(client.read().body, std::to_string(kBody));
}

TEST(ConnectionInput, TakesOnlySoManyPipelinedRequestsAtATime) {
  ServerOptions options;
  options.pipelined = 4;
  TestServer server(options);
  server.service.on_request = [](Exchange&) {};
  HttpClient client = server.client();
  std::string requests;
  for (int i = 0; i < 20; ++i) {
    requests += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: test\r\n\r\n";
  }
  client.send(requests);
  ASSERT_TRUE(
      eventually([&] { return server.run([&] { return server.service.served.size(); }) == 4; }));
  // None beyond them is begun: a later look finds the same.
  EXPECT_FALSE(client.anything(std::chrono::milliseconds(20)));
  EXPECT_EQ(server.run([&] { return server.exchanges().open_count(); }), 4u);
  server.run([&] {
    server.service.on_request = [](Exchange& exchange) {
      answer(exchange, exchange.head().target());
    };
    for (int i = 0; i < 4; ++i)
      answer(*server.open("/" + std::to_string(i)), "/" + std::to_string(i));
  });
  for (int i = 0; i < 20; ++i) EXPECT_EQ(client.read().body, "/" + std::to_string(i));
}

// --- refusals ----------------------------------------------------------------------------------

struct Refused {
  const char* name;
  std::string request;
  int status;
};

class ConnectionRefuses : public ::testing::TestWithParam<Refused> {};

TEST_P(ConnectionRefuses, AnswersAndCloses) {
  TestServer server;
  echo(server);
  HttpClient client = server.client();
  // One good request before it is answered all the same.
  client.send("GET /good HTTP/1.1\r\nHost: test\r\n\r\n" + GetParam().request);
  EXPECT_EQ(client.read().body, "GET /good ");
  const HttpResponse response = client.read();
  EXPECT_EQ(response.status, GetParam().status) << response.body;
  EXPECT_EQ(response.value("connection"), "close");
  EXPECT_TRUE(response.get("date"));
  EXPECT_TRUE(response.body.starts_with(std::to_string(GetParam().status) + " ")) << response.body;
  client.half_close();
  EXPECT_TRUE(client.closed());
  EXPECT_TRUE(eventually([&] { return server.connections() == 0; }));
}

INSTANTIATE_TEST_SUITE_P(
    Each, ConnectionRefuses,
    ::testing::Values(
        Refused{"Garbage", "\x16\x03\x01\x02\x00garbage\r\n\r\n", 400},
        Refused{"UnknownMethod", "get / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
        Refused{"NoHost", "GET / HTTP/1.1\r\n\r\n", 400},
        Refused{"TwoHosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400},
        Refused{"LengthAndChunked",
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: "
                "chunked\r\n\r\n0\r\n\r\n",
                400},
        Refused{"TwoLengths",
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
                400},
        Refused{"NegativeLength", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400},
        Refused{"HugeLength",
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n",
                400},
        Refused{"SpaceBeforeColon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400},
        Refused{"FoldedField", "GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n", 400},
        Refused{"BareCr", "GET / HTTP/1.1\r\nHost: a\r\nX: b\rc\r\n\r\n", 400},
        Refused{"NulInField", "GET / HTTP/1.1\r\nHost: a\r\nX: b\0c\r\n\r\n"s, 400},
        Refused{"BadChunkSize",
                "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400},
        Refused{"UnknownCoding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n",
                501},
        Refused{"LongTarget", "GET /" + std::string(9000, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n",
                414},
        Refused{"LongHead",
                "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(17000, 'a') + "\r\n\r\n", 431},
        Refused{"Http2Preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
        Refused{"FutureVersion", "GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(ConnectionInput, RefusesTheVeryFirstRequest) {
  TestServer server;
  HttpClient client = server.client();
  EXPECT_EQ(client.ask("GET / HTTP/1.1\r\n\r\n").status, 400);
  EXPECT_TRUE(client.closed());
}

TEST(ConnectionInput, SaysCloseInTheLastOfPipelinedAnswersOnly) {
  TestServer server;
  echo(server);
  HttpClient client = server.client();
  client.send(
      "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n"
      "GET /3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_FALSE(client.read().get("connection"));
  EXPECT_FALSE(client.read().get("connection"));
  EXPECT_EQ(client.read().value("connection"), "close");
  EXPECT_TRUE(client.closed());
}

TEST(ConnectionInput, LetsTheClientReadARefusalWhileItStillSends) {
  TestServer server;
  echo(server);
  HttpClient client = server.client();
  client.send("GET / HTTP/1.1\r\nX: " + std::string(20000, 'a'));
  for (int i = 0; i < 5; ++i) client.send(std::string(50000, 'a'));
  EXPECT_EQ(client.read().status, 431);
  EXPECT_TRUE(client.closed());
}

TEST(ConnectionInput, TellsTheHandlerWhenTheRestOfItsRequestIsRefused) {
  TestServer server;
  echo(server);
  HttpClient client = server.client();
  client.send("POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  ASSERT_TRUE(eventually([&] { return server.run([&] { return server.open("/c") != nullptr; }); }));
  client.send("nonsense\r\n");
  EXPECT_EQ(client.read().status, 400);
  EXPECT_TRUE(server.eventually_events("/c", {"abort refused", "body", "end"}) ||
              server.eventually_events("/c", {"abort refused", "end"}));
}

TEST(ConnectionInput, CutsAStreamedAnswerWhenTheRestOfItsRequestIsRefused) {
  TestServer server;
  server.service.on_request = [](Exchange& exchange) {
    http::ResponseHead head;
    head.reset(200);
    exchange.start(head);
    exchange.write("begun");
  };
  HttpClient client = server.client();
  client.send("POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  EXPECT_EQ(client.read_head().status, 200);
  EXPECT_EQ(client.read_chunk(), "begun");
  client.send("nonsense\r\n");
  EXPECT_TRUE(client.closed());
  ASSERT_TRUE(eventually([&] {
    const Events events = server.events("/c");
    return !events.empty() && events.back() == "end";
  }));
}

// --- timeouts ----------------------------------------------------------------------------------

TEST(ConnectionInput, ClosesAConnectionThatNeverSpeaks) {
  ServerOptions options;
  options.keep_alive_timeout = kSoon;
  TestServer server(options);
  HttpClient client = server.client();
  EXPECT_EQ(client.read_to_end(), "");
}

// A pool opens connections before it needs them. The slow head of another client shows that the
// time of a head has passed.
TEST(ConnectionInput, KeepsAConnectionThatHasNotSpokenYet) {
  ServerOptions options;
  options.head_timeout = kSoon;
  TestServer server(options);
  echo(server);
  HttpClient unused = server.client();
  server.client().get("/");  // so the unused one is accepted
  HttpClient slow = server.client();
  slow.send("GET / HTTP/1.1\r\nHo");
  EXPECT_EQ(slow.read().status, 408);
  EXPECT_EQ(unused.get("/").status, 200);
}

TEST(ConnectionInput, AnswersASlowHead) {
  ServerOptions options;
  options.head_timeout = kSoon;
  TestServer server(options);
  echo(server);
  HttpClient client = server.client();
  client.send("GET / HTTP/1.1\r\nHo");
  const HttpResponse response = client.read();
  EXPECT_EQ(response.status, 408);
  EXPECT_EQ(response.value("connection"), "close");
  EXPECT_TRUE(client.closed());
}

TEST(ConnectionInput, GivesAHeadOneDeadlineHoweverItTrickles) {
  ServerOptions options;
  options.head_timeout = 150 * kMillisecond;
  TestServer server(options);
  echo(server);
  HttpClient client = server.client();
  EXPECT_EQ(client.get("/").status, 200);
  client.send("GET / HTTP/1.1\r\nHost: a\r\nX: ");
  const Nanos start = now();
  while (!client.anything(std::chrono::milliseconds(5))) {
    ASSERT_LT(now() - start, 10 * kSecond) << "a trickle keeps the connection for ever";
    client.send("a");
  }
  EXPECT_EQ(client.read().status, 408);
}

TEST(ConnectionInput, AnswersASlowBodyAndTellsTheHandler) {
  ServerOptions options;
  options.body_timeout = kSoon;
  TestServer server(options);
  echo(server);
  HttpClient client = server.client();
  client.send("POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
  const HttpResponse response = client.read();
  EXPECT_EQ(response.status, 408);
  EXPECT_TRUE(client.closed());
  EXPECT_TRUE(server.eventually_events("/slow", {"abort refused", "body", "end"}));
}

TEST(ConnectionInput, DoesNotBlameTheClientForABodyThatTheHandlerDoesNotTake) {
  ServerOptions options;
  options.body_timeout = kSoon;
  options.body_bytes = std::size_t{1} << 30;
  TestServer server(options);
  server.service.on_request = [](Exchange&) {};
  HttpClient client = server.client_with_small_buffers(16 * 1024);
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\n");
  const std::string piece(16 * 1024, 'x');
  std::size_t sent = 0;
  int idle = 0;
  eventually([&] {
    const std::size_t taken = client.send_some(piece);
    sent += taken;
    idle = taken == 0 ? idle + 1 : 0;
    return idle == 200 || sent > 2'000'000;  // 200 looks: well over the body's timeout
  });
  EXPECT_EQ(idle, 200);
  EXPECT_NE(server.run([&] { return server.open("/"); }), nullptr);
  EXPECT_FALSE(client.anything(std::chrono::milliseconds(0)));
}

TEST(ConnectionInput, ClosesAnIdleConnectionButNotOneThatWaitsForItsAnswer) {
  ServerOptions options;
  options.keep_alive_timeout = kSoon;
  TestServer server(options);
  server.service.on_request = [&](Exchange& exchange) {
    if (exchange.head().target() == "/now") answer(exchange, "now");
  };
  HttpClient idle = server.client();
  HttpClient waiting = server.client();
  waiting.send("GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(idle.get("/now").body, "now");
  EXPECT_EQ(idle.read_to_end(), "");
  server.run([&] { answer(*server.open("/later"), "later"); });
  EXPECT_EQ(waiting.read().body, "later");
}

}  // namespace
}  // namespace duet
