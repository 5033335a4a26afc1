#include "host/experiment/clock_watch.h"

#include <gtest/gtest.h>

namespace duet::experiment {
namespace {

TEST(ClockWatch, SaysAJumpOnceAndWhichWay) {
  ClockWatch watch;
  EXPECT_FALSE(watch.look(1000, 7 * kSecond)) << "there is nothing to compare with yet";
  EXPECT_FALSE(watch.look(1060, 67 * kSecond));
  EXPECT_FALSE(watch.look(1064.9, 68 * kSecond)) << "a step of 3.9 s";
  const auto forward = watch.look(4665.9, 69 * kSecond);
  ASSERT_TRUE(forward);
  EXPECT_NEAR(*forward, 3600, 1e-6);
  EXPECT_FALSE(watch.look(4666.9, 70 * kSecond));
  const auto back = watch.look(1066.9, 70 * kSecond);
  ASSERT_TRUE(back);
  EXPECT_NEAR(*back, -3600, 1e-6);
}

}  // namespace
}  // namespace duet::experiment
