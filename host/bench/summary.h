// What the requests of one arm say: counts and quantiles. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "host/bench/sample.h"
#include "host/bench/schedule.h"

namespace duet::bench {

// The quantiles that are reported.
inline constexpr double kQuantiles[] = {0.5, 0.9, 0.99, 0.999, 1};

// The rounds of a run that count.
struct Rounds {
  std::uint32_t first = 0, end = 0;  // [first, end)
  bool contains(std::uint32_t round) const { return round >= first && round < end; }
  std::uint32_t count() const { return end > first ? end - first : 0; }
};

// Those that begin after the warm-up and that were run to their end: by `sent_until` every request
// of theirs had been sent, and its outcome is known. So what an interrupted run cut off, the
// slowest answers first, leaves no trace in a figure.
Rounds measured_rounds(const Schedule& schedule, Nanos warmup, Nanos sent_until);

struct Summary {
  std::uint64_t requests = 0;    // that were due; what was never due counts nowhere
  std::uint64_t answered = 0;    // with any status
  std::uint64_t bad_status = 0;  // of those, with 400 or above
  std::uint64_t unsent = 0;      // no connection was free within the patience
  std::uint64_t lost = 0;        // the sum of the four below
  std::uint64_t refused = 0, closed = 0, not_http = 0, timeouts = 0;
  std::uint64_t changed = 0;  // answered otherwise than at first
  // When the first of the requests was due that, to the last one, have no answer, if they are ten
  // or more and there were answers before: since the start of the run.
  Nanos silent_from = kNever;

  // Ascending, of what was answered: from the intended time; from sending; waiting for a
  // connection; and the generator's own lateness, which is in `latency` and of which nothing is
  // subtracted.
  std::vector<Nanos> latency, service, queueing;
  std::vector<Nanos> lag;        // of all that were due
  std::vector<Nanos> undelayed;  // latency - lag, to see what the lag does to a quantile
  Nanos loaded = 0;              // the time in which they were answered: see answering_times()
  // An open load came faster than it could be answered: half of the requests, or more, waited
  // longer for a connection than one takes to answer. Their latency grows with the run, what they
  // took of the processor lies outside of their rounds, and `loaded` lasts until they were
  // answered.
  bool beyond_reach = false;

  // The latency that a share p of the requests did not exceed (nearest rank). A request without an
  // answer is slower than any: kNever when the quantile lies among those, or nothing was due.
  Nanos latency_at(double p) const;
  // Whether the generator's lag makes up more than 5% of that quantile: it is then no figure of the
  // server.
  bool lagged_at(double p) const;
};

Summary summarize(const Schedule& schedule, std::uint16_t arm, Rounds rounds);

// By round: how long it took to answer what was sent, in nanoseconds. That is a block's length; of
// a closed loop it is longer by the mean latency. At the end of a block all connections wait for
// answers, which count too, and so many come in that time (Little's law).
std::vector<double> answering_times(const Schedule& schedule, std::uint16_t arm, Rounds rounds);
// Of all rounds.
Summary summarize(const Schedule& schedule, std::uint16_t arm);

// The nearest-rank quantile of ascending values, of which `beyond` more are larger than all. kNever
// when it lies among those, or there are no values.
Nanos quantile_of(std::span<const Nanos> ascending, double p, std::uint64_t beyond = 0);

}  // namespace duet::bench
