// What a connection makes of answers: order, framing, batching, backpressure, slow readers.
#include <gtest/gtest.h>

#include <algorithm>
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

// Waits until all of them are open: they were sent and nobody has answered.
bool all_open(TestServer& server, const std::vector<std::string>& targets) {
  return eventually([&] {
    return server.run([&] {
      return std::all_of(targets.begin(), targets.end(),
                         [&](const std::string& target) { return server.open(target); });
    });
  });
}

// --- framing -----------------------------------------------------------------------------------

TEST(ConnectionOutput, SendsADateUnlessTheHandlerDid) {
  TestServer server;
  server.service.on_request = [](Exchange& exchange) {
    http::ResponseHead head = ok_head();
    if (exchange.head().target() == "/own") {
      EXPECT_EQ(head.add("Date", "Sun, 06 Nov 1994 08:49:37 GMT"), nullptr);
    }
    exchange.respond(head, "x");
  };
  HttpClient client = server.client();
  const HttpResponse host = client.get("/");
  EXPECT_EQ(host.all("date").size(), 1u);
  EXPECT_EQ(host.value("date").size(), 29u);
  EXPECT_TRUE(host.value("date").ends_with(" GMT"));
  EXPECT_EQ(client.get("/own").all("date"), (Events{"Sun, 06 Nov 1994 08:49:37 GMT"}));
  // Which takes nothing else away that is the host's to say.
  const HttpResponse timed = client.ask("GET /own HTTP/1.1\r\nHost: a\r\nDuet-Timing: 1\r\n\r\n");
  EXPECT_EQ(timed.all("date"), (Events{"Sun, 06 Nov 1994 08:49:37 GMT"}));
  EXPECT_NE(timed.value("server-timing").find("total;dur="), std::string::npos);
}

TEST(ConnectionOutput, SendsFieldsForHeadButNoBody) {
  TestServer server;
  server.service.on_request = [](Exchange& exchange) {
    if (exchange.head().target() == "/stream") {
      exchange.start(ok_head());
      EXPECT_EQ(exchange.write("pieces"), WriteResult::kOk);
      exchange.end();
    } else {
      answer(exchange, "twelve bytes");
    }
  };
  HttpClient client = server.client();
  EXPECT_EQ(client.ask("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", true).value("content-length"), "12");
  const HttpResponse streamed = client.ask("HEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n", true);
  EXPECT_FALSE(streamed.get("content-length"));
  EXPECT_EQ(client.get("/").body, "twelve bytes") << "bytes of an earlier body are in the way";
}

TEST(ConnectionOutput, SendsNoBodyWithStatusesThatHaveNone) {
  TestServer server;
  server.service.on_request = [](Exchange& exchange) {
    answer(exchange, "not to be seen", exchange.head().target() == "/204" ? 204 : 304);
  };
  HttpClient client = server.client();
  const HttpResponse none = client.get("/204");
  EXPECT_EQ(none.status, 204);
  EXPECT_FALSE(none.get("content-length"));
  EXPECT_FALSE(none.get("transfer-encoding"));
  EXPECT_EQ(client.get("/304").status, 304);
  EXPECT_EQ(client.get("/204").status, 204) << "bytes of an earlier body are in the way";
}

TEST(ConnectionOutput, StreamsInChunksWithTrailers) {
  TestServer server;
  server.service.on_request = [](Exchange& exchange) {
    exchange.start(ok_head());
    exchange.write("one");
    exchange.write("");  // an empty chunk would end the answer
    exchange.write("three");
    exchange.end("X-Sum: 8\r\n");
  };
  HttpClient client = server.client();
  const HttpResponse response = client.get("/");
  EXPECT_EQ(response.value("transfer-encoding"), "chunked");
  EXPECT_EQ(response.body, "onethree");
  ASSERT_EQ(response.trailers.size(), 1u);
  EXPECT_EQ(response.trailers[0].second, "8");
  EXPECT_EQ(client.get("/").body, "onethree");
}

