// Durations in the buckets of Prometheus's native histograms, schema 3: bucket i holds the values
// of (2^((i-1)/8), 2^(i/8)] seconds, 9% wide, and only those that have counts are kept. Not
// thread-safe.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "host/base/clock.h"

namespace duet::measure {

class NativeBuckets {
 public:
  static constexpr int kSchema = 3;

  // Of a duration above 0.
  static int index_of(Nanos duration) {
    const double seconds = static_cast<double>(duration) * 1e-9;
    const auto bits = std::bit_cast<std::uint64_t>(seconds);
    const int exponent = static_cast<int>(bits >> 52) - 1023;
    const auto mantissa = std::bit_cast<double>((bits & ((std::uint64_t{1} << 52) - 1)) |
                                                std::uint64_t{1023} << 52);  // [1, 2)
    int above = 0;
    for (const double bound : kBounds) above += mantissa > bound;
    return exponent * 8 + above;
  }

  // Those of at most 0 are counted apart: they have no bucket.
  void record(Nanos duration, std::uint64_t times = 1) {
    if (duration <= 0) {
      zeros_ += times;
      return;
    }
    const auto at = static_cast<std::size_t>(index_of(duration) - first_);  // huge when below
    if (at >= counts_.size()) [[unlikely]]
      return record_new(index_of(duration), times);
    counts_[at] += times;
  }

  std::uint64_t zeros() const { return zeros_; }
  // Counts of the buckets first(), first() + 1 ...
  int first() const { return first_; }
  const std::vector<std::uint64_t>& counts() const { return counts_; }

 private:
  static constexpr double kBounds[8] = {1,
                                        1.0905077326652577,
                                        1.189207115002721,
                                        1.2968395546510096,
                                        1.4142135623730951,
                                        1.5422108254079407,
                                        1.681792830507429,
                                        1.8340080864093424};  // 2^(k/8)

  void record_new(int index, std::uint64_t times) {
    if (counts_.empty()) first_ = index;
    if (index < first_) {
      counts_.insert(counts_.begin(), static_cast<std::size_t>(first_ - index), 0);
      first_ = index;
    }
    const auto at = static_cast<std::size_t>(index - first_);
    if (at >= counts_.size()) counts_.resize(at + 1);
    counts_[at] += times;
  }

  std::vector<std::uint64_t> counts_;
  int first_ = 0;
  std::uint64_t zeros_ = 0;
};

class Histogram;
// From a histogram's slots, which are a tenth as wide, by their middles. `zeros`: that many further
// samples of 0.
NativeBuckets native_of(const Histogram& histogram, std::uint64_t zeros = 0);

}  // namespace duet::measure
