// Carries out a plan: starts the servers, tries them, runs the load, and stops them.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/base/result.h"
#include "host/bench/comparison.h"
#include "host/bench/fingerprint.h"
#include "host/bench/generator.h"
#include "host/bench/idle.h"
#include "host/bench/plan.h"
#include "host/bench/summary.h"
#include "host/cli/bench_capacity.h"
#include "host/cli/bench_cpu.h"
#include "host/cli/bench_servers.h"
#include "host/cli/interrupt.h"

namespace duet::cli {

// What was seen of an arm beside its requests. Memory is known of servers that were started here.
struct ArmState {
  std::uint32_t idle_open = 0;                // idle connections that were open to the end
  std::optional<std::int64_t> idle_growth;    // bytes, while the idle ones were opened
  std::optional<std::int64_t> resident;       // bytes at the end
  std::optional<std::int64_t> warm_resident;  // bytes at the end of the warm-up
  std::optional<CpuUse> cpu;                  // from there on; of hosts of our own
};

// One step of a ramp.
struct BenchStep {
  double rate = 0;  // requests a second
  std::vector<bench::Summary> arms;
};

struct BenchResult {
  bench::Schedule schedule;  // with what became of each request
  bench::Rounds rounds;      // those that count
  std::vector<bench::Summary> arms;
  bench::WarmUp warm_up;
  std::optional<bench::Comparison> comparison;  // none of a ramp, whose rounds are not alike
  std::vector<BenchStep> steps;                 // of a ramp, as far as they were complete
  std::vector<ArmState> states;                 // by arm
  std::vector<std::string> trouble;             // by arm: why its connections broke; mostly empty
  std::vector<std::string> gone;                // by arm: why nobody answers at the end; likewise
  std::vector<std::vector<double>> cpu;         // by arm and round, nanoseconds; empty: not known
  bench::Fingerprint fingerprint;               // what this was measured on
  bench::Disturbance disturbance;               // of the whole run, warm-up included
  Nanos started = 0;                            // nanoseconds since 1970
  bool interrupted = false;                     // by a signal; what was complete is there
  bool full = false;  // likewise: ended as more requests than kMostRequests are not kept
};

class BenchRun {
 public:
  // What is worth knowing while it goes on: lines for a person, figures of a load twice a second,
  // and what each trial of a search has changed.
  struct Listener {
    std::function<void(const std::string& line)> note;
    std::function<void(const bench::Generator& generator, Nanos elapsed, Nanos length)> progress;
    std::function<void(const std::vector<bench::CapacitySearch>& searches, std::size_t turn,
                       double rate, const bench::Trial& trial)>
        searched;
  };

  BenchRun(const bench::Plan& plan, Interrupt& interrupt, Listener listener)
      : plan_(plan),
        interrupt_(interrupt),
        listener_(std::move(listener)),
        servers_(interrupt, plan.pinning ? plan.pinning->servers : bench::Processors()) {}

  // Blocks for the whole run of `schedule`, which is the plan's. Errors: a server does not start or
  // cannot be reached, or it was interrupted before a round was complete.
  Result<BenchResult> run(bench::Schedule schedule);
  // Searches the highest rate at which each arm meets the plan's objective. Errors as for run();
  // interrupted, it has what was shown until then.
  Result<CapacityResult> search();

 private:
  Result<void> start_all();
  Result<bench::Trial> try_rate(std::uint16_t arm, double rate, std::uint64_t seed, Nanos length);
  Result<bench::Target> target_of(const bench::ArmPlan& arm);
  Result<void> try_out(const bench::ArmPlan& arm, const bench::Target& target);
  Result<int> first_status(const bench::Target& target);
  bool first_status_by_tls(bench::Target target);
  Result<void> open_idle();
  std::optional<std::int64_t> resident(std::size_t arm) const;
  std::optional<HostCpu> host_cpu(std::size_t arm) const;
  void read_warm(Nanos since_start);
  void read_end(const bench::Schedule& schedule);
  void note_ended(const bench::ArmPlan& arm, std::string& trouble);
  std::string why_gone(std::size_t arm, const bench::Summary& summary) const;
  void analyse(BenchResult& result) const;
  void load(bench::Generator& generator, bench::Schedule& schedule);
  std::vector<std::vector<pid_t>> processes() const;

  const bench::Plan& plan_;
  Interrupt& interrupt_;
  Listener listener_;
  BenchServers servers_;
  std::vector<bench::Target> targets_;                         // by arm
  std::vector<std::unique_ptr<bench::IdleConnections>> idle_;  // likewise; nullptr: none
  std::vector<ArmState> states_;                               // likewise
  std::vector<std::optional<HostCpu>> warm_cpu_;               // likewise
  Nanos warm_since_ = 0;  // when those were read, since the start of the run
};

}  // namespace duet::cli
