// WebSockets as handlers of both languages and ASGI applications have them, over real sockets, by
// handlers/websocket.mjs, websocket.py and websocket_asgi.py. The protocol itself:
// tests/unit/websocket and tests/unit/host/websocket_session_test.cc.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/duet_host.h"
#include "tests/support/websocket_client.h"

namespace duet {
namespace {

using testing_support::DuetHost;
using testing_support::eventually;
using testing_support::fetch;
using testing_support::HostOptions;
using testing_support::HttpResponse;
using testing_support::TemporaryDirectory;
using testing_support::WebSocketClient;

class WebSocketContract : public ::testing::TestWithParam<const char*> {
 protected:
  WebSocketContract() {
    const std::string folder = testing_support::source_directory() + "/tests/conformance/handlers/";
    std::string toml = "[server.websocket]\nmessage = \"1MiB\"\n";
    const std::pair<std::string, std::string> handlers[] = {
        {"js", "websocket.mjs"}, {"py", "websocket.py"}, {"asgi", "websocket_asgi.py"}};
    for (const auto& [name, file] : handlers) {
      toml += "[handlers." + name + "]\nsource = \"" + folder + file +
              "\"\n[[routes]]\npath = \"/" + name + "/{what}\"\nhandler = \"" + name + "\"\n";
    }
    host_ = std::make_unique<DuetHost>(
        HostOptions{.arguments = {"--admin", "off", directory_.write("duet.toml", toml)},
                    .environment = {},
                    .directory = "",
                    .listeners = 1});
  }
  DuetHost& host() { return *host_; }
  std::string path(const std::string& what) const {
    return "/" + std::string(GetParam()) + "/" + what;
  }
  WebSocketClient open(const std::string& what, std::string_view fields = {}) {
    WebSocketClient client(host_->address(), path(what), fields);
    EXPECT_EQ(client.response().status, 101);
    return client;
  }
  nlohmann::json state() {
    return nlohmann::json::parse(fetch(host_->address(), path("state")).body);
  }
  // What the log says at level error, joined.
  std::string errors() {
    std::string text;
    for (const nlohmann::json& line : host_->log()) {
      if (line.value("level", "") == "error") text += line.dump() + "\n";
    }
    return text;
  }

