// An experiment in a host that serves: reads the key from the request, says which variant answers,
// keeps what came of it.
//
// It has no timer and no socket: time and requests are given to it, and whoever owns it calls
// look() about every 100 ms while something happens, and acts on the decisions. Loop's thread only.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/result.h"
#include "host/experiment/experiment.h"
#include "host/experiment/live_snapshot.h"
#include "host/experiment/live_spec.h"
#include "host/experiment/quantiles.h"
#include "host/http/message.h"
#include "host/measure/histogram.h"
#include "host/measure/variant_figures.h"
#include "host/stats/mean.h"

namespace duet::experiment {

class Live {
 public:
  // `wall`: seconds since 1970; a test gives its own. Errors: as Experiment::create.
  static Result<std::unique_ptr<Live>> create(LiveSpec spec, double (*wall)() = nullptr);

  // --- the path of a request ---

  struct Choice {
    std::size_t variant = 0;
    bool counted = false;
    Evidence::Ticket ticket = 0;  // when it is counted: ended() follows once
  };
  // Of a request that reached one of the routes at `arrival`. `key` gets what it was assigned by,
  // if that is a key, as a part of one of the others; `set_cookie` the field for a new visitor
  // ("Set-Cookie: ...\r\n"). Both are empty before. `remote_address` is read when the key is the
  // address. About 50 ns.
  Choice choose(const http::RequestHead& head, std::string_view remote_address, Nanos arrival,
                std::string_view& key, std::unique_ptr<std::string>& set_cookie);
  // Counts it now when it failed, else together with others: when there are enough of them, and
  // before anything is looked at or given out.
  void ended(const Choice& choice, const Ending& ending) {
    ++revision_;
    active_ = true;
    ended_[uncounted_++] = {ending, choice.ticket, static_cast<std::uint16_t>(choice.variant)};
    if (ending.failed || uncounted_ == ended_.size()) count_ended();
  }

  // Whether look() has anything to do: requests since the last one, or some that are not judged.
  bool needs_look() const { return active_ || experiment_.evidence().waiting() > 0; }
  // A failure of a variant came in: worth looking at once, so that fewer see another.
  bool urgent() const { return urgent_; }
  std::vector<Decision> look(Nanos now);

  // --- an operator's word; each is written down in the audit ---

  Result<Decision> start(const std::string& who);
  Decision stop(const std::string& who);
  Result<Decision> promote(std::string_view variant, const std::string& who);
  // `share` of each variant other than the control; without it the ramp, from the step it is on.
  Result<Decision> ramp(std::optional<double> share, const std::string& who);
  // One key gets one variant from now on, and is not counted; without a variant as before.
  Result<Decision> pin(const std::string& key, std::optional<std::string_view> variant,
                       const std::string& who);
  // The variant cannot answer: its share goes to the control. Errors: it is the control.
  Result<Decision> withdraw(std::size_t variant, const std::string& why);

  const LiveSpec& spec() const { return spec_; }
  const Experiment& experiment() const { return experiment_; }
  LiveSnapshot snapshot();
  // The same counts without what takes time to compute. `cpu` is left at 0.
  measure::ExperimentFigures figures();
  void audit(std::string who, std::string what);

  // --- for a store, which lets another process go on ---

  // All that takes, beside the keys, the audit, and what experiment.evidence.ended gets.
  struct State {
    struct OfVariant {
      measure::Histogram before, stage;  // total times: of earlier stages, of the present one
      std::uint64_t errors = 0, lost = 0;
      Nanos cpu = 0;
      stats::Moments runs;
      std::vector<double> quantiles;  // Quantiles::highest()
    };
    Experiment::State experiment;
    std::vector<OfVariant> variants;
    std::uint64_t unkeyed = 0, excluded = 0, overridden = 0, keyed = 0;
    std::optional<double> first_request;
    std::map<std::string, std::string> pins;  // key to variant
  };
  // `cpu`: of each variant, as VariantSnapshot's.
  State state(const std::vector<Nanos>& cpu);
  // Before the first request. False: it is of another experiment than this one, or no state at all;
  // nothing happened. `crashed`: the other process did not stop by itself, so that what it had in
  // flight failed.
  bool restore(State state, const std::vector<Evidence::Key>& keys, bool crashed);
  // Gathers from now on what take_keys() gives; or does so no more.
  void keep(bool on) { experiment_.evidence().keep(on); }
  // Keys, requests that ended and wait to be judged, and audit entries, since the last call.
  std::vector<Evidence::Key> take_keys() { return experiment_.evidence().take_keys(); }
  std::vector<ArrivalOrder::Ended> take_ended() {
    count_ended();
    return experiment_.evidence().take_ended();
  }
  std::vector<AuditEntry> take_audit();
  void restore_audit(std::vector<AuditEntry> entries);
  // Of a variant's requests: those of this process in the phase `run`, and VariantSnapshot::cpu of
  // those before it.
  Nanos run(std::size_t variant) {
    count_ended();
    return variants_[variant].runs.sum();
  }
  Nanos cpu_before(std::size_t variant) const { return variants_[variant].cpu_before; }
  // Differs from what it was when anything has changed.
  std::uint64_t revision() const { return revision_; }

