// check, version, help: output and exit codes.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/duet_host.h"

namespace duet {
namespace {

using testing_support::Finished;
using testing_support::TemporaryDirectory;

Finished duet(const std::vector<std::string>& arguments, const std::string& directory = "") {
  return testing_support::run(testing_support::duet_program(),
                              {.arguments = arguments,
                               .environment = {{"PORT", std::nullopt}},
                               .directory = directory,
                               .terminal = false},
                              std::chrono::seconds(60));
}

TEST(Commands, CheckReportsEveryMistakeWithItsPlaceAndASuggestion) {
  TemporaryDirectory directory;
  directory.write("hello.mjs", "export default () => 'x';\n");
  directory.write("duet.toml",
                  "[server]\n"
                  "lisen = \"127.0.0.1:80\"\n"
                  "[handlers.hello]\n"
                  "source = \"helo.mjs\"\n"
                  "deadline = \"soon\"\n"
                  "[[routes]]\n"
                  "path = \"/{a}/{a\"\n"
                  "handler = \"hallo\"\n");
  const Finished finished = duet({"check"}, directory.path());
  EXPECT_EQ(finished.exit_code, 1) << finished.err;
  const std::string text = finished.out + finished.err;
  for (const char* part :
       {"duet.toml:2:1: error", "did you mean 'listen'", "duet.toml:4:10: error", "hello.mjs",
        "duet.toml:5:12: error", "duet.toml:7:", "duet.toml:8:", "'hello'"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " is missing in:\n" << text;
  }
}

TEST(Commands, CheckShowsWhatWouldBeServed) {
  TemporaryDirectory directory;
  directory.write("hello.mjs", "export default () => 'x';\n");
  directory.write(
      "duet.toml",
      "[server]\nlisten = \"127.0.0.1:8123\"\n[handlers.hello]\nsource = \"hello.mjs\"\n"
      "[[routes]]\npath = \"/greet/{name}\"\nmethods = [\"GET\"]\nhandler = \"hello\"\n");
  const Finished finished = duet({"check"}, directory.path());
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  for (const char* part : {"no mistakes", "127.0.0.1:8123", "/greet/{name}", "hello"}) {
    EXPECT_NE(finished.out.find(part), std::string::npos) << finished.out;
  }
}

TEST(Commands, CheckSaysThatThereIsNothingToCheck) {
  TemporaryDirectory directory;
  const Finished finished = duet({"check"}, directory.path());
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_NE((finished.out + finished.err).find("duet.toml"), std::string::npos) << finished.err;
}

TEST(Commands, VersionNamesEveryPart) {
  const Finished finished = duet({"version"});
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  for (const char* part : {"duet", "V8", "Node", "CPython", "libuv", "llhttp", "OpenSSL"}) {
    EXPECT_NE(finished.out.find(part), std::string::npos) << part << " is missing in:\n"
                                                          << finished.out;
  }
  EXPECT_EQ(finished.out.find("not available"), std::string::npos) << finished.out;
  const Finished json = duet({"version", "--json"});
  EXPECT_EQ(json.exit_code, 0);
  const auto parsed = nlohmann::json::parse(json.out, nullptr, false);
  ASSERT_TRUE(parsed.is_object()) << json.out;
  EXPECT_TRUE(parsed.contains("V8"));
  EXPECT_EQ(duet({"--version"}).out, finished.out);
}

TEST(Commands, EveryCommandHasHelp) {
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{"--help"},
                                                    {"help"},
                                                    {"serve", "--help"},
                                                    {"help", "serve"},
                                                    {"check", "--help"},
                                                    {"bench", "--help"},
                                                    {"lab", "--help"},
                                                    {"experiment", "--help"},
                                                    {"report", "--help"},
                                                    {"stats", "--help"},
                                                    {"version", "--help"}}) {
    const Finished finished = duet(arguments);
    EXPECT_EQ(finished.exit_code, 0) << arguments[0] << finished.err;
    EXPECT_NE(finished.out.find("Usage"), std::string::npos) << finished.out;
    EXPECT_NE(finished.out.find("Examples"), std::string::npos) << finished.out;
    EXPECT_EQ(finished.err, "");
    std::istringstream lines(finished.out);
    for (std::string line; std::getline(lines, line);) {
      EXPECT_LE(line.size(), 80u) << "too wide: " << line;
    }
  }
  const std::string serve = duet({"serve", "--help"}).out;
  for (const char* part : {"--listen", "--admin", "--dev", "--deadline", "PORT", "duet.toml"}) {
    EXPECT_NE(serve.find(part), std::string::npos) << part;
  }
}

TEST(Commands, WhatIsNotUnderstoodIsExitCode2WithASuggestion) {
  struct Wrong {
    std::vector<std::string> arguments;
    const char* said;
  };
  for (const Wrong& wrong :
       {Wrong{{"srve"}, "serve"}, Wrong{{"serve", "--lisen", "x"}, "--listen"},
        Wrong{{"serve", "--port", "80"}, "--listen"}, Wrong{{"version", "extra"}, "extra"}}) {
    const Finished finished = duet(wrong.arguments);
    EXPECT_EQ(finished.exit_code, 2) << finished.err;
    EXPECT_NE(finished.err.find(wrong.said), std::string::npos) << finished.err;
  }
}

}  // namespace
}  // namespace duet
