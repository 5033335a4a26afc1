#include "host/config/values.h"

#include <gtest/gtest.h>

namespace duet::config {
namespace {

Nanos duration(std::string_view text) {
  const auto parsed = parse_duration(text);
  EXPECT_TRUE(parsed.ok()) << text << ": " << (parsed.ok() ? "" : parsed.error().to_string());
  return parsed.ok() ? *parsed : -1;
}

TEST(Duration, ReadsEachUnit) {
  EXPECT_EQ(duration("250ms"), 250 * kMillisecond);
  EXPECT_EQ(duration("30s"), 30 * kSecond);
  EXPECT_EQ(duration("1m"), 60 * kSecond);
  EXPECT_EQ(duration("2h"), 7200 * kSecond);
  EXPECT_EQ(duration("1d"), 86400 * kSecond);
  EXPECT_EQ(duration("500us"), 500 * kMicrosecond);
  EXPECT_EQ(duration("10ns"), 10);
  EXPECT_EQ(duration("1.5s"), 1500 * kMillisecond);
  EXPECT_EQ(duration(" 2 s "), 2 * kSecond);
  EXPECT_EQ(duration("30S"), 30 * kSecond);
  EXPECT_EQ(duration("off"), 0);
  EXPECT_EQ(duration("0"), 0);
  EXPECT_EQ(duration("0s"), 0);
}

TEST(Duration, SaysWhatIsWrong) {
  EXPECT_EQ(parse_duration("2").error().to_string(),
            "'2' has no unit (write \"2s\" for seconds, \"2ms\" for milliseconds)");
  EXPECT_EQ(parse_duration("soon").error().to_string(),
            "'soon' is not a duration (write a number and a unit: \"250ms\", \"30s\", \"1m\", or "
            "\"off\")");
  EXPECT_EQ(parse_duration("3 fortnights").error().to_string(),
            "unknown unit 'fortnights' in the duration '3 fortnights' (units are ms, s, m, h, d, "
            "us, ns)");
  EXPECT_EQ(parse_duration("9999999h").error().message, "'9999999h' is longer than a year");
  for (const char* text : {"", "s", "-1s", "1..5s", ".", "1e3s", "0x10s", "nan", "infs", "+1s"}) {
    EXPECT_FALSE(parse_duration(text).ok()) << text;
  }
}

TEST(Duration, IsShownAsWritten) {
  EXPECT_EQ(show_duration(30 * kSecond), "30s");
  EXPECT_EQ(show_duration(90 * kSecond), "1m30s");
  EXPECT_EQ(show_duration(250 * kMillisecond), "250ms");
  EXPECT_EQ(show_duration(0), "off");
}

TEST(Size, ReadsEachUnit) {
  EXPECT_EQ(*parse_size("512"), 512u);
  EXPECT_EQ(*parse_size("16KiB"), 16384u);
  EXPECT_EQ(*parse_size("16 kib"), 16384u);
  EXPECT_EQ(*parse_size("1MB"), 1000000u);
  EXPECT_EQ(*parse_size("1MiB"), 1048576u);
  EXPECT_EQ(*parse_size("1.5MiB"), 1572864u);
  EXPECT_EQ(*parse_size("8k"), 8192u);
  EXPECT_EQ(*parse_size("2GiB"), 2147483648u);
  EXPECT_EQ(*parse_size("0"), 0u);
}

TEST(Size, SaysWhatIsWrong) {
  EXPECT_EQ(parse_size("12 pages").error().to_string(),
            "unknown unit 'pages' in the size '12 pages' (units are KiB, MiB, GiB (1024) and KB, "
            "MB, GB (1000); none means bytes)");
  EXPECT_FALSE(parse_size("").ok());
  EXPECT_FALSE(parse_size("-1").ok());
  EXPECT_FALSE(parse_size("2000000GiB").ok());
  EXPECT_EQ(show_size(16384), "16 KiB");
  EXPECT_EQ(show_size(1000), "1000 bytes");
}

std::string address(std::string_view text) {
  const auto parsed = parse_address(text, "/srv/app");
  return parsed ? parsed->to_string() : "error: " + parsed.error().to_string();
}

TEST(AddressText, ReadsEachKind) {
  EXPECT_EQ(address("127.0.0.1:8000"), "127.0.0.1:8000");
  EXPECT_EQ(address("0.0.0.0:0"), "0.0.0.0:0");
  EXPECT_EQ(address("[::1]:8000"), "[::1]:8000");
  EXPECT_EQ(address("[::]:80"), "[::]:80");
  EXPECT_EQ(address("localhost:8000"), "127.0.0.1:8000");
  EXPECT_EQ(address("unix:/run/duet.sock"), "unix:/run/duet.sock");
  EXPECT_EQ(address("unix:run/duet.sock"), "unix:/srv/app/run/duet.sock");
}

TEST(AddressText, SaysWhatIsWrong) {
  EXPECT_EQ(address("8000"),
            "error: '8000' has no host (write \"127.0.0.1:8000\" for this machine only, "
            "\"0.0.0.0:8000\" for every interface)");
  EXPECT_EQ(address(":8000"),
            "error: ':8000' has no host (write \"127.0.0.1:8000\" for this machine only, "
            "\"0.0.0.0:8000\" for every interface)");
  EXPECT_EQ(address("127.0.0.1"),
            "error: '127.0.0.1' has no port (write \"127.0.0.1:8000\", or \"127.0.0.1:0\" for any "
            "free port)");
  EXPECT_EQ(address("127.0.0.1:99999"),
            "error: '99999' is not a port (ports are 0 (any free one) to 65535)");
  EXPECT_EQ(address("example.org:80"),
            "error: 'example.org' is not an IP address (write \"127.0.0.1:8000\", \"[::1]:8000\" "
            "or \"unix:/run/duet.sock\")");
  EXPECT_EQ(address("*:80"),
            "error: '*' is not an IP address (write \"0.0.0.0:80\" for every interface)");
  EXPECT_EQ(address("::1:8000"),
            "error: '::1:8000' is ambiguous (write IPv6 addresses in brackets: \"[::1]:8000\")");
  EXPECT_EQ(address("http://127.0.0.1:80/"),
            "error: 'http://127.0.0.1:80/' is a URL, not an address to listen on (write "
            "\"127.0.0.1:80\")");
  EXPECT_EQ(address("/run/duet.sock"),
            "error: '/run/duet.sock' is not an address (for a unix socket write "
            "\"unix:/run/duet.sock\")");
  for (const char* text : {"", ":", "[::1", "[::1]80", "[1.2.3.4]:80", "1.2.3:80",
                           "1.2.3.4:", "1.2.3.4:-1", "1.2.3.4:0x50", "unix:", "[]:80"}) {
    EXPECT_FALSE(parse_address(text, "/").ok()) << text;
  }
  EXPECT_FALSE(parse_address("unix:/" + std::string(200, 'x'), "/").ok());
  EXPECT_FALSE(parse_address(std::string("1.2.3.4\0:80", 11), "/").ok());
}

}  // namespace
}  // namespace duet::config
