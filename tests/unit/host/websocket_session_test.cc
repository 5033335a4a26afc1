// WebSockets and tunnels over real sockets, with a handler in C++.
#include "host/websocket_session.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "host/tunnel.h"
#include "tests/support/test_server.h"
#include "tests/support/websocket_client.h"

namespace duet {
namespace {

using testing_support::answer;
using testing_support::eventually;
using testing_support::HttpClient;
using testing_support::HttpResponse;
using testing_support::TestServer;
using testing_support::WebSocketClient;

// Echoes, and writes down how sockets end.
class EchoServer final : WebSocketListener {
 public:
  explicit EchoServer(const WebSocketOptions& options = {}) {
    server.run([&] { sockets = std::make_unique<WebSockets>(server.thread().loop(), options); });
    server.service.on_request = [this](Exchange& exchange) {
      if (exchange.head().path() == "/plain") return answer(exchange, "plain");
      if (exchange.head().path() == "/late") return;
      auto accepted = sockets->accept(exchange, *this, {protocol, fields});
      if (!accepted) errors.push_back(accepted.error().to_string());
      if (accepted) id = *accepted;
    };
  }
  ~EchoServer() {
    server.run([this] { server.server().abort_all(); });
    EXPECT_TRUE(eventually([&] { return server.run([this] { return sockets->count() == 0; }); }));
    server.run([this] { sockets.reset(); });
  }

  std::vector<std::string> ended() {
    return server.run([this] { return ends; });
  }
  bool eventually_ended(const std::string& how) {
    return eventually([&] { return ended() == std::vector{how}; });
  }
  template <class Task>
  void with_socket(Task task) {
    server.run([&] { task(*sockets->find(id)); });
  }

  TestServer server;
  std::unique_ptr<WebSockets> sockets;
  std::string protocol, fields;
  std::vector<std::string> errors, ends, heard;
  SessionId id = 0;
  bool echo = true, pausing = false, holding = false, held = false;
  int writable = 0;

