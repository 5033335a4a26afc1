#include "host/config/suggest.h"

#include <gtest/gtest.h>

#include <string_view>

namespace duet::config {
namespace {

TEST(EditDistance, CountsEdits) {
  EXPECT_EQ(edit_distance("", ""), 0u);
  EXPECT_EQ(edit_distance("abc", ""), 3u);
  EXPECT_EQ(edit_distance("adress", "address"), 1u);
  EXPECT_EQ(edit_distance("hanlder", "handler"), 1u) << "two neighbours swapped are one edit";
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
}

TEST(Nearest, FindsWhatWasMeant) {
  constexpr std::string_view kKeys[] = {"listen", "admin", "deadline", "body_limit", "env"};
  EXPECT_EQ(nearest("lisen", kKeys), "listen");
  EXPECT_EQ(nearest("Listen", kKeys), "listen");
  EXPECT_EQ(nearest("dead-line", kKeys), "deadline");
  EXPECT_EQ(nearest("body-limit", kKeys), "body_limit");
  EXPECT_EQ(nearest("evn", kKeys), "env");
}

TEST(Nearest, DoesNotGuessWildly) {
  constexpr std::string_view kKeys[] = {"listen", "env", "py"};
  EXPECT_EQ(nearest("workers", kKeys), "");
  EXPECT_EQ(nearest("js", kKeys), "");
  EXPECT_EQ(nearest("", kKeys), "");
  EXPECT_EQ(nearest(std::string(5000, 'x'), kKeys), "");
}

TEST(OneOf, ListsWords) {
  constexpr std::string_view kWords[] = {"auto", "text", "json"};
  EXPECT_EQ(one_of(kWords), "auto, text or json");
  EXPECT_EQ(one_of(std::span(kWords).first(1)), "auto");
}

}  // namespace
}  // namespace duet::config
