#include "host/base/service_url.h"

#include <gtest/gtest.h>

#include <string>

namespace duet {
namespace {

std::string read(std::string_view text) {
  const auto url = ServiceUrl::parse(text);
  if (!url) return "error: " + url.error().message + " (" + url.error().hint + ")";
  return url->text() + " [" + url->host + "] " + std::to_string(url->port) + " [" + url->prefix +
         "]";
}

TEST(ServiceUrl, IsAHostAPortAndAPrefix) {
  EXPECT_EQ(read("http://api"), "http://api [api] 80 []");
  EXPECT_EQ(read("http://api:80/"), "http://api [api] 80 []");
  EXPECT_EQ(read("http://127.0.0.1:8080/v1/x//"),
            "http://127.0.0.1:8080/v1/x [127.0.0.1] 8080 [/v1/x]");
  EXPECT_EQ(read("http://[::1]:65535/a%20b"), "http://[::1]:65535/a%20b [::1] 65535 [/a%20b]");
}

TEST(ServiceUrl, RefusesWhatDuetCannotAsk) {
  EXPECT_NE(read("https://api").find("duet does not speak (name it by http://"), std::string::npos);
  for (const char* text :
       {"ftp://api", "http://", "http:///x", "http://:80", "http://api:0", "http://api:65536",
        "http://api:8x", "http://api:", "http://user:pass@api", "http://api?x=1", "http://api/#x",
        "http://a b", "http://api/a b", "http://[::1", "http://[nope]", "http://a\r\nb",
        "HTTP://a"}) {
    EXPECT_TRUE(read(text).starts_with("error: ")) << text << ": " << read(text);
  }
}

}  // namespace
}  // namespace duet