 private:
  struct OfVariant {
    measure::Histogram stage_total, before;  // of this stage, of those before it
    std::uint64_t errors = 0;
    std::uint64_t in_flight = 0;
    std::uint64_t lost = 0;      // with an earlier process that had them in flight
    stats::IntegerMoments runs;  // of this process' requests in the phase `run`
    stats::Moments runs_before;  // of earlier ones
    Nanos cpu_before = 0;        // of earlier ones
    std::string unavailable;
    Quantiles quantiles;

    stats::Moments all_runs() const {
      stats::Moments all = runs_before;
      all.merge(runs.moments());
      return all;
    }
  };

  // A request that has ended and is not counted yet.
  struct Ended {
    Ending ending;
    Evidence::Ticket ticket = 0;
    std::uint16_t variant = 0;
  };
  // So many are counted together: code and figures are in the processor's first cache then, and do
  // not take the place there of what the next request needs.
  static constexpr std::size_t kTogether = 64;

  Live(LiveSpec spec, Experiment experiment, double (*wall)());
  void check_schedule(Nanos now);
  bool eligible(const http::RequestHead& head) const;
  void find_conditions();
  std::optional<std::size_t> asked_for(const http::RequestHead& head) const;
  std::optional<std::size_t> pinned_to(std::string_view key) const;
  // The request's key: empty when it has none, or when the keys are fresh random ones.
  std::string_view find_key(const http::RequestHead& head, std::string_view remote_address,
                            std::unique_ptr<std::string>& set_cookie);
  Experiment::Assigned assign_random();
  void count_ended();
  std::string_view new_visitor(std::unique_ptr<std::string>& set_cookie);
  void stage_began();
  Result<std::size_t> variant_called(std::string_view name) const;
  Decision told(Decision decision, const std::string& who);
  std::string state_name() const;
  VariantSnapshot variant_snapshot(std::size_t variant) const;

  enum class Schedule : std::uint8_t { kBefore, kDuring, kAfter };

  // First what each request touches, side by side: since the last one the kernel has had the cache.
  std::uint64_t revision_ = 0;
  std::uint64_t keyed_ = 0;
  std::uint64_t random_ = 0;   // state of the generator of fresh keys
  std::size_t uncounted_ = 0;  // of ended_
  std::optional<double> first_request_;
  Schedule schedule_ = Schedule::kDuring;
  bool active_ = false;
  bool urgent_ = false;
  bool conditional_ = false;  // it has times, conditions, pins, or a header that asks for a variant
  std::vector<OfVariant> variants_;
  Experiment experiment_;
  LiveSpec spec_;

  double (*wall_)();
  std::vector<double> stage_shares_;  // of the stage that stage_total and quantiles belong to
  std::map<std::string, std::size_t, std::less<>> pins_;
  std::deque<AuditEntry> audit_;
  std::size_t audit_taken_ = 0;  // how many of audit_ the store has
  std::uint64_t unkeyed_ = 0, excluded_ = 0, overridden_ = 0;
  Nanos check_schedule_at_ = 0;
  Nanos looked_at_ = 0;
  Nanos quantiles_at_ = 0;
  bool unkeyed_reported_ = false;
  std::array<Ended, kTogether> ended_;
};

}  // namespace duet::experiment
