// One experiment as it goes on: who gets which variant, what follows from the evidence.
//
// A state machine without a clock, a socket or a file: requests and time are given to it, decisions
// are taken from it. One thread.
//
//   running → (a guardrail is crossed) the variant's weight goes to 0 or what the guardrail leaves
//   it
//           → stopped: everybody gets the control
//           → promoted: everybody gets one variant
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/result.h"
#include "host/experiment/assignment.h"
#include "host/experiment/evidence.h"
#include "host/experiment/spec.h"

namespace duet::experiment {

// Something that an operator wants to know, and that the audit keeps.
struct Decision {
  enum class Kind {
    kRolledBack,  // the variant's weight is 0 from now on: `guardrail` was crossed
    kAdvanced,    // the ramp has taken a step
    kHeld,        // it has not, though its time has come: too little is known. Once for each step
    kWrongSplit,  // the split is not the configured one: no result of this experiment is valid
    kNoKey,       // none of the first hundred requests carried the key: all get the control. Once
    kChanged,     // an operator changed something
  };
  Kind kind = Kind::kChanged;
  std::string variant;  // kRolledBack
  std::string guardrail;
  std::string sentence;  // for people, complete: what happened and on what evidence
};

class Experiment {
 public:
  // Errors: as Split::create, fewer than two variants, a ramp whose steps do not ascend or, for all
  // variants together, exceed 1, or an alpha outside (0, 1).
  static Result<Experiment> create(Spec spec);

  struct Assigned {
    std::size_t variant;
    bool counted;  // takes part: its request is evidence. Others get the control
    std::uint64_t key;
  };
  // Of a key; pure as long as no weight changes.
  Assigned assign(std::string_view key) const;
  // Of a fresh random key, of which nothing but its hash matters: that is any 64 random bits. Only
  // when everybody takes part, which is decided by the key.
  bool everybody_takes_part() const {
    return spec_->participation.holdout <= 0 && spec_->participation.eligible >= 1;
  }
  Assigned assign_random(std::uint64_t bits) const {
    return {split_.variant(bits), running_, bits};
  }

  // A counted request begins and ends.
  Evidence::Ticket started(const Assigned& assigned, Nanos at) {
    return evidence_->started(assigned.variant, assigned.key, at);
  }
  void ended(Evidence::Ticket ticket, const Ending& ending) { evidence_->ended(ticket, ending); }
  // After some that ended together: Evidence::judge().
  void judge() { evidence_->judge(); }

  // Looks at the evidence and acts on it. Every 100 ms.
  std::vector<Decision> look(Nanos now);

  // An operator's word. Weights as Spec::weights; the ramp ends. Errors leave everything as it was.
  Result<Decision> set_weights(const std::vector<double>& weights);
  Decision stop();                                // everybody gets the control
  Result<Decision> promote(std::size_t variant);  // everybody gets that variant
  // Goes on after stop() or promote(), with the weights of before.
  Decision start();
  // The ramp, from that step on. Errors: there is no ramp, or no such step.
  Result<Decision> ramp(std::size_t step);
  // The variant cannot answer (it could not be loaded): its share goes to the control. Errors: it
  // is the control.
  Result<void> withdraw(std::size_t variant);

  // All that another process needs to go on, beside the keys (Evidence::take_keys).
  struct State {
    bool running = true, ramping = false, split_reported = false;
    std::optional<std::size_t> promoted;
    std::size_t step = 0;
    std::vector<double> configured;  // the spec's weights at the time, to see that they changed
    std::vector<double> given;       // weights in force, before what was taken from variants
    std::vector<bool> out;
    std::vector<double> kept;  // the share that a variant which is out keeps
    Evidence::State evidence;
  };
  State state() const;
  // Before the first request. False: the state is of another number of variants or guardrails, and
  // nothing has happened. Weights and steps that the configuration has changed win over the
  // state's.
  bool restore(const State& state);

  const Spec& spec() const { return *spec_; }
  const Split& split() const { return split_; }
  const Evidence& evidence() const { return *evidence_; }
  Evidence& evidence() { return *evidence_; }
  bool running() const { return running_; }
  std::optional<std::size_t> promoted() const { return promoted_; }
  bool ramping() const { return ramping_; }
  // Why the ramp waits, as the kHeld decision said it; empty: it does not.
  const std::string& hold() const { return hold_; }
  bool rolled_back(std::size_t variant) const { return out_[variant]; }
  std::size_t step() const { return step_; }  // of the ramp

 private:
  Experiment(std::unique_ptr<Spec> spec, Split split);

  std::vector<double> ramp_weights(std::size_t step) const;
  std::string shares_text() const;  // "js 90%, py 10%"
  void apply(const std::vector<double>& weights);
  void give_everybody(std::size_t variant);
  void roll_back(std::vector<Decision>& decisions);
  void climb(Nanos now, std::vector<Decision>& decisions);
  bool harmless(std::size_t variant, std::size_t guardrail) const;
  std::optional<double> requests_to_climb(std::size_t variant, std::size_t guardrail) const;

  std::unique_ptr<Spec> spec_;  // where evidence_ finds it, also when this is moved
  Split split_;
  std::unique_ptr<Evidence> evidence_;
  std::vector<double> given_;    // weights as they would be if no variant was out
  std::vector<bool> out_;        // rolled back, by variant
  std::vector<double> kept_;     // the share that such a variant keeps
  std::vector<bool> withdrawn_;  // cannot answer
  std::optional<std::size_t> promoted_;
  std::uint64_t salted_ = 0;  // hash_salt()
  std::string hold_;
  bool running_ = true;
  bool ramping_ = false;
  bool split_reported_ = false;
  bool held_ = false;  // reported for this step
  std::size_t step_ = 0;
  std::optional<Nanos> step_since_;
};

// About how many more requests of both arms it takes until a ratio of rates is known to be at most
// `most`, if the arms are equal; nothing when there was no event to judge by.
std::optional<double> requests_needed(const stats::EventTest& test, double requests, double most);

// About how many more requests of a variant it takes until its own rate of events is known to be at
// most `most`, if it stays what it is; nothing when it is not below that.
std::optional<double> requests_needed(const Evidence::Counts& counts, double most, double alpha);

}  // namespace duet::experiment
