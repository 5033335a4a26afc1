#include "host/net/address.h"

#include <gtest/gtest.h>

#include <string>

namespace duet::net {
namespace {

std::string round_trip(std::string_view text) {
  const auto address = Address::parse(text);
  return address ? address->to_string() : "error: " + address.error().message;
}

TEST(Address, KeepsWhatItIsGiven) {
  EXPECT_EQ(round_trip("127.0.0.1:8080"), "127.0.0.1:8080");
  EXPECT_EQ(round_trip("0.0.0.0:0"), "0.0.0.0:0");
  EXPECT_EQ(round_trip("[::1]:80"), "[::1]:80");
  EXPECT_EQ(round_trip("[2001:db8::7]:65535"), "[2001:db8::7]:65535");
  EXPECT_EQ(round_trip("unix:/run/x.sock"), "unix:/run/x.sock");
}

TEST(Address, KnowsLocalhostAndEveryInterface) {
  EXPECT_EQ(round_trip("localhost:1"), "127.0.0.1:1");
  EXPECT_EQ(round_trip(":8080"), "[::]:8080");
}

TEST(Address, IsShownAsAUrlThatOpens) {
  EXPECT_EQ(Address::parse("127.0.0.1:80")->url("http"), "http://127.0.0.1:80");
  EXPECT_EQ(Address::parse("[::1]:80")->url("http"), "http://[::1]:80");
  EXPECT_EQ(Address::parse("unix:/a")->url("http"), "unix:/a");
}

TEST(Address, ShowsAClientOfIpV4OnASocketForBothAsWhatItIs) {
  EXPECT_EQ(Address::parse("[::ffff:10.1.2.3]:5")->host(), "10.1.2.3");
}

TEST(Address, KnowsUnnamedUnixSockets) {
  sockaddr_un unnamed{};
  unnamed.sun_family = AF_UNIX;
  const Address address =
      Address::from(reinterpret_cast<sockaddr*>(&unnamed), sizeof unnamed.sun_family);
  EXPECT_TRUE(address.is_unix());
  EXPECT_EQ(address.host(), "");
  EXPECT_EQ(address.port(), 0);
}

TEST(Address, RefusesWhatIsNoneAndSaysWhatToWrite) {
  for (const char* text :
       {"", "8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "127.0.0.1:-1",
        "127.0.0.1:+1", "127.0.0.1: 1", "127.0.0.256:1", "example.org:80", "[127.0.0.1]:80",
        "[]:80", "[::1:80", "unix:", "[::1]"}) {
    const auto address = Address::parse(text);
    ASSERT_FALSE(address.ok()) << text;
    EXPECT_NE(address.error().message.find("'" + std::string(text) + "'"), std::string::npos)
        << address.error().message;
    EXPECT_NE(address.error().hint.find("127.0.0.1:8080"), std::string::npos);
  }
}

TEST(Address, RefusesAUnixPathThatTheKernelCannotHold) {
  EXPECT_TRUE(Address::parse("unix:/" + std::string(106, 'x')).ok());
  const auto address = Address::parse("unix:/" + std::string(107, 'x'));
  ASSERT_FALSE(address.ok());
  EXPECT_NE(address.error().message.find("at most 107 bytes"), std::string::npos)
      << address.error().message;
}

}  // namespace
}  // namespace duet::net
