// Shadow traffic: requests that the control has answered are made again, inside the host, for the
// control and for one of the other variants, and the three answers are compared.
//
// The client never waits for it: a request is copied while it passes (ExchangeRecord), and nothing
// else is done until its last byte is out. Copies begin, and answers are compared, only in turns of
// the loop in which nothing else happened, one a turn; at most `concurrency` of an experiment are
// in flight, each for `deadline` at most. What finds no room or no idle turn in time is skipped and
// counted. What a handler does for a copy is on an account of its own (measure::Timeline::account),
// and no observer of the pipeline hears of it, so figures of production stay what they are. Only
// what a handler goes on doing after its answer to a copy (waitUntil) is the handler's.
//
// Loop's thread only.
#pragma once

#include <uv.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include "host/exchange_copy.h"
#include "host/experiment/live.h"
#include "host/experiment/shadow_counts.h"
#include "host/loop/timeout_queue.h"
#include "host/pipeline.h"

namespace duet {

class PipelineShadow final : public PipelineObserver, LoopObserver {
 public:
  // Of a body, and how many requests are kept, each with three answers: 16 MiB and the heads at
  // worst.
  static constexpr std::size_t kMostBytes = 64 * 1024;
  static constexpr std::size_t kMostSamples = 64;
  // What waits longer would be compared with an answer of another time.
  static constexpr Nanos kLongestWait = 10 * kSecond;

  // Everything outlives it. Registers with the loop, which it must not outlive.
  PipelineShadow(Loop& loop, ExchangeTable& exchanges, measure::Ledger& ledger, Pipeline& pipeline);
  ~PipelineShadow();  // after stop()
  PipelineShadow(const PipelineShadow&) = delete;
  PipelineShadow& operator=(const PipelineShadow&) = delete;

  struct Spec {
    double rate = 1;  // share of the control's requests
    Nanos deadline = 5 * kSecond;
    std::size_t concurrency = 4;
    bool safe = false;  // methods other than GET and HEAD are copied, too
    std::vector<std::string> ignore;
  };
  struct Target {
    measure::HandlerIndex handler = measure::kNoHandler;  // that production knows
    measure::HandlerIndex account = measure::kNoHandler;  // the same for copies, in the pipeline
    HandlerInfo info;
  };
  // For the experiment of that number; `targets` by variant.
  void add(std::uint32_t number, const experiment::Live& live, Spec spec,
           std::vector<Target> targets);

  // A request has been assigned, and is not dispatched yet.
  void chosen(Exchange& exchange);
  void over(const Exchange& exchange) noexcept override;

  // Nothing when the experiment has none.
  std::optional<experiment::ShadowSnapshot> snapshot(std::uint32_t number) const;
  // What of it survives the process; null: likewise.
  experiment::ShadowCounts* counts(std::uint32_t number);

  // Told when the counts of an experiment have changed outside of a request. May be empty.
  std::function<void()> on_changed;

  // Ends what is in flight; nothing begins any more.
  void stop();

 private:
  struct One;
  struct Sample;
  struct Running;

  void before_poll() noexcept override { reap(); }
  void after_poll() noexcept override;

  One* find(std::uint32_t number) const;
  std::optional<std::size_t> next_candidate(One& one) const;
  std::deque<std::unique_ptr<Sample>>::iterator startable();
  void begin_something();
  void begin_copy(std::unique_ptr<Sample> sample);
  void compare(const Sample& sample);
  void reap();
  void update_idle();
  void changed() const;

  Loop& loop_;
  ExchangeTable& exchanges_;
  measure::Ledger& ledger_;
  Pipeline& pipeline_;
  std::vector<std::unique_ptr<One>> all_;
  std::unordered_map<const ExchangeTap*, std::unique_ptr<Sample>> passing_;
  std::deque<std::unique_ptr<Sample>> waiting_;
  std::vector<std::unique_ptr<Running>> running_;
  uv_idle_t* idle_;  // closed asynchronously, so it outlives this
  std::mt19937_64 random_;
  bool stopped_ = false;
};

}  // namespace duet
