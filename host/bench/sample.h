// What becomes of one request of a run: when it was meant to leave, when it left, when it was
// answered. A run is a list of these; every figure is computed from it afterwards.
#pragma once

#include <cstdint>

#include "host/base/clock.h"

namespace duet::bench {

enum class Outcome : std::uint8_t {
  kPlanned,    // the run was ended before it was due: no part of any figure
  kOpen,       // in flight, or waiting for a connection
  kAnswered,   // with a status below 400
  kBadStatus,  // with 400 or above
  kUnsent,     // due, but no connection was free within the patience
  kRefused,    // the connection for it could not be made
  kClosed,     // the server closed the connection before its answer was complete
  kNotHttp,    // what came back is no HTTP/1.1
  kTimeout,    // no whole answer within the patience
};

constexpr bool is_answer(Outcome outcome) {
  return outcome == Outcome::kAnswered || outcome == Outcome::kBadStatus;
}

inline constexpr Nanos kNever = -1;

// Instants are nanoseconds since the start of the run.
struct Sample {
  Nanos due = 0;         // the intended time: latency counts from here
  Nanos tried = kNever;  // when the generator got to it: due + its own send lag
  Nanos sent =
      kNever;  // when its bytes were handed to the kernel: tried + waiting for a connection
  Nanos done = kNever;  // when the kernel had the last byte of its answer
  std::uint32_t block = 0;
  std::uint32_t text = 0;  // which of its arm's requests
  std::uint16_t arm = 0;
  std::uint16_t status = 0;
  Outcome outcome = Outcome::kPlanned;
  bool changed = false;  // answered otherwise than the arm's first request with that text

  Nanos latency() const { return done - due; }
  Nanos service() const { return done - sent; }
  Nanos queueing() const { return sent - tried; }
  Nanos lag() const { return tried - due; }
};

// A stretch of the run that belongs to one arm. Blocks of one round make a pair.
struct Block {
  std::uint16_t arm = 0;
  std::uint32_t round = 0;
  Nanos from = 0, to = 0;  // since the start of the run
};

}  // namespace duet::bench
