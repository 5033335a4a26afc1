// Where the time of one request goes.
//
// From arrival to the last byte accepted by the kernel each instant has exactly one phase. A
// timeline holds the set of conditions that are true now; the one of highest precedence is the
// phase. Nothing is computed as a remainder: time with no condition is `unaccounted`.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <string_view>
#include <utility>

#include "host/base/clock.h"

namespace duet::measure {

// In order of precedence: the lowest number wins.
enum class Phase : std::uint8_t {
  kRun,    // in the language: the call, its microtasks, each resumed continuation
  kGil,    // waiting to take the GIL
  kParse,  // being read, taken apart and routed
  kWrite,  // answer (or a part of it) ready, not yet accepted by the kernel
  kPool,   // waiting for a thread of a pool
  kReady,  // could go on, but the loop was busy with something else
  kAwait,  // suspended on something outside
  kQueue,  // arrived, not yet dispatched
};
inline constexpr int kPhases = 8;

std::string_view phase_name(Phase phase);  // "run", "gil", ... as in metrics and tables

// Index of a handler in the Ledger and in the metrics; stable for the life of the process.
using HandlerIndex = std::uint32_t;
inline constexpr HandlerIndex kNoHandler = 0xffffffff;

class Timeline {
 public:
  // Starts at the kernel's time of the read that completed the head, in phase kQueue.
  // `coalesced`: that read may have carried several segments, so arrival is a latest bound.
  void begin(Nanos arrival, bool coalesced) {
    spent_.fill(0);
    gc_ = 0;
    longest_slice_ = 0;
    unaccounted_ = 0;
    arrival_ = last_ = waits_since_ = arrival;
    conditions_ = bit(Phase::kQueue);
    coalesced_ = coalesced;
    allowed_ = 0xff;
    handler_ = account_ = kNoHandler;
    host_since_ = 0;
  }

  // The host has worked for the request since `at`: reads, parses and routes it. Over when the
  // language runs, or when Ledger::charge_reading() is called.
  void reading(Nanos at) {
    set(Phase::kParse, at);
    host_since_ = at;
  }
  bool being_read() const { return host_since_ != 0; }

  // A condition begins or ends at `at` (>= every earlier instant given). Idempotent.
  void set(Phase phase, Nanos at) {
    advance(at);
    note(phase);
    if (phase == Phase::kQueue || phase == Phase::kReady || phase == Phase::kGil) wait_from(at);
  }
  // As set(), but takes effect when the conditions above it end: no instant is needed. Only for a
  // phase that is below the one in force.
  void note(Phase phase) { conditions_ |= bit(phase) & allowed_; }
  void clear(Phase phase, Nanos at) {
    advance(at);
    conditions_ &= static_cast<std::uint8_t>(~bit(phase));
  }
  // Both at once, with one advance: `from` ends as `to` begins.
  void change(Phase from, Phase to, Nanos at) {
    clear(from, at);
    set(to, at);
  }

  // The answer is complete, and only the kernel has to take it: whatever the handler still does
  // (run aside) is no longer what the request waits for.
  void answered() {
    allowed_ = bit(Phase::kRun) | bit(Phase::kGil) | bit(Phase::kParse) | bit(Phase::kWrite);
    conditions_ = (conditions_ & allowed_) | bit(Phase::kWrite);
    waits_since_ = kNotWaiting;
  }

  // The continuation that starts at `at` could have started at `since`: the part of the current
  // await after `since` becomes kReady. No effect when the phase is not kAwait.
  void was_ready(Nanos since, Nanos at) {
    if (phase_bits() != bit(Phase::kAwait)) return;
    // A timer's instant is known to a millisecond, and it may have been due earlier than it seems.
    if (since > last_) advance(since < at ? since : at);
    if (at > last_) {
      wait_from(last_);
      spent_[static_cast<int>(Phase::kReady)] += at - last_;
      last_ = at;
    }
  }

