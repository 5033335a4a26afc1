#include "host/bench/capacity.h"

#include <algorithm>
#include <cmath>

#include "host/stats/kernel.h"

namespace duet::bench {

namespace {

constexpr double kPrecision = 1.05;       // what bisection narrows to, and the last rungs are apart
constexpr double kNearer = 1.0 / 3;       // the power of a step that gives the next one inwards
constexpr double kFurther = 1.5;          // and outwards
constexpr double kBack = 1.25;            // to where the middle is looked for anew
constexpr std::uint32_t kReturns = 2;     // so often
constexpr double kLeast = 1;              // requests a second
constexpr double kConcentration = 1;      // of the test: decides after nine trials that agree
constexpr std::uint32_t kDissenters = 3;  // so many trials that disagree end a test
constexpr std::uint32_t kMostLagged = 5;  // in a row

bool is_too_fine(double step) { return step * step < kPrecision; }

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
    case Phase::kTest:
      return end_->upper ? "testing the upper end" : "testing the lower end";
    default:
      return "settled";
  }
}

bool CapacitySearch::passes(const Trial& trial) const {
  return static_cast<double>(trial.slow) <=
         (1 - objective_.p) * static_cast<double>(trial.requests) + 1e-9;
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
    if (phase_ == Phase::kTest && end_->upper) {
      generator_limit_ = true;
      end_->closed = true;
      next_test();
      return;
    }
  } else {
    lagged_ = 0;
  }
  if (phase_ != Phase::kTest) {
    steer(passed);
    return;
  }
  ++tested_.trials;
  tested_.passed += passed ? 1 : 0;
  tested_.requests += trial.requests;
  tested_.slow += trial.slow;
  test();
}

void CapacitySearch::steer(bool passed) {
  (passed ? low_ : high_) = rate_;
  if (phase_ == Phase::kGrow && passed && rate_ < most_) {
    rate_ = std::min(2 * rate_, most_);
  } else if (phase_ != Phase::kBisect && !passed && low_ == 0 && rate_ > kLeast) {
    phase_ = Phase::kShrink;
    rate_ = std::max(kLeast, rate_ / 2);
  } else {
    bisect();
  }
}

void CapacitySearch::bisect() {
  phase_ = Phase::kBisect;
  if (low_ > 0 && high_ > low_ * kPrecision) {
    rate_ = std::sqrt(low_ * high_);
    return;
  }
  // The ends of the scale are their own rungs.
  middle_ = high_ == 0  ? most_ * kFirstStep
            : low_ == 0 ? kLeast / kFirstStep
                        : std::sqrt(low_ * high_);
  next_test();
}

double CapacitySearch::rung(const End& end) const {
  return std::clamp(end.upper ? middle_ * end.step : middle_ / end.step, kLeast, most_);
}

// The ends take turns, so that there is an interval early.
void CapacitySearch::next_test() {
  for (End* end : {&lower_, &upper_}) {
    // Nearer to the middle than what is shown already.
    const auto is_new = [&] {
      const double rate = rung(*end);
      return !end->shown || (end->upper ? rate < end->shown->rate : rate > end->shown->rate);
    };
    while (!is_too_fine(end->step) && !is_new()) end->step = std::pow(end->step, kNearer);
    end->closed = end->closed || is_too_fine(end->step);
  }
  if (lower_.closed && upper_.closed) {
    phase_ = Phase::kDone;
    return;
  }
  end_ = upper_.closed || (!lower_.closed && lower_.step >= upper_.step) ? &lower_ : &upper_;
  phase_ = Phase::kTest;
  rate_ = rung(*end_);
  tested_ = {.rate = rate_};
}

// Whether what the trials of this rung say together cannot be chance.
bool CapacitySearch::is_decided() const {
  const double wanted =
      std::log(static_cast<double>(end_->series) * end_->series * M_PI * M_PI / (3 * alpha_));
  return stats::log_e(tested_.passed, tested_.trials, 0.5, kConcentration) >= wanted;
}

void CapacitySearch::test() {
  const std::uint32_t failed = tested_.trials - tested_.passed;
  const std::uint32_t agree = end_->upper ? failed : tested_.passed;
  const bool share_is_met = passes({tested_.requests, tested_.slow, false});
  if (agree > tested_.trials - agree && is_decided() && (end_->upper || share_is_met)) {
    shown();
  } else if (tested_.trials - agree >= kDissenters) {
    not_shown();
  }
}

void CapacitySearch::shown() {
  end_->shown = tested_;
  end_->step = std::pow(end_->step, kNearer);
  end_->closed = end_->outward;
  End& other = end_->upper ? lower_ : upper_;
  if (other.shown && lower_.shown->rate >= upper_.shown->rate) {
    // The server, or the machine, has become another one.
    other = {.upper = other.upper, .series = other.series + 1};
  }
  next_test();
}

void CapacitySearch::not_shown() {
  const bool at_the_end_of_the_scale = rate_ == (end_->upper ? most_ : kLeast);
  if (end_->shown || at_the_end_of_the_scale) {
    end_->closed = true;
    next_test();
    return;
  }
  ++end_->series;
  const bool unanimous = tested_.passed == (end_->upper ? tested_.trials : 0);
  if (unanimous && returns_ < kReturns) {
    ++returns_;
    look_again();
  } else {
    end_->outward = true;
    end_->step = std::pow(end_->step, kFurther);
    next_test();
  }
}

// The rate under test is on the other side of what is looked for.
void CapacitySearch::look_again() {
  lower_.step = upper_.step = kFirstStep;
  end_->outward = false;
  if (end_->upper) {
    phase_ = Phase::kGrow;
    low_ = rate_;
    high_ = 0;
    rate_ = std::min(most_, rate_ * kBack);
  } else {
    phase_ = Phase::kShrink;
    high_ = rate_;
    low_ = 0;
    rate_ = std::max(kLeast, rate_ / kBack);
  }
}

}  // namespace duet::bench