 private:
  TemporaryDirectory directory_;
  std::unique_ptr<DuetHost> host_;
};

INSTANTIATE_TEST_SUITE_P(In, WebSocketContract, ::testing::Values("js", "py", "asgi"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(WebSocketContract, EchoesTextBytesAndFragments) {
  WebSocketClient client = open("echo");
  client.text("Gr\u00fc\u00dfe \U0001F600");
  EXPECT_EQ(client.next(), "text Gr\u00fc\u00dfe \U0001F600");
  client.binary(std::string("\0\xff\x80", 3));
  EXPECT_EQ(client.next(), "binary " + std::string("\0\xff\x80", 3));
  client.text("");
  EXPECT_EQ(client.next(), "text ");
  client.send(0x01, "frag");
  client.send(0x89, "ping between");
  client.send(0x80, "ments");
  EXPECT_EQ(client.next(), "pong ping between");
  EXPECT_EQ(client.next(), "text fragments");
  const std::string large(900'000, 'x');
  client.text(large);
  EXPECT_EQ(client.next(), "text " + large);
  client.close(3001, "bye");
  EXPECT_EQ(client.next(), "close 3001 ");
  EXPECT_TRUE(client.http().closed());
  EXPECT_TRUE(eventually([&] {
    return state()["closed"] == nlohmann::json::parse(R"([[3001, "bye", true]])");
  })) << state().dump();
  EXPECT_EQ(errors(), "");
}

TEST_P(WebSocketContract, TellsOfClientsThatLeaveOrBreakTheProtocol) {
  open("echo").http().close();
  EXPECT_TRUE(eventually([&] { return state()["closed"].size() == 1; }));
  EXPECT_EQ(state()["closed"][0], nlohmann::json::parse(R"([1006, "", false])"));
  WebSocketClient rude = open("echo");
  rude.http().send("\x81\x05Hello");
  EXPECT_EQ(rude.read().code, 1002);
  WebSocketClient large = open("echo");
  large.binary(std::string(1024 * 1024 + 1, 'x'));
  EXPECT_EQ(large.read().code, 1009);
  EXPECT_TRUE(eventually([&] { return state()["closed"].size() == 3; }));
  EXPECT_EQ(state()["closed"][1][0], 1002);
  EXPECT_EQ(state()["closed"][2][0], 1009);
  EXPECT_EQ(errors(), "");
}

TEST_P(WebSocketContract, AnswersWhatCameBeforeABreachOfTheProtocol) {
  WebSocketClient client = open("echo");
  client.http().send(WebSocketClient::frame(0x81, "right") + WebSocketClient::frame(0x83, "wrong"));
  EXPECT_EQ(client.next(), "text right");
  EXPECT_EQ(client.read().code, 1002);
  EXPECT_TRUE(client.http().closed());
  EXPECT_TRUE(eventually([&] { return state()["closed"].size() == 1; }));
  EXPECT_EQ(state()["closed"][0][0], 1002);
  EXPECT_EQ(errors(), "");
}

TEST_P(WebSocketContract, IsIteratedAndClosesWhenTheHandlerReturns) {
  WebSocketClient client = open("loop");
  client.http().send(WebSocketClient::frame(0x81, "a") + WebSocketClient::frame(0x81, "b") +
                     WebSocketClient::frame(0x82, "c"));
  EXPECT_EQ(client.next(), "text a!");
  EXPECT_EQ(client.next(), "text b!");
  EXPECT_EQ(client.next(), "binary c");
  client.text("stop");
  EXPECT_EQ(client.next(), "close 1000 ");
  EXPECT_EQ(errors(), "");
}

TEST_P(WebSocketContract, KeepsWhatComesBeforeTheHandlerListens) {
  testing_support::HttpClient raw = host().client();
  raw.send(WebSocketClient::handshake(path("late")) + WebSocketClient::frame(0x81, "one") +
           WebSocketClient::frame(0x81, "two"));
  EXPECT_EQ(raw.read_head().status, 101);
  EXPECT_EQ(raw.read_exactly(20), "\x81\x08late one\x81\x08late two");
}

TEST_P(WebSocketContract, SpeaksFirstAndClosesWithACode) {
  WebSocketClient client = open("hello");
  EXPECT_EQ(client.next(), "text hello");
  EXPECT_EQ(client.next(), "close 4000 that was all");
  client.close(4000);
  EXPECT_TRUE(client.http().closed());
}

TEST_P(WebSocketContract, ChoosesASubprotocol) {
  WebSocketClient client = open("protocol", "Sec-WebSocket-Protocol: chat.v1, chat.v2\r\n");
  EXPECT_EQ(client.response().value("sec-websocket-protocol"), "chat.v2");
  EXPECT_EQ(client.response().value("x-more"), "yes");
  EXPECT_EQ(client.next(), "text chat.v2");
  // One that the client does not offer is the handler's mistake.
  const HttpResponse failed = host().client().ask(WebSocketClient::handshake(path("protocol")));
  EXPECT_EQ(failed.status, 500);
  constexpr const char* kWhy =
      "the client does not offer the subprotocol 'chat.v2' (it offers none)";
  EXPECT_TRUE(eventually([&] { return errors().find(kWhy) != std::string::npos; })) << errors();
}

TEST_P(WebSocketContract, AnswersWhatIsNoHandshakeAndLogsNothing) {
  HttpResponse refused = fetch(host().address(), path("echo"));
  if (GetParam() != std::string("asgi")) {  // there it is a request of another kind
    EXPECT_EQ(refused.status, 426);
    EXPECT_EQ(refused.value("upgrade"), "websocket");
  }
  std::string old = WebSocketClient::handshake(path("echo"));
  old.replace(old.find("Version: 13"), 11, "Version: 8");
  refused = host().client().ask(old);
  EXPECT_EQ(refused.status, 426);
  EXPECT_EQ(refused.value("sec-websocket-version"), "13");
  std::string keyless = WebSocketClient::handshake(path("echo"));
  keyless.replace(keyless.find("Sec-WebSocket-Key"), 17, "X");
  refused = host().client().ask(keyless);
  EXPECT_EQ(refused.status, 400);
  EXPECT_NE(refused.body.find("Sec-WebSocket-Key is missing."), std::string::npos);
  EXPECT_EQ(errors(), "");
}

TEST_P(WebSocketContract, SendsToOthersFromAnySocket) {
  WebSocketClient first = open("chat");
  WebSocketClient second = open("chat");
  second.text("hello, all");
  EXPECT_EQ(first.next(), "text hello, all");
  EXPECT_EQ(second.next(), "text hello, all");
  first.http().close();
  second.text("anybody?");
  EXPECT_EQ(second.next(), "text anybody?");
}

TEST_P(WebSocketContract, AFailingHandlerIsLoggedAndClosesWith1011) {
  WebSocketClient client = open("throws");
  WebSocketClient other = open("echo");
  client.text("go");
  EXPECT_EQ(client.next(), "close 1011 the handler failed");
  EXPECT_TRUE(eventually([&] { return errors().find("misbehaves") != std::string::npos; }));
  other.text("unharmed");
  EXPECT_EQ(other.next(), "text unharmed");
}

TEST_P(WebSocketContract, WhoSendsTooMuchWaitsForTheClient) {
  WebSocketClient client = open("flood");
  client.text("go");
  EXPECT_EQ(client.read().payload.size(), 100'000u);
  EXPECT_EQ(state()["drained"], 0);  // 15 MB do not fit into the sockets' buffers
  for (int i = 1; i < 150; ++i) ASSERT_EQ(client.read().payload.size(), 100'000u);
  EXPECT_TRUE(eventually([&] { return state()["drained"] == 1; })) << state().dump();
}

TEST_P(WebSocketContract, AHandlerThatIsBehindSlowsTheClientDownAndLosesNothing) {
  WebSocketClient client = open("slow");
  for (int i = 0; i < 300; ++i) client.text("message " + std::to_string(i));
  client.close(1000);
  EXPECT_EQ(client.next(), "close 1000 ");
  EXPECT_TRUE(eventually([&] { return state()["seen"] == 300; })) << state().dump();
}

TEST_P(WebSocketContract, TellsTheHandlerOfItsOwnMistakes) {
  WebSocketClient client = open("wrong");
  const std::map<std::string, std::string> expected = {
      {"js", "text DOMException DOMException TypeError TypeError"},
      {"py", "text ValueError ValueError TypeError ValueError"},
      {"asgi", "text ValueError ValueError TypeError RuntimeError"}};
  EXPECT_EQ(client.next(), expected.at(GetParam()));
}

TEST_P(WebSocketContract, SaysGoodbyeWhenTheHostStops) {
  WebSocketClient client = open("echo");
  host().process().signal(SIGTERM);
  EXPECT_EQ(client.next(), "close 1001 the server is stopping");
  client.close(1001);
  EXPECT_TRUE(client.http().closed());
  EXPECT_EQ(host().process().wait(), 0);
}

}  // namespace
}  // namespace duet
