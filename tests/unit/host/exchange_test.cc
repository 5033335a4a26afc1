// The rules of an exchange, seen from both ends: a handler's calls, and what reaches a client.
#include "host/exchange.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/test_server.h"

namespace duet {
namespace {

using testing_support::answer;
using testing_support::HttpClient;
using testing_support::HttpResponse;
using testing_support::TestServer;

using Events = std::vector<std::string>;

http::ResponseHead head_of(int status, std::optional<std::size_t> length = {}) {
  http::ResponseHead head;
  head.reset(status);
  if (length) {
    EXPECT_EQ(head.add("Content-Length", std::to_string(*length)), nullptr);
  }
  return head;
}

class ExchangeTest : public ::testing::Test {
 protected:
  // The answer to GET / by that handler, on a connection of its own. The log is in log_.
  HttpResponse ask(std::function<void(Exchange&)> handler, bool head_method = false) {
    server_.run([&] { server_.service.on_request = std::move(handler); });
    ::testing::internal::CaptureStderr();
    HttpClient client = server_.client();
    HttpResponse response =
        client.ask(std::string(head_method ? "HEAD" : "GET") + " / HTTP/1.1\r\nHost: test\r\n\r\n",
                   head_method);
    client.close();
    EXPECT_TRUE(testing_support::eventually([&] { return server_.connections() == 0; }));
    log_ = ::testing::internal::GetCapturedStderr();
    return response;
  }

  TestServer server_;
  std::string log_;
};

// --- answered once -----------------------------------------------------------------------------

TEST_F(ExchangeTest, IsAnsweredOnce) {
  std::vector<bool> taken;
  const HttpResponse response = ask([&](Exchange& exchange) {
    taken.push_back(exchange.respond(head_of(201), "first"));
    taken.push_back(exchange.respond(head_of(202), "second"));
    taken.push_back(exchange.start(head_of(203)));
    exchange.end();
    exchange.send_interim(103, "Link: </a>\r\n");
  });
  EXPECT_EQ(response.status, 201);
  EXPECT_EQ(response.body, "first");
  EXPECT_EQ(taken, (std::vector<bool>{true, false, false}));
  EXPECT_EQ(server_.events("/"), (Events{"end"}));
}

TEST_F(ExchangeTest, TakesNothingAfterTheEnd) {
  WriteResult late = WriteResult::kOk, early = WriteResult::kOk;
  const HttpResponse response = ask([&](Exchange& exchange) {
    early = exchange.write("before the head");
    EXPECT_TRUE(exchange.start(head_of(200)));
    EXPECT_FALSE(exchange.start(head_of(500)));
    EXPECT_FALSE(exchange.respond(head_of(500), "whole"));
    exchange.write("body");
    exchange.end();
    late = exchange.write("more");
    exchange.end();
  });
  EXPECT_EQ(early, WriteResult::kGone);
  EXPECT_EQ(late, WriteResult::kGone);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "body");
}

TEST_F(ExchangeTest, KnowsHowFarItIs) {
  ask([&](Exchange& exchange) {
    EXPECT_FALSE(exchange.answered());
    EXPECT_EQ(exchange.status(), 0);
    exchange.start(head_of(206));
    EXPECT_TRUE(exchange.answered());
    EXPECT_FALSE(exchange.complete());
    EXPECT_EQ(exchange.status(), 206);
    exchange.end();
    EXPECT_TRUE(exchange.complete());
    EXPECT_FALSE(exchange.aborted());
  });
}

// --- failures ----------------------------------------------------------------------------------

TEST_F(ExchangeTest, AnswersWithAnIdThatTheLogHasWhenTheHandlerFails) {
  const HttpResponse response = ask([](Exchange& exchange) {
    exchange.fail(Error{"boom", "/app/x.mjs:3:5", "mend it", "Error: boom\n    at f (x.mjs:3:5)"});
  });
  EXPECT_EQ(response.status, 500);
  EXPECT_EQ(response.value("content-type"), "text/plain; charset=utf-8");
  EXPECT_EQ(response.value("cache-control"), "no-store");
  ASSERT_TRUE(response.body.starts_with("500 Internal Server Error\nerror id: ")) << response.body;
  EXPECT_EQ(response.body.find("boom"), std::string::npos) << "the cause is not for strangers";
  const std::string id = response.body.substr(response.body.rfind(' ') + 1, 8);
  EXPECT_NE(log_.find("\"error_id\":\"" + id + "\""), std::string::npos) << log_;
  for (const char* part : {"\"msg\":\"boom\"", "\"handler\":\"scripted\"", "\"route\":\"/\"",
                           "\"language\":\"c++\"", "\"at\":\"/app/x.mjs:3:5\"",
                           "\"method\":\"GET\"", "\"hint\":\"mend it\"", "at f (x.mjs:3:5)"}) {
    EXPECT_NE(log_.find(part), std::string::npos) << part << " is missing in " << log_;
  }
}

TEST_F(ExchangeTest, AnswersForAHandlerThatLostIt) {
  const HttpResponse response = ask([](Exchange& exchange) { exchange.drop(); });
  EXPECT_EQ(response.status, 500);
  EXPECT_NE(log_.find("the handler finished without an answer"), std::string::npos) << log_;
}

TEST_F(ExchangeTest, KeepsTheConnectionAfterAFailureBeforeTheHead) {
  server_.service.on_request = [](Exchange& exchange) { exchange.drop(); };
  HttpClient client = server_.client();
  EXPECT_EQ(client.get("/").status, 500);
  EXPECT_EQ(client.get("/").status, 500);
}

TEST_F(ExchangeTest, CutsTheAnswerWhenTheHandlerFailsAfterTheHead) {
  const HttpResponse response = ask([](Exchange& exchange) {
    exchange.start(head_of(200));
    exchange.write("begun");
    exchange.fail(Error{"too late", "", "", ""});
  });
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "begun");
  EXPECT_TRUE(response.cut_off) << "the client must see that the answer is incomplete";
  EXPECT_NE(log_.find("too late"), std::string::npos) << log_;
}

