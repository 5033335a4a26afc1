// How long something is to be expected to take.
#pragma once

#include <algorithm>

#include "host/base/clock.h"

namespace duet {

// The longest of the recent ones: each that follows lets it fade by a sixteenth, so that one of a
// thousand times the usual length is forgotten after some hundred.
class RecentLongest {
 public:
  explicit RecentLongest(Nanos first = 0) : length_(first) {}

  void note(Nanos took) { length_ = std::max(took, length_ - length_ / 16); }
  Nanos length() const { return length_; }

 private:
  Nanos length_;
};

}  // namespace duet
