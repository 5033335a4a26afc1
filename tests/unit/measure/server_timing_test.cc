#include "host/measure/server_timing.h"

#include <gtest/gtest.h>

#include <set>

namespace duet::measure {
namespace {

TEST(ServerTiming, ListsThePhasesSoFarInMilliseconds) {
  Timeline timeline;
  timeline.begin(0, false);
  timeline.set(Phase::kParse, 12'000);
  timeline.clear(Phase::kParse, 14'000);
  timeline.run(14'000);
  timeline.add_gc(100'000);
  EXPECT_EQ(format_server_timing(timeline, 1'218'000),
            "queue;dur=0.012, parse;dur=0.002, run;dur=1.204, gc;dur=0.100, total;dur=1.218");
  EXPECT_EQ(timeline.last(), 14'000) << "the timeline goes on as it was";
  EXPECT_TRUE(timeline.is(Phase::kRun));
}

constexpr std::string_view kGood = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

TEST(TraceContext, IsReadAndPassedOnWithAnotherSpan) {
  const auto context = parse_traceparent(kGood);
  ASSERT_TRUE(context);
  EXPECT_EQ(context->trace_high, 0x4bf92f3577b34da6u);
  EXPECT_EQ(context->trace_low, 0xa3ce929d0e0e4736u);
  EXPECT_EQ(context->parent, 0x00f067aa0ba902b7u);
  EXPECT_TRUE(context->sampled);
  EXPECT_EQ(format_traceparent(*context, 0x0123),
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000123-01");
  EXPECT_EQ(format_traceparent(*context, context->parent), kGood);
}

TEST(TraceContext, OfALaterVersionIsReadAsFarAsItIsKnown) {
  EXPECT_TRUE(parse_traceparent("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"));
  EXPECT_TRUE(parse_traceparent("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00-what"));
  EXPECT_FALSE(parse_traceparent("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00.what"));
  const auto unsampled =
      parse_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-02");
  ASSERT_TRUE(unsampled);
  EXPECT_FALSE(unsampled->sampled);
}

TEST(TraceContext, ThatIsMalformedIsIgnored) {
  for (const std::string_view bad : {
           std::string_view(""),
           std::string_view("00"),
           kGood.substr(0, 54),
           std::string_view("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
           std::string_view("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"),
           std::string_view("00-00000000000000000000000000000000-00f067aa0ba902b7-01"),
           std::string_view("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01"),
           std::string_view("00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01"),
           std::string_view("00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01"),
           std::string_view("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0x"),
           std::string_view("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x"),
       }) {
    EXPECT_FALSE(parse_traceparent(bad)) << bad;
  }
}

TEST(TraceContext, SpansAreNewEachTime) {
  std::set<std::uint64_t> spans;
  for (int i = 0; i < 1000; ++i) spans.insert(new_span_id());
  EXPECT_EQ(spans.size(), 1000u);
  EXPECT_EQ(spans.count(0), 0u);
}

}  // namespace
}  // namespace duet::measure
