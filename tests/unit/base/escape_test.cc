#include "host/base/escape.h"

#include <gtest/gtest.h>

namespace duet {
namespace {

using namespace std::string_literals;

std::string json(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

TEST(Utf8, ReadsEachLength) {
  EXPECT_EQ(utf8_at("a", 0).code, U'a');
  EXPECT_EQ(utf8_at("é", 0).code, U'é');
  EXPECT_EQ(utf8_at("é", 0).length, 2u);
  EXPECT_EQ(utf8_at("€", 0).code, U'€');
  EXPECT_EQ(utf8_at("😀", 0).code, U'😀');
  EXPECT_EQ(utf8_at("😀", 0).length, 4u);
}

TEST(Utf8, RefusesWhatIsNone) {
  const std::string cases[] = {"\x80",          "\xc3",         "\xc0\xaf"s,
                               "\xe0\x80\xaf"s, "\xed\xa0\x80", "\xf4\x90\x80\x80",
                               "\xf8\x88",      "\xe2\x82",     "\xc3("};
  for (const std::string& bytes : cases) {
    const Utf8Character c = utf8_at(bytes, 0);
    EXPECT_FALSE(c.valid) << printable(bytes);
    EXPECT_EQ(c.length, 1u);
  }
}

TEST(Printable, KeepsText) { EXPECT_EQ(printable("grüße \\ 😀 \"x\""), "grüße \\ 😀 \"x\""); }

TEST(Printable, EscapesWhatDrivesTerminals) {
  EXPECT_EQ(printable("\x1b[31mred\x07\r\n\t"), "\\e[31mred\\u{7}\\r\\n\\t");
  EXPECT_EQ(printable("\x7f\xc2\x9b"
                      "A"),
            "\\u{7f}\\u{9b}A");  // U+009B is a CSI of one character
  EXPECT_EQ(printable("a\xe2\x80\xae"
                      "b"),
            "a\\u{202e}b");  // right-to-left override
  EXPECT_EQ(printable("nul\0here"s), "nul\\u{0}here");
  EXPECT_EQ(printable("\xff\xc3"), "\\xff\\xc3");
}

TEST(Json, EscapesAndStaysUtf8) {
  EXPECT_EQ(json("a\"b\\c/"), R"("a\"b\\c/")");
  EXPECT_EQ(json("\n\r\t\x01\x1b"), R"("\n\r\t\u0001\u001b")");
  EXPECT_EQ(json("é😀"), "\"é😀\"");
  EXPECT_EQ(json("x\xff"), "\"x\xef\xbf\xbd\"");
  EXPECT_EQ(json("\xe2\x80\xa8\x7f"), R"("\u2028\u007f")");
}

TEST(ShellWord, IsOneWordWhateverIsInIt) {
  EXPECT_EQ(shell_word("plain"), "'plain'");
  EXPECT_EQ(shell_word(""), "''");
  EXPECT_EQ(shell_word("it's $HOME `x` \"y\" \\ \n"), "'it'\\''s $HOME `x` \"y\" \\ \n'");
}

}  // namespace
}  // namespace duet
