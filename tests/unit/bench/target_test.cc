#include "host/bench/target.h"

#include <gtest/gtest.h>

namespace duet::bench {
namespace {

TEST(RequestText, AddsWhatIsMissing) {
  EXPECT_EQ(request_text({}, "a:1", true)->bytes, "GET / HTTP/1.1\r\nHost: a:1\r\n\r\n");
  EXPECT_EQ(request_text({.method = "POST", .path = "/x?y", .fields = {{"A", "b"}}, .body = "123"},
                         "a", false)
                ->bytes,
            "POST /x?y HTTP/1.1\r\nA: b\r\nHost: a\r\nConnection: close\r\n"
            "Content-Length: 3\r\n\r\n123");
  EXPECT_EQ(request_text({.method = "GET", .path = "/", .fields = {{"hOsT", "own"}}, .body = ""},
                         "a", true)
                ->bytes,
            "GET / HTTP/1.1\r\nhOsT: own\r\n\r\n");
}

TEST(RequestText, RefusesWhatCannotBeSent) {
  EXPECT_FALSE(request_text({.method = "G ET", .path = "/", .fields = {}, .body = ""}, "a", true));
  EXPECT_FALSE(request_text({.method = "GET", .path = "x", .fields = {}, .body = ""}, "a", true));
  EXPECT_FALSE(
      request_text({.method = "GET", .path = "/a b", .fields = {}, .body = ""}, "a", true));
  EXPECT_FALSE(request_text(
      {.method = "GET", .path = "/", .fields = {{"A", "b\r\nC: d"}}, .body = ""}, "a", true));
}

TEST(ParseUrl, TakesAddressesApart) {
  const Url url = *parse_url("http://[::1]:8080/a?b#c");
  EXPECT_EQ(url.host, "::1");
  EXPECT_EQ(url.port, 8080);
  EXPECT_EQ(url.authority, "[::1]:8080");
  EXPECT_EQ(url.path, "/a?b");
  EXPECT_EQ(parse_url("http://localhost?x")->path, "/?x");
  EXPECT_FALSE(url.tls);
  for (const char* text : {"https://localhost/x", "wss://localhost/x"}) {
    const Url secured = *parse_url(text);
    EXPECT_TRUE(secured.tls);
    EXPECT_EQ(secured.port, 443);
    EXPECT_EQ(secured.path, "/x");
  }
  EXPECT_EQ(parse_url("https://localhost:8443/")->port, 8443);
}

TEST(ParseUrl, SaysWhatIsWrong) {
  for (const char* text : {"localhost:80", "http://", "http://a:0", "http://a:x", "http://a:70000",
                           "http://[::1", "http://u:p@a/", "ftp://a/", "https://"}) {
    EXPECT_FALSE(parse_url(text).ok()) << text;
  }
}

}  // namespace
}  // namespace duet::bench
