// What the variants of experiments have counted, as plain values, for the exposition.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
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

// Of a variant that gets copies. Labels are as many as there are parts of an answer, and for fields
// kMostFields.
struct ShadowVariantFigures {
  static constexpr std::size_t kMostFields = 20;
  struct Part {
    std::string_view part;      // "status", "header", "body"
    std::uint64_t variant = 0;  // comparisons in which the variant differs in it
    std::uint64_t control = 0;  // in which the control differs from itself: the noise
  };
  std::string variant, handler;
  bool control = false;  // of it there is `overdue` only
  std::uint64_t compared = 0, unanswered = 0, overdue = 0;
  std::vector<Part> parts;
  std::uint64_t differing = 0;  // fields that differ for real
  // The first of them, and in how many comparisons each does.
  std::vector<std::pair<std::string, std::uint64_t>> fields;
};

// What shadow traffic has come to.
struct ShadowFigures {
  std::uint64_t sampled = 0;
  std::vector<std::pair<std::string_view, std::uint64_t>> dropped;  // by why
  std::uint64_t waiting = 0, running = 0;
  std::vector<ShadowVariantFigures> variants;
};

struct ExperimentFigures {
  std::string experiment;
  std::vector<VariantFigures> variants;
  std::uint64_t unkeyed = 0, excluded = 0, overridden = 0;  // requests that are not counted
  bool split_wrong = false;
  std::optional<ShadowFigures> shadow;  // nothing: it has none
};

}  // namespace duet::measure
