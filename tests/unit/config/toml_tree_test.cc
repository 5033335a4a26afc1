// Syntax errors: each in words that help, and all of them in one go.
#include "host/config/toml_tree.h"

#include <gtest/gtest.h>

namespace duet::config {
namespace {

struct Parsed {
  TomlTree tree;
  std::string errors;
};

Parsed parse(std::string_view text) {
  Diagnostics diagnostics;
  Parsed parsed{parse_toml(text, "t", diagnostics), {}};
  parsed.errors = diagnostics.render(false);
  return parsed;
}

std::string errors(std::string_view text) { return parse(text).errors; }

TEST(TomlTree, KeepsOrderAndPlaces) {
  const Parsed parsed = parse("[b]\nz = \"ü\"\na = [1, true]\n[a.c]\nd = 1.5\n[[r]]\n[[r]]\n");
  EXPECT_EQ(parsed.errors, "");
  const auto& root = parsed.tree.root.entries;
  ASSERT_EQ(root.size(), 3u);
  EXPECT_EQ(root[0].key, "b");
  EXPECT_EQ(root[0].value.entries[0].key, "z");
  EXPECT_EQ(root[0].value.entries[0].value.place, (Place{2, 5, 3}));
  EXPECT_EQ(root[0].value.entries[1].value.items[1].boolean, true);
  EXPECT_EQ(root[1].value.find("c")->value.find("d")->value.floating, 1.5);
  EXPECT_EQ(root[2].value.items.size(), 2u);
  EXPECT_EQ(root[2].value.items[1].place.line, 7u);
}

TEST(TomlSyntax, TextWithoutQuotes) {
  EXPECT_EQ(errors("listen = 127.0.0.1:80 # x\n"),
            "t:1:10: error: text must be in quotes (write listen = \"127.0.0.1:80\")\n");
  EXPECT_EQ(errors("source = hello.mjs\n"),
            "t:1:10: error: text must be in quotes (write source = \"hello.mjs\")\n");
  EXPECT_EQ(errors("deadline = 30s\n"),
            "t:1:12: error: text must be in quotes (write deadline = \"30s\")\n");
  EXPECT_EQ(errors("weight = 1e400\n"),
            "t:1:10: error: '1e400' is larger than any number that TOML can hold (write a smaller "
            "one)\n");
  EXPECT_EQ(errors("source = C:\\x\n"),
            "t:1:10: error: text must be in quotes (write source = 'C:\\x')\n");
  EXPECT_EQ(errors("methods = [GET, \"POST\"]\n"),
            "t:1:12: error: text must be in quotes (write \"GET\")\n");
  EXPECT_EQ(errors("env = { A = b }\n"), "t:1:13: error: text must be in quotes (write \"b\")\n");
}

TEST(TomlSyntax, OtherValues) {
  EXPECT_EQ(errors("dev = True\n"), "t:1:7: error: 'True' is not a value (write dev = true)\n");
  EXPECT_EQ(errors("dev = no\n"), "t:1:7: error: 'no' is not a value (write dev = false)\n");
  EXPECT_EQ(errors("a = \n"),
            "t:1:5: error: 'a' has no value (write a text in quotes, a number, true, false, or a "
            "list)\n");
  EXPECT_EQ(errors("a = 09\n"),
            "t:1:7: error: a number cannot begin with a zero (remove it, or write the value as "
            "text in quotes)\n");
  EXPECT_EQ(errors("a = \"x\", \"y\"\n"),
            "t:1:8: error: unexpected text after the value (a line holds one value; several go in "
            "a list: [\"a\", \"b\"])\n");
}

TEST(TomlSyntax, Quotes) {
  EXPECT_EQ(errors("a = \"x\nb = 1\n"),
            "t:1:5: error: the text is not closed (add the closing \")\n");
  EXPECT_EQ(errors("a = 'x\nb = 1\n"),
            "t:1:5: error: the text is not closed (add the closing ')\n");
  EXPECT_EQ(errors("a = \"x"), "t:1:5: error: the text is not closed (add the closing \")\n");
  EXPECT_EQ(errors("a = \"C:\\dir\"\n"),
            "t:1:9: error: a backslash in \"…\" begins an escape, and this is none that TOML knows "
            "(double it (\\\\), or write the text in single quotes: 'C:\\dir')\n");
}

TEST(TomlSyntax, Signs) {
  EXPECT_EQ(
      errors("listen: 127.0.0.1:80\n"),
      "t:1:7: error: a key and its value are joined by '=' (write listen = \"127.0.0.1:80\")\n");
  EXPECT_EQ(
      errors("just words\n"),
      "t:1:1: error: this is neither 'key = value' nor a [table] (comments begin with '#')\n");
  EXPECT_EQ(errors("= 2\n").substr(0, 46), "t:1:1: error: a statement cannot begin like th");
  EXPECT_EQ(errors("a = {b = 1,}\n"),
            "t:1:12: error: no comma is allowed before '}' (remove it)\n");
}

TEST(TomlSyntax, ListsThatDoNotEnd) {
  EXPECT_EQ(errors("a = [\"x\"\nb = 1\n"),
            "t:1:5: error: the value of 'a' is never closed (end the list with ']')\n");
  EXPECT_EQ(errors("a = [1, 2\n"),
            "t:1:5: error: the value of 'a' is never closed (end the list with ']')\n");
  EXPECT_EQ(errors("a = [\n 1\n 2\n]\n"),
            "t:3:2: error: a comma is missing before this item (write [\"a\", \"b\"])\n");
  EXPECT_EQ(errors("[x]\na = \"\"\"\nfoo\n"),
            "t:2:5: error: the value of 'a' is never closed (end the text with \"\"\")\n");
  EXPECT_EQ(errors("[x]\nenv = { A = \"1\",\n B = \"2\" }\n").substr(0, 60),
            "t:2:7: error: the value of 'env' is not closed on its line (");
}

TEST(TomlSyntax, Headers) {
  EXPECT_EQ(errors("[handlers.x\na = 1\n"),
            "t:1:1: error: the table header is not closed (write [handlers.x])\n");
  EXPECT_EQ(errors("[[routes]\na = 1\n"),
            "t:1:1: error: the table header is not closed (write [[routes]])\n");
  EXPECT_EQ(errors("[a]\n[b]\n[a]\n"),
            "t:3:1: error: [a] is defined twice (first at line 1: merge the two, or give this one "
            "another name)\n");
  EXPECT_EQ(errors("[handlers.my handler]\n"),
            "t:1:14: error: a table's name may hold letters, digits, '-' and '_' only (put other "
            "names in quotes: [handlers.\"my handler\"])\n");
  EXPECT_EQ(errors("[a]\nb = 1\n[[a]]\n"),
            "t:3:1: error: [[a]] is a table already (use either [a] or [[a]] for all of them)\n");
  EXPECT_EQ(errors("[a]\nb = 1\nc = 2\nb = 3\n"),
            "t:4:1: error: 'b' is set twice (first at line 2: keep one of them)\n");
}

// Found by fuzzing: toml++ asserted here.
TEST(TomlSyntax, HeadersThatBeginWithNoKey) {
  const std::string why =
      ": error: a name is expected here: letters, digits, '-', '_', or text in quotes (write "
      "[server], [handlers.NAME] or [[routes]])\n";
  EXPECT_EQ(errors("[::1]:8000"), "t:1:2" + why);
  EXPECT_EQ(errors("[ = ]\n"), "t:1:3" + why);
  EXPECT_EQ(errors("[[.a]]\n"), "t:1:3" + why);
}

// Found by the sanitizer: toml++ took some of these for impossible.
TEST(TomlSyntax, CharactersThatDoNotBelong) {
  EXPECT_EQ(errors("[ü]\n"), "t:1:2: error: 'ü' is allowed only inside quotes (write \"ü…\")\n");
  EXPECT_EQ(errors("a = “x”\n"),
            "t:1:5: error: a typographic quote (write straight quotes: \"…\")\n");
  EXPECT_EQ(
      errors("a =\xc2\xa0"
             "1\nb\xe3\x80\x80= 2\n"),
      "t:1:4: error: an invisible character that is no ordinary space (replace it by a space; "
      "it often comes with text copied from a web page)\n"
      "t:2:2: error: an invisible character that is no ordinary space (replace it by a space; "
      "it often comes with text copied from a web page)\n");
  EXPECT_EQ(errors("a = \"\xff\"\n"),
            "t:1:6: error: the file is not valid UTF-8 here (save it in the encoding UTF-8)\n");
}

TEST(TomlSyntax, CharactersThatDo) {
  EXPECT_EQ(errors("\xef\xbb\xbf# ü “\na = \"ü\\\"ü\" # ü\nb = 'ü\\' # ü\n\"ü\" = 1\n"
                   "c = \"\"\"\nü \" ü\\\"\"\" ü\"\"\"\"\" # ü\nd = '''ü\n\\ü'''\ne = \"\" # ü\n"),
            "");
}

TEST(TomlSyntax, AllErrorsAtOnceAndTheRestIsKept) {
  const Parsed parsed = parse(
      "[a]\n"
      "x = yes\n"
      "y = 1\n"
      "[broken\n"
      "z = 2\n"
      "[c]\n"
      "l = [1,\n"
      "w = foo\n"
      "v = 3\n");
  EXPECT_EQ(parsed.errors,
            "t:2:5: error: 'yes' is not a value (write x = true)\n"
            "t:4:1: error: the table header is not closed (write [broken])\n"
            "t:7:5: error: the value of 'l' is never closed (end the list with ']')\n"
            "t:8:5: error: text must be in quotes (write w = \"foo\")\n");
  EXPECT_TRUE(parsed.tree.incomplete);
  const TomlValue& root = parsed.tree.root;
  ASSERT_EQ(root.entries.size(), 2u);
  EXPECT_NE(root.find("a")->value.find("y"), nullptr);
  EXPECT_EQ(root.find("a")->value.find("z"), nullptr) << "z belongs to the broken header";
  EXPECT_NE(root.find("c")->value.find("v"), nullptr);
}

TEST(TomlSyntax, HopelessTextEnds) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "][ }{\n";
  Diagnostics diagnostics;
  parse_toml(text, "t", diagnostics);
  EXPECT_EQ(diagnostics.errors(), 20u);
  EXPECT_NE(errors("\xff\xfe\x00"), "");
}

}  // namespace
}  // namespace duet::config
