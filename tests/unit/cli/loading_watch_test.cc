// What is said about handlers that load for long.
#include "host/cli/loading_watch.h"

#include <gtest/gtest.h>

#include <future>
#include <string>
#include <utility>

namespace duet::cli {
namespace {

TEST(LoadingWatchTest, NamesThoseThatAreStillLoading) {
  std::promise<std::string> said;
  bool once = false;  // of the watch's thread
  LoadingWatch watch(20 * kMillisecond, [&](const std::string& names, Nanos lasted) {
    EXPECT_GE(lasted, 20 * kMillisecond);
    if (!std::exchange(once, true)) said.set_value(names);
  });
  watch.began("quick.mjs");
  watch.ended("quick.mjs");
  watch.began("slow.mjs");
  watch.began("slow.py");
  EXPECT_EQ(said.get_future().get(), "slow.mjs, slow.py");
}

TEST(LoadingWatchTest, GoesOnSayingIt) {
  std::promise<void> thrice;
  int times = 0;  // of the watch's thread
  LoadingWatch watch(kMillisecond, [&](const std::string&, Nanos) {
    if (++times == 3) thrice.set_value();
  });
  watch.began("slow.mjs");
  thrice.get_future().get();
}

TEST(LoadingWatchTest, EndsAtOnce) {
  const Nanos before = now();
  {
    const LoadingWatch watch(3600 * kSecond, [](const std::string&, Nanos) { FAIL(); });
  }
  EXPECT_LT(now() - before, 60 * kSecond);
}

}  // namespace
}  // namespace duet::cli
