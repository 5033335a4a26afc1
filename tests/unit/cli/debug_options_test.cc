#include "host/cli/debug_options.h"

#include <gtest/gtest.h>

namespace duet::cli {
namespace {

constexpr Option kDebuggers[] = {{"inspect", "[=[HOST:]PORT]", "", ""},
                                 {"inspect-wait", "[=[HOST:]PORT]", "", ""},
                                 {"debugpy", "[=[HOST:]PORT]", "", ""},
                                 {"debugpy-wait", "[=[HOST:]PORT]", "", ""}};
constexpr OptionGroup kDebugGroups[] = {{"Debuggers", kDebuggers}};

// "javascript 127.0.0.1:9229", "python 127.0.0.1:1 waits", or the error.
std::string parsed(const std::vector<std::string>& arguments) {
  const Arguments given = parse_arguments(kDebugGroups, arguments);
  const Result<DebugOptions> options = debug_options(given);
  if (!options) return options.error().to_string();
  std::string text;
  for (const auto language : {config::Language::kJavaScript, config::Language::kPython}) {
    const auto& one = (*options)[static_cast<std::size_t>(language)];
    if (!one) continue;
    text += text.empty() ? "" : ", ";
    text += std::string(config::language_name(language)) + " " + one->host + ":" +
            std::to_string(one->port) + (one->wait ? " waits" : "");
  }
  return text;
}

TEST(DebugOptions, AddressesAreThoseThatClientsTry) {
  EXPECT_EQ(parsed({"x.mjs"}), "");
  EXPECT_EQ(parsed({"--inspect", "x.mjs"}), "javascript 127.0.0.1:9229");
  EXPECT_EQ(parsed({"--debugpy-wait"}), "python 127.0.0.1:5678 waits");
  EXPECT_EQ(parsed({"--inspect-wait=0", "--debugpy=localhost:7"}),
            "javascript 127.0.0.1:0 waits, python 127.0.0.1:7");
  EXPECT_EQ(parsed({"--inspect=[::1]:9"}), "javascript ::1:9");
  EXPECT_EQ(parsed({"--inspect=0.0.0.0:9"}), "javascript 0.0.0.0:9");
}

TEST(DebugOptions, WhatIsNoAddressIsRefused) {
  EXPECT_EQ(parsed({"--inspect=x"}), "--inspect takes [HOST:]PORT, not 'x' (write --inspect=9229)");
  EXPECT_EQ(parsed({"--debugpy-wait=unix:/tmp/x"}),
            "--debugpy-wait takes [HOST:]PORT, not 'unix:/tmp/x' (write --debugpy-wait=5678)");
  EXPECT_EQ(parsed({"--inspect=70000"}),
            "--inspect takes [HOST:]PORT, not '70000' (write --inspect=9229)");
}

TEST(DebugOptions, OnlyThisMachineIsLoopback) {
  EXPECT_TRUE(is_loopback("127.0.0.1") && is_loopback("::1"));
  EXPECT_FALSE(is_loopback("0.0.0.0") || is_loopback("::") || is_loopback("192.168.0.1"));
}

}  // namespace
}  // namespace duet::cli
