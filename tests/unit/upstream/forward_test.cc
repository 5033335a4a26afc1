// What the service and the client see of each other, and how bodies stream between them.
#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "tests/unit/upstream/gateway.h"

namespace duet {
namespace {

using testing_support::eventually;
using testing_support::field_of;
using testing_support::GatewayTest;
using testing_support::HttpClient;
using testing_support::HttpResponse;
using testing_support::read_request_head;

class Forward : public GatewayTest {};

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

TEST_F(Forward, TheServiceSeesTheRequestAndWhoAsks) {
  HttpClient client = host().client();
  client.send(
      "GET /a%20b?q=1 HTTP/1.1\r\nHost: shop.example\r\nX-Own: 1\r\nCookie: a=b\r\n"
      "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n"
      "X-Forwarded-For: 203.0.113.7\r\nForwarded: for=203.0.113.7\r\nX-Forwarded-Proto: https\r\n"
      "Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nTE: trailers\r\n"
      "Proxy-Authorization: Basic eA==\r\nUpgrade: h2c\r\nDuet-Variant: forged\r\n\r\n");
  HttpClient service = port_.accept();
  const std::string head = read_request_head(service);
  EXPECT_TRUE(head.starts_with("GET /prefix/a%20b?q=1 HTTP/1.1\r\n")) << head;
  EXPECT_EQ(field_of(head, "Host"), "127.0.0.1:" + std::to_string(port_.port()));
  EXPECT_EQ(field_of(head, "X-Own"), "1");
  EXPECT_EQ(field_of(head, "Cookie"), "a=b");
  EXPECT_EQ(field_of(head, "traceparent"),
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
  EXPECT_EQ(field_of(head, "X-Forwarded-For"), "203.0.113.7, 127.0.0.1");
  EXPECT_EQ(field_of(head, "X-Forwarded-Host"), "shop.example");
  EXPECT_EQ(field_of(head, "X-Forwarded-Proto"), "https") << "the proxy in front knows";
  EXPECT_EQ(field_of(head, "Forwarded"),
            "for=203.0.113.7, for=127.0.0.1;host=shop.example;proto=http");
  EXPECT_EQ(field_of(head, "Via"), "1.1 duet");
  for (const char* hop : {"Connection", "X-Hop", "Keep-Alive", "TE", "Proxy-Authorization",
                          "Upgrade", "Duet-Variant", "Content-Length", "Transfer-Encoding"}) {
    EXPECT_EQ(field_of(head, hop), "-") << hop;
  }
}

TEST_F(Forward, TheClientSeesTheAnswerWithoutWhatBelongsToTheConnection) {
  HttpClient client = host().client();
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  HttpClient service = port_.accept();
  read_request_head(service);
  service.send(
      "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 404 Gone Fishing\r\n"
      "Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\n"
      "Keep-Alive: timeout=5\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
      "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n");
  const HttpResponse answer = client.read();
  EXPECT_EQ(answer.status, 404);
  EXPECT_EQ(answer.body, "hello");
  EXPECT_EQ(answer.all("Set-Cookie"), (std::vector<std::string>{"a=1", "b=2"}));
  EXPECT_EQ(answer.all("Date"), (std::vector<std::string>{"Sun, 06 Nov 1994 08:49:37 GMT"}));
  for (const char* hop : {"Connection", "X-Hop", "Keep-Alive"})
    EXPECT_FALSE(answer.get(hop)) << hop;
  EXPECT_TRUE(service.closed()) << "the service said that it takes no more";
}

TEST_F(Forward, WaitingForTheServiceIsAwait) {
  HttpClient client = host().client();
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  HttpClient service = port_.accept();
  read_request_head(service);
  // What is measured here is time itself.
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  service.send(kOk);
  EXPECT_EQ(client.read().body, "ok");
  EXPECT_TRUE(
      eventually([&] { return server_->run([&] { return !observer_.statuses.empty(); }); }));
  server_->run([&] {
    EXPECT_GT(observer_.await, 25 * kMillisecond);
    EXPECT_GT(observer_.run, 0);
    EXPECT_EQ(observer_.unaccounted, 0);
  });
}

TEST_F(Forward, AnAnswerToHeadHasALengthAndNoBody) {
  HttpClient client = host().client();
  client.send("HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n");
  HttpClient service = port_.accept();
  EXPECT_TRUE(read_request_head(service).starts_with("HEAD /prefix/x "));
  service.send("HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n");
  EXPECT_EQ(client.read(true).value("Content-Length"), "1234");
  client.send("GET /y HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(read_request_head(service).starts_with("GET /prefix/y ")) << "the same connection";
  service.send("HTTP/1.1 304 Not Modified\r\nETag: \"1\"\r\n\r\n");
  EXPECT_EQ(client.read().value("ETag"), "\"1\"");
}

TEST_F(Forward, BodiesStreamBothWaysPieceByPiece) {
  HttpClient client = host().client();
  client.send("POST /up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n");
  HttpClient service = port_.accept();
  EXPECT_EQ(field_of(read_request_head(service), "Transfer-Encoding"), "chunked");
  EXPECT_EQ(service.read_chunk(), "one");
  service.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfour\r\n");
  EXPECT_EQ(client.read_head().status, 200);
  EXPECT_EQ(client.read_chunk(), "four") << "before the request is complete";
  client.send("3\r\ntwo\r\n0\r\n\r\n");
  EXPECT_EQ(service.read_chunk(), "two");
  EXPECT_EQ(service.read_chunk(), "");
  service.send("0\r\n\r\n");
  EXPECT_EQ(client.read_chunk(), "");
}

TEST_F(Forward, ABodyOfAKnownLengthKeepsItAndMayBeLarge) {
  HttpClient client = host().client();
  const std::string body(3'000'000, 'b');
  std::thread sender([&] {
    client.send("PUT /up HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n" + body);
  });
  HttpClient service = port_.accept();
  EXPECT_EQ(field_of(read_request_head(service), "Content-Length"), "3000000");
  EXPECT_EQ(service.read_exactly(body.size()), body);
  sender.join();
  std::thread answerer(
      [&] { service.send("HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + body); });
  EXPECT_EQ(client.read().body, body);
  answerer.join();
}

// The kernel's buffers of four sockets and 64 KiB of each side's are all that may lie in between.
constexpr std::size_t kMuch = 64 * 1024 * 1024;

// Sends until nobody has taken a byte for a while; gives how many were taken.
std::size_t send_until_full(HttpClient& from) {
  const std::string piece(64 * 1024, 'x');
  std::size_t taken = 0;
  int silent = 0;
  while (taken < kMuch && silent < 20) {
    const std::size_t some = from.send_some(piece);
    taken += some;
    silent = some > 0 ? 0 : silent + 1;
    if (some == 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return taken;
}

TEST_F(Forward, AServiceThatIsSlowToReadSlowsTheClientDown) {
  HttpClient client = host().client();
  client.send("POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(kMuch) +
              "\r\n\r\n");
  HttpClient service = port_.accept();
  read_request_head(service);
  const std::size_t taken = send_until_full(client);
  EXPECT_LT(taken, kMuch / 2);
  EXPECT_EQ(service.read_exactly(taken).size(), taken) << "nothing of it is lost";
}

TEST_F(Forward, AClientThatIsSlowToReadSlowsTheServiceDown) {
  HttpClient client = host().client();
  client.send("GET /down HTTP/1.1\r\nHost: a\r\n\r\n");
  HttpClient service = port_.accept();
  read_request_head(service);
  service.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kMuch) + "\r\n\r\n");
  const std::size_t taken = send_until_full(service);
  EXPECT_LT(taken, kMuch / 2);
  client.read_head();
  EXPECT_EQ(client.read_exactly(taken).size(), taken);
}

TEST_F(Forward, AnAnswerWithoutALengthEndsWithTheServicesConnection) {
  HttpClient client = host().client();
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  HttpClient service = port_.accept();
  read_request_head(service);
  service.send("HTTP/1.1 200 OK\r\n\r\nuntil the end");
  service.close();
  const HttpResponse answer = client.read();
  EXPECT_EQ(answer.body, "until the end");
  EXPECT_FALSE(answer.cut_off);
}

TEST_F(Forward, AnAnswerBeforeTheBodyIsTakenReachesTheClient) {
  HttpClient client = host().client();
  client.send("POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nsome");
  HttpClient service = port_.accept();
  read_request_head(service);
  service.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nno!");
  EXPECT_EQ(client.read().status, 413);
  EXPECT_TRUE(service.closed()) << "the rest of the body is not coming";
}

}  // namespace
}  // namespace duet
