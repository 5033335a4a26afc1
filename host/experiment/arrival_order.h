// Requests in the order of their arrival, judged in that order: slow requests finish late, and
// judged by their ends a slow arm would look good early.
//
// Two things are known of a request at different times: whether it is slower than some limit (at
// its arrival plus that limit at the latest), and how it ended. Each is handed out in order, as far
// as it is known without a gap. Not thread-safe; constant time a request.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "host/base/check.h"
#include "host/base/clock.h"

namespace duet::experiment {

// How a request ended.
struct Ending {
  Nanos total = 0;  // arrival to end
  bool failed = false;
  Nanos cpu = 0, longest_slice = 0;  // as Arrival's
};

struct Arrival {
  Nanos at = 0;                      // on now()'s clock
  Nanos total = 0;                   // arrival to end; of an unfinished one: 0
  Nanos cpu = 0;                     // of its slices on the loop's thread, together
  Nanos longest_slice = 0;           // the longest of them
  std::optional<std::uint64_t> key;  // hash; none: every request is one of its own
  std::uint16_t variant = 0;
  bool finished = false;
  bool failed = false;
  bool taken = false;  // by take_ended()
};

class ArrivalOrder {
 public:
  using Ticket = std::uint64_t;
  static constexpr Nanos kPatience = 60 * kSecond;                   // twice the usual deadline
  static constexpr std::size_t kMostWaiting = std::size_t{1} << 18;  // 16 MB

  Ticket add(Nanos at, std::uint16_t variant, std::optional<std::uint64_t> key) {
    if (waiting() == ring_.size()) grow();
    slot(next_) = {at, 0, 0, 0, key, variant, false, false, false};
    return next_++;
  }

  // Once for each ticket. Without effect when it was handed out before its end.
  void finish(Ticket ticket, const Ending& ending) {
    if (ticket < first_) return;
    DUET_CHECK(ticket < next_);
    Arrival& arrival = slot(ticket);
    DUET_CHECK(!arrival.finished);
    arrival.finished = true;
    arrival.total = ending.total;
    arrival.failed = ending.failed;
    arrival.cpu = ending.cpu;
    arrival.longest_slice = ending.longest_slice;
  }

  // Hands out what is known by `now`: `on_speed(arrival, elapsed)` when it has finished or has
  // taken `limit` already, `on_end(arrival)` when it has finished.
  template <class OnSpeed, class OnEnd>
  void hand_out(Nanos now, Nanos limit, OnSpeed on_speed, OnEnd on_end) {
    for (; judged_ < next_; ++judged_) {
      const Arrival& arrival = slot(judged_);
      if (!arrival.finished && now - arrival.at <= limit) break;
      on_speed(arrival, arrival.finished ? arrival.total : now - arrival.at);
    }
    while (first_ < judged_) {
      Arrival& arrival = slot(first_);
      if (!arrival.finished) {
        if (now - arrival.at <= kPatience && waiting() <= kMostWaiting) break;
        arrival.total = now - arrival.at;
      }
      on_end(arrival);
      ++first_;
    }
  }

  std::size_t waiting() const { return next_ - first_; }
  // The ticket that add() gives next, and the request of one that has been given and not handed
  // out.
  Ticket next() const { return next_; }
  const Arrival& arrival(Ticket ticket) const { return ring_[ticket & (ring_.size() - 1)]; }

  // One that has ended, and waits for an older one to be judged.
  struct Ended {
    Ticket ticket = 0;
    Arrival arrival;  // its time of arrival means nothing in another process
  };
  // Those that have ended since the last call and still wait, in order.
  std::vector<Ended> take_ended() {
    std::vector<Ended> all;
    for (Ticket t = first_; t < next_; ++t) {
      Arrival& arrival = slot(t);
      if (!arrival.finished || arrival.taken) continue;
      arrival.taken = true;
      all.push_back({t, arrival});
    }
    return all;
  }
  // Tickets below the first have been handed out in both respects, those below the other in speed.
  Ticket first() const { return first_; }
  Ticket judged() const { return judged_; }
  // While none waits: the next gets this ticket.
  void begin_at(Ticket ticket) {
    DUET_CHECK(waiting() == 0);
    first_ = judged_ = next_ = ticket;
  }

  // Those that have begun and not ended, in order.
  template <class Take>
  void for_each_unfinished(Take take) const {
    for (Ticket t = first_; t < next_; ++t) {
      if (!arrival(t).finished) take(arrival(t));
    }
  }

 private:
  // The size is a power of two. Slots are reused, so that a request allocates nothing when warm.
  Arrival& slot(Ticket ticket) { return ring_[ticket & (ring_.size() - 1)]; }
  void grow() {
    std::vector<Arrival> larger(ring_.empty() ? 64 : 2 * ring_.size());
    for (Ticket t = first_; t < next_; ++t) larger[t & (larger.size() - 1)] = slot(t);
    ring_ = std::move(larger);
  }

  std::vector<Arrival> ring_;
  Ticket first_ = 0;   // the first that has not been handed out in both respects
  Ticket judged_ = 0;  // the first whose speed has not been handed out
  Ticket next_ = 0;
};

}  // namespace duet::experiment
