// Which processors --pin means, and that a thread stays on them.
#include "host/bench/pinning.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <thread>

namespace duet::bench {
namespace {

const Processors kFour = {0, 1, 2, 5};

std::string parsed(std::string_view text, const Processors& usable = kFour) {
  const auto pinning = parse_pinning(text, usable);
  if (!pinning) return pinning.error().message;
  return to_string(pinning->servers) + " and " + to_string(pinning->generator);
}

TEST(Pinning, IsAListForTheServersAndOneForTheGenerator) {
  EXPECT_EQ(parsed("0/1"), "0 and 1");
  EXPECT_EQ(parsed("0-2/5"), "0-2 and 5");
  EXPECT_EQ(parsed("5,0,0-1/2"), "0,1,5 and 2");
}

TEST(Pinning, WithoutListsTheFirstTwoUsableAreTaken) {
  EXPECT_EQ(parsed(""), "0 and 1");
  EXPECT_EQ(parsed("", {3, 7, 9}), "3 and 7");
  EXPECT_EQ(parsed("", {3}), "--pin '': it takes two processors, and one may be used");
}

TEST(Pinning, WhatCannotBeDoneIsSaid) {
  EXPECT_EQ(parsed("0"), "--pin '0': there is no /");
  for (const char* text : {"/", "0/", "/1", "a/1", "0/1x", "0,/1", "2-0/1", "-1/0", "0-/1", "0/-1",
                           "0/99999999999", "0-1000000/1", "0//1"}) {
    EXPECT_EQ(parsed(text), "--pin '" + std::string(text) + "': these are no processors") << text;
  }
  EXPECT_EQ(parsed("0/3"), "--pin '0/3': processor 3 may not be used, 0-2,5 may");
  EXPECT_EQ(parsed("0-2/2"),
            "--pin '0-2/2': the generator would share processor 2 with the servers");
}

TEST(Pinning, AThreadStaysWhereItIsPut) {
  const Processors usable = usable_processors();
  ASSERT_FALSE(usable.empty());
  std::thread([&] {
    ASSERT_EQ(stay_on({usable.back()}), 0);
    EXPECT_EQ(usable_processors(), Processors{usable.back()});
    EXPECT_EQ(sched_getcpu(), usable.back());
  }).join();
  EXPECT_EQ(usable_processors(), usable);
}

}  // namespace
}  // namespace duet::bench