 private:
  void on_message(WebSocketSession& socket, bool text, std::string_view payload) noexcept override {
    if (echo) socket.send(text, payload);
    if (holding) {
      socket.hold();
      held = true;
    }
    if (pausing) {
      heard.emplace_back(payload);
      socket.pause();
    }
  }
  void on_writable(WebSocketSession&) noexcept override { ++writable; }
  void on_close(WebSocketSession&, std::uint16_t code, std::string_view reason,
                bool clean) noexcept override {
    ends.push_back(std::to_string(code) + " " + std::string(reason) + (clean ? " clean" : ""));
  }
};

TEST(WebSocketSession, OpensEchoesAndCloses) {
  EchoServer host;
  WebSocketClient client(host.server.address(), "/");
  EXPECT_EQ(client.response().status, 101);
  EXPECT_EQ(client.response().value("upgrade"), "websocket");
  EXPECT_EQ(client.response().value("connection"), "Upgrade");
  EXPECT_EQ(client.response().value("sec-websocket-accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  EXPECT_FALSE(client.response().get("sec-websocket-extensions"));
  EXPECT_FALSE(client.response().get("content-length"));
  client.text("Gr\u00fc\u00dfe");
  EXPECT_EQ(client.next(), "text Gr\u00fc\u00dfe");
  client.binary(std::string(70'000, '\xff'));
  EXPECT_EQ(client.next(), "binary " + std::string(70'000, '\xff'));
  client.send(0x89, "are you there");
  EXPECT_EQ(client.next(), "pong are you there");
  client.close(1000, "bye");
  EXPECT_EQ(client.next(), "close 1000 ");
  EXPECT_TRUE(client.http().closed());
  EXPECT_TRUE(host.eventually_ended("1000 bye clean"));
  EXPECT_TRUE(host.server.eventually_events("/", {"end"}));
}

TEST(WebSocketSession, TakesFramesThatCameWithTheHandshakeAndAnyCut) {
  EchoServer host;
  HttpClient together = host.server.client();
  WebSocketClient first(std::move(together), "/");
  EXPECT_EQ(first.response().status, 101);
  HttpClient raw = host.server.client();
  std::string bytes = WebSocketClient::handshake("/") + WebSocketClient::frame(0x81, "early");
  raw.send(bytes);
  EXPECT_EQ(raw.read_head().status, 101);
  EXPECT_EQ(raw.read_exactly(7),
            "\x81\x05"
            "early");
  for (const char byte : WebSocketClient::frame(0x01, "frag") + WebSocketClient::frame(0x89, "p") +
                             WebSocketClient::frame(0x80, "ments")) {
    raw.send(std::string_view(&byte, 1));
  }
  EXPECT_EQ(raw.read_exactly(3 + 11),
            "\x8a\x01p\x81\x09"
            "fragments");
}

TEST(WebSocketSession, ServesRequestsBeforeTheHandshakeAndAfterARefusedOne) {
  EchoServer host;
  HttpClient client = host.server.client();
  EXPECT_EQ(client.get("/plain").body, "plain");
  HttpResponse refused = client.get("/");
  EXPECT_EQ(refused.status, 426);
  EXPECT_EQ(refused.value("upgrade"), "websocket");
  EXPECT_EQ(refused.value("sec-websocket-version"), "13");
  EXPECT_EQ(client.ask(WebSocketClient::handshake("/plain")).body, "plain");
  std::string keyless = WebSocketClient::handshake("/");
  keyless.replace(keyless.find("Sec-WebSocket-Key"), 17, "X");
  refused = client.ask(keyless);
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(refused.body, "400 Bad Request\nSec-WebSocket-Key is missing.\n");
  WebSocketClient socket(std::move(client), "/");
  EXPECT_EQ(socket.response().status, 101);
  socket.text("x");
  EXPECT_EQ(socket.next(), "text x");
}

TEST(WebSocketSession, WaitsForTheAnswerBeforeItReadsOn) {
  EchoServer host;
  HttpClient client = host.server.client();
  client.send(WebSocketClient::handshake("/late") + "GET /plain HTTP/1.1\r\nHost: a\r\n\r\n");
  ASSERT_TRUE(eventually(
      [&] { return host.server.run([&] { return host.server.open("/late") != nullptr; }); }));
  EXPECT_EQ(host.server.run([&] { return host.server.service.served.size(); }), 1u);
  host.server.run([&] { answer(*host.server.open("/late"), "no socket here"); });
  EXPECT_EQ(client.read().body, "no socket here");
  EXPECT_EQ(client.read().body, "plain");
}

TEST(WebSocketSession, RefusesAnUpgradeBehindAnUnansweredRequest) {
  EchoServer host;
  HttpClient client = host.server.client();
  client.send("GET /late HTTP/1.1\r\nHost: a\r\n\r\n" + WebSocketClient::handshake("/"));
  ASSERT_TRUE(eventually(
      [&] { return host.server.run([&] { return host.server.service.served.size() == 2; }); }));
  host.server.run([&] { answer(*host.server.open("/late"), "first"); });
  EXPECT_EQ(client.read().body, "first");
  EXPECT_EQ(client.read().status, 503);
}

TEST(WebSocketSession, NegotiatesASubprotocolAndFields) {
  EchoServer host;
  host.protocol = "chat.v2";
  host.fields = "X-More: yes\r\n";
  WebSocketClient client(host.server.address(), "/",
                         "Sec-WebSocket-Protocol: chat.v1, chat.v2\r\n");
  EXPECT_EQ(client.response().value("sec-websocket-protocol"), "chat.v2");
  EXPECT_EQ(client.response().value("x-more"), "yes");
  HttpClient other = host.server.client();
  other.send(WebSocketClient::handshake("/", "Sec-WebSocket-Protocol: chat.v1\r\n"));
  EXPECT_TRUE(eventually([&] { return !host.server.run([&] { return host.errors; }).empty(); }));
  EXPECT_EQ(host.errors.front(),
            "the client does not offer the subprotocol 'chat.v2' (it offers chat.v1)");
}

TEST(WebSocketSession, CompressesForThoseWhoOfferIt) {
  EchoServer host;
  WebSocketClient client(host.server.address(), "/",
                         "Sec-WebSocket-Extensions: permessage-deflate\r\n");
  EXPECT_EQ(client.response().value("sec-websocket-extensions"),
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover");
  client.send(0xc1, "\xf2\x48\xcd\xc9\xc9\x07" + std::string(1, '\0'));
  EXPECT_EQ(client.next(), "text Hello");  // too short to be compressed
  const std::string long_text(5'000, 'y');
  client.text(long_text);
  const WebSocketClient::Frame frame = client.read();
  EXPECT_EQ(frame.first, 0xc1);
  EXPECT_LT(frame.payload.size(), 100u);
  websocket::DeflateCodec codec;
  std::string inflated;
  EXPECT_EQ(codec.decompress(frame.payload, 10'000, inflated),
            websocket::DeflateCodec::Inflated::kOk);
  EXPECT_EQ(inflated, long_text);
}

TEST(WebSocketSession, ClosesForWhatIsForbiddenAndSaysWhy) {
  struct Case {
    std::string bytes, told, ended;
  };
  const Case cases[] = {
      {"\x81\x05Hello", "close 1002 a frame of the client is not masked",
       "1002 a frame of the client is not masked"},
      {WebSocketClient::frame(0x83, ""), "close 1002 a frame has a reserved opcode",
       "1002 a frame has a reserved opcode"},
      {WebSocketClient::frame(0x81, "\xff"), "close 1007 a text message is not UTF-8",
       "1007 a text message is not UTF-8"},
      {WebSocketClient::frame(0x82, std::string(1001, 'x')),
       "close 1009 a message is larger than this server takes",
       "1009 a message is larger than this server takes"},
  };
  for (const Case& c : cases) {
    EchoServer host({.message_bytes = 1000});
    WebSocketClient client(host.server.address(), "/");
    // What follows the fault is read and thrown away: the client gets our word, not a reset.
    client.http().send(c.bytes + std::string(200'000, 'x'));
    EXPECT_EQ(client.next(), c.told);
    client.http().half_close();
    EXPECT_TRUE(client.http().closed());
    EXPECT_TRUE(host.eventually_ended(c.ended)) << c.ended;
  }
}

TEST(WebSocketSession, ClosesFromItsSideAndKnowsClientsThatLeave) {
  {
    EchoServer host;
    WebSocketClient client(host.server.address(), "/");
    host.with_socket([](WebSocketSession& socket) {
      socket.close(4001, "enough");
      EXPECT_EQ(socket.send(true, "late"), WriteResult::kGone);
    });
    EXPECT_EQ(client.next(), "close 4001 enough");
    client.text("crossed the close");
    client.close(4001);
    EXPECT_TRUE(client.http().closed());
    EXPECT_TRUE(host.eventually_ended("4001  clean"));
  }
  {
    EchoServer host;
    WebSocketClient client(host.server.address(), "/");
    client.http().close();
    EXPECT_TRUE(host.eventually_ended("1006 "));
  }
  {
    EchoServer host;
    WebSocketClient client(host.server.address(), "/");
    host.with_socket([](WebSocketSession& socket) { socket.terminate(); });
    EXPECT_TRUE(client.http().closed());
    EXPECT_TRUE(host.eventually_ended("1006 "));
    EXPECT_EQ(host.server.run([&] { return host.sockets->find(host.id); }), nullptr);
  }
}

TEST(WebSocketSession, PausesReadingWhileTheApplicationIsBehind) {
  EchoServer host;
  host.echo = false;
  host.pausing = true;
  WebSocketClient client(host.server.address(), "/");
  client.http().send(WebSocketClient::frame(0x81, "one") + WebSocketClient::frame(0x81, "two"));
  client.text("three");
  client.http().half_close();  // nothing that was sent is lost
  const auto heard = [&] { return host.server.run([&] { return host.heard; }); };
  EXPECT_TRUE(eventually([&] { return heard().size() == 1; }));
  for (std::size_t count = 2; count <= 3; ++count) {
    host.with_socket([](WebSocketSession& socket) { socket.resume(); });
    EXPECT_TRUE(eventually([&] { return heard().size() == count; })) << count;
  }
  EXPECT_TRUE(host.ended().empty());
  host.with_socket([](WebSocketSession& socket) { socket.resume(); });
  EXPECT_TRUE(host.eventually_ended("1006 "));
  EXPECT_EQ(heard(), (std::vector<std::string>{"one", "two", "three"}));
}

TEST(WebSocketSession, HoldsTheClientsCloseUntilTheMessagesBeforeItAreAnswered) {
  EchoServer host;
  host.echo = false;
  host.holding = true;
  WebSocketClient client(host.server.address(), "/");
  client.http().send(WebSocketClient::frame(0x81, "last words") + WebSocketClient::frame(0x88,
                                                                                         "\x03\xe8"
                                                                                         "bye"));
  EXPECT_TRUE(eventually([&] { return host.server.run([&] { return host.held; }); }));
  EXPECT_TRUE(host.ended().empty());
  host.with_socket([](WebSocketSession& socket) {
    EXPECT_EQ(socket.send(true, "answer"), WriteResult::kOk);
    socket.release();
  });
  EXPECT_EQ(client.next(), "text answer");
  EXPECT_EQ(client.next(), "close 1000 ");
  EXPECT_TRUE(client.http().closed());
  EXPECT_TRUE(host.eventually_ended("1000 bye clean"));
}

TEST(WebSocketSession, WhileHeldABreachOfTheProtocolWaitsToo) {
  EchoServer host;
  host.echo = false;
  host.holding = true;
  WebSocketClient client(host.server.address(), "/");
  client.http().send(WebSocketClient::frame(0x81, "right") + WebSocketClient::frame(0xC1, "wrong"));
  EXPECT_TRUE(eventually([&] { return host.server.run([&] { return host.held; }); }));
  EXPECT_TRUE(host.ended().empty());
  host.with_socket([](WebSocketSession& socket) {
    EXPECT_EQ(socket.send(true, "answer"), WriteResult::kOk);
    socket.release();
  });
  EXPECT_EQ(client.next(), "text answer");
  EXPECT_EQ(client.next(), "close 1002 a reserved bit is set in a frame");
  EXPECT_TRUE(client.http().closed());
  EXPECT_TRUE(host.eventually_ended("1002 a reserved bit is set in a frame"));
}

TEST(WebSocketSession, TellsWhoSendsToWaitAndStopsReadingAClientThatDoesNotRead) {
  EchoServer host;
  WebSocketClient client(host.server.client_with_small_buffers(4096), "/");
  const std::string big(500'000, 'b');
  host.with_socket([&](WebSocketSession& socket) {
    EXPECT_EQ(socket.send(false, "small"), WriteResult::kOk);
    EXPECT_EQ(socket.send(false, big), WriteResult::kFull);
    EXPECT_GT(socket.buffered(), big.size());
    EXPECT_EQ(socket.send(false, big), WriteResult::kFull);
    EXPECT_EQ(socket.send(false, big), WriteResult::kFull);
  });
  client.text("not read before the rest has left");
  EXPECT_EQ(host.server.run([&] { return host.writable; }), 0);
  EXPECT_EQ(client.next(), "binary small");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.read().payload.size(), big.size());
  EXPECT_EQ(client.next(), "text not read before the rest has left");
  EXPECT_TRUE(eventually([&] { return host.server.run([&] { return host.writable; }) == 1; }));
}

TEST(WebSocketSession, CutsAClientForWhomTooMuchWaits) {
  EchoServer host({.buffered_bytes = 100'000});
  WebSocketClient client(host.server.client_with_small_buffers(4096), "/");
  host.with_socket([&](WebSocketSession& socket) {
    EXPECT_EQ(socket.send(false, std::string(90'000, 'b')), WriteResult::kFull);
    EXPECT_EQ(socket.send(false, std::string(90'000, 'b')), WriteResult::kGone);
  });
  EXPECT_TRUE(host.eventually_ended("1008 the client does not read what it is sent"));
}

TEST(WebSocketSession, ProbesSilenceAndCutsWhoDoesNotAnswer) {
  EchoServer host({.ping_interval = 50 * kMillisecond});
  WebSocketClient client(host.server.address(), "/");
  EXPECT_EQ(client.next(), "ping ");
  client.send(0x8a, "");
  EXPECT_EQ(client.next(), "ping ");  // alive, so it was probed again
  EXPECT_TRUE(client.http().closed());
  EXPECT_TRUE(host.eventually_ended("1006 the client did not answer a ping"));
}

TEST(WebSocketSession, SaysGoodbyeWhenTheHostStops) {
  EchoServer host;
  WebSocketClient client(host.server.address(), "/");
  host.server.run([&] { host.server.server().drain(); });
  EXPECT_EQ(client.next(), "close 1001 the server is stopping");
  client.close(1001);
  EXPECT_TRUE(client.http().closed());
  EXPECT_TRUE(host.eventually_ended("1001  clean"));
}

// Sends back what it gets, in capitals, after an answer of its own.
class UpperTunnel final : public TunnelListener {
 public:
  void on_data(Tunnel& tunnel, std::string_view bytes) noexcept override {
    std::string upper(bytes);
    for (char& c : upper) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
    tunnel.write(upper);
  }
  void on_peer_end(Tunnel& tunnel) noexcept override {
    tunnel.write("bye");
    tunnel.end();
  }
  void on_writable(Tunnel&) noexcept override {}
  void on_drain(Tunnel& tunnel) noexcept override {
    tunnel.write("stopping");
    tunnel.destroy();
  }
  void on_close(Tunnel&, int error) noexcept override {
    ++closed;
    last_error = error;
  }
  int closed = 0, last_error = 0;
};

TEST(Tunnel, GivesTheBytesToTheApplication) {
  TestServer server;
  Tunnels tunnels;
  UpperTunnel upper;
  server.service.on_request = [&](Exchange& exchange) {
    const SessionId id = tunnels.open(exchange, upper);
    if (id == 0) return answer(exchange, "no upgrade");
    tunnels.find(id)->write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n");
  };
  HttpClient client = server.client();
  EXPECT_EQ(client.get("/").body, "no upgrade");
  client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nearly ");
  EXPECT_EQ(client.read_head().status, 101);
  EXPECT_EQ(client.read_exactly(6), "EARLY ");
  client.send("later");
  EXPECT_EQ(client.read_exactly(5), "LATER");
  client.half_close();
  EXPECT_EQ(client.read_to_end(), "bye");
  EXPECT_TRUE(eventually([&] { return server.run([&] { return upper.closed; }) == 1; }));
  EXPECT_EQ(server.run([&] { return upper.last_error; }), 0);
  EXPECT_EQ(server.run([&] { return tunnels.count(); }), 0u);

  HttpClient reset = server.client();
  reset.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
  EXPECT_EQ(reset.read_head().status, 101);
  reset.reset();
  EXPECT_TRUE(eventually([&] { return server.run([&] { return upper.closed; }) == 2; }));
  EXPECT_EQ(server.run([&] { return upper.last_error; }), ECONNRESET);

  // What is written before destroy() is sent.
  HttpClient last = server.client();
  last.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
  EXPECT_EQ(last.read_head().status, 101);
  server.run([&] { server.server().drain(); });
  EXPECT_EQ(last.read_to_end(), "stopping");
  EXPECT_TRUE(eventually([&] { return server.run([&] { return upper.closed; }) == 3; }));
}

TEST(Tunnel, TakesTheBytesThatCameWithTheRequest) {
  for (const bool later : {false, true}) {  // inside the read that brought them, or after it
    SCOPED_TRACE(later);
    Tunnels tunnels;
    UpperTunnel upper;
    TestServer server;
    const auto take = [&](Exchange& exchange) {
      Tunnel& tunnel = *tunnels.find(tunnels.open(exchange, upper));
      tunnel.write("HTTP/1.1 101 Switching Protocols\r\n\r\n");
      for (int i = 0; i < 2; ++i) tunnel.write("<" + tunnel.take_head() + ">");
    };
    server.service.on_request = [&](Exchange& exchange) {
      if (!later) take(exchange);
    };
    HttpClient client = server.client();
    client.send("GET /x HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nearly");
    if (later) {
      ASSERT_TRUE(
          eventually([&] { return server.run([&] { return server.open("/x") != nullptr; }); }));
      server.run([&] { take(*server.open("/x")); });
    }
    EXPECT_EQ(client.read_head().status, 101);
    EXPECT_EQ(client.read_exactly(9), "<early><>");
    client.send("later");
    EXPECT_EQ(client.read_exactly(5), "LATER");
  }
}

}  // namespace
}  // namespace duet