TEST(ConnectionOutput, EndsAStreamForHttp10WithTheConnection) {
  TestServer server;
  server.service.on_request = [](Exchange& exchange) {
    exchange.start(ok_head());
    exchange.write("one");
    exchange.write("two");
    exchange.end("X-Sum: 6\r\n");
  };
  HttpClient client = server.client();
  const HttpResponse response = client.ask("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_FALSE(response.get("transfer-encoding"));
  EXPECT_NE(response.value("connection"), "keep-alive");
  EXPECT_EQ(response.body, "onetwo");
}

TEST(ConnectionOutput, SendsPiecesAsTheyAreMade) {
  TestServer server;
  server.service.on_request = [](Exchange& exchange) { exchange.start(ok_head()); };
  HttpClient client = server.client();
  client.send(get("/"));
  EXPECT_EQ(client.read_head().status, 200) << "the head must not wait for the body";
  for (const char* piece : {"a", "bb", "ccc"}) {
    server.run([&] { server.open("/")->write(piece); });
    EXPECT_EQ(client.read_chunk(), piece);
  }
  server.run([&] { server.open("/")->end(); });
  EXPECT_EQ(client.read_chunk(), "");
}

TEST(ConnectionOutput, ClosesWhenTheHandlerAsksForIt) {
  TestServer server;
  server.service.on_request = [](Exchange& exchange) {
    http::ResponseHead head = ok_head();
    EXPECT_EQ(head.add("Connection", "close"), nullptr);
    exchange.respond(head, "bye");
  };
  HttpClient client = server.client();
  const HttpResponse response = client.get("/");
  EXPECT_EQ(response.value("connection"), "close");
  EXPECT_EQ(response.body, "bye");
  EXPECT_TRUE(client.closed());
}

// --- order -------------------------------------------------------------------------------------

TEST(ConnectionOutput, AnswersPipelinedRequestsInTheirOrder) {
  TestServer server;
  server.service.on_request = [](Exchange&) {};
  HttpClient client = server.client();
  client.send(get("/a") + get("/b") + get("/c") + get("/d"));
  ASSERT_TRUE(all_open(server, {"/a", "/b", "/c", "/d"}));
  server.run([&] { answer(*server.open("/d"), "D"); });
  server.run([&] {  // a stream that is written while it waits for its turn
    Exchange& b = *server.open("/b");
    b.start(ok_head());
    b.write("B1");
    b.write("B2");
  });
  server.run([&] { answer(*server.open("/c"), "C"); });
  EXPECT_FALSE(client.anything(std::chrono::milliseconds(20)));
  server.run([&] { answer(*server.open("/a"), "A"); });
  EXPECT_EQ(client.read().body, "A");
  EXPECT_EQ(client.read_head().status, 200);
  EXPECT_EQ(client.read_chunk(), "B1");
  EXPECT_EQ(client.read_chunk(), "B2");
  EXPECT_FALSE(client.anything(std::chrono::milliseconds(20))) << "C before the end of B";
  server.run([&] {
    server.open("/b")->write("B3");
    server.open("/b")->end();
  });
  EXPECT_EQ(client.read_chunk(), "B3");
  EXPECT_EQ(client.read_chunk(), "");
  EXPECT_EQ(client.read_exactly(2), "\r\n");
  EXPECT_EQ(client.read().body, "C");
  EXPECT_EQ(client.read().body, "D");
  for (const char* target : {"/a", "/b", "/c", "/d"}) {
    EXPECT_EQ(server.events(target), (Events{"end"})) << target;
  }
}

TEST(ConnectionOutput, AnswersOneReadWithOneWrite) {
  TestServer server;
  server.service.on_request = [](Exchange& exchange) { answer(exchange, "x"); };
  HttpClient client = server.client();
  std::string requests;
  for (int i = 0; i < 16; ++i) requests += get("/");
  client.send(requests);
  // One write of the host is one read here: the first read finds all sixteen answers.
  ASSERT_TRUE(client.anything(testing_support::kPatience));
  std::string bytes(65536, '\0');
  const ssize_t got = recv(client.fd(), bytes.data(), bytes.size(), 0);
  bytes.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  std::size_t answers = 0;
  for (std::size_t at = 0; (at = bytes.find("HTTP/1.1 200", at)) != std::string::npos; ++at) {
    ++answers;
  }
  EXPECT_EQ(answers, 16u);
  EXPECT_EQ(server.run([&] { return server.service.turns; }), 1);
}

// The first request does not wait until everybody has been read.
TEST(ConnectionOutput, AnswersBeforeAllHaveBeenReadWhereThatTakesLong) {
  TestServer server;
  server.service.on_request = [](Exchange& exchange) { answer(exchange, "x"); };
  constexpr int kClients = 60, kRequests = 60;
  std::vector<HttpClient> clients;
  std::string requests;
  for (int i = 0; i < kRequests; ++i) requests += get("/");
  for (int i = 0; i < kClients; ++i) {
    clients.push_back(server.client());
    EXPECT_EQ(clients.back().get("/").status, 200);
  }
  server.run([&] {  // the loop finds all of them when it goes on
    server.service.turns = 0;
    for (HttpClient& client : clients) client.send(requests);
  });
  for (HttpClient& client : clients) {
    for (int i = 0; i < kRequests; ++i) ASSERT_EQ(client.read().body, "x");
  }
  const int turns = server.run([&] { return server.service.turns; });
  EXPECT_GT(turns, 1);
  EXPECT_LT(turns, kClients);
}

TEST(ConnectionOutput, SendsWhatIsAnsweredTogetherTogether) {
  TestServer server;
  server.service.on_request = [](Exchange&) {};
  HttpClient client = server.client();
  client.send(get("/a") + get("/b"));
  ASSERT_TRUE(all_open(server, {"/a", "/b"}));
  server.run([&] {
    answer(*server.open("/b"), "B");
    answer(*server.open("/a"), "A");
  });
  EXPECT_EQ(client.read().body, "A");
  EXPECT_EQ(client.read().body, "B");
}

// --- backpressure ------------------------------------------------------------------------------

TEST(ConnectionOutput, TellsTheHandlerToWaitForASlowReader) {
  TestServer server;
  constexpr std::size_t kWanted = 3'000'000;
  const std::string piece(10'000, 'x');
  std::size_t written = 0, most = 0;
  const auto pump = [&](Exchange& exchange) {
    while (written < kWanted) {
      written += piece.size();
      if (exchange.write(piece) == WriteResult::kFull) return;
    }
    exchange.end();
  };
  server.service.on_request = [&](Exchange& exchange) {
    exchange.start(ok_head());
    pump(exchange);
  };
  server.service.on_room = pump;
  HttpClient client = server.client_with_small_buffers(16 * 1024);
  client.send(get("/"));
  // Nobody reads: the handler is stopped early and stays stopped.
  EXPECT_TRUE(eventually([&] { return server.run([&] { return written; }) > 0; }));
  EXPECT_FALSE(eventually([&] { return (most = server.run([&] { return written; })) > 400'000; },
                          std::chrono::milliseconds(50)));
  EXPECT_LT(most, 400'000u);
  const HttpResponse response = client.read();
  EXPECT_EQ(response.body.size(), kWanted);
  const Events events = server.events("/");
  EXPECT_GT(std::count(events.begin(), events.end(), "writable"), 3);
}

TEST(ConnectionOutput, TellsAHandlerToWaitWhoseTurnHasNotCome) {
  TestServer server;
  WriteResult result = WriteResult::kOk;
  std::size_t held = 0;
  server.service.on_request = [](Exchange&) {};
  HttpClient client = server.client();
  client.send(get("/first") + get("/second"));
  ASSERT_TRUE(all_open(server, {"/first", "/second"}));
  server.run([&] {
    Exchange& second = *server.open("/second");
    second.start(ok_head());
    while (result == WriteResult::kOk && held < 10'000'000) {
      result = second.write(std::string(10'000, 'y'));
      held += 10'000;
    }
  });
  EXPECT_EQ(result, WriteResult::kFull);
  EXPECT_LT(held, 200'000u);
  EXPECT_EQ(server.events("/second"), Events{});
  server.run([&] { answer(*server.open("/first"), "1"); });
  EXPECT_EQ(client.read().body, "1");
  EXPECT_TRUE(server.eventually_events("/second", {"writable"}));
  server.run([&] { server.open("/second")->end(); });
  EXPECT_EQ(client.read().body.size(), held);
}

TEST(ConnectionOutput, SendsALargeAnswerToASlowReader) {
  TestServer server;
  std::string large(5'000'000, '\0');
  for (std::size_t i = 0; i < large.size(); ++i)
    large[i] = static_cast<char>(i * 2654435761u >> 24);
  server.service.on_request = [&](Exchange& exchange) { answer(exchange, large); };
  HttpClient client = server.client_with_small_buffers(8 * 1024);
  EXPECT_TRUE(client.get("/").body == large);
  EXPECT_TRUE(client.get("/").body == large);
}

TEST(ConnectionOutput, GivesUpOnAClientThatDoesNotRead) {
  ServerOptions options;
  options.send_timeout = 60 * kMillisecond;
  TestServer server(options);
  server.service.on_request = [&](Exchange& exchange) {
    answer(exchange, std::string(1'000'000, 'x'));
  };
  HttpClient client = server.client_with_small_buffers(8 * 1024);
  client.send(get("/"));
  EXPECT_TRUE(eventually([&] { return server.connections() == 0; }));
  EXPECT_EQ(server.events("/"), (Events{"end"}));
}

TEST(ConnectionOutput, GivesUpAlsoWhileTheHandlerGoesOnWriting) {
  ServerOptions options;
  options.send_timeout = 60 * kMillisecond;
  TestServer server(options);
  server.service.on_request = [&](Exchange& exchange) { exchange.start(ok_head()); };
  HttpClient client = server.client_with_small_buffers(8 * 1024);
  client.send(get("/"));
  ASSERT_TRUE(all_open(server, {"/"}));
  // A handler that does not care for kFull, and a client that does not read: bounded by time.
  EXPECT_TRUE(eventually([&] {
    return server.run([&] {
      Exchange* exchange = server.open("/");
      if (exchange != nullptr) exchange->write(std::string(2000, 'x'));
      return exchange == nullptr;
    });
  }));
  const Events events = server.events("/");
  EXPECT_EQ(std::count(events.begin(), events.end(), "abort client gone"), 1);
  EXPECT_EQ(events.back(), "end");
}

}  // namespace
}  // namespace duet
