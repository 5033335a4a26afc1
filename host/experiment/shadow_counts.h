// What an experiment's shadow traffic has come to: what was to be copied, what was not and why, and
// what comparing the answers has shown of each variant (shadow_record.h).
//
// As plain values it survives the process (ShadowState). The counts of another list of ignored
// fields are of other comparisons: they are not taken up. Not synchronised.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "host/experiment/live_spec.h"
#include "host/experiment/shadow_record.h"

namespace duet::experiment {

// Why a request that was to be copied is not compared.
enum class ShadowLoss : std::uint8_t {
  kNoRoom,    // too many were waiting: the concurrency or the host's idle time is too little
  kTooOld,    // no idle turn of the loop came in time
  kTooLarge,  // the request or an answer
  kLeft,      // the client left, or the answer was not complete
};
inline constexpr int kShadowLosses = 4;

// What is shown of it at one moment.
struct ShadowSnapshot {
  double rate = 0;
  double since = 0;           // when the first one was sampled, seconds since 1970; 0: none yet
  std::uint64_t sampled = 0;  // requests of the control that were to be copied
  std::array<std::uint64_t, kShadowLosses> lost{};  // of them, by ShadowLoss
  std::uint64_t waiting = 0;                        // now, for an answer or a turn
  std::uint64_t running = 0;                        // copies in flight, now
  std::uint64_t control_overdue = 0;    // copies that the control had not answered in time
  std::vector<ShadowVariant> variants;  // those that are compared

  std::uint64_t of(ShadowLoss why) const { return lost[static_cast<int>(why)]; }
};

// For a store: all that another process goes on from. What waits or runs is not in it.
struct ShadowState {
  struct OfVariant {
    std::uint64_t unanswered = 0, overdue = 0;
    ShadowRecord::State record;
  };
  double rate = 0, since = 0;
  std::vector<std::string> ignore;
  std::uint64_t sampled = 0;
  std::array<std::uint64_t, kShadowLosses> lost{};
  std::vector<OfVariant> variants;  // of the experiment, the control's overdue copies included
};

class ShadowCounts {
 public:
  // The spec outlives it.
  ShadowCounts(const LiveSpec& spec, double rate, std::vector<std::string> ignore);

  void sampled(double at);
  void lost(ShadowLoss why);
  void unanswered(std::size_t variant);
  void overdue(std::size_t variant);
  // As ShadowRecord::add().
  void compared(std::size_t variant, const std::vector<Difference>& raw,
                const std::vector<Difference>& noise, const std::string& request, double at);
  // As if nothing had been copied so far.
  void begin_anew();

  ShadowSnapshot snapshot() const;
  ShadowState state() const;
  enum class Restored : std::uint8_t {
    kYes,
    kOtherRules,  // it ignores other fields: nothing happened
    kNoState,     // these are no counts of such an experiment: likewise
  };
  Restored restore(ShadowState state);
  // Differs from what it was when anything has changed.
  std::uint64_t revision() const { return revision_; }

 private:
  struct OfVariant {
    std::uint64_t unanswered = 0, overdue = 0;
    ShadowRecord record;
  };

  const LiveSpec& spec_;
  double rate_;
  std::vector<std::string> ignore_;
  double since_ = 0;
  std::uint64_t sampled_ = 0;
  std::array<std::uint64_t, kShadowLosses> lost_{};
  std::vector<OfVariant> variants_;
  std::uint64_t revision_ = 1;
};

}  // namespace duet::experiment
