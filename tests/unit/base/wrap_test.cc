#include "host/base/wrap.h"

#include <gtest/gtest.h>

namespace duet {
namespace {

TEST(Width, IsOfWhatIsSeen) {
  EXPECT_EQ(width_of(""), 0u);
  EXPECT_EQ(width_of("6.1 µs…"), 7u);
  EXPECT_EQ(width_of("\x1b[33m!\x1b[0m note"), 6u);
  EXPECT_EQ(width_of("cut \x1b[3"), 4u);
}

TEST(Wrap, BreaksBetweenWords) {
  EXPECT_EQ(wrap("one two three four", 9, 2), "one two\n  three\n  four");
  EXPECT_EQ(wrap("one two three", 13, 2), "one two three");
  EXPECT_EQ(wrap("one two three", 12, 2), "one two\n  three");
  EXPECT_EQ(wrap("µµµ µµµ", 7, 0), "µµµ µµµ");
}

TEST(Wrap, KeepsLongWordsAndWhatBeginsTheLine) {
  EXPECT_EQ(wrap("http://127.0.0.1:8000/ is down", 10, 1), "http://127.0.0.1:8000/\n is down");
  EXPECT_EQ(wrap("  http://127.0.0.1:8000/", 10, 1), "  http://127.0.0.1:8000/");
  EXPECT_EQ(wrap("  here     a sentence of words", 20, 11),
            "  here     a\n           sentence\n           of words");
  EXPECT_EQ(wrap("one two   ", 7, 0), "one two");
  EXPECT_EQ(wrap("", 7, 0), "");
}

TEST(Fit, BreaksSentencesAndLeavesTables) {
  const std::string text =
      "\x1b[33m!\x1b[0m a note of several words\n"
      "           p50     p99  of all\n"
      "  short\n"
      "\n"
      "  indented words wrap further in\n";
  EXPECT_EQ(fit(text, 20),
            "\x1b[33m!\x1b[0m a note of several\n  words\n"
            "           p50     p99  of all\n"
            "  short\n"
            "\n"
            "  indented words\n    wrap further in\n");
  EXPECT_EQ(fit(text, 0), text);
  EXPECT_EQ(fit("no end of the line", 10), "no end of\n  the line");
}

}  // namespace
}  // namespace duet
