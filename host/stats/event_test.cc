#include "host/stats/event_test.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "host/base/check.h"
#include "host/stats/kernel.h"

namespace duet::stats {

EventTest::EventTest(const Options& options)
    : alpha_(options.alpha),
      c_(options.c > 0 ? options.c : std::max(1.0, concentration(kTunedEvents, options.alpha))),
      enough_(-std::log(options.alpha)),
      filter_(options.gap, options.burst_limit),
      with_event_(options.most_keys) {
  DUET_CHECK(alpha_ > 0 && alpha_ < 1);
}

void EventTest::begin_stage(double share_b) {
  DUET_CHECK(share_b > 0 && share_b < 1);
  if (!stages_.empty() && stages_.back().share_b == share_b) return;
  if (!stages_.empty() && stages_.back().all == 0) stages_.pop_back();
  stages_.push_back({share_b, 0, 0});
}

bool EventTest::count(Arm arm, std::optional<std::uint64_t> key) {
  DUET_CHECK(!stages_.empty());
  if (key && with_event_.add(*key, 0) != DistinctKeys::Seen::kFirst) return false;
  stages_.back().all += 1;
  if (arm == Arm::kB) stages_.back().b += 1;
  return true;
}

double EventTest::look() {
  now_ = stages_log_e(stages_, c_);
  highest_ = std::max(highest_, now_);
  return now_;
}

bool EventTest::called_against_b() const {
  if (now_ < enough_) return false;
  double expected = 0;
  double b = 0;
  for (const Stage& stage : stages_) {
    expected += stage.share_b * stage.all;
    b += stage.b;
  }
  return b > expected;
}

double EventTest::p_value() const { return std::exp(-highest_); }

void EventTest::restore(std::vector<Stage> stages, double highest,
                        const std::array<BurstFilter::Arm, 2>& arms) {
  stages_ = std::move(stages);
  filter_.restore(arms);
  now_ = stages_log_e(stages_, c_);
  highest_ = highest;
}

}  // namespace duet::stats
