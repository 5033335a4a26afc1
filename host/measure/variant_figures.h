// What the variants of experiments have counted, as plain values, for the exposition.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "host/measure/handler_stats.h"
#include "host/measure/histogram.h"
#include "host/measure/native_buckets.h"

namespace duet::measure {

// Of requests that are counted, since the experiment began.
struct VariantFigures {
  std::string variant, handler;
  double share = 0;  // of the traffic, now
  bool rolled_back = false;
  std::uint64_t errors = 0, in_flight = 0;
  Nanos cpu = 0;
  std::array<std::uint64_t, kPhaseBounds.size()> cumulative{};  // total times, by kPhaseBounds
  std::uint64_t count = 0;
  Nanos sum = 0;
  NativeBuckets native;  // of the same times
};

struct ExperimentFigures {
  std::string experiment;
  std::vector<VariantFigures> variants;
  std::uint64_t unkeyed = 0, excluded = 0, overridden = 0;  // requests that are not counted
  bool split_wrong = false;
};

}  // namespace duet::measure
