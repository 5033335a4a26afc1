// Which events count as evidence: a burst of them is one.
//
// A pool that hangs for a second makes dozens of consecutive requests of its arm slow. Counted one
// by one they are taken for dozens of observations: that called 48 of 60 comparisons of a handler
// with itself. So after an event an arm is in a burst until `gap` requests of its own went without
// one, and an event counts only when both arms are calm. Whether they are is known before the
// request arrives, so given that an event counts, the chance that it is arm b's is still b's share:
// the test stays exact, where thinning each arm by itself would not.
//
// A burst is forgiven for `limit` requests of its arm, and so is none before an arm's first request
// without an event: an arm that fails from its first request on, or that goes on failing, is not
// having a burst. From there on each event counts.
//
// Requests are given in the order in which they arrived: by the order of their ends, a slow arm
// would look good early. A few bytes, a few instructions a request. Not thread-safe.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

namespace duet::stats {

class BurstFilter {
 public:
  // `gap`: with 4, of two arms with 2% of events each, one event in seven is lost; a burst in which
  // 7 of 10 requests are events breaks up (four calm ones in a row) once in 120 requests.
  static constexpr std::uint32_t kGap = 4;
  // Longer than the stalls that are taken for noise (20 to 300 requests).
  static constexpr std::uint32_t kLimit = 300;

  explicit BurstFilter(std::uint32_t gap = kGap, std::uint32_t limit = kLimit)
      : gap_(gap), limit_(limit) {
    for (Arm& arm : arms_) arm = {gap, limit};
  }

  // The next request is of `arm` (0 or 1). Whether it counts as an event.
  bool add(unsigned arm_index, bool event) {
    Arm& arm = arms_[arm_index];
    const bool counts = event && calm(arms_[0]) && calm(arms_[1]);
    if (event) {
      if (arm.quiet >= gap_ && arm.proven) arm.burst = 0;
      arm.quiet = 0;
    } else {
      arm.proven = true;
      if (arm.quiet < gap_) ++arm.quiet;
    }
    if (arm.burst < limit_) ++arm.burst;
    return counts;
  }

  // The next `number` requests (1 or more) are of that arm, without an event.
  void add_uneventful(unsigned arm_index, std::uint64_t number) {
    Arm& arm = arms_[arm_index];
    arm.proven = true;
    arm.quiet = static_cast<std::uint32_t>(std::min<std::uint64_t>(gap_, arm.quiet + number));
    arm.burst = static_cast<std::uint32_t>(std::min<std::uint64_t>(limit_, arm.burst + number));
  }

  // Whether an event of that arm's next request would be the first of its burst, or of none.
  bool calm(unsigned arm_index) const { return calm(arms_[arm_index]); }

  struct Arm {
    std::uint32_t quiet;  // requests since the last event, at most gap
    std::uint32_t burst;  // requests since the burst began, at most limit
    bool proven = false;  // has had a request without an event
  };
  const std::array<Arm, 2>& arms() const { return arms_; }
  // Continues where another one stopped.
  void restore(const std::array<Arm, 2>& arms) { arms_ = arms; }

 private:
  bool calm(const Arm& arm) const { return arm.quiet >= gap_ || arm.burst >= limit_; }

  std::uint32_t gap_, limit_;
  std::array<Arm, 2> arms_;
};

}  // namespace duet::stats
