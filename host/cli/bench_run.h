// Carries out a plan: starts the servers, tries them, runs the load, and stops them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "host/base/result.h"
#include "host/bench/generator.h"
#include "host/bench/plan.h"
#include "host/bench/summary.h"
#include "host/cli/bench_servers.h"
#include "host/cli/interrupt.h"

namespace duet::cli {

struct BenchResult {
  bench::Schedule schedule;  // with what became of each request
  bench::Rounds rounds;      // those that count
  std::vector<bench::Summary> arms;
  std::vector<std::string> trouble;  // by arm: why its connections broke; mostly empty
  bool interrupted = false;          // by a signal; what was complete is there
};

class BenchRun {
 public:
  // What is worth knowing while it goes on: lines for a person, and figures twice a second.
  struct Listener {
    std::function<void(const std::string& line)> note;
    std::function<void(const bench::Generator& generator, Nanos elapsed, Nanos length)> progress;
  };

  BenchRun(const bench::Plan& plan, Interrupt& interrupt, Listener listener)
      : plan_(plan), interrupt_(interrupt), listener_(std::move(listener)), servers_(interrupt) {}

  // Blocks for the whole run of `schedule`, which is the plan's. Errors: a server does not start or
  // cannot be reached, or it was interrupted before a round was complete.
  Result<BenchResult> run(bench::Schedule schedule);

 private:
  Result<bench::Target> target_of(const bench::ArmPlan& arm);
  Result<void> try_out(const bench::ArmPlan& arm, const bench::Target& target);
  Result<int> first_status(const bench::Target& target);
  void note_ended(const bench::ArmPlan& arm, std::string& trouble);
  void load(bench::Generator& generator, bench::Schedule& schedule);

  const bench::Plan& plan_;
  Interrupt& interrupt_;
  Listener listener_;
  BenchServers servers_;
};

}  // namespace duet::cli
