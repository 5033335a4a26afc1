// Services that are down, slow, broken or hostile; and connections that are used again.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/upstream/gateway.h"

namespace duet {
namespace {

using testing_support::eventually;
using testing_support::GatewayTest;
using testing_support::HttpClient;
using testing_support::HttpResponse;
using testing_support::read_request_head;
using testing_support::TestServer;

class Failing : public GatewayTest {
 protected:
  static constexpr std::string_view kGet = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";
  static constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

  // One request that the service answers by these bytes and its end.
  HttpResponse answered_by(std::string_view bytes, bool reset = false) {
    HttpClient client = server_->client();
    client.send(kGet);
    HttpClient service = port_.accept();
    read_request_head(service);
    service.send(bytes);
    if (reset) {
      service.reset();
    } else {
      service.close();
    }
    return client.read();
  }
};

void expect(const HttpResponse& answer, int status, const std::string& reason) {
  EXPECT_EQ(answer.status, status) << answer.body;
  EXPECT_NE(answer.body.find("error id: "), std::string::npos) << answer.body;
  EXPECT_NE(answer.body.find(reason), std::string::npos) << answer.body;
}

TEST_F(Failing, AServiceThatIsDownIs502) {
  host();
  port_.close();
  const HttpResponse answer = server_->client().get("/x");
  expect(answer, 502, "the service behind this route cannot be reached");
  expect(answer, 502, "Connection refused");
}

TEST_F(Failing, ANameThatNobodyKnowsIs502) {
  host([](HandlerSpec& spec) { spec.source = "http://there-is-no-such-host.invalid:81"; });
  expect(server_->client().get("/x"), 502, "its name is not known");
}

TEST_F(Failing, ANameIsLookedUp) {
  host(
      [&](HandlerSpec& spec) { spec.source = "http://localhost:" + std::to_string(port_.port()); });
  HttpClient client = server_->client();
  client.send(kGet);
  HttpClient service = port_.accept();
  read_request_head(service);
  service.send(kOk);
  EXPECT_EQ(client.read().body, "ok");
}

TEST_F(Failing, WhatIsNoAnswerIs502WithItsReason) {
  host();
  expect(answered_by(""), 502, "it closed the connection before it answered");
  expect(answered_by("", true), 502, "the connection broke: Connection reset by peer");
  expect(answered_by("HTTP/1.1 200 O"), 502, "it closed the connection before it answered");
  expect(answered_by("SSH-2.0-OpenSSH_9.2\r\n"), 502, "its answer is malformed: ");
  expect(answered_by("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx"), 502,
         "its answer is malformed: ");
  expect(answered_by("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n"
                     "Connection: upgrade\r\n\r\n"),
         502, "switches protocols");
  EXPECT_EQ(server_->run([&] { return observer_.statuses.size(); }), 6u);
}

TEST_F(Failing, AHeadThatIsTooLargeIs502) {
  host();
  std::string head = "HTTP/1.1 200 OK\r\n";
  while (head.size() < 300 * 1024) head += "X-Filler: " + std::string(1000, 'x') + "\r\n";
  expect(answered_by(head), 502, "the answer's head is longer than 256 KiB");
}

TEST_F(Failing, AnAnswerThatBreaksOffIsCutForTheClientToo) {
  host();
  for (const bool reset : {false, true}) {
    HttpClient client = server_->client();
    client.send(kGet);
    HttpClient service = port_.accept();
    read_request_head(service);
    service.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    EXPECT_EQ(client.read_head().status, 200);
    EXPECT_EQ(client.read_exactly(4), "half");
    if (reset) {
      service.reset();
    } else {
      service.close();
    }
    EXPECT_TRUE(client.closed());
    EXPECT_TRUE(eventually([&] { return server_->run([&] { return observer_.broken_off; }); }));
    server_->run([&] { observer_.broken_off = false; });
  }
}

TEST_F(Failing, AResetIsNoEndOfAnAnswerWithoutALength) {
  host();
  HttpClient client = server_->client();
  client.send(kGet);
  HttpClient service = port_.accept();
  read_request_head(service);
  service.send("HTTP/1.1 200 OK\r\n\r\nhalf");
  service.reset();
  EXPECT_TRUE(client.read().cut_off);
}

TEST_F(Failing, AnAnswerThatGoesSilentIsBrokenOff) {
  host([](HandlerSpec& spec) { spec.service.body_idle = 30 * kMillisecond; });
  HttpClient client = server_->client();
  client.send(kGet);
  HttpClient service = port_.accept();
  read_request_head(service);
  service.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
  EXPECT_TRUE(client.read().cut_off);
  EXPECT_TRUE(service.closed());
}

TEST_F(Failing, AServiceThatDoesNotAnswerIs504AtTheDeadline) {
  host([](HandlerSpec& spec) { spec.deadline = 50 * kMillisecond; });
  HttpClient client = server_->client();
  client.send(kGet);
  HttpClient service = port_.accept();
  read_request_head(service);
  EXPECT_EQ(client.read().status, 504);
  EXPECT_TRUE(service.closed()) << "its answer is of no use any more";
}

TEST_F(Failing, ANewConnectionThatDoesNotComeIs504) {
  host([](HandlerSpec& spec) { spec.service.connect = 30 * kMillisecond; });
  const HttpClient first = port_.fill();
  expect(server_->client().get("/x"), 504, "no connection within 30 ms");
}

TEST_F(Failing, AClientThatLeavesEndsTheServicesWork) {
  host();
  HttpClient client = server_->client();
  client.send(kGet);
  HttpClient service = port_.accept();
  read_request_head(service);
  client.close();
  EXPECT_TRUE(service.closed());
}

// --- connections that are used again ---

class Keeping : public Failing {
 protected:
  // A connection that has answered one request and is kept.
  HttpClient kept() {
    HttpClient client = server_->client();
    client.send(kGet);
    HttpClient service = port_.accept();
    read_request_head(service);
    service.send(kOk);
    EXPECT_EQ(client.read().body, "ok");
    return service;
  }
};

TEST_F(Keeping, OneConnectionServesManyClients) {
  host();
  HttpClient service = kept();
  for (int i = 0; i < 3; ++i) {
    HttpClient client = server_->client();
    client.send(kGet);
    read_request_head(service);
    service.send(kOk);
    EXPECT_EQ(client.read().body, "ok");
  }
  EXPECT_FALSE(port_.asked(std::chrono::milliseconds(0)));
}

TEST_F(Keeping, AnIdleConnectionIsClosedAfterAWhile) {
  host([](HandlerSpec& spec) { spec.service.keep_alive = 20 * kMillisecond; });
  EXPECT_TRUE(kept().closed());
}

TEST_F(Keeping, ARequestThatMeetsAClosingConnectionIsSentOnceMore) {
  host();
  HttpClient service = kept();
  HttpClient client = server_->client();
  client.send(kGet);
  read_request_head(service);
  service.close();  // as a service does whose idle time was just over
  HttpClient second = port_.accept();
  EXPECT_TRUE(read_request_head(second).starts_with("GET /prefix/x "));
  second.close();
  const HttpResponse answer = client.read();
  expect(answer, 502, "it closed the connection before it answered");
  EXPECT_FALSE(port_.asked(std::chrono::milliseconds(20))) << "but not twice more";
}

TEST_F(Keeping, ABodyThatIsKeptIsSentOnceMoreWithIt) {
  host();
  HttpClient service = kept();
  HttpClient client = server_->client();
  client.send("PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody");
  read_request_head(service);
  service.close();
  HttpClient second = port_.accept();
  read_request_head(second);
  EXPECT_EQ(second.read_exactly(4), "body");
  second.send(kOk);
  EXPECT_EQ(client.read().body, "ok");
}

TEST_F(Keeping, ButNotWhereRepeatingCouldDoHarm) {
  host();
  HttpClient service = kept();
  HttpClient client = server_->client();
  client.send("POST /pay HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody");
  read_request_head(service);
  EXPECT_EQ(service.read_exactly(4), "body");  // else the kernel resets what it has not given out
  service.close();
  expect(client.read(), 502, "it closed the connection before it answered");
  EXPECT_FALSE(port_.asked(std::chrono::milliseconds(20)));
}

TEST_F(Keeping, NorWhereAPartOfTheAnswerCame) {
  host();
  HttpClient service = kept();
  HttpClient client = server_->client();
  client.send(kGet);
  read_request_head(service);
  service.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
  service.close();
  EXPECT_TRUE(client.read().cut_off);
  EXPECT_FALSE(port_.asked(std::chrono::milliseconds(20)));
}

TEST_F(Keeping, BytesThatNobodyAskedForEndAConnection) {
  host();
  HttpClient service = kept();
  service.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
  EXPECT_TRUE(service.closed());
  kept();
  // In the same segment as an answer, too.
  HttpClient client = server_->client();
  client.send(kGet);
  HttpClient other = port_.accept();
  read_request_head(other);
  other.send(std::string(kOk) + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
  EXPECT_EQ(client.read().body, "ok");
  EXPECT_TRUE(other.closed());
}

TEST_F(Keeping, SoManyConnectionsAndNoMoreTheOthersWaitTheirTurn) {
  host([](HandlerSpec& spec) { spec.service.connections = 2; });
  std::vector<HttpClient> clients;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(server_->client());
    clients.back().send("GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: a\r\n\r\n");
  }
  HttpClient one = port_.accept();
  HttpClient two = port_.accept();
  EXPECT_FALSE(port_.asked(std::chrono::milliseconds(20)));
  for (int round = 0; round < 2; ++round) {
    for (HttpClient* service : {&one, &two}) {
      const std::string head = read_request_head(*service);
      const std::string body = head.substr(12, 1);
      service->send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" + body);
    }
  }
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(clients[static_cast<std::size_t>(i)].read().body, std::to_string(i));
  }
}

TEST_F(Keeping, WhoeverWaitsGetsTheNextConnectionWhenOneBreaks) {
  host([](HandlerSpec& spec) { spec.service.connections = 1; });
  HttpClient first = server_->client();
  first.send(kGet);
  HttpClient service = port_.accept();
  read_request_head(service);
  HttpClient waiting = server_->client();
  waiting.send(kGet);
  HttpClient leaving = server_->client();
  leaving.send(kGet);
  leaving.close();
  service.close();
  expect(first.read(), 502, "it closed the connection before it answered");
  HttpClient second = port_.accept();
  read_request_head(second);
  second.send(kOk);
  EXPECT_EQ(waiting.read().body, "ok");
}

}  // namespace
}  // namespace duet
