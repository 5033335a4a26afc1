// Durations counted with two significant digits, from 1 ns to an hour.
//
// The layout is HdrHistogram's (lowest 1, highest 3.6e12, 2 digits): the same counts, the same
// quantiles, so its tools can read what we export; a test compares both. Recording is our own
// because it is on the request path ten times a request: inlined it costs under 2 ns, where
// hdr_record_value costs 7 (tests/bench/measure_bench).
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <utility>

#include "host/base/clock.h"

namespace duet::measure {

// Not thread-safe. Negative values count as 0, values above an hour as an hour.
class Histogram {
 public:
  static constexpr Nanos kHighest = 3600 * kSecond;
  static constexpr int kSubBucketBits = 8;  // 256 steps an octave pair: two digits and a bit
  static constexpr std::size_t kHalf = std::size_t{1} << (kSubBucketBits - 1);
  static constexpr std::size_t kOctaves = 35;  // 2^(35 + 7) ns > 1 h
  static constexpr std::size_t kSlots = (kOctaves + 1) * kHalf;

  Histogram() = default;
  Histogram(Histogram&&) noexcept = default;
  Histogram& operator=(Histogram&&) noexcept = default;

  void record(Nanos value) {
    if (counts_ == nullptr && !allocate()) [[unlikely]]
      return;
    const std::uint64_t v = clamp(value);
    ++counts_[slot_of(v)];
    ++count_;
    sum_ += v;
    if (v > max_) max_ = v;
  }

  // Adds the other's counts to this one's: exact.
  void merge(const Histogram& other);
  void reset();
  // What another one counted, by slot (ascending) and count, with its sum and its max. False: no
  // histogram gives these; nothing happened.
  bool restore(std::span<const std::pair<std::uint32_t, std::uint64_t>> counts, Nanos sum,
               Nanos max);

  std::uint64_t count() const { return count_; }
  Nanos sum() const { return static_cast<Nanos>(sum_); }
  Nanos max() const { return static_cast<Nanos>(max_); }  // exact
  double mean(std::uint64_t zeros = 0) const;             // exact, 0 when empty

  // The value that `quantile` (0..1) of the samples do not exceed, as HdrHistogram gives it: the
  // highest value that its slot stands for, at most max(). `zeros`: that many further samples of 0
  // that were not recorded one by one. 0 when empty.
  Nanos quantile(double quantile, std::uint64_t zeros = 0) const;

  // For ascending `bounds`, how many samples are at most each: cumulative buckets as Prometheus
  // wants them. Samples within a slot (0.8%) of a bound may fall on either side of it.
  void cumulate(std::span<const Nanos> bounds, std::span<std::uint64_t> counts) const;

  static constexpr std::size_t slot_of(std::uint64_t value) {
    const int octave = 64 - std::countl_zero(value | (2 * kHalf - 1)) - kSubBucketBits;
    return (static_cast<std::size_t>(octave) << (kSubBucketBits - 1)) + (value >> octave);
  }
  static constexpr std::uint64_t lowest_in(std::size_t slot) {
    const std::size_t octave = slot < 2 * kHalf ? 0 : slot / kHalf - 1;
    return static_cast<std::uint64_t>(slot - octave * kHalf) << octave;
  }
  static constexpr std::uint64_t highest_in(std::size_t slot) { return lowest_in(slot + 1) - 1; }
  std::uint64_t count_in(std::size_t slot) const { return counts_ == nullptr ? 0 : counts_[slot]; }

 private:
  struct Free {
    void operator()(std::uint64_t* p) const { std::free(p); }
  };
  static std::uint64_t clamp(Nanos value) {
    if (value < 0) return 0;
    return static_cast<std::uint64_t>(value < kHighest ? value : kHighest);
  }
  // False when there is no memory: samples are then lost, nothing else.
  bool allocate();

  std::unique_ptr<std::uint64_t[], Free> counts_;  // 36 KB, of which the pages in use are resident
  std::uint64_t count_ = 0;
  std::uint64_t sum_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace duet::measure
