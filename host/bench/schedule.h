// When each request of a run is meant to leave: decided before the run, from a seed. Pure.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include "host/base/result.h"
#include "host/bench/sample.h"

namespace duet::bench {

enum class Arrivals : std::uint8_t {
  kConstant,  // at even distances
  kPoisson,   // at random, as of many independent users
  kReplay,    // as recorded
  kClosed,    // each connection asks when it has been answered: no intended times, no rate
};
std::string_view arrivals_name(Arrivals arrivals);  // "constant", "poisson", "replay", …

// Arms have their turns in blocks, each once a round, in random order.
struct ScheduleOptions {
  Arrivals arrivals = Arrivals::kPoisson;
  double rate = 1000;  // requests a second, to the arm whose turn it is
  Nanos duration = 0;  // of the whole run, at least one round
  Nanos block = 500 * kMillisecond;
  Nanos gap = 10 * kMillisecond;  // between blocks nothing is due, so that answers may come in
  std::uint16_t arms = 2;
  std::vector<std::uint32_t> texts;  // by arm: how many requests it has; they take turns
  // The order of an arm's texts; empty: 0, 1, 2, …. It begins again at its end.
  std::vector<std::uint32_t> order;
  // kReplay: when each of `order` came, ascending from 0, and how long that all takes. Each arm
  // gets the whole of it, in as many pieces as it has blocks. `rate` is then the mean.
  std::vector<Nanos> instants;
  Nanos period = 0;
  Nanos warmup = 0;  // the recording, or the first step, begins with the first round behind it
  // A ramp: one rate after another, each for as many rounds. Empty: `rate`, which is their mean.
  std::vector<double> steps;
  std::uint64_t seed = 1;
};

struct Step {
  double rate = 0;
  std::uint32_t first = 0, end = 0;  // its rounds: [first, end)
};

struct Schedule {
  std::vector<Block> blocks;         // in the order of their begin
  std::vector<Sample> samples;       // in the order of `due`; empty for a closed loop
  std::vector<std::uint32_t> order;  // as in the options
  std::vector<Step> steps;           // of a ramp; the warm-up, at the first one's rate, is in none
  std::uint32_t rounds = 0;
  Nanos length = 0;
  bool closed = false;  // it was run as a closed loop
};

// More requests than that do not fit in memory (48 bytes each); the limit is reported.
inline constexpr std::size_t kMostRequests = 12'000'000;

// The text of an arm's k-th request.
inline std::uint32_t text_at(const std::vector<std::uint32_t>& order, std::uint32_t k,
                             std::uint32_t texts) {
  return order.empty() ? k % std::max(1u, texts) : order[k % order.size()];
}

// Errors: no arm, a rate or duration that is not positive, blocks longer than a second, more than
// kMostRequests requests.
Result<Schedule> make_schedule(const ScheduleOptions& options);

}  // namespace duet::bench
