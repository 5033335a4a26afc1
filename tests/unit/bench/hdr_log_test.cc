#include "host/bench/hdr_log.h"

#include <gtest/gtest.h>

namespace duet::bench {
namespace {

// Two rounds of two arms; arm a's latencies are 1, 2, ... ms, arm b's ten times that, and the last
// request of each block has no answer.
Schedule schedule() {
  Schedule made;
  made.rounds = 2;
  for (std::uint32_t i = 0; i < 4; ++i) {
    const auto arm = static_cast<std::uint16_t>(i % 2);
    made.blocks.push_back({arm, i / 2, i * kSecond, i * kSecond + 500 * kMillisecond});
    for (int k = 1; k <= 101; ++k) {
      Sample sample;
      sample.due = sample.tried = sample.sent = made.blocks.back().from;
      sample.arm = arm;
      sample.block = i;
      sample.outcome = k <= 100 ? Outcome::kAnswered : Outcome::kTimeout;
      if (k <= 100) sample.done = sample.due + k * (arm == 0 ? 1 : 10) * kMillisecond;
      made.samples.push_back(sample);
    }
  }
  return made;
}

TEST(HdrLog, ComesBackBlockByBlock) {
  const auto text = hdr_log(schedule(), 1, {0, 2}, 1'700'000'000 * kSecond);
  ASSERT_TRUE(text);
  EXPECT_NE(text->find("#[StartTime: 1700000000.000 (seconds since epoch), 2023-11-14T22:13:20Z]"),
            std::string::npos)
      << *text;
  const auto intervals = read_hdr_log(*text);
  ASSERT_TRUE(intervals) << intervals.error().to_string();
  ASSERT_EQ(intervals->size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    const LogInterval& one = (*intervals)[i];
    EXPECT_EQ(one.from, static_cast<Nanos>(2 * i + 1) * kSecond);
    EXPECT_EQ(one.length, 500 * kMillisecond);
    ASSERT_EQ(one.counts.size(), 100u);
    for (std::size_t k = 0; k < 100; ++k) {
      const double truth = static_cast<double>(k + 1) * 10 * kMillisecond;
      EXPECT_NEAR(static_cast<double>(one.counts[k].first) / truth, 1, 0.001);
      EXPECT_EQ(one.counts[k].second, 1u);
    }
  }
}

TEST(HdrLog, HasTheRoundsThatCountAndAnEmptyBlock) {
  Schedule made = schedule();
  for (Sample& sample : made.samples) {
    if (sample.block == 2) sample.outcome = Outcome::kClosed;
  }
  const auto intervals = read_hdr_log(*hdr_log(made, 0, {1, 2}, 0));
  ASSERT_TRUE(intervals && intervals->size() == 1);
  EXPECT_TRUE(intervals->front().counts.empty());
}

// 1 ms, 2 ms twice and 750 ms, as hdr-histogram-js 3.0 and the hdrhistogram of Python encode them.
TEST(HdrLog, WhatOtherToolsWriteIsRead) {
  for (const std::string encoded :
       {"HISTFAAAADF4nJNpmSzMwMDAzcDAwMjAwMDMAAGMDAzMbgY7FjDA+AfXMTL95Wd53s7IBACFuwcc",
        "HISTFAAAACx4nJNpmSzMwMDAzQABzFCaEch0M9ixgMH+A0Tg4DpGpr/8LM/bGZkAmxQISQ=="}) {
    const auto intervals =
        read_hdr_log("#[Histogram log format version 1.3]\n1.500,0.250,750.000," + encoded + "\n");
    ASSERT_TRUE(intervals) << intervals.error().to_string();
    ASSERT_EQ(intervals->size(), 1u);
    const LogInterval& one = intervals->front();
    EXPECT_EQ(one.from, 1500 * kMillisecond);
    EXPECT_EQ(one.length, 250 * kMillisecond);
    ASSERT_EQ(one.counts.size(), 3u);
    const std::pair<double, std::uint64_t> wanted[] = {{1e6, 1}, {2e6, 2}, {750e6, 1}};
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_NEAR(static_cast<double>(one.counts[i].first) / wanted[i].first, 1, 0.001);
      EXPECT_EQ(one.counts[i].second, wanted[i].second);
    }
  }
}

TEST(HdrLog, WhatIsNoneIsRefusedWithItsLine) {
  const std::string good = *hdr_log(schedule(), 0, {0, 1}, 0);
  const std::string histogram = good.substr(good.rfind(','));
  ASSERT_TRUE(read_hdr_log("9e9,0,0" + histogram));
  const std::string bad[] = {"nan,2.0,3.0" + histogram,
                             "1.0,inf,3.0" + histogram,
                             "-1.0,2.0,3.0" + histogram,
                             "1.0,1e30,3.0" + histogram,
                             good + "1.0,2.0,3.0,notahistogram\n",
                             good + "hello\n",
                             good + "1.0,2.0,3.0,\n",
                             good + "1.0,2.0\n",
                             good.substr(0, good.size() - 40)};
  for (const std::string& text : bad) {
    const auto read = read_hdr_log(text);
    ASSERT_FALSE(read) << text;
    EXPECT_TRUE(read.error().where.starts_with("line ")) << read.error().where;
  }
}

}  // namespace
}  // namespace duet::bench
