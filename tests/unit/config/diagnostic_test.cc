#include "host/config/diagnostic.h"

#include <gtest/gtest.h>

namespace duet::config {
namespace {

Diagnostic at(std::size_t line, std::size_t column, std::size_t length, std::string message,
              std::string hint = {}) {
  return {
      Severity::kError, "duet.toml", {line, column, length}, std::move(message), std::move(hint)};
}

TEST(Diagnostics, ShowsTheLineWithACaret) {
  Diagnostics d;
  d.add_source("duet.toml", "[server]\nadress = \"127.0.0.1:80\"\n");
  d.add(at(2, 1, 6, "unknown key 'adress' in [server]", "did you mean 'address'?"));
  EXPECT_EQ(d.render(false),
            "duet.toml:2:1: error: unknown key 'adress' in [server] (did you mean 'address'?)\n"
            "    2 | adress = \"127.0.0.1:80\"\n"
            "      | ^~~~~~\n");
}

TEST(Diagnostics, CaretCountsCharactersNotBytes) {
  Diagnostics d;
  d.add_source("duet.toml", "\"größe\" =\t1 # ü\r\n");
  d.add(at(1, 11, 1, "m"));
  EXPECT_EQ(d.render(false),
            "duet.toml:1:11: error: m\n"
            "    1 | \"größe\" = 1 # ü\n"
            "      |           ^\n");
}

TEST(Diagnostics, TheFileCannotDriveTheTerminal) {
  Diagnostics d;
  d.add_source("duet.toml", "a\x1b[2Jb = 1\n");
  d.add(at(1, 7, 1, "key \x1b[31m"));
  EXPECT_EQ(d.render(false),
            "duet.toml:1:7: error: key \\e[31m\n"
            "    1 | a\\e[2Jb = 1\n"
            "      |        ^\n");
}

TEST(Diagnostics, LongLinesAreShownAroundTheMistake) {
  Diagnostics d;
  d.add_source("duet.toml", std::string(300, 'a') + "B" + std::string(300, 'c'));
  d.add(at(1, 301, 1, "m"));
  EXPECT_EQ(d.render(false), "duet.toml:1:301: error: m\n    1 | ..." + std::string(50, 'a') + "B" +
                                 std::string(49, 'c') + "...\n      | " + std::string(53, ' ') +
                                 "^\n");
}

TEST(Diagnostics, PlacesBehindTheTextAreHarmless) {
  Diagnostics d;
  d.add_source("duet.toml", "ab\n");
  d.add(at(1, 50, 9, "m"));
  d.add(at(7, 1, 1, "n"));
  EXPECT_EQ(d.render(false),
            "duet.toml:1:50: error: m\n    1 | ab\n      |   ^\nduet.toml:7:1: error: n\n");
}

TEST(Diagnostics, OrderAndSummary) {
  Diagnostics d;
  EXPECT_EQ(d.summary(), "");
  d.add(at(9, 1, 1, "later"));
  d.add(at(2, 5, 1, "sooner"));
  d.add({Severity::kWarning, "duet.toml", {2, 1, 1}, "first", ""});
  d.error("no place");
  d.sort();
  EXPECT_EQ(d.render(false),
            "duet: error: no place\n"
            "duet.toml:2:1: warning: first\n"
            "duet.toml:2:5: error: sooner\n"
            "duet.toml:9:1: error: later\n");
  EXPECT_EQ(d.summary(), "3 errors, 1 warning");
  EXPECT_FALSE(d.ok());
}

TEST(Diagnostics, ColoursWhenAsked) {
  Diagnostics d;
  d.error("m");
  EXPECT_EQ(d.render(true), "\x1b[1mduet: \x1b[0m\x1b[1;31merror:\x1b[0m \x1b[1mm\x1b[0m\n");
}

}  // namespace
}  // namespace duet::config
