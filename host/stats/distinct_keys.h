// How many distinct keys there are of each kind, exactly, in bounded space.
//
// Requests of one visitor are not independent observations, so the split is tested on visitors.
// Their number is unbounded: the keys whose hash lies in a slice of all hashes are kept, and the
// slice is halved whenever the set is full. What remains is the exact set of a smaller, unbiased
// sample. Sets of several workers merge, because distinct keys do not add up.
//
// Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace duet::stats {

class DistinctKeys {
 public:
  enum class Seen : std::uint8_t {
    kFirst,    // counted now
    kAgain,    // counted before
    kOutside,  // not in the slice: not counted, now or ever
  };

  // At most `capacity` keys are held: 16 bytes each, allocated as needed. At least 16.
  explicit DistinctKeys(std::size_t capacity = std::size_t{1} << 16);

  // `hash`: 64 bits of the key, well mixed; it is mixed again, so that the slice has nothing to do
  // with what else is decided by it. `kind` (stage and arm) is what a new key is counted under; a
  // key that was seen stays what it was.
  Seen add(std::uint64_t hash, std::uint16_t kind);
  // That add() of this hash follows soon: the set of many keys is larger than a cache, and waiting
  // for memory takes longer than all else. Without effect on anything but time.
  void prefetch(std::uint64_t hash) const;
  void merge(const DistinctKeys& other);

  // Keys of that kind within the slice.
  std::uint64_t count(std::uint16_t kind) const {
    return kind < counts_.size() ? counts_[kind] : 0;
  }
  std::size_t size() const { return size_; }
  // The slice is one in 2^halvings() of all keys.
  int halvings() const { return halvings_; }

 private:
  struct Slot {
    std::uint64_t mixed = 0;
    std::uint16_t kind = 0;
    bool used = false;
  };

  Seen add_mixed(std::uint64_t mixed, std::uint16_t kind);
  bool inside(std::uint64_t mixed) const;
  Slot& find(std::uint64_t mixed);
  void rebuild(std::size_t slots);

  std::size_t capacity_;
  std::vector<Slot> slots_;  // a power of two, at most half of them used
  std::vector<std::uint64_t> counts_;
  std::size_t size_ = 0;
  int halvings_ = 0;
};

}  // namespace duet::stats