TEST_F(ExchangeTest, CutsAnAnswerDelimitedByTheConnectionByAReset) {
  server_.service.on_request = [](Exchange& exchange) {
    exchange.start(head_of(200));
    exchange.write("begun");
    exchange.fail(Error{"too late", "", "", ""});
  };
  HttpClient client = server_.client();
  client.send("GET / HTTP/1.0\r\n\r\n");
  char buffer[4096];
  ssize_t got;
  while ((got = recv(client.fd(), buffer, sizeof buffer, 0)) > 0) {
  }
  EXPECT_EQ(got, -1) << "a normal end would make a cut answer look whole";
}

TEST_F(ExchangeTest, IgnoresAFailureAfterTheEnd) {
  const HttpResponse response = ask([](Exchange& exchange) {
    answer(exchange, "done");
    exchange.fail(Error{"afterwards", "", "", ""});
  });
  EXPECT_EQ(response.body, "done");
  EXPECT_FALSE(response.cut_off);
  EXPECT_NE(log_.find("afterwards"), std::string::npos) << "it is logged all the same: " << log_;
}

// --- bytes of the handler's own ----------------------------------------------------------------

TEST_F(ExchangeTest, SendsTheHandlersOwnBytesAndEndsTheConnection) {
  bool began = false, again = true;
  int status = 0;
  const HttpResponse response = ask([&](Exchange& exchange) {
    began = exchange.start_raw(202);
    again = exchange.start_raw(203) || exchange.respond(head_of(204), "");
    exchange.write("HTTP/1.1 202 Accepted\r\nOwn: ");
    exchange.write("yes\r\n\r\nbody");
    status = exchange.status();
    exchange.end();
  });
  EXPECT_TRUE(began);
  EXPECT_FALSE(again);
  EXPECT_EQ(status, 202);
  EXPECT_EQ(response.status, 202);
  EXPECT_EQ(response.value("own"), "yes");
  EXPECT_EQ(response.value("date"), "");
  EXPECT_EQ(response.body, "body");  // up to the end of the connection
}

