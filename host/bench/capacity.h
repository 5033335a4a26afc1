// The highest rate at which an objective holds ("p99 < 20ms"), searched by trials. Pure.
//
// A trial is a stretch of open load at one rate. It passes when its quantile is below the limit. A
// rate holds when more than half of its trials pass and the share of slow requests in all of them
// is within the objective; it fails when more than half do not pass. The trial is the unit, because
// slow requests come in bursts: within one they are no independent evidence.
//
// Growth and bisection are steered by single trials and prove nothing: they give the middle, from
// which both ends are tested inwards, each rung (the logarithm of its ratio to the middle) a third
// as far as the one before, as long as they can be shown. Each rung has the sequential test of
// host/stats (log_e, theta = 1/2), which may be looked at after each trial. Rungs that are tested
// in a fixed order until one is not shown need no correction for their number (Maurer, Hothorn and
// Lehmacher, 1995: a true hypothesis is rejected only if the first one is). When already the first
// rung cannot be shown, another series begins further out; the k-th has alpha/2 * 6 / (pi k)^2, so
// that all of an end have at most alpha/2.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "host/base/clock.h"

namespace duet::bench {

struct Objective {
  double p = 0.99;
  Nanos limit = 0;  // the p-quantile of the latency is to be below it
};

struct Trial {
  std::uint64_t requests = 0;
  std::uint64_t slow = 0;  // not answered well below the limit: errors too
  bool lagged = false;     // the generator itself was late: that it fails says nothing
};

class CapacitySearch {
 public:
  static constexpr std::uint32_t kMostTrials = 400;  // it gives up then

  // `first`: where to begin, requests a second. `most`: no more is tried.
  CapacitySearch(const Objective& objective, double first, double most, double alpha = 0.05);

  bool done() const { return phase_ == Phase::kDone; }
  double next_rate() const { return rate_; }  // of the next trial; !done()
  void add(const Trial& trial);

  struct Bound {
    double rate = 0;
    std::uint32_t trials = 0, passed = 0;
    std::uint64_t requests = 0, slow = 0;
  };
  // What was shown, the lower one at a lower rate than the upper one. `holds`: nothing when not
  // even one request a second does, or it was ended before. `fails`: nothing when the generator was
  // the limit, `most` held, or it was ended before.
  const std::optional<Bound>& holds() const { return lower_.shown; }
  const std::optional<Bound>& fails() const { return upper_.shown; }
  bool limited_by_generator() const { return generator_limit_; }
  bool gave_up() const { return trials_ > kMostTrials; }
  std::uint32_t trials() const { return trials_; }

  // For the eyes of who waits: between which rates the end is looked for, as far as single trials
  // say (0: not known yet), and what the next trial is for: "growing", "testing the lower end".
  double low() const { return low_; }
  double high() const { return high_; }
  std::string_view doing() const;

 private:
  enum class Phase : std::uint8_t { kGrow, kShrink, kBisect, kTest, kDone };

  // One of the two ends of what is found.
  struct End {
    bool upper = false;
    std::optional<Bound> shown;
    double step = kFirstStep;  // how far its rung is from the middle
    std::uint32_t series = 1;
    bool outward = false;  // this series began with what another one could not show further in
    bool closed = false;
  };
  static constexpr double kFirstStep = 1.3;

  bool passes(const Trial& trial) const;
  void steer(bool passed);
  void bisect();
  double rung(const End& end) const;
  void next_test();
  void test();
  void shown();
  void not_shown();
  bool is_decided() const;
  void look_again();

  const Objective objective_;
  const double most_, alpha_;
  Phase phase_ = Phase::kGrow;
  double rate_;
  double low_ = 0, high_ = 0;  // as far as single trials say; 0: none yet
  double middle_ = 0;
  End lower_, upper_{.upper = true};
  End* end_ = nullptr;  // the one under test
  Bound tested_;        // its rung
  std::uint32_t lagged_ = 0, trials_ = 0, returns_ = 0;
  bool generator_limit_ = false;
};

}  // namespace duet::bench
