#include "host/stats/distinct_keys.h"

#include <algorithm>
#include <utility>

#include "host/base/split_mix.h"

namespace duet::stats {

namespace {

std::uint64_t mix(std::uint64_t hash) { return split_mix(hash); }

}  // namespace

DistinctKeys::DistinctKeys(std::size_t capacity) : capacity_(std::max<std::size_t>(capacity, 16)) {}

bool DistinctKeys::inside(std::uint64_t mixed) const {
  return halvings_ == 0 || mixed >> (64 - halvings_) == 0;
}

DistinctKeys::Slot& DistinctKeys::find(std::uint64_t mixed) {
  std::size_t at = mixed & (slots_.size() - 1);
  while (slots_[at].used && slots_[at].mixed != mixed) at = (at + 1) & (slots_.size() - 1);
  return slots_[at];
}

void DistinctKeys::prefetch(std::uint64_t hash) const {
  if (!slots_.empty()) __builtin_prefetch(&slots_[mix(hash) & (slots_.size() - 1)]);
}

DistinctKeys::Seen DistinctKeys::add(std::uint64_t hash, std::uint16_t kind) {
  return add_mixed(mix(hash), kind);
}

DistinctKeys::Seen DistinctKeys::add_mixed(std::uint64_t mixed, std::uint16_t kind) {
  if (!inside(mixed)) return Seen::kOutside;
  if (slots_.empty()) slots_.resize(32);
  Slot* slot = &find(mixed);
  if (slot->used) return Seen::kAgain;
  if (size_ == capacity_) {
    do {
      ++halvings_;
      rebuild(slots_.size());
    } while (size_ == capacity_);  // all of them in one half: next to impossible, not impossible
    if (!inside(mixed)) return Seen::kOutside;
    slot = &find(mixed);
  } else if (2 * (size_ + 1) > slots_.size()) {
    rebuild(2 * slots_.size());
    slot = &find(mixed);
  }
  *slot = {mixed, kind, true};
  ++size_;
  if (kind >= counts_.size()) counts_.resize(kind + std::size_t{1});
  ++counts_[kind];
  return Seen::kFirst;
}

void DistinctKeys::rebuild(std::size_t slots) {
  std::vector<Slot> old(slots);
  old.swap(slots_);
  size_ = 0;
  std::fill(counts_.begin(), counts_.end(), 0);
  for (const Slot& slot : old) {
    if (!slot.used || !inside(slot.mixed)) continue;
    find(slot.mixed) = slot;
    ++size_;
    ++counts_[slot.kind];
  }
}

void DistinctKeys::merge(const DistinctKeys& other) {
  if (other.halvings_ > halvings_) {
    halvings_ = other.halvings_;
    if (!slots_.empty()) rebuild(slots_.size());
  }
  for (const Slot& slot : other.slots_) {
    if (slot.used) add_mixed(slot.mixed, slot.kind);
  }
}

}  // namespace duet::stats