TEST_F(ExchangeTest, EndsTheConnectionAfterTheAnswersThatAreOwed) {
  server_.run([&] {
    server_.service.on_request = [](Exchange& exchange) {
      if (exchange.head().target() == "/last") exchange.close_after();
      exchange.respond(head_of(200), exchange.head().target());
    };
  });
  HttpClient client = server_.client();
  EXPECT_EQ(client.get("/first").body, "/first");
  EXPECT_EQ(client.get("/last").body, "/last");
  EXPECT_TRUE(testing_support::eventually([&] { return server_.connections() == 0; }));
}

// --- a declared length -------------------------------------------------------------------------

TEST_F(ExchangeTest, SendsExactlyWhatWasDeclared) {
  const HttpResponse response = ask([](Exchange& exchange) {
    exchange.start(head_of(200, 10));
    EXPECT_EQ(exchange.write("01234"), WriteResult::kOk);
    EXPECT_EQ(exchange.write("56789"), WriteResult::kOk);
    exchange.end();
  });
  EXPECT_EQ(response.value("content-length"), "10");
  EXPECT_EQ(response.body, "0123456789");
  EXPECT_FALSE(response.cut_off);
}

TEST_F(ExchangeTest, CutsAnAnswerThatIsShorterThanDeclared) {
  const HttpResponse response = ask([](Exchange& exchange) {
    exchange.start(head_of(200, 10));
    exchange.write("0123");
    exchange.end();
  });
  EXPECT_TRUE(response.cut_off);
  EXPECT_NE(log_.find("6 bytes shorter than its Content-Length"), std::string::npos) << log_;
}

TEST_F(ExchangeTest, NeverSendsMoreThanDeclared) {
  WriteResult result = WriteResult::kOk;
  const HttpResponse response = ask([&](Exchange& exchange) {
    exchange.start(head_of(200, 4));
    exchange.write("0123");
    result = exchange.write("4");
  });
  EXPECT_EQ(result, WriteResult::kGone);
  EXPECT_EQ(response.body, "0123");
  EXPECT_NE(log_.find("longer than its Content-Length"), std::string::npos) << log_;
}

TEST_F(ExchangeTest, NeedsNoBodyForHeadWhateverWasDeclared) {
  const HttpResponse response = ask(
      [](Exchange& exchange) {
        exchange.start(head_of(200, 1000));
        exchange.end();
      },
      true);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.value("content-length"), "1000");
  EXPECT_EQ(log_.find("shorter"), std::string::npos) << log_;
}

// --- identity ----------------------------------------------------------------------------------

TEST_F(ExchangeTest, IsFoundByItsIdUntilItIsOver) {
  server_.service.on_request = [](Exchange&) {};
  HttpClient client = server_.client();
  client.send("GET / HTTP/1.1\r\nHost: test\r\n\r\n");
  ASSERT_TRUE(testing_support::eventually(
      [&] { return server_.run([&] { return server_.open("/") != nullptr; }); }));
  const ExchangeId id = server_.run([&] {
    answer(*server_.open("/"), "x");
    return server_.service.ids["/"];
  });
  EXPECT_EQ(client.read().body, "x");
  EXPECT_TRUE(server_.run([&] { return server_.exchanges().find(id) == nullptr; }));
}

