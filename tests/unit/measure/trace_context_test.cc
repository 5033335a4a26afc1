#include "host/measure/trace_context.h"

#include <gtest/gtest.h>

#include <set>

namespace duet::measure {
namespace {

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

TEST(TraceContext, ARequestHasOneSpanWhoeverAsks) {
  const auto context = parse_traceparent(kGood);
  std::set<std::uint64_t> spans;
  for (std::uint64_t arrival = 1; arrival < 100; ++arrival) {
    for (std::uint64_t exchange = 0; exchange < 10; ++exchange) {
      spans.insert(span_id_of(*context, arrival, exchange));
      EXPECT_EQ(span_id_of(*context, arrival, exchange), span_id_of(*context, arrival, exchange));
    }
  }
  EXPECT_EQ(spans.size(), 990u);
}

TEST(TraceContext, SpansAreNewEachTime) {
  std::set<std::uint64_t> spans;
  for (int i = 0; i < 1000; ++i) spans.insert(new_span_id());
  EXPECT_EQ(spans.size(), 1000u);
  EXPECT_EQ(spans.count(0), 0u);
}

}  // namespace
}  // namespace duet::measure
