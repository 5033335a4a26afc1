// Requests in the order of their arrival, judged in that order: slow requests finish late, and
// judged by their ends a slow arm would look good early.
//
// Two things are known of a request at different times: whether it is slower than some limit (at
// its arrival plus that limit at the latest), and how it ended. Each is handed out in order, as far
// as it is known without a gap. Not thread-safe; constant time a request.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "host/base/check.h"
#include "host/base/clock.h"

namespace duet::experiment {

struct Arrival {
  Nanos at = 0;                      // on now()'s clock
  Nanos total = 0;                   // arrival to end; of an unfinished one: 0
  std::optional<std::uint64_t> key;  // hash; none: every request is one of its own
  std::uint16_t variant = 0;
  bool finished = false;
  bool failed = false;
};

class ArrivalOrder {
 public:
  using Ticket = std::uint64_t;

  Ticket add(Nanos at, std::uint16_t variant, std::optional<std::uint64_t> key) {
    arrivals_.push_back({at, 0, key, variant, false, false});
    return first_ + arrivals_.size() - 1;
  }

  // Once for each ticket.
  void finish(Ticket ticket, Nanos total, bool failed) {
    DUET_CHECK(ticket >= first_ && ticket - first_ < arrivals_.size());
    Arrival& arrival = arrivals_[ticket - first_];
    DUET_CHECK(!arrival.finished);
    arrival.finished = true;
    arrival.total = total;
    arrival.failed = failed;
  }

  // Hands out what is known by `now`: `on_speed(arrival, elapsed)` when it has finished or has
  // taken `limit` already, `on_end(arrival)` when it has finished.
  template <class OnSpeed, class OnEnd>
  void hand_out(Nanos now, Nanos limit, OnSpeed on_speed, OnEnd on_end) {
    for (; judged_ < first_ + arrivals_.size(); ++judged_) {
      const Arrival& arrival = arrivals_[judged_ - first_];
      if (!arrival.finished && now - arrival.at <= limit) break;
      on_speed(arrival, arrival.finished ? arrival.total : now - arrival.at);
    }
    while (first_ < judged_ && arrivals_.front().finished) {
      on_end(arrivals_.front());
      arrivals_.pop_front();
      ++first_;
    }
  }

  std::size_t waiting() const { return arrivals_.size(); }

 private:
  std::deque<Arrival> arrivals_;
  Ticket first_ = 0;   // of arrivals_.front()
  Ticket judged_ = 0;  // the first whose speed has not been handed out
};

}  // namespace duet::experiment