TEST(ExchangeTableTest, NeverGivesAnIdTwiceAndFitsAJavaScriptNumber) {
  class Nowhere final : public ExchangeTransport {
   public:
    void send_whole(Exchange&, const http::ResponseHead&, std::string_view) override {}
    void send_head(Exchange&, const http::ResponseHead&) override {}
    WriteResult send_piece(Exchange&, std::string_view) override { return WriteResult::kOk; }
    void send_end(Exchange&, std::string_view) override {}
    void send_reset(Exchange&) override {}
    void send_interim(Exchange&, int, std::string_view) override {}
    void body_wanted(Exchange&) override {}
    std::string_view remote_address() override { return ""; }
    std::uint16_t remote_port() override { return 0; }
    std::string_view local_address() override { return ""; }
    std::uint16_t local_port() override { return 0; }
    bool secure() const override { return false; }
  } transport;
  ExchangeTable table;
  EXPECT_EQ(table.find(0), nullptr);
  EXPECT_EQ(table.find(12345), nullptr);
  ExchangeId last = 0;
  for (int i = 0; i < 1000; ++i) {
    Exchange& exchange = table.open(transport);
    const ExchangeId id = exchange.id();
    EXPECT_NE(id, last);
    EXPECT_LT(id, ExchangeId{1} << 53);
    EXPECT_EQ(table.find(id), &exchange);
    EXPECT_EQ(table.find(last), nullptr) << "an old id reached the slot's new exchange";
    last = id;
    table.close(exchange);
    EXPECT_EQ(table.find(id), nullptr);
  }
  EXPECT_EQ(table.open_count(), 0u);
}

// --- the request's body ------------------------------------------------------------------------

TEST_F(ExchangeTest, GivesTheBodyPieceByPiece) {
  std::string seen;
  server_.service.on_request = [&](Exchange& exchange) {
    if (exchange.want_body(BodyDemand::kSome)) server_.service.on_body_ready(exchange);
  };
  server_.service.on_body_ready = [&](Exchange& exchange) {
    for (;;) {
      const bool ended = exchange.body_ended();
      seen += "[" + exchange.take_body() + "]";
      if (ended) return answer(exchange, seen);
      if (!exchange.want_body(BodyDemand::kSome)) return;
    }
  };
  HttpClient client = server_.client();
  client.send("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 6\r\n\r\nab");
  ASSERT_TRUE(
      testing_support::eventually([&] { return server_.run([&] { return seen; }) == "[ab]"; }));
  client.send("cd");
  ASSERT_TRUE(
      testing_support::eventually([&] { return server_.run([&] { return seen; }) == "[ab][cd]"; }));
  client.send("ef");
  const std::string body = client.read().body;
  EXPECT_TRUE(body == "[ab][cd][ef]" || body == "[ab][cd][ef][]") << body;
}

TEST_F(ExchangeTest, GivesTheWholeBodyOnce) {
  server_.service.on_request = [&](Exchange& exchange) {
    EXPECT_FALSE(exchange.want_body(BodyDemand::kWhole));
  };
  server_.service.on_body_ready = [](Exchange& exchange) {
    EXPECT_TRUE(exchange.body_ended());
    EXPECT_FALSE(exchange.body_failed());
    answer(exchange, exchange.take_body());
  };
  HttpClient client = server_.client();
  client.send("POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  ASSERT_TRUE(testing_support::eventually(
      [&] { return server_.run([&] { return server_.open("/") != nullptr; }); }));
  client.send("3\r\ndef\r\n0\r\n\r\n");
  EXPECT_EQ(client.read().body, "abcdef");
  EXPECT_EQ(server_.events("/"), (Events{"body", "end"}));
}

TEST_F(ExchangeTest, NeedsNotWaitForABodyThatIsNotThere) {
  const HttpResponse response = ask([](Exchange& exchange) {
    EXPECT_TRUE(exchange.body_ended());
    EXPECT_TRUE(exchange.want_body(BodyDemand::kSome));
    EXPECT_TRUE(exchange.want_body(BodyDemand::kWhole));
    EXPECT_EQ(exchange.take_body(), "");
    answer(exchange, "none");
  });
  EXPECT_EQ(response.body, "none");
}

