#include "host/bench/capacity.h"

#include <algorithm>
#include <cmath>

#include "host/stats/kernel.h"

namespace duet::bench {

namespace {

constexpr double kPrecision = 1.05;       // between the two ends
constexpr double kBack = 1.25;            // when a test says that an end is on the other side
constexpr double kStep = 1.08;            // when it does not say it clearly
constexpr double kLeast = 1;              // requests a second
constexpr double kConcentration = 1;      // of the test: decides after nine trials that agree
constexpr std::uint32_t kDissenters = 3;  // so many trials that disagree end a test as open
constexpr std::uint32_t kMostLagged = 5;  // in a row

}  // namespace

CapacitySearch::CapacitySearch(const Objective& objective, double first, double most, double alpha)
    : objective_(objective), most_(most), alpha_(alpha), rate_(std::min(first, most)) {}

std::string_view CapacitySearch::doing() const {
  switch (phase_) {
    case Phase::kGrow:
      return "growing";
    case Phase::kShrink:
      return "shrinking";
    case Phase::kBisect:
      return "narrowing";
    case Phase::kTestLow:
      return "testing the lower end";
    case Phase::kTestHigh:
      return "testing the upper end";
    default:
      return "settled";
  }
}

bool CapacitySearch::passes(const Trial& trial) const {
  return static_cast<double>(trial.slow) <=
         (1 - objective_.p) * static_cast<double>(trial.requests) + 1e-9;
}

bool CapacitySearch::share_is_met() const {
  return passes({tested_.requests, tested_.slow, false});
}

void CapacitySearch::add(const Trial& trial) {
  if (++trials_ > kMostTrials) {
    phase_ = Phase::kDone;
    return;
  }
  const bool passed = passes(trial);
  // That it passes although the generator was late is as good as any.
  if (trial.lagged && !passed) {
    if (++lagged_ < kMostLagged) return;  // once more
    lagged_ = 0;
    if (phase_ == Phase::kTestHigh) {
      generator_limit_ = true;
      phase_ = Phase::kDone;
      return;
    }
  } else {
    lagged_ = 0;
  }
  if (phase_ != Phase::kTestLow && phase_ != Phase::kTestHigh) {
    steer(passed);
    return;
  }
  ++tested_.trials;
  tested_.passed += passed ? 1 : 0;
  tested_.requests += trial.requests;
  tested_.slow += trial.slow;
  phase_ == Phase::kTestLow ? test_low() : test_high();
}

void CapacitySearch::steer(bool passed) {
  (passed ? low_ : high_) = rate_;
  if (phase_ == Phase::kGrow && passed && rate_ < most_) {
    rate_ = std::min(2 * rate_, most_);
  } else if (phase_ != Phase::kBisect && low_ == 0) {
    phase_ = Phase::kShrink;
    if (rate_ <= kLeast) {
      begin_test(Phase::kTestHigh, rate_);
    } else {
      rate_ = std::max(kLeast, rate_ / 2);
    }
  } else {
    bisect();
  }
}

void CapacitySearch::bisect() {
  phase_ = Phase::kBisect;
  if (high_ == 0 || high_ <= low_ * kPrecision) {
    // An end that was already tested stays as it was found, unless lower rates fail by now.
    if (holds_ && high_ > 0 && holds_->rate >= high_) holds_.reset();
    if (holds_ && holds_->rate >= low_) {
      begin_test(Phase::kTestHigh, high_);
    } else {
      begin_test(Phase::kTestLow, low_);
    }
    return;
  }
  rate_ = std::sqrt(low_ * high_);
}

void CapacitySearch::begin_test(Phase phase, double rate) {
  phase_ = phase;
  rate_ = rate;
  tested_ = {.rate = rate};
  ++tests_;
}

double CapacitySearch::log_e() const {
  return stats::log_e(tested_.passed, tested_.trials, 0.5, kConcentration);
}

// ln of the evidence that a test needs. The k-th one has alpha/2 * 6 / (pi k)^2 of the chance of
// error: all together have at most alpha/2.
double CapacitySearch::wanted() const {
  return std::log(static_cast<double>(tests_) * tests_ * M_PI * M_PI / (3 * alpha_));
}

// A higher rate that held before holds no more: the server, or the machine, has become slower.
void CapacitySearch::set_fails() {
  fails_ = tested_;
  if (holds_ && holds_->rate >= rate_) holds_.reset();
}

// Whether the rate under test holds. When it does not, the search goes on below it.
void CapacitySearch::test_low() {
  const std::uint32_t failed = tested_.trials - tested_.passed;
  const bool decided = log_e() >= wanted();
  if (decided && tested_.passed > failed && share_is_met()) {
    holds_ = tested_;
    if (fails_ && fails_->rate <= rate_) fails_.reset();  // it was slower then
    low_ = rate_;
    // The upper end was found already, or there is none: `most` holds.
    const bool found = fails_ && fails_->rate <= rate_ * kBack;
    if (high_ == 0 || found) {
      phase_ = Phase::kDone;
    } else {
      begin_test(Phase::kTestHigh, high_);
    }
    return;
  }
  if (failed < kDissenters) return;
  if (decided && failed > tested_.passed) set_fails();
  high_ = rate_;
  if (rate_ <= kLeast) {
    phase_ = Phase::kDone;
  } else if (tested_.passed > 0) {
    begin_test(Phase::kTestLow, std::max(kLeast, rate_ / kStep));
  } else {
    low_ = 0;
    phase_ = Phase::kShrink;
    rate_ = std::max(kLeast, rate_ / kBack);
  }
}

// Whether the rate under test fails. When it does not, the search goes on above it.
void CapacitySearch::test_high() {
  const std::uint32_t failed = tested_.trials - tested_.passed;
  if (log_e() >= wanted() && failed > tested_.passed) {
    set_fails();
    phase_ = Phase::kDone;
    return;
  }
  if (tested_.passed < kDissenters) return;
  low_ = rate_;
  if (rate_ >= most_) {
    high_ = 0;
    begin_test(Phase::kTestLow, rate_);
  } else if (failed > 0) {
    begin_test(Phase::kTestHigh, std::min(most_, rate_ * kStep));
  } else {
    high_ = 0;
    phase_ = Phase::kGrow;
    rate_ = std::min(most_, rate_ * kBack);
  }
}

}  // namespace duet::bench
