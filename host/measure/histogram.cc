#include "host/measure/histogram.h"

#include <algorithm>
#include <cmath>

namespace duet::measure {

bool Histogram::allocate() {
  // calloc, because fresh pages are zero already and stay untouched until a value falls in them.
  counts_.reset(static_cast<std::uint64_t*>(std::calloc(kSlots, sizeof(std::uint64_t))));
  return counts_ != nullptr;
}

void Histogram::merge(const Histogram& other) {
  if (other.count_ == 0) return;
  if (counts_ == nullptr && !allocate()) return;
  const std::size_t end = slot_of(other.max_) + 1;
  for (std::size_t slot = 0; slot < end; ++slot) counts_[slot] += other.counts_[slot];
  count_ += other.count_;
  sum_ += other.sum_;
  max_ = std::max(max_, other.max_);
}

void Histogram::reset() {
  counts_.reset();
  count_ = sum_ = max_ = 0;
}

bool Histogram::restore(std::span<const std::pair<std::uint32_t, std::uint64_t>> counts, Nanos sum,
                        Nanos max) {
  if (sum < 0 || max < 0 || max > kHighest) return false;
  const std::size_t last = slot_of(static_cast<std::uint64_t>(max));
  std::size_t next = 0;
  for (const auto& [slot, count] : counts) {
    if (slot < next || slot > last || count == 0) return false;
    next = slot + std::size_t{1};
  }
  if (counts.empty() ? sum != 0 || max != 0 : next != last + 1) return false;
  reset();
  if (counts.empty()) return true;
  if (!allocate()) return false;
  for (const auto& [slot, count] : counts) {
    counts_[slot] = count;
    count_ += count;
  }
  sum_ = static_cast<std::uint64_t>(sum);
  max_ = static_cast<std::uint64_t>(max);
  return true;
}

double Histogram::mean(std::uint64_t zeros) const {
  const std::uint64_t samples = count_ + zeros;
  return samples == 0 ? 0 : static_cast<double>(sum_) / static_cast<double>(samples);
}

Nanos Histogram::quantile(double quantile, std::uint64_t zeros) const {
  const std::uint64_t samples = count_ + zeros;
  if (samples == 0) return 0;
  const double wanted = std::clamp(quantile, 0.0, 1.0) * static_cast<double>(samples);
  const auto rank = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::llround(wanted)));
  if (rank <= zeros) return 0;
  std::uint64_t seen = zeros;
  const std::size_t end = slot_of(max_) + 1;
  for (std::size_t slot = 0; slot < end; ++slot) {
    seen += counts_[slot];
    if (seen >= rank) return static_cast<Nanos>(std::min(highest_in(slot), max_));
  }
  return max();
}

void Histogram::cumulate(std::span<const Nanos> bounds, std::span<std::uint64_t> counts) const {
  std::fill(counts.begin(), counts.end(), 0);
  if (count_ == 0) return;
  const std::size_t end = slot_of(max_) + 1;
  std::uint64_t seen = 0;
  std::size_t slot = 0;
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    const auto bound = static_cast<std::uint64_t>(bounds[i]);
    for (; slot < end && (lowest_in(slot) + highest_in(slot)) / 2 <= bound; ++slot) {
      seen += counts_[slot];
    }
    counts[i] = seen;
  }
}

}  // namespace duet::measure