  // The language goes on at `at`: every wait of the request is over. Ledger::begin() calls this.
  void run(Nanos at) {
    advance(at);
    conditions_ = static_cast<std::uint8_t>((conditions_ & bit(Phase::kWrite)) | bit(Phase::kRun));
    waits_since_ = kNotWaiting;
  }

  // A pause of the collector inside kRun; kept beside the phases, not added to them.
  void add_gc(Nanos pause) { gc_ += pause; }

  // A slice of the request on the loop's thread lasted so long.
  void add_slice(Nanos wall) {
    if (wall > longest_slice_) longest_slice_ = wall;
  }

  // Accounts everything up to `at`; after it total() and spent() are final.
  void end(Nanos at) {
    advance(at);
    conditions_ = 0;
    waits_since_ = kNotWaiting;
  }

  Nanos arrival() const { return arrival_; }
  Nanos last() const { return last_; }  // the instant up to which time is accounted
  Nanos total() const { return last_ - arrival_; }
  Nanos spent(Phase phase) const { return spent_[static_cast<int>(phase)]; }
  Nanos unaccounted() const { return unaccounted_; }
  Nanos gc() const { return gc_; }
  // How long it held the loop at most, without a break.
  Nanos longest_slice() const { return longest_slice_; }
  bool coalesced() const { return coalesced_; }
  bool is(Phase phase) const { return (conditions_ & bit(phase)) != 0; }
  // Since when the request has waited for the loop (or the GIL) without anybody having been blamed
  // for it yet; kNotWaiting when it does not. Its own parse and write may lie in between: the loop
  // does one thing at a time, so no other handler's slice does then.
  static constexpr Nanos kNotWaiting = INT64_MAX;
  Nanos waits_since() const { return waits_since_; }
  bool waiting() const { return waits_since_ != kNotWaiting; }

  // The wait is over, or those who caused it have been blamed (Ledger::charge_wait). A new one
  // begins when kQueue, kReady or kGil is set again.
  void wait_over() { waits_since_ = kNotWaiting; }

  HandlerIndex handler() const { return handler_; }
  void set_handler(HandlerIndex handler) { handler_ = handler; }
  // Whose time on the loop it is, where that is not its handler's: a copy of a request is no work
  // for a client. After begin().
  HandlerIndex account() const { return account_ == kNoHandler ? handler_ : account_; }
  HandlerIndex account_or(HandlerIndex handler) const {
    return account_ == kNoHandler ? handler : account_;
  }
  void set_account(HandlerIndex account) { account_ = account; }

  // Since when the host reads it, and no more; 0 when it does not. Ledger::charge_reading() asks.
  Nanos take_host_since() { return std::exchange(host_since_, 0); }

 private:
  static constexpr std::uint8_t bit(Phase phase) {
    return static_cast<std::uint8_t>(1u << static_cast<int>(phase));
  }
  // The bit of the phase in force: the lowest set condition.
  std::uint8_t phase_bits() const {
    return static_cast<std::uint8_t>(conditions_ & (0u - conditions_));
  }
  void wait_from(Nanos at) {
    if (waits_since_ == kNotWaiting) waits_since_ = at;
  }
  void advance(Nanos at) {
    const Nanos elapsed = at - last_;
    if (elapsed <= 0) return;  // the arrival is the kernel's clock: it may lead ours by a little
    if (conditions_ == 0) {
      unaccounted_ += elapsed;
    } else {
      spent_[std::countr_zero(conditions_)] += elapsed;
    }
    last_ = at;
  }

  std::array<Nanos, kPhases> spent_;
  Nanos arrival_;
  Nanos last_;
  Nanos waits_since_;
  Nanos gc_;
  Nanos longest_slice_;
  Nanos unaccounted_;
  Nanos host_since_;
  HandlerIndex handler_, account_;
  std::uint8_t conditions_;
  std::uint8_t allowed_;  // conditions that may still be set
  bool coalesced_;
};

}  // namespace duet::measure
