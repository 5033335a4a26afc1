// Names for what outlives its request and may be gone when an engine asks for it.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "host/base/check.h"

namespace duet {

// Slot in the low 24 bits, generation above it, 53 bits in all, so that it fits a JavaScript
// number, as ExchangeId. 0 names none.
using SessionId = std::uint64_t;

// Owns objects and finds them by their ids. Loop's thread only.
template <class T>
class SessionTable {
 public:
  // Takes the object in; its id is to be asked for first.
  SessionId next_id() {
    if (free_.empty()) {
      DUET_CHECK(slots_.size() < kSlotMask);
      free_.push_back(static_cast<std::uint32_t>(slots_.size()));
      slots_.push_back({nullptr, 1});
    }
    return slots_[free_.back()].generation << kSlotBits | free_.back();
  }
  T& add(std::unique_ptr<T> object) {
    next_id();
    Slot& slot = slots_[free_.back()];
    free_.pop_back();
    ++count_;
    slot.object = std::move(object);
    return *slot.object;
  }
  void remove(SessionId id) {
    Slot& slot = slots_[id & kSlotMask];
    const std::unique_ptr<T> gone = std::move(slot.object);
    slot.generation = (slot.generation + 1) & kGenerationMask;
    if (slot.generation == 0) slot.generation = 1;
    free_.push_back(static_cast<std::uint32_t>(id & kSlotMask));
    --count_;
  }
  // Null when it is gone, or never was.
  T* find(SessionId id) const {
    const SessionId slot = id & kSlotMask;
    if (slot >= slots_.size() || slots_[slot].generation != id >> kSlotBits) return nullptr;
    return slots_[slot].object.get();
  }
  std::size_t count() const { return count_; }

 private:
  static constexpr int kSlotBits = 24;
  static constexpr SessionId kSlotMask = (SessionId{1} << kSlotBits) - 1;
  static constexpr SessionId kGenerationMask = (SessionId{1} << (53 - kSlotBits)) - 1;
  struct Slot {
    std::unique_ptr<T> object;
    SessionId generation;
  };
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
  std::size_t count_ = 0;
};

}  // namespace duet
