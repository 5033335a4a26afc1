#include "host/experiment/arrival_order.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace duet::experiment {
namespace {

class ArrivalOrderTest : public testing::Test {
 protected:
  // What is handed out, as text: "0:slow" or "0:fast" by a limit of 100, "0:ok", "0:failed".
  std::string hand_out(Nanos now) {
    std::string text;
    order_.hand_out(
        now, 100,
        [&](const Arrival& arrival, Nanos elapsed) {
          text += std::to_string(arrival.variant) + (elapsed > 100 ? ":slow " : ":fast ");
        },
        [&](const Arrival& arrival) {
          text += std::to_string(arrival.variant) + (arrival.failed ? ":failed " : ":ok ");
        });
    return text;
  }
  ArrivalOrder order_;
};

TEST_F(ArrivalOrderTest, ASlowRequestIsJudgedBeforeThoseAfterIt) {
  const auto slow = order_.add(0, 1, std::nullopt);
  const auto fast = order_.add(10, 2, std::nullopt);
  order_.finish(fast, {.total = 5, .failed = false});
  EXPECT_EQ(hand_out(50), "");  // 1 may still be fast
  EXPECT_EQ(hand_out(100), "");
  EXPECT_EQ(hand_out(101), "1:slow 2:fast ");  // how they ended is known of 2 only
  EXPECT_EQ(hand_out(500), "");
  order_.finish(slow, {.total = 600, .failed = true});
  EXPECT_EQ(hand_out(601), "1:failed 2:ok ");
  EXPECT_EQ(order_.waiting(), 0u);
}

TEST_F(ArrivalOrderTest, WhatHasEndedIsHandedOutAtOnce) {
  const auto first = order_.add(0, 1, 7);
  order_.finish(first, {.total = 3, .failed = false});
  EXPECT_EQ(hand_out(3), "1:fast 1:ok ");
  const auto second = order_.add(4, 2, 7);
  order_.finish(second, {.total = 200, .failed = false});
  EXPECT_EQ(hand_out(204), "2:slow 2:ok ");
}

TEST_F(ArrivalOrderTest, KeepsTheOrderOfAsManyAsThereAre) {
  std::vector<ArrivalOrder::Ticket> tickets;
  std::string expected;
  const auto served = [&](std::size_t ticket) {
    order_.finish(tickets[ticket], {.total = 1, .failed = false});
  };
  for (std::uint16_t round = 0; round < 3; ++round) {  // more each time, from a shifted beginning
    tickets.clear();
    expected.clear();
    const std::uint16_t many = 100 * (round + 1);
    for (std::uint16_t i = 0; i < many; ++i) tickets.push_back(order_.add(i, i, std::nullopt));
    for (std::uint16_t i = many; i-- > 1;) served(i);
    EXPECT_EQ(hand_out(50), "");
    served(0);
    for (std::uint16_t i = 0; i < many; ++i) expected += std::to_string(i) + ":fast ";
    for (std::uint16_t i = 0; i < many; ++i) expected += std::to_string(i) + ":ok ";
    EXPECT_EQ(hand_out(50), expected);
    EXPECT_EQ(order_.waiting(), 0u);
  }
}

}  // namespace
}  // namespace duet::experiment
