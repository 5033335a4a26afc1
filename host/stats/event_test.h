// One guardrail's evidence: events of two arms, request by request in arrival order, made into the
// test of stages.h. What can fool that test is dealt with here: bursts (burst_filter.h), repeated
// keys (each counts with its first event only) and changing weights (stages).
//
// A guardrail that acts uses nothing else. Counting costs some nanoseconds; the evidence is
// computed when asked for. Not thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "host/stats/burst_filter.h"
#include "host/stats/distinct_keys.h"
#include "host/stats/stages.h"

namespace duet::stats {

class EventTest {
 public:
  struct Options {
    double alpha = 0.05;  // of this test: several guardrails divide theirs
    // How many events the prior counts for; 0: tuned for kTunedEvents at this alpha.
    double c = 0;
    std::uint32_t gap = BurstFilter::kGap;
    std::uint32_t burst_limit = BurstFilter::kLimit;
    std::size_t most_keys = std::size_t{1} << 16;  // with events; beyond, a sample of keys counts
  };
  // What it takes to tell a rate from its double.
  static constexpr double kTunedEvents = 100;

  enum class Arm : std::uint8_t { kA = 0, kB = 1 };

  explicit EventTest(const Options& options);

  // From the next request on arm b has this share of the requests of both; 0 < share_b < 1. Call
  // before the first request, and whenever the weights change.
  void begin_stage(double share_b);

  // The next request. `key`: the hash of its assignment key; none: each request is one of its own.
  // Whether it counts: an event, outside a burst, and the first of its key.
  bool add(Arm arm, bool event, std::optional<std::uint64_t> key = std::nullopt) {
    return filter_.add(static_cast<unsigned>(arm), event) && count(arm, key);
  }

  // The next `number` requests are of that arm, and none of them is an event.
  void add_uneventful(Arm arm, std::uint64_t number) {
    filter_.add_uneventful(static_cast<unsigned>(arm), number);
  }

  // The arm is in no burst of events: what comes next of it is as usual.
  bool calm(Arm arm) const { return filter_.calm(static_cast<unsigned>(arm)); }

  // ln of the evidence now. Looking also remembers the highest so far.
  double look();
  // Whether any look has found enough evidence for this alpha, on either side.
  bool called() const { return highest_ >= enough_; }
  // Whether the present look does, and arm b is on the bad side: more events than its share.
  bool called_against_b() const;
  // min over time of 1/evidence, at most 1.
  double p_value() const;
  // Of b's rate over a's, at confidence 1 - alpha.
  Interval ratio() const { return rate_ratio_interval(stages_, c_, alpha_); }

  const std::vector<Stage>& stages() const { return stages_; }
  double c() const { return c_; }
  double alpha() const { return alpha_; }

  // Continues where another process stopped; `stages` as those of stages().
  void restore(std::vector<Stage> stages, double highest,
               const std::array<BurstFilter::Arm, 2>& arms);
  const std::array<BurstFilter::Arm, 2>& arms() const { return filter_.arms(); }
  // A key whose first event is in these stages already.
  void restore_key(std::uint64_t key) { with_event_.add(key, 0); }
  double highest() const { return highest_; }

 private:
  bool count(Arm arm, std::optional<std::uint64_t> key);

  double alpha_, c_, enough_;
  BurstFilter filter_;
  DistinctKeys with_event_;
  std::vector<Stage> stages_;
  double now_ = 0;
  double highest_ = 0;
};

}  // namespace duet::stats