TEST_F(ExchangeTest, TellsTheHandlerOfABodyThatIsCutOff) {
  bool failed = false;
  server_.service.on_request = [](Exchange& exchange) { exchange.want_body(BodyDemand::kWhole); };
  server_.service.on_body_ready = [&](Exchange& exchange) { failed = exchange.body_failed(); };
  HttpClient client = server_.client();
  client.send("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 100\r\n\r\nabc");
  ASSERT_TRUE(testing_support::eventually(
      [&] { return server_.run([&] { return server_.open("/") != nullptr; }); }));
  client.close();
  ASSERT_TRUE(testing_support::eventually([&] {
    const Events events = server_.events("/");
    return !events.empty() && events.back() == "end";
  }));
  const Events events = server_.events("/");
  if (events.front() == "body") {
    EXPECT_TRUE(failed);
  }
  EXPECT_EQ(std::count(events.begin(), events.end(), "abort client gone"), 1);
  EXPECT_EQ(std::count(events.begin(), events.end(), "end"), 1);
}

TEST_F(ExchangeTest, LimitsTheBodyByItsDeclaredLengthAndByWhatComes) {
  server_.service.on_head = [](Exchange& exchange) { (void)exchange.limit_body(5); };
  server_.service.on_request = [](Exchange& exchange) {
    if (exchange.want_body(BodyDemand::kWhole)) answer(exchange, "ok");
  };
  server_.service.on_body_ready = [](Exchange& exchange) {
    if (!exchange.body_failed()) answer(exchange, "ok");
  };
  HttpClient exact = server_.client();
  EXPECT_EQ(exact.post("/exact", "12345").status, 200);
  HttpClient declared = server_.client();
  const HttpResponse refused =
      declared.ask("POST /d HTTP/1.1\r\nHost: test\r\nContent-Length: 6\r\n\r\n");
  EXPECT_EQ(refused.status, 413);
  EXPECT_NE(refused.body.find("at most 5 bytes"), std::string::npos) << refused.body;
  HttpClient chunked = server_.client();
  const HttpResponse late = chunked.ask(
      "POST /c HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n123456\r\n");
  EXPECT_EQ(late.status, 413);
  EXPECT_TRUE(chunked.closed());
}

// --- what the handler asks about its request ---------------------------------------------------

TEST_F(ExchangeTest, KnowsItsUrlAndItsPeer) {
  std::string url, remote;
  std::uint16_t local_port = 0;
  server_.service.on_request = [&](Exchange& exchange) {
    url = exchange.url();
    remote = exchange.transport().remote_address();
    local_port = exchange.transport().local_port();
    EXPECT_NE(exchange.transport().remote_port(), 0);
    answer(exchange, "x");
  };
  HttpClient client = server_.client();
  client.get("/a%20b?c=d");
  EXPECT_EQ(url, "http://test/a%20b?c=d");
  EXPECT_EQ(remote, "127.0.0.1");
  EXPECT_EQ("127.0.0.1:" + std::to_string(local_port), server_.address());
  client.ask("GET http://other.example/p?q HTTP/1.1\r\nHost: other.example\r\n\r\n");
  EXPECT_EQ(url, "http://other.example/p?q");
  HttpClient old = server_.client();
  old.ask("GET /x HTTP/1.0\r\n\r\n");
  EXPECT_EQ(url, "http://" + server_.address() + "/x");
}

TEST_F(ExchangeTest, SendsEarlyHintsBeforeTheHead) {
  server_.service.on_request = [&](Exchange& exchange) {
    exchange.send_interim(103, "Link: </a.css>; rel=preload\r\n");
    answer(exchange, "x");
  };
  HttpClient client = server_.client();
  EXPECT_EQ(client.get("/").body, "x");
  ASSERT_EQ(client.interim().size(), 1u);
  EXPECT_EQ(client.interim()[0].status, 103);
  EXPECT_EQ(client.interim()[0].value("link"), "</a.css>; rel=preload");
  HttpClient old = server_.client();
  EXPECT_EQ(old.ask("GET / HTTP/1.0\r\n\r\n").status, 200) << "1.0 knows no interim answers";
  EXPECT_TRUE(old.interim().empty());
}

}  // namespace
}  // namespace duet
