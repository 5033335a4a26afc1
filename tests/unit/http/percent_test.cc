#include "host/http/percent.h"

#include <gtest/gtest.h>

namespace duet::http {
namespace {

std::string decoded(std::string_view text, bool plus_is_space = false) {
  std::string out = ">";  // appended to, not replaced
  append_percent_decoded(out, text, plus_is_space);
  return out;
}

TEST(Percent, Decodes) {
  EXPECT_EQ(decoded(""), ">");
  EXPECT_EQ(decoded("abc"), ">abc");
  EXPECT_EQ(decoded("%41%62%7e"), ">Ab~");
  EXPECT_EQ(decoded("a%2Fb%2fc"), ">a/b/c");
  EXPECT_EQ(decoded("%C3%A4"), ">\xc3\xa4");
  EXPECT_EQ(decoded("%00"), std::string(">\0", 2));
  EXPECT_EQ(decoded("%2541"), ">%41");  // once
  EXPECT_EQ(decoded("a+b"), ">a+b");
  EXPECT_EQ(decoded("a+b%2B+", true), ">a b+ ");
}

TEST(Percent, LeavesWhatIsMalformed) {
  EXPECT_EQ(decoded("%"), ">%");
  EXPECT_EQ(decoded("%4"), ">%4");
  EXPECT_EQ(decoded("%zz%4x%%41"), ">%zz%4x%A");
  EXPECT_FALSE(well_formed_percent("a%4"));
  EXPECT_FALSE(well_formed_percent("%g0"));
  EXPECT_TRUE(well_formed_percent("%aB%00"));
  EXPECT_TRUE(well_formed_percent(""));
}

std::string pairs(std::string_view query) {
  std::string text;
  for (QueryReader reader(query); reader.next();) {
    text.append("(").append(reader.name()).append(",").append(reader.value()).append(")");
  }
  return text;
}

TEST(Query, ReadsPairs) {
  EXPECT_EQ(pairs(""), "");
  EXPECT_EQ(pairs("a=1&b=2"), "(a,1)(b,2)");
  EXPECT_EQ(pairs("a&b=&=c&&d=e=f&"), "(a,)(b,)(,c)(d,e=f)");
  EXPECT_EQ(pairs("a%26b=c+d%3D&a%26b=2"), "(a&b,c d=)(a&b,2)");
  EXPECT_EQ(pairs("&&&"), "");
}

}  // namespace
}  // namespace duet::http
