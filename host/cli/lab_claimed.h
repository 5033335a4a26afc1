// What a claim says of a figure ("3x", "2x..10x", "< 20ms"), and what a measured interval says of
// that. Pure.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "host/base/result.h"
#include "host/stats/block_bootstrap.h"

namespace duet::cli {

// What is claimed: that a figure lies from `low` to `high`.
struct Claimed {
  enum class Unit : std::uint8_t {
    kRatio,   // how many times as good as the other's
    kTime,    // nanoseconds; beside another one: by how much it is sooner
    kNumber,  // a second, or whatever the figure counts
  } unit = Unit::kRatio;
  double low = 0;  // equal to `high`: just that
  double high = std::numeric_limits<double>::infinity();
  std::string text;  // as it was written
};

// "3x", "2x..10x", "> 1x", "< 1.1x"; likewise "50ms" and "15000" or "15k".
Result<Claimed> parse_claimed(std::string_view text);

enum class Finding : std::uint8_t {
  kHolds,         // the whole interval lies where the claim has it, or closely around the number
                  // claimed, or within a tenth of it
  kMore,          // in that direction, and further than claimed
  kLess,          // in that direction, but not so far
  kNoDifference,  // the interval holds "no difference", and none of what is claimed
  kReverse,       // the difference is the other way round
  kFails,         // outside of what is claimed, where that is no direction ("at most 20 ms")
  kCannotTell,    // partly inside of what is claimed
};

// `compared`: the figure compares two, so that a ratio of 1, or a difference of 0, is "none".
Finding judge(const Claimed& claimed, const stats::BlockInterval& interval, bool compared);
// "as claimed", "in that direction, but less than claimed", ….
std::string_view finding_words(Finding finding);
// For programs: "holds", "more", "less", "no_difference", "reverse", "fails", "cannot_tell".
std::string_view finding_name(Finding finding);

}  // namespace duet::cli
