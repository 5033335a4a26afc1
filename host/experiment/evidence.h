// What the requests of an experiment have shown so far: each variant against the control.
//
// Requests are given as they begin and end; they are judged in the order in which they began. Time
// comes from outside, so that the same requests always give the same evidence. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "host/experiment/arrival_order.h"
#include "host/experiment/spec.h"
#include "host/stats/distinct_keys.h"
#include "host/stats/event_test.h"
#include "host/stats/stages.h"
#include "host/stats/tail_threshold.h"

namespace duet::experiment {

class Evidence {
 public:
  using Ticket = ArrivalOrder::Ticket;

  explicit Evidence(const Spec& spec);  // which outlives it

  // From the next request on these are the weights; a variant without any is not tested meanwhile.
  void begin_stage(const Split& split);

  // `key`: hash_key() of its key; ignored unless the spec is sticky.
  Ticket started(std::size_t variant, std::uint64_t key, Nanos at) {
    latest_ = at;
    return order_.add(at, static_cast<std::uint16_t>(variant),
                      spec_.sticky ? std::optional(key) : std::nullopt);
  }
  // Once for each ticket.
  void ended(Ticket ticket, const Ending& ending) { order_.finish(ticket, ending); }
  // Takes in what is known by the last arrival: after some that ended together, so that those of
  // 100 ms do not drive everything else out of the processor's caches. look() does it as well.
  void judge() { judge_known(latest_); }
  // Requests that have begun and have not been judged in every respect.
  std::size_t waiting() const { return order_.waiting(); }

  // Takes in what is known by `now`, and looks at every test. Call it at any interval.
  void look(Nanos now);

  // --- what there is: counts of all that has been judged, evidence as of the last look ---
  const stats::EventTest& test(std::size_t variant, std::size_t guardrail) const {
    return tests_[variant][guardrail].test;
  }
  // Requests of a variant that have been judged, and how many of them were events of a guardrail;
  // without leaving any out, so for shares and not for tests.
  struct Counts {
    std::uint64_t requests = 0;
    std::uint64_t events = 0;
  };
  Counts counts(std::size_t variant, std::size_t guardrail) const {
    return tests_[variant][guardrail].counts;
  }
  // Highest so far; at ln(1/0.001) the split is not the one that was configured.
  double split_log_e() const { return split_highest_; }
  bool split_is_wrong() const;
  // That a variant is worse than the control by a guardrail, with all the evidence that takes.
  bool called_against(std::size_t variant, std::size_t guardrail) const;

  // What another process needs to go on, beside the keys.
  struct State {
    struct OfTest {
      std::vector<stats::Stage> stages;
      double highest = 0;
      std::array<stats::BurstFilter::Arm, 2> arms{};
      Counts counts;
    };
    // A request that has begun and not ended.
    struct Unfinished {
      std::uint16_t variant = 0;
      std::optional<std::uint64_t> key;
    };
    std::vector<std::vector<OfTest>> tests;  // by variant, guardrail
    std::vector<double> tail_logs, tails_seen;
    std::vector<std::vector<double>> weights;
    std::vector<std::vector<std::uint64_t>> requests;
    std::vector<Unfinished> unfinished;  // in the order of their arrival, the first few thousand
    // Tickets below `first` are in the tests; below `judged`, in those of speed.
    Ticket first = 0, judged = 0;
    // Those from `first` on that have ended, by ticket. Not given by state(), because each is given
    // once: take_ended().
    std::vector<ArrivalOrder::Ended> ended;
    double split_highest = 0;
  };
  State state() const;
  // Before the first request. False: of another number of variants or guardrails, or not what
  // state() gives; nothing happened.
  bool restore(const State& state);
  // Judges state.ended; after restore() and the keys.
  void restore_ended(const State& state);
  // A request that was counted as begun went down with the process that had it: an error of its
  // variant.
  void lost(const State::Unfinished& request);

  // A key that was seen for the first time: of the split (`set` 0, `kind` stage and variant) or
  // with an event of a test (`set` 1 + variant * guardrails + guardrail). The same keys given to
  // restore_key() in the same order make the same sets.
  struct Key {
    std::uint32_t set = 0;
    std::uint16_t kind = 0;
    std::uint64_t hash = 0;
  };
  // Keeps from now on what take_keys() gives; or does so no more.
  void keep(bool on);
  std::vector<Key> take_keys();
  // Requests that have ended since the last call and wait to be judged.
  std::vector<ArrivalOrder::Ended> take_ended() { return order_.take_ended(); }
  void restore_key(const Key& key);

 private:
  static constexpr Nanos kNever = INT64_MAX;
  // So many requests wait for memory together.
  static constexpr Ticket kTogether = 64;

  struct Test {
    stats::EventTest test;
    Counts counts;
  };

  // Requests of a variant that are no event of any guardrail, of those on speed and of the others.
  struct Uneventful {
    std::uint64_t speed = 0, end = 0;
  };

  std::uint16_t kind_of(std::size_t variant) const;
  void count_begun();
  bool on_speed(std::size_t guardrail) const;
  void count_uneventful(std::uint64_t Uneventful::*which);
  void add(std::size_t variant, std::size_t guardrail, stats::EventTest::Arm arm, bool event,
           const Arrival& arrival);
  bool fits(const State& state) const;
  void judge(const Arrival& arrival, std::size_t guardrail, bool event);
  bool is_event(const Arrival& arrival, std::size_t guardrail);
  bool calm(const Arrival& arrival, std::size_t guardrail) const;
  void speed_known(const Arrival& arrival, Nanos elapsed);
  void end_known(const Arrival& arrival);
  void judge_known(Nanos now);
  std::vector<stats::SplitStage> split_stages() const;

  const Spec& spec_;
  Nanos patience_ = 0;  // the highest limit of a kSlowerThan
  // Above one of these, a request may be an event of a guardrail of that kind.
  Nanos slow_ = kNever, cpu_ = kNever, slice_ = kNever;
  bool judges_tails_ = false;  // any request may be an event of a kQuantile
  Nanos latest_ = 0;           // arrival of the last request
  ArrivalOrder order_;
  std::vector<std::vector<Test>> tests_;      // by variant (the control's: counts only), guardrail
  std::vector<stats::TailThreshold> tails_;   // by guardrail; of kQuantile
  std::vector<std::uint16_t> tested_;         // variants that have a share now, beside the control
  std::vector<char> is_tested_;               // the same by variant
  std::vector<Uneventful> uneventful_;        // by variant; not counted yet
  std::vector<std::vector<double>> weights_;  // of each stage, by variant
  std::vector<std::vector<std::uint64_t>> requests_;  // likewise, when keys are not sticky
  stats::DistinctKeys keys_;                          // likewise, when they are
  Ticket counted_ = 0;                                // requests below it are in keys_ or requests_
  std::vector<Key> new_keys_;
  bool keeps_keys_ = false;
  double split_highest_ = 0;
};

}  // namespace duet::experiment
