#include "host/config/dotenv.h"

#include <gtest/gtest.h>

namespace duet::config {
namespace {

using namespace std::string_literals;

std::string read(std::string_view text) {
  Diagnostics diagnostics;
  std::string out;
  for (const DotenvEntry& entry : parse_dotenv(text, ".env", diagnostics)) {
    out += entry.name + "=[" + entry.value + "]";
  }
  return out + diagnostics.render(false);
}

TEST(Dotenv, ReadsWhatPeopleWrite) {
  EXPECT_EQ(read("A=1\n# note\n\n  B = two words  # why\nexport C=x#y\n"),
            "A=[1]B=[two words]C=[x#y]");
  EXPECT_EQ(read("A='a # \\n $B'\nB=\"x\\ny\\\"\\$\\q\"\nC=\n"),
            "A=[a # \\n $B]B=[x\ny\"$\\q]C=[]");
  EXPECT_EQ(read("KEY=\"-----BEGIN\nabc\n-----END\"\nB=2"), "KEY=[-----BEGIN\nabc\n-----END]B=[2]");
  EXPECT_EQ(read("\xef\xbb\xbf"
                 "A=1\r\nB=2\r\n"),
            "A=[1]B=[2]");
  EXPECT_EQ(read("A=1\nA=2\n"), "A=[2]") << "the last one wins";
  EXPECT_EQ(read("A=postgres://u:p@h/db?x=1"), "A=[postgres://u:p@h/db?x=1]");
  EXPECT_EQ(read(""), "");
}

TEST(Dotenv, SaysWhatIsWrongAndGoesOn) {
  EXPECT_EQ(read("just words\n1A=2\nOK=1\nQ=\"open\nR=2\n"),
            "OK=[1]R=[2]"
            ".env:1:1: error: a variable is written NAME=value (comments begin with '#')\n"
            ".env:2:1: error: '1A' is no name for a variable (use letters, digits and '_', and no "
            "digit first)\n"
            ".env:4:3: error: the quote is never closed (add the closing \")\n");
  EXPECT_EQ(read("A=\"x\" y\n"),
            ".env:1:7: error: unexpected text after the closing quote (write quotes inside a "
            "quoted value as \\\")\n");
  EXPECT_EQ(read("A=x\0y\n"s),
            ".env:1:3: error: a value cannot hold a NUL character (remove it)\n");
}

TEST(Dotenv, PlacesFollowMultilineValues) {
  Diagnostics diagnostics;
  const auto entries = parse_dotenv("A='1\n2\n3' \nB=x\n bad\n", ".env", diagnostics);
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[1].place, (Place{4, 3, 1}));
  ASSERT_EQ(diagnostics.all().size(), 1u);
  EXPECT_EQ(diagnostics.all()[0].place, (Place{5, 2, 3}));
}

}  // namespace
}  // namespace duet::config
