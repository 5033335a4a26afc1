// A comparison in one sentence, as wide as the data make it. Pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "host/bench/comparison.h"

namespace duet::bench {

// What the sentences need to know of an arm.
struct ArmVerdict {
  std::string name;
  bool is_copy = false;       // of the first arm: the A/A arm
  double error_share = 0;     // of its requests: no answer, or a status of 400 or above
  bool beyond_reach = false;  // of it, the rate is: see Summary
};

// What the first arm against itself says.
struct AaRecord {
  std::size_t arm = 0;
  std::vector<Metric> differs;  // where its interval does not hold 1; empty: clean
  bool known = false;           // some figure has an interval
};
inline constexpr Metric kAaMetrics[] = {Metric::kP50, Metric::kP90, Metric::kP99};
std::optional<AaRecord> aa_record(const Comparison& comparison, const std::vector<ArmVerdict>& arms,
                                  std::span<const Metric> metrics = kAaMetrics);
// "A/A clean", "A/A differs at p50", "no A/A arm".
std::string aa_words(const std::optional<AaRecord>& record);

struct Verdict {
  std::string sentence;
  enum class Kind : unsigned char { kFaster, kSlower, kSame, kCannotTell, kVoid } kind;
  std::size_t arm = 0;
  std::string brief;  // what stands behind its name in a list: "8-13%"
};
// One for each arm but the first and its copies:
//   "b is 8-13% slower than a at p50 (95%; 20,000 requests an arm; A/A clean)"
//   "cannot tell whether b is slower or faster than a at p50 (-2% to 3%; 95%; ...): about 40,000
//    more requests an arm would tell 1%"
// Where the A/A arm differs from the first one, a difference no larger than that is not called.
std::vector<Verdict> verdicts(const Comparison& comparison, const std::vector<ArmVerdict>& arms,
                              Metric metric = Metric::kP50);

// The same for whoever has no time: the sentences, when there are one or two; otherwise the one on
// the fastest, and then the others in a line for each kind, the fastest first:
//   "slower: c (8-13%), d (2.1 to 2.4 times as slow)"
// Empty when the first arm is alone.
std::vector<std::string> headlines(const Comparison& comparison,
                                   const std::vector<ArmVerdict>& arms,
                                   Metric metric = Metric::kP50);

// "8-13% slower than", "2.1 to 2.4 times as slow as", "1-2% faster than"; of an interval without 1
// in it.
std::string slower_words(const stats::BlockInterval& ratio);

// How many more requests an arm would probably (in 4 of 5 runs) tell the difference that this
// interval suggests, or 1% when it suggests less. Rounded up to two digits.
std::uint64_t requests_needed(const stats::BlockInterval& ratio, double value,
                              std::uint64_t requests);

}  // namespace duet::bench
