// Requests that nobody should send, by the hundred, at a live host with both engines. It survives
// them, and a client beside them loses nothing.
#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/duet_host.h"

namespace duet {
namespace {

using testing_support::DuetHost;
using testing_support::eventually;
using testing_support::HttpClient;
using testing_support::HttpResponse;
using testing_support::TemporaryDirectory;

constexpr const char* kJs = "export default async (r) => `${(await r.text()).length}`;\n";
constexpr const char* kPy = "async def fetch(r):\n    return str(len(await r.text()))\n";

std::string bytes(const char* text, std::size_t size) { return std::string(text, size); }

struct Hostile {
  std::string what;
  int status;  // of the answer; 0: none is owed, whatever comes is well
};

std::vector<Hostile> hostile_requests() {
  const std::string post = "POST /a.mjs HTTP/1.1\r\nHost: a\r\n";
  const std::string get = "GET /a.py HTTP/1.1\r\nHost: a\r\n";
  return {
      {bytes("\0\0\0\0\r\n\r\n", 8), 400},
      {"\r\n\r\n\r\nGET", 0},
      {"GET", 0},
      {"GET / HTTP/1.1\nHost: a\n\n", 0},
      {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET /a.mjs HTTP/1.1 \r\nHost: a\r\n\r\n", 400},
      {"GET a.mjs HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET /a\x01 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET /a.mjs HTTP/9.9\r\nHost: a\r\n\r\n", 505},
      {"GET /a.mjs HTTP/1.1\r\n\r\n", 400},
      {"GET /a.mjs HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
      {"GET /a.mjs HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
      {get + "X : y\r\n\r\n", 400},
      {get + " folded: y\r\n\r\n", 400},
      {get + bytes("X: a\0b\r\n\r\n", 10), 400},
      {get + "X: a\rb\r\n\r\n", 400},
      {get + ": no name\r\n\r\n", 400},
      {get + "X: " + std::string(20000, 'x') + "\r\n\r\n", 431},
      {"GET /" + std::string(10000, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n", 414},
      {post + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400},
      {post + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {post + "Content-Length: +5\r\n\r\nhello", 400},
      {post + "Content-Length: 5, 5\r\n\r\nhello", 400},
      {post + "Content-Length: 0x5\r\n\r\nhello", 400},
      {post + "Content-Length: 18446744073709551617\r\n\r\n", 400},
      {post + "Content-Length: 9999999999\r\n\r\n", 413},
      {post + "Transfer-Encoding: chunked, gzip\r\n\r\n", 0},
      {post + "Transfer-Encoding: xchunked\r\n\r\n", 501},
      {post + "Transfer-Encoding: chunked\r\n\r\nZ\r\n", 400},
      {post + "Transfer-Encoding: chunked\r\n\r\n-1\r\n", 400},
      {post + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n", 400},
      {post + "Transfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n", 400},
      {post + "Transfer-Encoding: chunked\r\n\r\n3;" + std::string(100000, 'x') + "\r\nabc\r\n", 0},
      {post + "Transfer-Encoding: chunked\r\n\r\n0\r\nX: " + std::string(100000, 'x') + "\r\n\r\n",
       0},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", 501},
      {get + "Upgrade: websocket\r\nConnection: upgrade\r\n\r\n", 0},
      {get + "Expect: 200-maybe\r\n\r\n", 0},
      {"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 204},
      {"GET /%00%ff%zz HTTP/1.1\r\nHost: a\r\n\r\n", 0},
      {"GET /../../../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n", 404},
      {"GET http://a/a.mjs HTTP/1.1\r\nHost: b\r\n\r\n", 0},
      {"GET https://[::1/a.mjs HTTP/1.1\r\nHost: a\r\n\r\n", 0},
      {"GET /a.mjs?" + std::string(4000, '&') + " HTTP/1.1\r\nHost: a\r\n\r\n", 200},
      {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS greeting", 400},
      {"BREW /a.mjs HTTP/1.1\r\nHost: a\r\n\r\n", 0},
  };
}

class HostileRequests : public ::testing::Test {
 protected:
  HostileRequests() : host_({directory_.write("a.mjs", kJs), directory_.write("a.py", kPy)}) {
    for (const char* target : {"/a.mjs", "/a.py"}) {
      beside_.emplace_back([this, target] {
        try {
          HttpClient client = host_.client();
          while (!stop_) {
            if (client.post(target, "12345").body != "5") ++lost_;
            ++asked_;
          }
        } catch (const std::exception&) {
          ++lost_;
        }
      });
    }
  }
  void finish() {
    const int before = asked_;
    EXPECT_TRUE(eventually([&] { return asked_ > before + 4 || lost_ > 0; }));
    stop_ = true;
    for (std::thread& thread : beside_) thread.join();
    EXPECT_EQ(lost_, 0);
    EXPECT_TRUE(host_.process().running());
    EXPECT_EQ(host_.stop(), 0) << host_.process().err();
  }

  TemporaryDirectory directory_;
  DuetHost host_;
  std::atomic<bool> stop_ = false;
  std::atomic<int> asked_ = 0, lost_ = 0;
  std::vector<std::thread> beside_;
};

TEST_F(HostileRequests, AreAnsweredWithTheirStatusOrNotAtAll) {
  for (const Hostile& one : hostile_requests()) {
    HttpClient client = host_.client();
    client.send(one.what);
    if (one.status == 0) continue;  // and leaves
    SCOPED_TRACE(one.what.substr(0, 120));
    EXPECT_EQ(client.read().status, one.status);
  }
  finish();
}

TEST_F(HostileRequests, MayBeCutAnywhere) {
  for (const Hostile& one : hostile_requests()) {
    for (std::size_t i = 1; i < 4; ++i) {
      HttpClient client = host_.client();
      client.send(std::string_view(one.what).substr(0, one.what.size() * i / 4));
      if (i % 2 == 0) client.reset();
    }
  }
  finish();
}

TEST_F(HostileRequests, MayBeAnyBytes) {
  std::mt19937 random(20261123);
  const std::vector<Hostile> seeds = hostile_requests();
  for (int i = 0; i < 600; ++i) {
    std::string bytes = seeds[random() % seeds.size()].what.substr(0, 3000);
    for (int change = 0; change < 4 && !bytes.empty(); ++change) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    HttpClient client = host_.client();
    client.send(bytes);
    if (i % 2 == 0) client.half_close();
  }
  finish();
}

TEST_F(HostileRequests, MaySmuggleNothing) {
  // What stands behind a refused request is never taken for one.
  for (const Hostile& one : hostile_requests()) {
    if (one.status < 400 || one.status == 404 || one.status == 413) continue;
    HttpClient client = host_.client();
    client.send(one.what + "GET /a.mjs HTTP/1.1\r\nHost: smuggled\r\n\r\n");
    SCOPED_TRACE(one.what.substr(0, 120));
    EXPECT_EQ(client.read().status, one.status);
    client.half_close();
    EXPECT_EQ(client.read_to_end(), "");
  }
  finish();
}

TEST_F(HostileRequests, MayBeHeldOpenByTheHundred) {
  std::vector<HttpClient> slow;
  for (int i = 0; i < 500; ++i) {
    slow.push_back(host_.client());
    slow.back().send("POST /a.py HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nx");
  }
  const int before = asked_;
  EXPECT_TRUE(eventually([&] { return asked_ > before + 50 || lost_ > 0; }));
  slow.clear();
  finish();
}

}  // namespace
}  // namespace duet
