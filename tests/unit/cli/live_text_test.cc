// The picture of what goes on, in rooms of any size.
#include "host/cli/live_text.h"

#include <gtest/gtest.h>

#include "host/base/wrap.h"

namespace duet::cli {
namespace {

LivePicture picture() {
  return {.doing = "measuring",
          .share = 0.5,
          .left = "4.3 s left",
          .rows = {{"a.mjs", {"p50 81 µs", "p99 1.2 ms", "2,512 answered"}, 0.5, ""},
                   {"b.py", {"p50 162 µs", "p99 3.1 ms", "2,498 answered"}, 1, "3 failed"}}};
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "|\n";
  return text;
}

TEST(LiveText, AllOfItWhereThereIsRoom) {
  EXPECT_EQ(joined(live_lines(picture(), {.columns = 80, .rows = 24})),
            "measuring  ███████████████░░░░░░░░░░░░░░░   50%  4.3 s left|\n"
            "  a.mjs   p50 81 µs  p99 1.2 ms  2,512 answered  ██████████          |\n"
            "  b.py   p50 162 µs  p99 3.1 ms  2,498 answered  ████████████████████  3 failed|\n");
}

TEST(LiveText, LessOfItWhereThereIsLess) {
  EXPECT_EQ(joined(live_lines(picture(), {.columns = 45, .rows = 24})),
            "measuring  ███████▌░░░░░░░   50%  4.3 s left|\n"
            "  a.mjs   p50 81 µs  p99 1.2 ms|\n"
            "  b.py   p50 162 µs  p99 3.1 ms  3 failed|\n");
  EXPECT_EQ(joined(live_lines(picture(), {.columns = 24, .rows = 24})),
            "measuring   50%  4.3 s…|\n"
            "  a.mjs|\n"
            "  b.py   3 failed|\n");
}

TEST(LiveText, NoLineIsWiderThanItsRoomAndNoPictureHigher) {
  LivePicture large = picture();
  large.rows[0].name = "a name that is longer than many a window is wide, and then some more";
  for (int i = 0; i < 20; ++i) large.rows.push_back(large.rows[1]);
  for (std::size_t columns = 1; columns < 130; ++columns) {
    for (const std::size_t rows : {1u, 2u, 3u, 5u, 24u, 50u}) {
      for (const bool color : {false, true}) {
        const auto lines = live_lines(large, {columns, rows, color});
        EXPECT_LE(lines.size(), std::max<std::size_t>(rows, 2) - 1);
        for (const std::string& line : lines) {
          EXPECT_LE(width_of(line), std::max<std::size_t>(columns, 2) - 1) << line;
        }
      }
    }
  }
  const auto few = live_lines(large, {.columns = 80, .rows = 5});
  EXPECT_EQ(few.back(), "  and 20 more");
}

TEST(LiveText, ColorsTakeNoRoom) {
  const auto plain = live_lines(picture(), {.columns = 80, .rows = 24});
  const auto colored = live_lines(picture(), {.columns = 80, .rows = 24, .color = true});
  ASSERT_EQ(plain.size(), colored.size());
  for (std::size_t i = 0; i < plain.size(); ++i) {
    EXPECT_NE(plain[i], colored[i]);
    EXPECT_EQ(width_of(colored[i]), width_of(plain[i]));
  }
  EXPECT_NE(colored[2].find("\x1b[31m3 failed\x1b[0m"), std::string::npos) << colored[2];
}

}  // namespace
}  // namespace duet::cli
