#include "host/measure/server_timing.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace duet::measure
